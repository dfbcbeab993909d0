"""What the flags of a device say of its other values: a fault, a warm-up, a sensor that is locked.

Such a flag holds until it is itself sent cleared, also for values that come without it.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Reading
from protocols.telling import is_under_test, value_of


class Doubt(NamedTuple):
    """``older``: points of which something newer is known; ``is_late``: nobody knows how old the reading is."""

    older: Collection[int]
    is_late: bool


class Said(NamedTuple):
    """``held``: numbers of the quality rules that stand; ``absent``: those of them whose flag was not sent again."""

    held: frozenset[int]
    absent: list[int]


def follow_flags(profile: Profile, held: frozenset[int], reading: Reading, doubt: Doubt) -> Said:
    """What stands after a reading, where ``held`` stood before it. Only a good flag that is not older clears; one sent
    under test says nothing (S8)."""
    absent = []
    for number, rule in enumerate(profile.quality_rules):
        value = value_of(reading, rule.point)
        if value is None:
            if number in held:
                absent.append(number)
            continue
        if is_under_test(reading, rule.point) or (rule.point in doubt.older and not doubt.is_late):
            continue
        if value == rule.equals:
            held |= {number}
        elif number in held and reading.quality[rule.point] == Quality.GOOD and not doubt.is_late:
            held -= {number}
    return Said(held, absent)


def held_quality(profile: Profile, absent: Iterable[int], index: int, given: Quality) -> Quality:
    """The quality of a value that came with ``given``: a flag that stands and was not sent again still tells of it."""
    if given is Quality.UNCERTAIN_UNDER_TEST:
        return given
    for number in absent:
        rule = profile.quality_rules[number]
        if index in rule.affects:
            # the highest alarm level is not hidden by another bad reason (S3)
            over_range = rule.quality is Quality.BAD_OVER_RANGE
            given = rule.quality if over_range else worse(given, rule.quality)
    return given
