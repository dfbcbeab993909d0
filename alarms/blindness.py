"""Blindness of many devices at once (safety rule S6): how pressing it is, and who is told of singly all the same.

When a line is cut, each of its devices keeps its own lost state and its own alarm. Only the announcement is grouped,
and not that of a device of which something was known that must not get lost in a group.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from alarms.group import Group
from alarms.rule import AlarmRule, Condition
from alarms.standing import Standing
from protocols.errors import UnitError
from protocols.limits import in_unit_of
from protocols.picture import Picture
from protocols.profile.model import Point, Profile
from protocols.quality import Quality

RANKS: Mapping[str, int] = {"low": 1, "medium": 2, "high": 3, "critical": 4}
"""Of priorities; 0 is none."""
NEAR = 0.5
"""Share of its low limit from which on a value makes a device one that is told of singly (S6)."""
RISING = 0.1
"""Share of its low limit by which a value rises in a minute that is rising. Of gas with a first limit of 10 %LEL that
is the 1 %LEL/min of BL-01. Proposed by this project."""
_LOSSES = frozenset(("blind", "lost"))
_LEVELS = frozenset(("high", "mean"))


Lows: TypeAlias = tuple[tuple[int, float | None], ...]
"""Points by index, with the lowest limit of each."""


def tells_of_loss(rule: AlarmRule) -> bool:
    """Whether the rule says that something cannot be seen, and nothing else: its alarms may be announced as a group."""
    return all(one.kind in _LOSSES for one in rule.any)


class Losses:
    """What the loss of devices is worth. Those of a type in areas of a kind are watched by the same rules, and what
    these say of them is looked up once."""

    def __init__(self) -> None:
        self._ranks: dict[tuple[Profile, str], int] = {}
        self._lows: dict[tuple[Profile, str], Lows] = {}

    def rank(self, group: Group, area_kind: str) -> int:
        """The highest priority that the loss of this device has, as in `RANKS`; 1 where no rule speaks of it."""
        kind = group.picture.profile, area_kind
        if kind not in self._ranks:
            ranks = (RANKS[rule.priority] for rule in _rules(group) if tells_of_loss(rule))
            self._ranks[kind] = max(ranks, default=1)
        return self._ranks[kind]

    def why_singly(self, group: Group, area_kind: str) -> tuple[str, ...]:
        """Why the device is announced by itself when its connection is lost: ``alarm`` (an alarm of it stands, or is
        latched), ``level``, ``rising``, ``over-range``, ``warm-up``; empty where nothing of this is so."""
        kind = group.picture.profile, area_kind
        if kind not in self._lows:
            self._lows[kind] = _lows(group)
        reasons = {"alarm"} if any(map(_stands, group.standings)) else set[str]()
        for index, low in self._lows[kind]:
            reasons.update(_of_point(group.picture, index, low))
        return tuple(sorted(reasons))


def _rules(group: Group) -> Iterator[AlarmRule]:
    return (one.bound.rule for one in group.standings if one.bound is not None)


def _stands(standing: Standing) -> bool:
    if not standing.record.state.stands:
        return False
    return standing.bound is None or not tells_of_loss(standing.bound.rule)


def _of_point(picture: Picture, index: int, low: float | None) -> Iterator[str]:
    """What is known of it from before."""
    seen = [one for one in (picture.known(index), picture.trusted(index)) if one is not None]
    if any(one.quality is Quality.BAD_OVER_RANGE for one in seen):
        yield "over-range"
    if any(one.quality is Quality.UNCERTAIN_WARM_UP for one in seen):
        yield "warm-up"
    if low is not None:
        if any(one.value >= NEAR * low for one in seen):
            yield "level"
        if picture.slope_per_minute(index) >= RISING * low:
            yield "rising"


def _lows(group: Group) -> Lows:
    """Of each life-safety point the lowest limit above zero that a rule has for it, in its unit."""
    profile = group.picture.profile
    conditions = [one for rule in _rules(group) for one in _flat(rule.any)]
    found = []
    for point in profile.points:
        if point.life_safety:
            limits = (_limit(profile, point, one) for one in conditions if one.role == point.role)
            found.append((point.index, min((one for one in limits if one is not None and one > 0), default=None)))
    return tuple(found)


def _flat(conditions: Iterable[Condition]) -> Iterator[Condition]:
    for one in conditions:
        yield one
        yield from one.of or ()


def _limit(profile: Profile, point: Point, condition: Condition) -> float | None:
    if condition.kind not in _LEVELS or condition.limit is None or condition.unit is None:
        return None
    try:
        return in_unit_of(profile, point, condition.limit, condition.unit)
    except UnitError:
        return None  # of another point of the same role
