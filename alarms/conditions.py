"""Conditions, bound to the points of one device."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from alarms import judging
from alarms.judging import AllOf, Judge, any_of
from alarms.orphans import mark_of
from alarms.rule import AlarmRule, Condition
from alarms.set_values import Sets, with_set_values
from alarms.together import Together
from alarms.windows import Fall, Frozen, HighMean, Rise, Window
from protocols.limits import in_unit_of
from protocols.moment import SECOND
from protocols.ordinary import Values, is_at_or_above, is_at_or_below
from protocols.profile.model import Point, Profile

Stirs: TypeAlias = Callable[[Values], bool]
FINAL_ROLES = ("valve", "fan", "intake")


class Part(NamedTuple):
    """A condition at a point. ``make``: its judge, with a memory of its own.

    ``limits``: index and value from which on a number makes it active; ``flags``: index of those that do when set;
    ``stirs``: whether other values may; ``heeds``: of which values a window has to be asked. Where every known value is
    good and nothing is lost, nothing else makes it active but a window that wakes (`alarms.windows.Window.wakes_at`).
    """

    make: Callable[[], Judge]
    limits: tuple[tuple[int, float], ...] = ()
    flags: tuple[int, ...] = ()
    stirs: tuple[Stirs, ...] = ()
    heeds: tuple[Stirs, ...] = ()


class Started(NamedTuple):
    """A rule at one point, with a memory of its own. ``windows``: to be told every reading; ``keys``: those of them
    that may make it active when they stir."""

    judge: Judge
    windows: tuple[Window, ...]
    keys: tuple[Window, ...]


class Bound(NamedTuple):
    """A rule at one point of a device. ``point`` is what the alarm shows; its index is in `Point`. ``mark``: what tells
    this rule from another one of its id (`alarms.orphans`). ``shared``: where it has no window of time."""

    rule: AlarmRule
    point: Point
    several: bool
    parts: tuple[Part, ...]
    mark: int
    shared: Started | None

    def start(self) -> Started:
        """Begin to judge: nothing is remembered yet. Of a rule that remembers nothing all have the same."""
        return self.shared or _start(self.parts)


def _start(parts: Iterable[Part]) -> Started:
    judges = [part.make() for part in parts]
    groups = [one.judges if isinstance(one, AllOf) else (one,) for one in judges]
    windows = tuple(one for group in groups for one in group if isinstance(one, Window))
    return Started(any_of(judges), windows, tuple(group[0] for group in groups if isinstance(group[0], Window)))


def bind(rule: AlarmRule, profile: Profile, sets: Sets = ()) -> list[Bound]:
    """The rule at each point it speaks of; empty where the device has none. ``sets``: what the site says of it."""
    points = points_of(rule, profile)
    found = [(with_set_values(rule, point, sets), point) for point in points]
    return [_bound(one, profile, point, several=len(points) > 1) for one, point in found if one is not None]


def points_of(rule: AlarmRule, profile: Profile) -> list[Point]:
    """The points that the rule speaks of at a device: what its alarms show.

    The first condition that names a point chooses the points (flags only where nothing else does); the flags of
    the others are OR-ed to each.
    """
    for condition in sorted(rule.any, key=lambda one: one.kind == "flag"):
        if condition.kind == "reported":
            return [point for point in profile.points if any(_is_reported_at(one, point) for one in rule.any)]
        matching = [point for point in profile.points if _matches(condition, point, profile)]
        if matching:
            return matching
    return []


def _bound(rule: AlarmRule, profile: Profile, point: Point, *, several: bool) -> Bound:
    parts: list[Part] = []
    for condition in rule.any:
        if condition.kind == "flag":
            flag = _first(condition.role, profile)
            if flag is not None:
                alone = len(rule.any) == 1 or point.index == flag.index
                parts.append(_flag(flag.index, alone=alone))
        elif _is_reported_at(condition, point) or _matches(condition, point, profile):
            parts.append(_part(condition, profile, point))
    started = _start(parts)
    shared = None if started.windows else started
    return Bound(rule, point, several, tuple(parts), mark_of(rule, profile), shared)


def _is_reported_at(condition: Condition, point: Point) -> bool:
    """A final element speaks of itself; what a station shows does under a role of its own."""
    if condition.kind != "reported":
        return False
    if condition.role is None or condition.role in FINAL_ROLES:
        return point.final_element and point.role in FINAL_ROLES and condition.role in (None, point.role)
    return point.role == condition.role


def _matches(condition: Condition, point: Point, profile: Profile) -> bool:
    if condition.of is not None:
        first, *others = condition.of
        return _matches(first, point, profile) and all(_place(one, point, profile) is not None for one in others)
    if point.role != condition.role:
        return False
    if condition.flag_role is not None and _first(condition.flag_role, profile) is None:
        return False
    gas = profile.file.point[point.index].gas
    return not condition.species or (gas is not None and gas.species in condition.species)


def _first(role: str | None, profile: Profile) -> Point | None:
    return next((one for one in profile.points if one.role == role), None)


def _place(condition: Condition, point: Point, profile: Profile) -> Point | None:
    """Where a condition of an ``all`` looks: at the same point if it may, else at the first that it speaks of."""
    return next((one for one in (point, *profile.points) if _matches(condition, one, profile)), None)


def _part(condition: Condition, profile: Profile, point: Point) -> Part:
    index = point.index
    match condition.kind:
        case "all":
            return _all(condition.of or (), profile, point)
        case "high" | "low" | "blind-rising" | "mismatch":
            return _at_limit(condition, profile, point)
        case "rise" | "fall" | "mean" | "frozen" | "together":
            return _window(condition, profile, point)
        case "flag":
            return _flag(index, alone=True)
        case "equals":
            codes = frozenset(map(float, condition.codes or ()))
            return Part(_same(judging.equals(index, codes)), stirs=(partial(_is_one_of, index, codes),))
        case kind:
            return Part(_same(_PLAIN[kind](index)))


_PLAIN: Mapping[str, Callable[[int], Judge]] = {
    "over-range": judging.over_range,
    "blind": judging.blind,
    "lost": judging.lost,
    "reported": lambda _index: judging.hold,
}


def _same(judge: Judge) -> Callable[[], Judge]:
    """Of a judge that remembers nothing, one is enough."""
    return lambda: judge


def _flag(index: int, *, alone: bool) -> Part:
    return Part(_same(judging.flag(index, alone=alone)), flags=(index,))


def _all(conditions: Sequence[Condition], profile: Profile, point: Point) -> Part:
    """Where the first is not active, neither are all. It may have been so before: only a reading that has its point,
    and a value there that does not make it active, changes nothing."""
    places = [(one, _place(one, point, profile)) for one in conditions]
    parts = [_part(one, profile, place) for one, place in places if place is not None]
    first = parts[0]
    absent = partial(_is_absent, point.index)
    stirs: tuple[Stirs, ...] = (
        absent,
        *first.stirs,
        *(partial(is_at_or_above, index, limit) for index, limit in first.limits),
        *(partial(_is_set, index) for index in first.flags),
    )
    return Part(lambda: AllOf([part.make() for part in parts]), stirs=stirs, heeds=first.heeds)


def _at_limit(condition: Condition, profile: Profile, point: Point) -> Part:
    assert condition.limit is not None
    assert condition.unit is not None
    index = point.index
    limit, below, above = (
        in_unit_of(profile, point, one, condition.unit)
        for one in (condition.limit, condition.limit - condition.deadband, condition.limit + condition.deadband)
    )
    if condition.kind == "high":
        return Part(_same(judging.high(index, limit, below)), limits=((index, limit),))
    if condition.kind == "low":
        return Part(_same(judging.low(index, limit, above)), stirs=(partial(is_at_or_below, index, limit),))
    if condition.kind == "mismatch":
        flag = _first(condition.flag_role, profile)
        assert flag is not None
        stirs = partial(_may_differ, index, flag.index, limit)
        return Part(_same(judging.mismatch(index, flag.index, limit, below)), stirs=(stirs,))
    assert condition.slope is not None
    slope = in_unit_of(profile, point, condition.slope, condition.unit)
    return Part(_same(judging.blind_rising(index, limit, slope)))


def _window(condition: Condition, profile: Profile, point: Point) -> Part:
    assert condition.over_s is not None
    assert condition.unit is not None
    index, unit, over = point.index, condition.unit, max(1, round(condition.over_s * SECOND))

    def step(size: float) -> float:
        return in_unit_of(profile, point, size, unit) - in_unit_of(profile, point, 0.0, unit)

    limit = None if condition.limit is None else in_unit_of(profile, point, condition.limit, unit)
    if condition.kind == "frozen":
        assert condition.within is not None
        return Part(partial(Frozen, index, 2 * step(condition.within), over))
    if condition.limit is not None and limit is not None and condition.kind in ("mean", "together"):
        gone = in_unit_of(profile, point, condition.limit - condition.deadband, unit)
        if condition.kind == "together":
            return Part(partial(Together, index, limit, gone, over), heeds=(Together.heeds(index, limit),))
        return Part(partial(HighMean, index, limit, gone, point.low, over), heeds=(HighMean.heeds(index, limit),))
    assert condition.by is not None
    kind = Rise if condition.kind == "rise" else Fall
    make = partial(kind, index, step(condition.by), step(condition.by - condition.deadband), limit, over)
    return Part(make, heeds=(kind.heeds(index, limit),))


# What an ordinary reading says at a point. A text never comes there: such a reading is not ordinary.


def _may_differ(index: int, flag_index: int, limit: float, values: Values) -> bool:
    """Where one of the two comes alone, the other is as it was told before: either may be so."""
    value, told = values[index], values[flag_index]
    if value is None and told is None:
        return False
    return bool(told) or told is None or not isinstance(value, float | int) or value >= limit


def _is_absent(index: int, values: Values) -> bool:
    return values[index] is None


def _is_set(index: int, values: Values) -> bool:
    return bool(values[index])


def _is_one_of(index: int, codes: Collection[float], values: Values) -> bool:
    return values[index] in codes
