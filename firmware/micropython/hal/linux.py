"""The unix port: its clock and memory, events on stdout."""

import asyncio
import gc
import json
import os
import select
import sys
import time

# Below 2025-01-01 the clock was never set.
_CLOCK_SET_S = 1735689600


def utc() -> float | None:
    """Seconds since 1970, ``None`` while the clock is not set."""
    now = time.time()
    return now if now >= _CLOCK_SET_S else None


def set_utc(seconds: float) -> None:
    """Nothing: the clock is the host's, and the host keeps it."""


def free_heap() -> int:
    """Bytes free on the heap, garbage not counted as free."""
    return gc.mem_free()


async def doze(ms: int, _deep: bool = False) -> None:
    """Wait ``ms``; the host sleeps as it likes."""
    await asyncio.sleep_ms(ms)


def learn_sleep() -> None:
    """Nothing: the host knows how."""


def entropy() -> int:
    """31 random bits."""
    return int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF


_room = select.poll()
_room.register(sys.stdout, select.POLLOUT)


def emit(event: str, **fields) -> None:
    """One JSON line on stdout. A bench that does not read loses lines; it never holds the board."""
    fields["event"] = event
    try:
        if _room.poll(0):
            sys.stdout.write(json.dumps(fields) + "\n")
    except OSError:
        pass
