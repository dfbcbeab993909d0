"""Python's garbage collector, set for a process that runs for months and may not pause.

What stands after the start stays until the end: it is not looked through again. Young objects are looked through once
a minute, not whenever some hundreds have come: at 5,000 readings a second that was a hundred and more times a second,
and up to 180 ms at a time, on the loop's thread or with its lock. Nearly everything goes without the collector; garbage
with cycles may wait.
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

SWEEP_S = 60.0
MANY = 50_000
"""Young objects while a store works on a large batch: they go by themselves, and looking through them takes long."""
MOST_PUT_OFF = 10


@contextmanager
def settled() -> Iterator[None]:
    """From here to the end of the block what exists now is left alone, and the rest is looked at in `sweep`."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def sweep() -> None:
    """Collect once a minute, until cancelled; put off while there is much that will go by itself."""
    put_off = 0
    while True:
        await asyncio.sleep(SWEEP_S)
        put_off += 1
        if gc.get_count()[0] < MANY or put_off > MOST_PUT_OFF:
            put_off = 0
            gc.collect()
