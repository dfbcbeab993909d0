"""A limit that one odd sample neither holds back nor clears, and the time that something has held."""


class Stretch:
    """How long something has held without a break. A sample speaks for ``most_ms`` at most: two of them with an hour
    between are not an hour."""

    def __init__(self, most_ms: int):
        self._most_ms = most_ms
        self._at = None
        self._ms = 0

    def step(self, now: int, holds: bool) -> int:
        """Take a sample; ms for which it has held, 0 where it does not."""
        if not holds:
            self._at = None
            self._ms = 0
            return 0
        if self._at is not None:
            self._ms += min(now - self._at, self._most_ms)
        self._at = now
        return self._ms


class Limit:
    """``stands``: a value is, or was, at ``limit`` or over it; as it was before a reset, where ``stands`` is given.

    It comes ``on_ms`` after the first such value. What falls below for less than ``on_ms`` does not start that time
    anew, and what is lost in it counts as over. It goes when trusted values have stood below ``low`` for ``off_ms``.
    """

    def __init__(self, limit: float, low: float, on_ms: int, off_ms: int, most_ms: int, stands: bool = False):
        self.stands = stands
        self._limit = limit
        self._low = low
        self._on_ms = on_ms
        self._off_ms = off_ms
        self._since = None
        self._under = Stretch(most_ms)
        self._below = Stretch(most_ms)

    def step(self, now: int, value: float | None, trusted: bool) -> bool:
        """Judge a sample (``None``: lost); whether it stands."""
        known = value is not None
        over = known and value >= self._limit
        under_ms = self._under.step(now, known and not over)
        below_ms = self._below.step(now, known and trusted and value < self._low)
        if self.stands:
            self.stands = below_ms < self._off_ms
            return self.stands
        if over and self._since is None:
            self._since = now
        elif known and not over and under_ms >= self._on_ms:
            self._since = None
        self.stands = self._since is not None and (over or not known) and now - self._since >= self._on_ms
        if self.stands:
            self._since = None
        return self.stands
