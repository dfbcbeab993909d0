"""Picture: what is known of one device at one origin: the last value of each point, its trust and its trend.

Alarms and interlocks each keep pictures of their own from the same readings, so that neither depends on the
other. Absent points keep their last value. DRILL and SIMULATED readings have pictures of their own (S4).
"""

import math
from collections import deque
from typing import NamedTuple

from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Reading, Value

TREND_WINDOW_NS = 60 * SECOND
TREND_SAMPLES = 64
"""At most so many samples make a trend; a faster device is thinned to fit the window."""
FRESH_NS = 60 * SECOND
"""A value this much older than its device's last message is no proof any more (S9's limit for late readings)."""


class Known(NamedTuple):
    """The last value of one point; NaN where the device said only that it has none.

    ``at``: source clock, wall ns; ``heard``: when it arrived, mono ns.
    """

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
        self._warming: dict[int, int] = {}
        self._warm_up_max_ns = int(profile.file.profile.warm_up_max_s * SECOND)
        self._trend: dict[int, deque[tuple[int, float]]] = {
            point.index: deque(maxlen=TREND_SAMPLES)
            for point in profile.points
            if point.life_safety and point.type == "number"
        }

    def update(self, reading: Reading, now: Moment) -> None:
        """Take in a reading.

        One that is older than what is known is doubted (uncertain:clock): it may raise something, and clears
        nothing. A known stamp that lies in the future is no measure for that: some clock was wrong.
        """
        self.heard = now.mono
        self.lost = False
        self.newest_at = max(self.newest_at if self.newest_at <= now.wall else 0, reading.at)
        for index, value in enumerate(reading.values):
            number = _number(value)
            if math.isnan(number) and reading.quality[index] < Quality.BAD_OVER_RANGE:
                continue
            before = self._known.get(index)
            is_older = before is not None and reading.at < before.at <= now.wall
            quality = self._judge_warm_up(index, Quality(reading.quality[index]), now)
            known = Known(
                number, worse(quality, Quality.UNCERTAIN_CLOCK) if is_older else quality, reading.at, now.mono
            )
            self._known[index] = known
            if not is_older and _is_measured(known):
                self._trusted[index] = known
                self._follow(index, known)

    def recall(self, reading: Reading) -> None:
        """Take in what was measured before, and is known only now: it stands before a later blindness, no more."""
        for index, value in enumerate(reading.values):
            known = Known(_number(value), Quality(reading.quality[index]), reading.at, self.started)
            before = self._trusted.get(index)
            if _is_measured(known) and (before is None or before.at <= reading.at):
                self._trusted[index] = known

    def _judge_warm_up(self, index: int, quality: Quality, now: Moment) -> Quality:
        """A sensor that warms up for longer than its profile allows is faulty (S3)."""
        if quality is not Quality.UNCERTAIN_WARM_UP:
            self._warming.pop(index, None)
            return quality
        since = self._warming.setdefault(index, now.mono)
        return Quality.BAD_SENSOR_FAULT if now.mono - since > self._warm_up_max_ns else quality

    def _follow(self, index: int, known: Known) -> None:
        trend = self._trend.get(index)
        if trend is None or math.isinf(known.value):
            return
        if not trend or known.heard - trend[-1][0] >= TREND_WINDOW_NS // TREND_SAMPLES:
            trend.append((known.heard, known.value))

    def known(self, index: int) -> Known | None:
        """The last value of the point, whatever its quality; ``None`` when it was never sent."""
        return self._known.get(index)

    def trusted(self, index: int) -> Known | None:
        """The last value that was measured (good, uncertain or over range): what stood before it went blind.

        Test gas is left out (S8).
        """
        return self._trusted.get(index)

    def is_proof(self, known: Known) -> bool:
        """Whether the value may clear, reset or verify something: good, fresh, and its device is heard (S3)."""
        fresh = self.heard is not None and self.heard - known.heard <= FRESH_NS
        return known.quality.is_good and fresh and not self.lost

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


def _is_measured(known: Known) -> bool:
    if math.isnan(known.value) or known.quality is Quality.UNCERTAIN_UNDER_TEST:
        return False
    return not known.quality.is_bad or known.quality is Quality.BAD_OVER_RANGE


def _number(value: Value) -> float:
    return value if isinstance(value, float | int) else math.nan
