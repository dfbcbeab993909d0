"""Python's garbage collector, set for a process that runs for months and may not pause.

What stands after the start stays until the end: it is not looked through again. Young objects are looked through once
a minute, not whenever some hundreds have come: at 5,000 readings a second that was a hundred and more times a second,
and up to 180 ms at a time, on the loop's thread or with its lock. Nearly everything goes without the collector; garbage
with cycles may wait, but not pile up: whoever makes us leave some with each request would have all of our memory, and
the pause that frees it grows faster than its number (10 ms for 33,000 objects, 360 ms for 230,000).
"""

import asyncio
import gc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_S = 0.5
LOOKS = 3
"""So many in a row must see them: a batch on its way to a store comes and goes between."""
ENOUGH = 10_000
"""Young objects that stay, and are worth a look: 3 ms."""
SWEEP_S = 60.0
MANY = 50_000
"""Young objects while a store works on a large batch: they go by themselves, and looking through them takes long."""
MOST_PUT_OFF = 10


@contextmanager
def quiet() -> Iterator[None]:
    """From here to the end of the block nobody looks through anything but `sweep`. Begin with it: what is read at a
    start stays, and to look through it again and again would be a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def settle() -> None:
    """What exists now is left alone until the end of `quiet`. It is not looked through first: data is taken already,
    and the little garbage of the start is not worth a pause of 0.1 s and more."""
    gc.freeze()


async def sweep() -> None:
    """Collect, until cancelled: the youngest as soon as there are enough that stay, everything once a minute."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_sweep_young())
        group.create_task(_sweep_all())


async def _sweep_young() -> None:
    seen: deque[int] = deque(maxlen=LOOKS)
    while True:
        await asyncio.sleep(LOOK_S)
        seen.append(gc.get_count()[0])
        if len(seen) == LOOKS and min(seen) >= ENOUGH:
            gc.collect(0)
            seen.clear()


async def _sweep_all() -> None:
    """Put off while there is much that will go by itself."""
    put_off = 0
    while True:
        await asyncio.sleep(SWEEP_S)
        put_off += 1
        if gc.get_count()[0] < MANY or put_off > MOST_PUT_OFF:
            put_off = 0
            gc.collect()
