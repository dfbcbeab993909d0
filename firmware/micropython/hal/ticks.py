"""Time since start, on all ports."""

import time


class Ticks:
    """Milliseconds since start. The port's own counter wraps; this one does not.

    Call it at least once in six days: the shortest counter, 30 bits of milliseconds, shows no longer gap.
    """

    def __init__(self):
        self._now = 0
        self._last = time.ticks_ms()

    def __call__(self) -> int:
        ticks = time.ticks_ms()
        self._now += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._now
