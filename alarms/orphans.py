"""What a rule was when it raised an alarm, so that a changed one never clears it (S11).

The mark of a rule at a device type is a number made of everything that decides when it comes and goes: conditions,
delays, latch and reset of the rule, and unit, range and gas of the points that it looks at. What only says or ranks
it otherwise (titles, causes, priority) is not in it. An alarm keeps the mark of the rule that raised it; behind another
rule it is an orphan: that rule is judged beside it and can raise it anew, but when its condition goes the alarm stays
latched until a person settles it.
"""

import json
from dataclasses import astuple
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from alarms.alarm import AlarmRecord
from alarms.rule import AlarmRule, Condition
from alarms.states import AlarmState
from protocols.picture import Picture
from protocols.profile.model import Point, Profile

UNTOLD = 0
"""The state was stored by a release that kept no marks, or nothing was raised yet."""
UNKNOWN = 1
"""Nobody knows which rule raised a life-safety alarm: as if it were another one."""
_DECIDES = {"any", "on_delay_s", "accumulate", "on_reports", "off_delay_s", "latch", "reset"}
_LATCHED = (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED)


class Behind(Protocol):
    """A rule at one point of a device (`alarms.conditions.Bound`)."""

    @property
    def rule(self) -> AlarmRule: ...
    @property
    def point(self) -> Point: ...
    @property
    def mark(self) -> int: ...


@lru_cache(maxsize=8192)
def mark_of(rule: AlarmRule, profile: Profile) -> int:
    """The mark of the rule at devices of the profile; never `UNTOLD` or `UNKNOWN`. A key that a later release adds to a
    rule does not change it while it has its default."""
    roles = {role for one in _conditions(rule) for role in (one.role, one.flag_role)} - {None}
    points = [
        (point.name, point.type, point.unit, point.low, point.high, point.gas and astuple(point.gas))
        for point in profile.points
        if point.role in roles
    ]
    said = rule.model_dump(mode="json", include=_DECIDES, exclude_defaults=True)
    text = json.dumps([said, points], sort_keys=True)
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") + UNKNOWN + 1


def _conditions(rule: AlarmRule) -> list[Condition]:
    return [part for one in rule.any for part in (one.of or (one,))]


def stands(record: AlarmRecord, before: AlarmState) -> bool:
    """Whether a person has yet to hear of what was raised, in this state: its condition stands, or it is latched, or it
    was silenced before it was over. One that only waits for its acknowledgement is settled by that."""
    return record.active or record.unfinished or before in _LATCHED


def is_orphan(record: AlarmRecord, mark: int) -> bool:
    """Whether another rule raised what stands than that of ``mark``."""
    return record.mark not in (UNTOLD, mark) and stands(record, record.state)


def adopt(record: AlarmRecord, mark: int) -> None:
    """A record of before the restart has the rule of ``mark`` behind it now."""
    if record.mark == UNTOLD and record.life_safety and stands(record, record.state):
        record.mark = UNKNOWN
    elif record.mark in (UNTOLD, mark):
        record.mark = mark  # also where it is the same: one number for all of a rule, and not one each


def has_seen(behind: Behind, picture: Picture, since: int) -> bool:
    """Whether a fresh value of each input came since ``since`` (mono ns). A flag that was never sent is none: not every
    board has each."""
    if all(one.kind == "reported" for one in behind.rule.any):
        return True
    needed, flags = _inputs(behind.rule, behind.point, picture.profile)
    fresh = {point for point in needed | flags if (known := picture.known(point)) is not None and known.heard >= since}
    return needed <= fresh and all(point in fresh or picture.known(point) is None for point in flags)


def _inputs(rule: AlarmRule, point: Point, profile: Profile) -> tuple[set[int], set[int]]:
    """Indexes of the points that it looks at, and of the flags besides."""
    first = {one.role: one.index for one in reversed(profile.points)} | {point.role: point.index}
    joined = {part.role for one in rule.any for part in one.of or ()}
    flags = {one.flag_role for one in _conditions(rule)} | {one.role for one in rule.any if one.kind == "flag"}
    needed = {point.index} | {first[role] for role in joined if role in first}
    return needed, {first[role] for role in flags if role is not None and role in first} - needed
