"""One timer of the event loop for all that is due in the same slot of 20 ms.

With hundreds of connections the loop's own timers are a tenth of the cost of polling; here the callbacks of a slot
share one. A callback comes up to a slot late, never early.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

SLOT_S = 0.02

AT_ONCE = 100
"""Callbacks of a slot in one turn of the loop, some 3 ms: a leak that comes meanwhile must not wait for hundreds."""

Callback = Callable[[], None]


class Handle(Protocol):
    """A callback that is still to come."""

    def cancel(self) -> None:
        """Do not call it after all."""


class Timer(Protocol):
    """Monotonic time in seconds, and waking up at one; an asyncio loop is one, `SlotTimer` another."""

    def time(self) -> float:
        """Now."""

    def call_at(self, when: float, callback: Callback, /) -> Handle:
        """Call once at ``when``."""


class _Entry:
    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class SlotTimer:
    """A `Timer` on a running loop, to be shared by all buses and pollers of a gateway."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, deque[_Entry]] = {}
        self.time: Callable[[], float] = loop.time

    def call_at(self, when: float, callback: Callback, /) -> Handle:
        """Call in the first slot that starts at or after ``when``."""
        # The epsilon keeps a time exactly at a slot's start in that slot.
        slot = math.ceil(when / SLOT_S - 1e-6)
        entry = _Entry(callback)
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = entries = deque()
            self._loop.call_at(slot * SLOT_S, self._run, slot)
        entries.append(entry)
        return entry

    def _run(self, slot: int) -> None:
        self._call(self._slots.pop(slot))

    def _call(self, entries: deque[_Entry]) -> None:
        try:
            for _ in range(min(len(entries), AT_ONCE)):
                if (callback := entries.popleft().callback) is not None:
                    callback()
        finally:
            # Also when one raised, which the loop reports: the others of the slot must not sleep for ever for it.
            if entries:
                self._loop.call_soon(self._call, entries)
