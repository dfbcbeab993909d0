"""Reports of people: what somebody smelled, saw or was told of, entered by a named person.

A report that stands is an alarm of its area, and a cause of the interlocks that look at it (`interlocks.reported`). It
stands over a restart, until a person withdraws it with a reason; withdrawing resets no latch. It never opens anything.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import msgspec

from alarms.engine import AlarmEngine
from gateway.errors import NoSuchReport, ReportRefused
from gateway.pipeline import Verdict
from interlocks.engine import InterlockEngine
from interlocks.reported import Reported
from journal.entry import Entry, partition_of
from protocols.moment import SECOND, Moment
from protocols.reading import Origin
from protocols.report import (
    KEPT,
    KIND,
    LONGEST_PHONE,
    LONGEST_TEXT,
    OLDEST_S,
    STATE,
    Report,
    decode_report,
    encode_report,
    report_id,
    told_of,
)
from protocols.request import OperatorRequest

RULES: dict[str, str] = {"works-damage": "WD-01", "odour": "OD-01", "fire-seen": "FS-01"}
"""Which alarm rule tells of what is reported."""
MOST = 500
"""Reports that stand at once; a desk that has so many withdraws some first. Proposed by this project."""

_Alarm: TypeAlias = tuple[str, str]
"""Device and rule."""


class Ways(NamedTuple):
    """``places``: ids of the devices at which an alarm of what was reported at an area is raised; none where there is
    no such area. ``is_place``: whether there is such a device. ``origin``: what the gateway's devices are.
    ``settle``: the interlocks and alarms were told something, and may have decided something."""

    alarms: AlarmEngine
    interlocks: InterlockEngine
    places: Callable[[str, str], tuple[str, ...]]
    is_place: Callable[[object], bool]
    origin: Origin
    settle: Callable[[Moment], None]


class Reports:
    """All of a gateway. ``standing``: by id, those that nobody has withdrawn. ``_past``: ids of the last that somebody
    has, oldest first."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.standing: dict[str, Report] = {}
        self._past: list[str] = []
        self._raised: dict[Origin, frozenset[_Alarm]] = {}

    # -- what people ask -------------------------------------------------------------------------------------

    def enter(self, request: OperatorRequest, now: Moment, origin: Origin | None = None) -> Verdict:
        """Enter one; the caller stores the verdict. ``request.target``: `protocols.report.report_target`; ``why``: what
        was said; ``for_s``: how long ago it was noticed, seconds; ``measure``: the caller's phone. ``origin``: of a
        report that is part of a drill (S4); else that of the gateway. The same request twice is one report.
        Raises `ReportRefused`, `NoSuchReport`."""
        told = told_of(request.target)
        if told is None or not self._ways.places(told.what, told.area):
            raise NoSuchReport("no such area, or nothing that can be reported: name it as area~what")
        _admit(request)
        if len(self.standing) >= MOST:
            raise ReportRefused(f"{MOST} reports stand already: withdraw those that were looked into")
        entered = min(request.asked_at, now.wall)
        one = Report(
            report_id(told.area, request.id), told.what, told.area, self._ways.origin if origin is None else origin,
            request.why.strip(), request.who, entered, entered - int((request.for_s or 0.0) * SECOND),
            request.measure.strip(),
        )  # fmt: skip
        self.standing[one.id] = one
        self._tell(one.origin, now)
        return _told(one, "entered", now)

    def withdraw(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Take one back; the caller stores the verdict. ``request.target``: its id; ``why``: the reason. Latches stay.
        Raises `ReportRefused`, `NoSuchReport`."""
        one = self.standing.get(request.target)
        if one is None:
            raise NoSuchReport(f"no report {request.target!r} stands; see GET /api/v1/reports")
        if not request.who:
            raise ReportRefused("withdrawing a report needs the name of the person who does it")
        if not request.why.strip():
            raise ReportRefused("withdrawing a report needs a reason, for the record")
        del self.standing[one.id]
        self._tell(one.origin, now)
        by, why = request.who, request.why.strip()
        gone = msgspec.structs.replace(one, withdrawn_at=now.wall, withdrawn_by=by, withdrawn_why=why)
        verdict = _told(gone, "withdrawn", now)
        self._past.append(gone.id)
        forgotten, self._past = self._past[:-KEPT], self._past[-KEPT:]
        return Verdict(verdict.entries, {**verdict.state, **{STATE + name: None for name in forgotten}})

    # -- what comes of it ------------------------------------------------------------------------------------

    def _tell(self, origin: Origin, now: Moment) -> None:
        """The interlocks first, as with readings; then the alarms."""
        stand = [one for one in self.standing.values() if one.origin is origin]
        self._ways.interlocks.heed((Reported(one.what, one.area) for one in stand), origin, now)
        self._ways.settle(now)
        told = {(one.what, one.area) for one in stand if one.what in RULES}  # others are of a later release
        raised = frozenset((place, RULES[what]) for what, area in told for place in self._ways.places(what, area))
        for place, rule in sorted(self._raised.get(origin, frozenset()) - raised):
            self._ways.alarms.report(place, rule, False, now, origin)
        for place, rule in sorted(raised):
            self._ways.alarms.report(place, rule, True, now, origin)
        self._raised[origin] = raised
        self._ways.settle(now)

    def due(self) -> int | None:
        """Nothing of a report waits for time."""
        return None

    def tick(self, now: Moment) -> None:
        """Time changes no report."""

    def follow_site(self, now: Moment) -> None:
        """The site was changed, and alarms and interlocks follow it already: what stands is told anew. The alarm of an
        area that is gone is an orphan, for a person to settle (S11); its report stands until it is withdrawn."""
        for origin in sorted({one.origin for one in self.standing.values()}):
            told = self._raised.get(origin, frozenset())
            self._raised[origin] = frozenset(one for one in told if self._ways.is_place(one[0]))
            self._tell(origin, now)

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """After a restart: what stood stands."""
        every = [decode_report(body) for key, body in state.items() if key.startswith(STATE)]
        self.standing = {one.id: one for one in sorted(every, key=lambda one: one.at) if one.stands}
        past = sorted((one for one in every if not one.stands), key=lambda one: one.withdrawn_at)
        self._past = [one.id for one in past]
        self.follow_site(now)


def _admit(request: OperatorRequest) -> None:
    if not request.who:
        raise ReportRefused("a report needs the name of the person who enters it")
    if not request.why.strip() or len(request.why) > LONGEST_TEXT:
        raise ReportRefused(f"a report says what was noticed, in at most {LONGEST_TEXT} characters")
    if len(request.measure) > LONGEST_PHONE:
        raise ReportRefused(f"a phone number has at most {LONGEST_PHONE} characters")
    if request.for_s is not None and not 0 <= request.for_s <= OLDEST_S:
        raise ReportRefused(f"it was noticed between now and {OLDEST_S:g} s ago: correct the time")


def _told(one: Report, word: str, now: Moment) -> Verdict:
    """That one was entered or withdrawn, to be stored."""
    body = encode_report(one)
    entry = Entry(KIND, f"{one.id}~{word}", partition_of(one.area), now.wall, body)
    return Verdict([entry], {STATE + one.id: body})
