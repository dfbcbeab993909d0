"""Profile: a device type, compiled from its file for the hot path."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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

    def qualify(self, values: tuple[Value, ...]) -> tuple[int, ...]:
        """Quality of each value: type and range first, then what the device says of itself."""
        quality = [
            0 if value is None else point.quality_of(value).value
            for point, value in zip(self.points, values, strict=True)
        ]
        for rule in self.quality_rules:
            if values[rule.point] == rule.equals:
                for index in rule.affects:
                    quality[index] = worse(Quality(quality[index]), rule.quality).value
        return tuple(quality)


FindProfile = Callable[[str], Profile | None]
"""From a device id to its profile; ``None`` for an unknown device."""
