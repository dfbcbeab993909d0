"""Bypassed detectors: one cause does not trip at them for a time (safety rules, «Rules for every matrix»).

It is never for over-range: what a bypassed detector says while it is over its measuring range trips all the same. In a
vote it has failed and never counts as «no» (S7). Alarms know nothing of it and go on.
"""

from collections.abc import Callable
from typing import NamedTuple

from interlocks.matrix import Cause, When
from protocols.picture import Picture
from protocols.quality import Quality
from protocols.term import Term

Test = Callable[[Picture], bool]
OVER_RANGE_BIT = "over-range-bit"


class Bypassed(NamedTuple):
    """``cause``: of the interlock's matrix. It ends with its ``term``: early, never late (S10)."""

    cause: str
    devices: frozenset[str]
    term: Term


def in_spite_of_it(when: When, index: int, test: Test) -> Test:
    """What trips at a bypassed detector all the same. ``index``: of the point that ``test`` looks at."""
    if _is_of_over_range(when):
        return test
    return lambda picture: _is_over_range(picture, index) and test(picture)


def may_be_bypassed(cause: Cause) -> bool:
    """Whether anything of the cause speaks of something else than over range."""
    return not all(_is_of_over_range(when) for when in cause.when)


def _is_of_over_range(when: When) -> bool:
    return when.kind == "over-range" or when.role == OVER_RANGE_BIT


def _is_over_range(picture: Picture, index: int) -> bool:
    known = picture.known(index)
    return known is not None and known.quality is Quality.BAD_OVER_RANGE
