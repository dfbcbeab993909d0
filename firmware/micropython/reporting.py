"""When to report: every period, and at once when something that matters has changed."""

NOT_YET = 0
PERIODIC = 1
AT_ONCE = 2


class ReportGate:
    """``watched``: points whose every change goes out at once; ``jumps``: point -> smallest change that does."""

    def __init__(self, period_ms: int, watched: tuple, jumps: dict):
        self._period_ms = period_ms
        self._watched = watched
        self._jumps = jumps
        self._last = None
        self._next = 0

    def due(self, now: int, values: dict) -> int:
        """Whether ``values`` must go out now. What is not `NOT_YET` is taken as reported."""
        verdict = NOT_YET
        last = self._last
        if last is None or self._changed(last, values):
            verdict = AT_ONCE
        elif now >= self._next:
            verdict = PERIODIC
        if verdict:
            self._last = values
            self._next = now + self._period_ms
        return verdict

    def soon(self) -> None:
        """The next values are due."""
        self._next = 0

    def _changed(self, last: dict, values: dict) -> bool:
        for name in self._watched:
            if values[name] != last[name]:
                return True
        for name, jump in self._jumps.items():
            one, other = values[name], last[name]
            if one is None or other is None:
                # A value that is lost, or back, matters as much as a jump.
                if one is not other:
                    return True
            # Values are rounded to 0.01 at the finest: half of that forgives binary fractions.
            elif abs(one - other) >= jump - 0.005:
                return True
        return False
