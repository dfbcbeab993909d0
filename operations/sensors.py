"""SensorWatch: keeps, from readings, what the sensor permissives of plans ask (safety rule S16).

Each reading is judged as it comes, so that a short rise between two looks is not missed. Kept in memory only: after
a restart every «for the whole time» begins anew. Origins are kept apart: a drill cannot fulfil a live condition.
"""

import math
import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alarms.engine import LATE_AFTER_NS, LOST_PERIODS
from operations.conditions import Fact
from operations.plan import Sensor
from protocols.errors import UnitError
from protocols.limits import in_unit_of
from protocols.moment import SECOND, Moment
from protocols.profile.model import Point, Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading


class Detector(NamedTuple):
    """A fixed device of an area. ``period_s``: how often it reports."""

    device: str
    area: str
    profile: Profile
    period_s: float


Limit = tuple[float, str]
"""Below which value, in which UCUM unit."""


class _Seen:
    """One point of one device at one origin. ``held``: for each limit since when (mono ns) the point has been good,
    fresh and below it without a break."""

    __slots__ = ("at", "heard", "held", "quality", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self.quality = Quality.BAD_MISSING
        self.at = 0
        self.heard: int | None = None
        self.held: dict[Limit, int] = {}


class SensorWatch:
    """All detectors of a site. Thread-safe: readings come from one thread, questions from others."""

    def __init__(self, detectors: Iterable[Detector], conditions: Iterable[Sensor], now: Moment) -> None:
        """``conditions``: those of all plans, so that their time runs before anybody asks for them."""
        self._detectors: dict[str, Detector] = {}
        self._by_area: dict[str, list[Detector]] = {}
        self._followed: set[tuple[object, ...]] = set()
        self._take_over(detectors)
        self._limits: dict[tuple[str, int], dict[Limit, float]] = {}
        self._seen: dict[tuple[str, int, Origin], _Seen] = {}
        self._started = now.mono
        self._lock = threading.Lock()
        self._permissives = [sensor for sensor in conditions if sensor.kind == "permissive"]
        for sensor in self._permissives:
            self._watch(sensor)

    def rewatch(self, detectors: Iterable[Detector]) -> None:
        """The site was changed: these are its detectors now. What held at one that is another now begins anew."""
        with self._lock:
            before = self._detectors
            self._take_over(detectors)
            same = {device for device, one in self._detectors.items() if before.get(device) == one}
            self._limits = {key: limits for key, limits in self._limits.items() if key[0] in same}
            self._seen = {key: seen for key, seen in self._seen.items() if key[0] in same}
            for sensor in self._permissives:
                self._watch(sensor)

    def observe(self, reading: Reading, now: Moment) -> None:
        """Take in one reading. Late ones (S9) and older ones than the newest can break a condition, never hold it."""
        detector = self._detectors.get(reading.device)
        if detector is None:
            return
        with self._lock:
            for index, value in enumerate(reading.values):
                limits = self._limits.get((reading.device, index))
                quality = Quality(reading.quality[index])
                if limits is not None and (value is not None or not quality.is_good):
                    seen = self._seen.setdefault((reading.device, index, reading.origin), _Seen())
                    number = float(value) if isinstance(value, float | int) else None
                    _take(seen, _Sample(number, quality, reading.at), limits, _fresh_for(detector), now)

    def lost(self, device: str) -> None:
        """The transport knows that the device does not answer: whatever held is broken."""
        with self._lock:
            for (name, _, origin), seen in self._seen.items():
                if name == device and origin is Origin.LIVE:
                    seen.heard = None
                    seen.held.clear()

    def facts(self, area: str, sensor: Sensor, origin: Origin, now: Moment) -> list[Fact]:
        """Every point of the area that the condition speaks of, those that never spoke included."""
        with self._lock:
            limit = self._watch(sensor)
            return [
                self._fact(detector, point, limit, origin, now)
                for detector in self._by_area.get(area, ())
                for point in detector.profile.points
                if _speaks_of(sensor, point)
            ]

    def watching_s(self, now: Moment) -> float:
        """Seconds since the watch was made."""
        return (now.mono - self._started) / SECOND

    def _take_over(self, detectors: Iterable[Detector]) -> None:
        self._detectors = {detector.device: detector for detector in detectors}
        self._by_area, self._followed = {}, set()
        for detector in self._detectors.values():
            self._by_area.setdefault(detector.area, []).append(detector)

    def _watch(self, sensor: Sensor) -> Limit:
        """Begin to follow a condition at every point it speaks of."""
        limit = (sensor.below or 0.0, sensor.unit or "")
        asked = (limit, sensor.role, sensor.also_roles, sensor.species)
        if asked in self._followed:
            return limit
        self._followed.add(asked)
        for detector in self._detectors.values():
            for point in detector.profile.points:
                if _speaks_of(sensor, point):
                    limits = self._limits.setdefault((detector.device, point.index), {})
                    if limit not in limits:
                        limits[limit] = _in_unit_of(detector.profile, point, limit)
        return limit

    def _fact(self, detector: Detector, point: Point, limit: Limit, origin: Origin, now: Moment) -> Fact:
        seen = self._seen.get((detector.device, point.index, origin)) or _Seen()
        fresh = seen.heard is not None and now.mono - seen.heard <= _fresh_for(detector)
        below = seen.value is not None and seen.value < self._limits[detector.device, point.index][limit]
        since = seen.held.get(limit)
        held_s = (now.mono - since) / SECOND if fresh and since is not None else 0.0
        return Fact(detector.device, point.name, seen.value, point.unit, seen.quality, seen.at, fresh, below, held_s)


class _Sample(NamedTuple):
    """One value of one point."""

    value: float | None
    quality: Quality
    at: int


def _take(seen: _Seen, sample: _Sample, limits: Mapping[Limit, float], fresh_for: int, now: Moment) -> None:
    old = now.wall - sample.at > LATE_AFTER_NS or sample.at < seen.at
    gap = seen.heard is None or now.mono - seen.heard > fresh_for
    for limit, in_own_unit in limits.items():
        good = sample.quality.is_good and sample.value is not None and sample.value < in_own_unit
        if not good or gap:
            seen.held.pop(limit, None)
        if good and not old:
            seen.held.setdefault(limit, now.mono)
    if not old:
        seen.value, seen.quality, seen.at, seen.heard = sample.value, sample.quality, sample.at, now.mono


def _in_unit_of(profile: Profile, point: Point, limit: Limit) -> float:
    """The limit in the point's own unit. Where the two cannot be compared (S12) it is not a number, which nothing is
    below: such a detector speaks against the condition instead of being left out of it."""
    try:
        return in_unit_of(profile, point, *limit)
    except UnitError:
        return math.nan


def _fresh_for(detector: Detector) -> int:
    return int(LOST_PERIODS * detector.period_s * SECOND)


def _speaks_of(sensor: Sensor, point: Point) -> bool:
    if point.role not in (sensor.role, *sensor.also_roles):
        return False
    return not sensor.species or (point.gas is not None and point.gas.species in sensor.species)
