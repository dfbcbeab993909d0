"""Detectors that a bump test can prove, and the marks on what they say meanwhile.

A detector is one point with a gas, or the alarm bit of a device that sends no value. Beside the point itself those
flags are marked that speak of it: its alarm and over-range bits. What says something else is not: a fault, the valve,
a flame, another sensor of the same board.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from alarms.conditions import Bound
from protocols.profile.model import Point, Profile
from protocols.quality import Quality
from protocols.reading import Reading

ALARM_BIT = "alarm-bit"
_OWN_ALARM_BIT = {"co": "co-alarm-bit"}
"""Where a board has this bit for the role, its general alarm bit does not speak of it (S20)."""
_UNDER_TEST = int(Quality.UNCERTAIN_UNDER_TEST)


class Detector(NamedTuple):
    """``limit``: level 1 of ``point``, in its unit (1 of a flag). ``flags``: by index, the values that say nothing of
    test gas, and are not marked."""

    point: Point
    limit: float
    flags: Mapping[int, frozenset[float]]

    def mark(self, reading: Reading) -> Reading:
        """The reading with what speaks of the test gas marked as under test. Over range is marked too, with a value and
        without; no other reason why there is no value is."""
        index = self.point.index
        marks = list(reading.quality)
        for at, value in enumerate(reading.values):
            if at == index:
                if isinstance(value, float | int) or marks[at] == Quality.BAD_OVER_RANGE:
                    marks[at] = _UNDER_TEST
            elif at in self.flags and isinstance(value, float | int) and value not in self.flags[at]:
                marks[at] = _UNDER_TEST
        return msgspec.structs.replace(reading, quality=tuple(marks))

    def seen(self, reading: Reading) -> float | None:
        """What the reading, not marked yet, proves that the detector saw; ``None`` where it proves nothing (S3)."""
        index = self.point.index
        if index >= len(reading.values) or reading.quality[index] != Quality.GOOD:
            return None
        value = reading.values[index]
        return float(value) if isinstance(value, float | int) else None


def detectors(profile: Profile, bound: Iterable[Bound]) -> dict[str, Detector]:
    """The detectors of a device by the name of their point. ``bound``: the alarm rules that watch it; a point that no
    life-safety rule has a limit for is none."""
    rules = list(bound)
    gases = [point for point in profile.points if point.gas is not None and point.life_safety]
    points = gases or [point for point in profile.points if point.role == ALARM_BIT]
    limits = ((point, _level_1(point, rules)) for point in points)
    return {point.name: Detector(point, limit, _flags(profile, point)) for point, limit in limits if limit is not None}


def _level_1(point: Point, bound: Iterable[Bound]) -> float | None:
    """The lowest limit that a life-safety rule of level 1 has for it, else that any has; ``None`` without one."""
    found = [
        (one.rule.level != 1, limit)
        for one in bound
        if one.rule.life_safety
        for part in one.parts
        for index, limit in (*part.limits, *((flag, 1.0) for flag in part.flags))
        if index == point.index
    ]
    return min(found)[1] if found else None


def _flags(profile: Profile, point: Point) -> dict[int, frozenset[float]]:
    roles = {one.role for one in profile.points}
    own = _OWN_ALARM_BIT.get(point.role or "", ALARM_BIT)
    bits = {own if own in roles else ALARM_BIT} | ({"over-range-bit"} if point.role == "gas" else set())
    speaking = {one.index for one in profile.points if one.role in bits}
    speaking |= {
        rule.point
        for rule in profile.quality_rules
        if point.index in rule.affects and rule.quality is Quality.BAD_OVER_RANGE
    }
    return {index: _says_nothing(profile, index) for index in speaking - {point.index}}


def _says_nothing(profile: Profile, index: int) -> frozenset[float]:
    """Zero (no alarm), and what the same point says of a fault or a warm-up."""
    others = {
        rule.equals
        for rule in profile.quality_rules
        if rule.point == index and rule.quality is not Quality.BAD_OVER_RANGE
    }
    return frozenset({0.0, *others})
