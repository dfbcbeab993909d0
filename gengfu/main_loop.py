"""The event loop of a program, from its first line to its end by Ctrl-C or SIGTERM, which may come at any time."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

SWITCH_INTERVAL_S = 0.0005
"""How long another thread may keep the interpreter from the event loop: a leak must not wait 5 ms for a store."""
ENDS = (signal.SIGINT, signal.SIGTERM)


async def until_signal(stop: asyncio.Event) -> None:
    """Return at Ctrl-C, SIGTERM, or when ``stop`` is set. More signals change nothing about the end that has begun."""
    loop = asyncio.get_running_loop()
    for number in ENDS:
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on uvloop, with `SWITCH_INTERVAL_S`. A signal before `until_signal` cancels it: what was started
    is stopped in order, and nothing is said about it."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)

    async def call() -> None:
        start = _Start(asyncio.current_task())
        for number in ENDS:
            asyncio.get_running_loop().add_signal_handler(number, start.cancel)
        try:
            await main()
        except asyncio.CancelledError:
            if not start.cancelled:
                raise

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())


class _Start:
    """Cancelled once: a second Ctrl-C must not break into the end that the first has begun."""

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self._task = task
        self.cancelled = False

    def cancel(self) -> None:
        if not self.cancelled and self._task is not None:
            self.cancelled = True
            self._task.cancel()
