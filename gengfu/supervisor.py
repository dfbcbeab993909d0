"""Runs the long-lived tasks of a process; the one place that may catch every exception.

A task that dies is logged with its traceback, counted, and started again with back-off: one broken connection
must not stop the watch over the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter

log = logging.getLogger("gengfu.supervisor")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
"""Of a task that watches over life-safety points too (safety rule S23)."""
WELL_AFTER_S = 60.0
"""A task that ran so long was well: its next death is its first again."""


class Supervisor:
    """Starts tasks by name and keeps them running until `stop`."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._restarts = Counter(
            "gengfu_task_restarts",
            "Background tasks that died and were started again",
            ["task"],
            registry=metrics,
        )

    def run(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run ``work`` until it returns, is cancelled or the supervisor stops; start it again when it raises."""
        task = asyncio.create_task(self._keep(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
            except Exception:
                pause = FIRST_PAUSE_S if loop.time() - began >= WELL_AFTER_S else pause
                log.exception("task %s died; starting it again in %.1f s", name, pause)
                self._restarts.labels(name).inc()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                return

    async def stop(self) -> None:
        """Cancel every task and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
