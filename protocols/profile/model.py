"""Profile: a device type, compiled from its file for the hot path."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from protocols.gas import GasBasis
from protocols.profile.schema import ProfileFile
from protocols.quality import Quality, worse
from protocols.reading import Value


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a profile. ``index`` is its place in `Reading.values`; ``low``/``high`` the measuring range
    (``low`` with the slack taken off). ``gas``: what a concentration speaks of; ``codes``: those of an enumeration.
    """

    index: int
    name: str
    type: str
    unit: str
    role: str | None
    life_safety: bool
    final_element: bool
    senml: str
    low: float
    high: float
    gas: GasBasis | None = None
    codes: frozenset[float] = frozenset()

    def quality_of(self, value: Value) -> Quality:
        """Quality from type, codes and range alone; an absent value is good (it says nothing)."""
        if value is None:
            return Quality.GOOD
        if self.type == "text":
            return Quality.GOOD if isinstance(value, str) else Quality.BAD_TYPE
        if isinstance(value, str) or math.isnan(value) or (self.codes and value not in self.codes):
            return Quality.BAD_TYPE
        if value > self.high:
            return Quality.BAD_OVER_RANGE
        return Quality.BAD_UNDER_RANGE if value < self.low else Quality.GOOD


class Plain(NamedTuple):
    """What a number must be to be good without another look: within the range, and a code where there are codes.

    A text point has an empty range: its values always need the other look.
    """

    low: float
    high: float
    codes: frozenset[float]


def plain_of(point: Point) -> Plain:
    """The values of ``point`` that `Point.quality_of` says nothing but good of; not all of them (a whole number)."""
    is_text = point.type == "text"
    return Plain(math.inf, -math.inf, point.codes) if is_text else Plain(point.low, point.high, point.codes)


@dataclass(frozen=True, slots=True)
class QualityRule:
    """`QualityPart` by index."""

    point: int
    equals: float
    affects: tuple[int, ...]
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A device type. ``id`` is ``vendor/model``; ``file`` holds everything the file says.

    Two profiles are equal only when they are the same object, so that one can be a key (of a cache, for example).
    """

    id: str
    kind: str
    file: ProfileFile
    points: tuple[Point, ...]
    quality_rules: tuple[QualityRule, ...]
    by_name: Mapping[str, Point] = field(repr=False)
    by_senml: Mapping[str, Point] = field(repr=False)
    plain: tuple[Plain, ...] = field(repr=False)

    def qualify(self, values: tuple[Value, ...]) -> tuple[int, ...]:
        """Quality of each value: type and range first, then what the device says of itself."""
        if len(values) != len(self.points):
            raise ValueError(f"{self.id} has {len(self.points)} points, not {len(values)}")
        quality = [0] * len(values)
        for index, value in enumerate(values):
            if value is None:
                continue
            # The test for the ordinary value stands here too: a call of `Point.quality_of` costs four times as much.
            low, high, codes = self.plain[index]
            if value.__class__ is not float or not low <= value <= high or (codes and value not in codes):
                quality[index] = self.points[index].quality_of(value).value
        for rule in self.quality_rules:
            if values[rule.point] == rule.equals:
                for index in rule.affects:
                    quality[index] = worse(Quality(quality[index]), rule.quality).value
        return tuple(quality)


FindProfile = Callable[[str], Profile | None]
"""From a device id to its profile; ``None`` for an unknown device."""
