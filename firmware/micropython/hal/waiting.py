"""How a task waits for a stream without holding the others: MicroPython only."""

import asyncio


def _queued(stream):
    # What MicroPython's own streams wait with; they have no public way to wait without also reading, nor has a stub it.
    yield asyncio.core._io_queue.queue_read(stream)  # pyright: ignore[reportAttributeAccessIssue]


async def readable(stream) -> None:
    """Until ``stream`` (file, UART or socket) can be read, or has hung up."""
    # MicroPython awaits any generator; CPython, by whose rules it is checked, does not.
    await _queued(stream)  # pyright: ignore[reportGeneralTypeIssues]
