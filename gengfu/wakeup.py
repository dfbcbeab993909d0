"""Wakes the watch when it has something due: one timer for the next instant, no ticking.

Due times are rounded up to a common grid, so that many delays share one wake-up.
"""

import asyncio
from collections.abc import Callable

from gengfu import clock

GRID_NS = 20_000_000


class Wakeup:
    """Calls ``tick`` when ``due`` (mono ns, or ``None``) has come. Call `again` whenever ``due`` may be earlier."""

    def __init__(self, due: Callable[[], int | None], tick: Callable[[], None]) -> None:
        self._due = due
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._set_for = 0
        self._is_closed = False

    def again(self) -> None:
        """Look at the next due time and set the timer if it is earlier than the one set."""
        if self._is_closed:
            return
        due = self._due()
        if due is None or (self._timer is not None and self._set_for <= due):
            return
        due = -(-due // GRID_NS) * GRID_NS
        if self._timer is not None:
            if self._set_for == due:
                return
            self._timer.cancel()
        self._set_for = due
        delay_s = max(0, due - clock.now().mono) / 1e9
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        try:
            self._tick()
        finally:
            self.again()  # whatever went wrong with one alarm, the others are still due

    def close(self) -> None:
        """Stop, whatever is heard afterwards: devices are silent then because nobody listens any more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
