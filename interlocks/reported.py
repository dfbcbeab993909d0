"""Reports of people as a cause: what somebody entered at an area of the zone, or near by, and nobody has withdrawn.

A report is no value: it has no vote, is never lost and proves nothing. It stands until a person withdraws it; then the
latch is reset like any other.
"""

from collections.abc import Iterable
from typing import NamedTuple

from interlocks.matrix import Cause
from interlocks.zone import Zone

KIND = "reported"


class Reported(NamedTuple):
    """``what``: a word of `protocols.report.WHATS`; ``area``: id of the area that it was reported at."""

    what: str
    area: str


class ReportedNear:
    """Of one cause in one zone: whether any report stands that makes the cause stand."""

    def __init__(self, cause: Cause, zone: Zone) -> None:
        self._whats = frozenset(when.role for when in cause.when if when.kind == KIND)
        self._areas = frozenset(zone.near)
        self.stands = False

    def follow(self, reports: Iterable[Reported]) -> bool:
        """These reports stand now, all over the site; whether that changes anything here."""
        before = self.stands
        self.stands = any(one.what in self._whats and one.area in self._areas for one in reports)
        return self.stands != before
