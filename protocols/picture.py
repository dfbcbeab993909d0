"""Picture: what is known of one device at one origin: the last value of each point, its trust and its trend.

Alarms and interlocks each keep pictures of their own from the same readings, so that neither depends on the
other. Absent points keep their last value. DRILL and SIMULATED readings have pictures of their own (S4).
"""

import math
from collections import deque
from typing import NamedTuple

from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Reading, Value

TREND_WINDOW_NS = 60 * SECOND
TREND_SAMPLES = 64
"""At most so many samples make a trend; a faster device is thinned to fit the window."""


class Known(NamedTuple):
    """The last value of one point; NaN where the device said only that it has none. ``at``: source clock, wall ns; ``heard``: when it arrived, mono ns."""

    value: float
    quality: Quality
    at: int
    heard: int


class Picture:
    """The picture of one (device, origin). Text points are left out: nothing is judged by text.

    ``started``: the mono time it was made, from which silence counts until the first reading (S10).
    """

    def __init__(self, profile: Profile, started: int) -> None:
        self.profile = profile
        self.started = started
        self.heard: int | None = None
        self.newest_at = 0
        self.lost = False
        self._known: dict[int, Known] = {}
        self._trusted: dict[int, Known] = {}
        self._trend: dict[int, deque[tuple[int, float]]] = {
            point.index: deque(maxlen=TREND_SAMPLES)
            for point in profile.points
            if point.life_safety and point.type == "number"
        }

    def update(self, reading: Reading, now: Moment) -> None:
        """Take in a fresh reading. Values older than what is known are left out."""
        self.heard = now.mono
        self.lost = False
        self.newest_at = max(self.newest_at, reading.at)
        for index, value in enumerate(reading.values):
            number = _number(value)
            if math.isnan(number) and reading.quality[index] < Quality.BAD_OVER_RANGE:
                continue
            before = self._known.get(index)
            if before is not None and before.at > reading.at:
                continue
            known = Known(number, Quality(reading.quality[index]), reading.at, now.mono)
            self._known[index] = known
            if math.isnan(number):
                continue
            if not known.quality.is_bad or known.quality is Quality.BAD_OVER_RANGE:
                self._trusted[index] = known
                self._follow(index, known)

    def _follow(self, index: int, known: Known) -> None:
        trend = self._trend.get(index)
        if trend is None:
            return
        if not trend or known.heard - trend[-1][0] >= TREND_WINDOW_NS // TREND_SAMPLES:
            trend.append((known.heard, known.value))

    def known(self, index: int) -> Known | None:
        """The last value of the point, whatever its quality; ``None`` when it was never sent."""
        return self._known.get(index)

    def trusted(self, index: int) -> Known | None:
        """The last value that was measured (good, uncertain or over range): what stood before it went blind."""
        return self._trusted.get(index)

    def slope_per_minute(self, index: int) -> float:
        """Rise in point units per minute, up to the last measured value; 0.0 where fewer than two samples tell.

        Least squares over the 60 s before the last sample. It is not a forecast.
        """
        samples = self._trend.get(index)
        if not samples:
            return 0.0
        last = samples[-1][0]
        window = [(at - last, value) for at, value in samples if last - at <= TREND_WINDOW_NS]
        mean_t = sum(t for t, _ in window) / len(window)
        mean_v = sum(v for _, v in window) / len(window)
        spread = sum((t - mean_t) ** 2 for t, _ in window)
        rise = sum((t - mean_t) * (v - mean_v) for t, v in window)
        return rise / spread * 60 * SECOND if spread else 0.0

    def silent_for(self, now: Moment) -> int:
        """Mono ns since the device was heard, or since the picture was made."""
        return now.mono - (self.started if self.heard is None else self.heard)


def _number(value: Value) -> float:
    return value if isinstance(value, float | int) else math.nan
