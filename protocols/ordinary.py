"""Ordinary readings: what can be told of one at a glance, without weighing value by value.

Nearly every reading is ordinary: it has the same points as the one before it, all of them good and finite numbers, and
no flag of it marks another value. What is the same for all devices of a type is kept once, so that it stays in the
processor's cache while thousands of devices report.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import TypeAlias

from protocols.profile.model import Profile
from protocols.reading import Reading, Value

Numbers: TypeAlias = tuple[float, ...]
Values: TypeAlias = tuple[Value, ...]
Limits: TypeAlias = tuple[tuple[int, float], ...]

MOST_KINDS = 64
"""Sets of points that are remembered per device type: a board sends a few; whoever sends any, is weighed each time."""
_FLOAT_MAX = sys.float_info.max


class Ordinary:
    """The ordinary readings of a device type that have a number at the same points.

    ``points``: their indexes, in order; ``is_whole``: every life-safety point is among them.
    """

    __slots__ = ("_flags", "_gaps", "_good", "_marks", "_not_text", "_pick", "_size", "is_whole", "points")

    def __init__(self, kinds: "Kinds", points: tuple[int, ...]) -> None:
        self.points = points
        self.is_whole = kinds.life_safety <= set(points)
        self._good = kinds.good
        self._size = len(kinds.good)
        self._flags, self._marks = kinds.flags, kinds.marks
        self._not_text = kinds.not_text
        self._gaps = kinds.judged - len(points)
        self._pick = None if len(points) == self._size else picker(points)

    def numbers(self, reading: Reading) -> Numbers | None:
        """The numbers at ``points``; ``None`` for a reading that is not one of these."""
        values = reading.values
        if reading.quality != self._good or len(values) != self._size:
            return None
        picked = values if self._pick is None else self._pick(values)
        if self._gaps and (values if self._not_text is None else self._not_text(values)).count(None) != self._gaps:
            return None
        try:
            total = sum(picked)  # type: ignore[arg-type]  # what is no number raises, and that is asked here
        except (TypeError, OverflowError):
            return None
        # All are finite where their sum is; or they are so large that they are weighed one by one.
        if not -_FLOAT_MAX <= total <= _FLOAT_MAX or (self._flags is not None and any(self._flags(values))):
            return None
        for point, equals in self._marks:
            if values[point] == equals:
                return None
        return picked  # type: ignore[return-value]  # all were added


class Kinds:
    """What the ordinary readings of one device type have in common, and the sets of points they come with.

    ``flags``: picks the flags that mark other values when they are set; ``marks``: (index, value) of other points that
    do. ``judged``: how many points are no texts; ``not_text`` picks them where there are texts. ``empty``: without a
    number at any point.
    """

    def __init__(self, profile: Profile) -> None:
        points = profile.points
        self.good = (0,) * len(points)
        self.life_safety = {point.index for point in points if point.life_safety}
        flags = {rule.point for rule in profile.quality_rules if points[rule.point].type == "flag" and rule.equals}
        self.flags = picker(sorted(flags)) if flags else None
        self.marks = tuple(
            (rule.point, rule.equals) for rule in profile.quality_rules if rule.point not in flags or not rule.equals
        )
        judged = [point.index for point in points if point.type != "text"]
        self.judged = len(judged)
        self.not_text = None if len(judged) == len(points) else picker(judged)
        self._indexes = judged
        self.empty = Ordinary(self, ())
        self._kinds: dict[tuple[int, ...], Ordinary] = {(): self.empty}

    def like(self, reading: Reading) -> Ordinary | None:
        """Those that have a value at the same points as this reading; ``None`` where it has another number of points
        than the type. Whether it is one of them, `Ordinary.numbers` tells."""
        values = reading.values
        if len(values) != len(self.good):
            return None
        points = tuple(index for index in self._indexes if values[index] is not None)
        found = self._kinds.get(points)
        if found is None:
            found = Ordinary(self, points)
            if len(self._kinds) < MOST_KINDS:
                self._kinds[points] = found
        return found


@lru_cache(maxsize=256)
def kinds_of(profile: Profile) -> Kinds:
    """What is known of the ordinary readings of a device type."""
    return Kinds(profile)


class Band:
    """What values may be without a condition being met. ``limits``: index and the value from which on one is;
    ``flags``: indexes that must not be set; ``needed``: indexes that must have a value."""

    __slots__ = ("_flags", "_limits", "_needed")

    def __init__(self, limits: Limits, flags: tuple[int, ...], needed: tuple[int, ...]) -> None:
        self._limits = limits
        self._flags = picker(flags) if flags else None
        self._needed = picker(needed) if needed else None

    def holds(self, values: Values) -> bool:
        """Whether these are so. A text at a limit is not."""
        for index, limit in self._limits:
            value = values[index]
            if value is not None and (isinstance(value, str) or value >= limit):
                return False
        if self._flags is not None and any(self._flags(values)):
            return False
        return self._needed is None or None not in self._needed(values)


def band_of(limits: Iterable[tuple[int, float]], flags: Collection[int], needed: Collection[int] = ()) -> Band:
    """The band with these limits, of which the lowest of an index counts. Devices of a type have nearly always the same
    one, and share it."""
    lowest: dict[int, float] = {}
    for index, limit in limits:
        lowest[index] = min(limit, lowest.get(index, limit))
    return _band(tuple(lowest.items()), tuple(sorted(set(flags))), tuple(needed))


@lru_cache(maxsize=1024)
def _band(limits: Limits, flags: tuple[int, ...], needed: tuple[int, ...]) -> Band:
    return Band(limits, flags, needed)


def is_at_or_above(index: int, limit: float, values: Values) -> bool:
    """Whether the reading has a number there that is. A text never comes there: such a reading is not ordinary."""
    value = values[index]
    return isinstance(value, float | int) and value >= limit


def is_at_or_below(index: int, limit: float, values: Values) -> bool:
    """Whether the reading has a number there that is."""
    value = values[index]
    return isinstance(value, float | int) and value <= limit


def picker(indexes: Iterable[int]) -> Callable[[Values], Values]:
    """Picks the values at these indexes."""
    wanted = tuple(indexes)
    if len(wanted) == 1:
        return itemgetter(slice(wanted[0], wanted[0] + 1))  # of one index it would give no tuple
    return itemgetter(*wanted) if wanted else lambda _values: ()
