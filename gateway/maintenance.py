"""Maintenance mode: the diagnostic alarms of a device or an area are suppressed by design for a time (safety rule S8).

Life safety stays armed: nothing here touches an alarm that life hangs on, or an interlock. What stands at the end
alarms again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple, cast, get_args

import msgspec

from alarms.actions import Action, Verb
from alarms.alarm import AlarmRecord
from alarms.engine import AlarmEngine
from alarms.errors import ActionRefused, NoSuchAlarm
from alarms.states import AlarmState
from device_registry.devices import Device, Site
from gateway.errors import ModeRefused, NoSuchMode
from gateway.mode_request import admit
from gateway.pipeline import Verdict
from journal.entry import Entry, partition_of
from protocols.maintenance import KIND as MAINTENANCE
from protocols.maintenance import LONGEST_S, STATE, Maintenance, Scope, decode_maintenance, encode_maintenance
from protocols.moment import Moment
from protocols.reading import Origin
from protocols.request import OperatorRequest
from protocols.term import term_of

_SILENT = (AlarmState.SUPPRESSED_BY_DESIGN, AlarmState.OUT_OF_SERVICE)


class Ways(NamedTuple):
    """``perform``: what a person does to an alarm; its verdict is to be stored. ``boot``: as in `protocols.term.Term`.
    ``store`` takes what no request caused."""

    site: Site
    alarms: AlarmEngine
    perform: Callable[[Action, Moment], Verdict]
    boot: str
    store: Callable[[Verdict], None]


class MaintenanceMode:
    """All maintenance of a gateway. ``running``: by id."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self.running: dict[str, Maintenance] = {}

    def begin(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Silence the diagnostics of ``request.target`` (``device-id~device`` or ``area-id~area``); the caller stores
        the verdict. Raises `ModeRefused`, `NoSuchMode`."""
        admit(request, LONGEST_S, "maintenance")
        target, _, scope = request.target.rpartition("~")
        devices = self._devices(target, scope)
        if request.target in self.running:
            raise ModeRefused(f"{request.target} is under maintenance already; end that first")
        assert request.for_s is not None
        alarms = tuple(self._diagnostics(devices))
        one = Maintenance(
            request.target, target, cast(Scope, scope), term_of(request.for_s, self._ways.boot, now),
            request.who, request.why.strip(), alarms,
        )  # fmt: skip
        silenced = [self._act("suppress", alarm, one, f"maintenance: {one.why}", now) for alarm in alarms]
        self.running[one.id] = one
        return _all_of([*silenced, _told(one, now)])

    def end(self, request: OperatorRequest, now: Moment) -> Verdict:
        """End one before its time; the caller stores the verdict. Raises `ModeRefused`, `NoSuchMode`."""
        if not request.who:
            raise ModeRefused("ending maintenance needs the name of the person who does it")
        one = self.running.get(request.target)
        if one is None:
            raise NoSuchMode(f"no maintenance {request.target!r} goes on; see GET /api/v1/maintenance")
        return self._end(one, now, request.who, request.why.strip())

    def _devices(self, target: str, scope: str) -> list[Device]:
        devices = self._ways.site.devices
        if scope not in get_args(Scope):
            raise ModeRefused(f"maintenance is of a device or an area, not of {scope!r}")
        if target not in (devices if scope == "device" else self._ways.site.areas):
            raise NoSuchMode(f"{scope} {target!r} is not registered")
        return [one for one in devices.values() if target == (one.id if scope == "device" else one.area.id)]

    def _diagnostics(self, devices: Iterable[Device]) -> Iterator[str]:
        for device in devices:
            for standing in self._ways.alarms.group_of(device.id, Origin.LIVE).standings:
                record = standing.record
                if self._is_diagnostic(record) and record.state not in _SILENT:
                    yield record.alarm

    def _is_diagnostic(self, record: AlarmRecord) -> bool:
        rule = self._ways.alarms.rules.get(record.rule)
        return rule is not None and rule.alarm_class == "diagnostic" and not record.life_safety

    # -- how it ends -----------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return min((one.term.until_mono for one in self.running.values()), default=None)

    def tick(self, now: Moment) -> None:
        """End what is over."""
        for one in tuple(self.running.values()):
            if one.term.is_over(now):
                self._ways.store(self._end(one, now, "", "time"))

    def follow_site(self, now: Moment) -> None:
        """The site or its rules were changed: nothing that is no diagnostic any more stays silent."""
        if not self.running:
            return
        records = {record.alarm: record for record in self._ways.alarms.records()}
        for one in tuple(self.running.values()):
            still = tuple(name for name in one.alarms if name in records and self._is_diagnostic(records[name]))
            if still != one.alarms:
                freed = [self._free(name, one, now) for name in one.alarms if name not in still]
                self.running[one.id] = kept = msgspec.structs.replace(one, alarms=still)
                self._ways.store(_all_of([*freed, Verdict([], _state(kept))]))

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """After a restart, when the alarms are loaded: go on where it is certain how long it has lasted; else it is
        over."""
        for key, body in state.items():
            if not key.startswith(STATE):
                continue
            one = decode_maintenance(body)
            if not one.is_running:
                continue
            self.running[one.id] = one
            if not one.term.survives(self._ways.boot, now):
                why = "time" if one.term.is_over(now) else "restart"
                self._ways.store(self._end(one, now, "", why))
        self.follow_site(now)

    def _end(self, one: Maintenance, now: Moment, by: str, why: str) -> Verdict:
        del self.running[one.id]
        freed = [self._free(alarm, one, now) for alarm in one.alarms]
        return _all_of(
            [*freed, _told(msgspec.structs.replace(one, ended_at=now.wall, ended_by=by, ended_why=why), now)]
        )

    def _free(self, alarm: str, one: Maintenance, now: Moment) -> Verdict:
        return self._act("unsuppress", alarm, one, "the maintenance is over", now)

    def _act(self, verb: Verb, alarm: str, one: Maintenance, why: str, now: Moment) -> Verdict:
        with suppress(ActionRefused, NoSuchAlarm):  # a person settled it meanwhile, or its device is gone
            return self._ways.perform(Action(verb, alarm, one.who, why), now)
        return Verdict([], {})


def _all_of(verdicts: Iterable[Verdict]) -> Verdict:
    entries: list[Entry] = []
    state: dict[str, bytes | None] = {}
    for verdict in verdicts:
        entries += verdict.entries
        state |= verdict.state
    return Verdict(entries, state)


def _state(one: Maintenance) -> dict[str, bytes | None]:
    return {STATE + one.id: encode_maintenance(one)}


def _told(one: Maintenance, now: Moment) -> Verdict:
    """The begin or the end of one, to be stored."""
    entry_id = f"{one.id}~{one.term.began_at}~{'ended' if one.ended_at else 'begun'}"
    entry = Entry(MAINTENANCE, entry_id, partition_of(one.target), now.wall, encode_maintenance(one))
    return Verdict([entry], _state(one))
