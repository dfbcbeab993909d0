"""Conditions, bound to the points of one device: is it so, has it gone, or can nobody tell?

`Judgement.HOLD` is the third answer: a value inside the dead band, an absent one, or one that is not good. It
neither raises nor clears (S3).
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from alarms.rule import AlarmRule, Condition
from protocols.limits import in_unit_of
from protocols.picture import Picture
from protocols.profile.model import Point, Profile
from protocols.quality import Quality


class Judgement(Enum):
    """What a condition says of a picture."""

    ACTIVE = "active"
    CLEAR = "clear"
    HOLD = "hold"


Judge = Callable[[Picture], Judgement]


class Bound(NamedTuple):
    """A rule at one point of a device. ``point`` is what the alarm shows; its index is in `Point`.

    ``limits``: index and value from which on a number makes it active; ``flags``: index of those that do when set.
    Where every known value is good and nothing is lost, nothing else makes it active.
    """

    rule: AlarmRule
    point: Point
    judge: Judge
    several: bool
    limits: tuple[tuple[int, float], ...]
    flags: tuple[int, ...]


def bind(rule: AlarmRule, profile: Profile) -> list[Bound]:
    """The rule at each point it speaks of; empty where the device has none.

    The first condition that names a point chooses the points (flags only where nothing else does); the flags of
    the others are OR-ed to each.
    """
    points = _points(rule.any, profile)
    return [_bound(rule, profile, point, several=len(points) > 1) for point in points]


def _bound(rule: AlarmRule, profile: Profile, point: Point, *, several: bool) -> Bound:
    judges: list[Judge] = []
    limits: list[tuple[int, float]] = []
    flags: list[int] = []
    for condition in rule.any:
        if condition.kind == "flag":
            flag = next((one.index for one in profile.points if one.role == condition.role), None)
            if flag is not None:
                flags.append(flag)
                judges.append(_flag(flag, alone=len(rule.any) == 1 or point.index == flag))
        elif condition.kind == "reported" or _matches(condition, point, profile):
            judges.append(_judge(condition, profile, point))
            if condition.kind == "high":
                limits.append((point.index, _limit(condition, profile, point)))
    return Bound(rule, point, _any(judges), several, tuple(limits), tuple(flags))


def _points(conditions: Iterable[Condition], profile: Profile) -> list[Point]:
    for condition in sorted(conditions, key=lambda one: one.kind == "flag"):
        if condition.kind == "reported":
            return [point for point in profile.points if point.role in ("valve", "fan") and point.final_element]
        matching = [point for point in profile.points if _matches(condition, point, profile)]
        if matching:
            return matching
    return []


def _matches(condition: Condition, point: Point, profile: Profile) -> bool:
    if point.role != condition.role:
        return False
    gas = profile.file.point[point.index].gas
    return not condition.species or (gas is not None and gas.species in condition.species)


def _any(judges: list[Judge]) -> Judge:
    if len(judges) == 1:
        return judges[0]

    def judge(picture: Picture) -> Judgement:
        found = [one(picture) for one in judges]
        if Judgement.ACTIVE in found:
            return Judgement.ACTIVE
        return Judgement.HOLD if Judgement.HOLD in found else Judgement.CLEAR

    return judge


def _judge(condition: Condition, profile: Profile, point: Point) -> Judge:
    match condition.kind:
        case "high":
            assert condition.limit is not None
            assert condition.unit is not None
            limit = _limit(condition, profile, point)
            gone = in_unit_of(profile, point, condition.limit - condition.deadband, condition.unit)
            return _high(point.index, limit, gone)
        case "over-range":
            return _over_range(point.index)
        case "blind-rising":
            assert condition.limit is not None
            assert condition.unit is not None
            assert condition.slope is not None
            limit = _limit(condition, profile, point)
            slope = in_unit_of(profile, point, condition.slope, condition.unit)
            return _blind_rising(point.index, limit, slope)
        case "blind":
            return _blind(point.index)
        case _:
            return lambda _picture: Judgement.HOLD


def _limit(condition: Condition, profile: Profile, point: Point) -> float:
    """The condition's limit in the point's own unit."""
    assert condition.limit is not None
    assert condition.unit is not None
    return in_unit_of(profile, point, condition.limit, condition.unit)


def _high(index: int, limit: float, gone: float) -> Judge:
    def judge(picture: Picture) -> Judgement:
        known = picture.known(index)
        if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        if known.value >= limit:
            return Judgement.ACTIVE
        return _clear_if_trusted(picture, index) if known.value < gone else Judgement.HOLD

    return judge


def _flag(index: int, *, alone: bool) -> Judge:
    """``alone``: nothing else could say that it is clear, so a flag that was never heard does not."""
    unheard = Judgement.HOLD if alone else Judgement.CLEAR

    def judge(picture: Picture) -> Judgement:
        known = picture.known(index)
        if known is None:
            return unheard
        if known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        return Judgement.ACTIVE if known.value else _clear_if_trusted(picture, index)

    return judge


def _over_range(index: int) -> Judge:
    def judge(picture: Picture) -> Judgement:
        known = picture.known(index)
        if known is None:
            return Judgement.HOLD
        if known.quality is Quality.BAD_OVER_RANGE:
            return Judgement.ACTIVE
        return _clear_if_trusted(picture, index)

    return judge


def _blind_rising(index: int, limit: float, slope: float) -> Judge:
    def judge(picture: Picture) -> Judgement:
        if not is_blind(picture, index):
            return _clear_if_trusted(picture, index)
        last = picture.trusted(index)
        if last is None:
            return Judgement.HOLD
        rising = last.value >= limit or picture.slope_per_minute(index) >= slope
        return Judgement.ACTIVE if rising else Judgement.HOLD

    return judge


def _blind(index: int) -> Judge:
    def judge(picture: Picture) -> Judgement:
        if is_blind(picture, index):
            return Judgement.ACTIVE
        return _clear_if_trusted(picture, index)

    return judge


def is_blind(picture: Picture, index: int) -> bool:
    """Whether the point cannot be seen now: its device is lost, it alone is not sent any more, or its value is bad
    (over range is seen)."""
    known = picture.known(index)
    if picture.is_lost(index):
        return True
    return known is not None and known.quality.is_bad and known.quality is not Quality.BAD_OVER_RANGE


def _clear_if_trusted(picture: Picture, index: int) -> Judgement:
    return Judgement.CLEAR if picture.is_proof(index) else Judgement.HOLD
