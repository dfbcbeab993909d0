"""Whether the canary is heard: when it was seen on the desk last, and whether it is missing. Pure; time is an argument.

The canary itself is `gengfu.own_devices.canary`: a SIMULATED test alarm through decoder, rules, journal and boards,
acknowledged by the way that people's acts take.
"""

from console.duty.figures import CanaryFigures
from protocols.moment import SECOND, Moment


class CanaryWatch:
    """Due ``every_s`` after it was seen last, or after the watch began; missing ``within_s`` later."""

    def __init__(self, figures: CanaryFigures, now: Moment) -> None:
        self._every = int(figures.every_s * SECOND)
        self._within = int(figures.within_s * SECOND)
        self._wanted = now.mono + self._every
        self.seen_at = 0
        self.took_s: float | None = None
        self.is_missing = False

    def seen(self, took_s: float, now: Moment) -> None:
        """It went all the way. ``took_s``: from its bytes to the desk."""
        self.seen_at, self.took_s = now.wall, took_s
        self._wanted = now.mono + self._every
        self.is_missing = False

    def missing_s(self, now: Moment) -> float:
        """For how long it is overdue; 0 while it is not."""
        return max(0, now.mono - self._wanted) / SECOND

    def tick(self, now: Moment) -> bool:
        """Let time act; whether anything changed."""
        before = self.is_missing
        self.is_missing = now.mono >= self._wanted + self._within
        return self.is_missing is not before

    def due(self) -> int | None:
        """When `tick` can change something, mono ns."""
        return None if self.is_missing else self._wanted + self._within
