"""The alarms of the site as people see them: a projection of the journal's alarm transitions.

It is warm-started from the gateway's alarm records and follows the transitions; it never decides anything. While an
alarm is silenced (shelved, suppressed, out of service) the journal is told of no change of its condition: ``active``,
value and quality are then those of the moment it was silenced.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from alarms.alarm import AlarmRecord, AlarmTransition, alarm_id
from alarms.conditions import points_of
from alarms.rule import AlarmRule
from alarms.states import TABLE, AlarmState, Event
from console.duty.blind_lines import BlindLines
from console.duty.places import area_item, device_title, find_area, iso_or_none, plain, text
from console.present import finite, quality_text, unit_text
from console.services import DeviceView, SiteView
from protocols import canary
from protocols.document import Text
from protocols.profile.model import Profile
from protocols.reading import Origin

PRIORITIES = ("critical", "high", "medium", "low")
_RANKS = {priority: rank for rank, priority in enumerate(PRIORITIES)}
_ENDS_OF_SILENCE = (Event.UNSHELVE, Event.UNSUPPRESS, Event.IN_SERVICE)
_SILENCED = (AlarmState.SHELVED, AlarmState.SUPPRESSED_BY_DESIGN, AlarmState.OUT_OF_SERVICE)
_TIMED = (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
_PEOPLE = tuple(event for event in Event if event not in (Event.RAISE, Event.RETURN, Event.RETURN_LATCHED))
_GONE = {"zh": "规则已不存在", "en": "its rule is gone"}


class AlarmBoard:
    """All alarms by id. One thread: the event loop's."""

    def __init__(
        self,
        site: SiteView,
        rules: Mapping[str, AlarmRule],
        responses: Mapping[str, Text],
        lines: BlindLines | None = None,
    ) -> None:
        self._site = site
        self._lines = BlindLines(site) if lines is None else lines
        self._rules = rules
        self._responses = responses
        self._records: dict[str, AlarmRecord] = {}
        self._by_device: dict[str, dict[str, AlarmRecord]] = {}
        self._late: set[str] = set()
        self._bound: dict[tuple[str, Profile], frozenset[str]] = {}

    def warm(self, records: Iterable[AlarmRecord]) -> None:
        """Start from what the gateway keeps."""
        self._records, self._by_device = {}, {}
        for record in records:
            self._keep(record)

    def follow_site(self) -> None:
        """The site was changed: normal alarms of devices that are gone go too; the others stay until settled (S11)."""
        for alarm, record in list(self._records.items()):
            if record.device not in self._site.devices and record.state is AlarmState.NORMAL:
                del self._records[alarm], self._by_device[record.device][alarm]

    def recall(self, transition: AlarmTransition) -> None:
        """At start, of the journal's tail, oldest first: what the records do not say, whether the raise was late."""
        if transition.event is Event.RAISE:
            (self._late.add if transition.late else self._late.discard)(transition.alarm)

    def observe(self, transition: AlarmTransition) -> str:
        """Follow one transition; returns the id of the alarm, which changed."""
        record = self._records.get(transition.alarm) or AlarmRecord(
            transition.alarm,
            transition.device,
            transition.point,
            transition.rule,
            transition.origin,
            transition.priority,
            transition.life_safety,
        )
        self._keep(_after(record, transition))
        self.recall(transition)
        return transition.alarm

    def find(self, alarm: str) -> dict[str, Any] | None:
        """The item of one alarm; ``None`` for an id that names none."""
        return self.item(alarm) if alarm in self._records else None

    def items(
        self, *, state: str = "", priority: str = "", device: str = "", origin: Origin | None = None
    ) -> list[dict[str, Any]]:
        """The items of `ids`, at once: for thousands of them ask for one after the other, and let others take turns."""
        return [self.item(alarm) for alarm in self.ids(state=state, priority=priority, device=device, origin=origin)]

    def ids(self, *, state: str = "", priority: str = "", device: str = "", origin: Origin | None = None) -> list[str]:
        """Alarms that match, the most pressing first: priority, then the newest. ``state=active``: all but normal. The
        canary's is not among them."""
        found = [
            record
            for record in (self._by_device.get(device, {}) if device else self._records).values()
            if _matches_state(record, state)
            and priority in ("", record.priority)
            and origin in (None, record.origin)
            and record.device != canary.DEVICE
        ]
        found.sort(key=_urgency)
        return [record.alarm for record in found]

    def _keep(self, record: AlarmRecord) -> None:
        self._records[record.alarm] = record
        self._by_device.setdefault(record.device, {})[record.alarm] = record

    def closed_life_safety(self) -> list[tuple[str, int]]:
        """Live life-safety alarms that stood and are normal now, with when they were raised last (UTC ns)."""
        return [
            (record.alarm, record.raised_at)
            for record in self._records.values()
            if record.state is AlarmState.NORMAL
            and record.life_safety
            and record.raised_at
            and record.origin is Origin.LIVE
        ]

    def blind(self, alarm: str) -> list[dict[str, Any]] | None:
        """What is blind because of a connection; ``None`` for an id that names no alarm."""
        record = self._records.get(alarm)
        return None if record is None else self._lines.blind(record.device)

    def item(self, alarm: str) -> dict[str, Any]:
        """One alarm as the API shows it."""
        record = self._records[alarm]
        gone = self._is_gone(record)
        orphan = gone or record.outlived
        return {
            "id": record.alarm,
            **self._where(record),
            "rule": record.rule,
            "state": record.state.word,
            "active": record.active,
            "priority": record.priority,
            "origin": record.origin.name.lower(),
            "value": finite(record.value),
            "quality": quality_text(record.quality),
            "raised_at": iso_or_none(record.raised_at),
            "changed_at": iso_or_none(record.changed_at),
            "sampled_at": iso_or_none(record.sampled_at),
            "late": alarm in self._late,
            "acknowledged_by": record.acknowledged_by,
            "acknowledged_at": iso_or_none(record.acknowledged_at),
            **_silence(record),
            "orphan": orphan,
            "actions": _actions(record, gone),
            "blind_points": self._lines.count(record.device),
            "announced_with": self._lines.announced_with(record, self._rules.get(record.rule), self._records.get),
            **self._meaning(record, orphan),
        }

    def _where(self, record: AlarmRecord) -> dict[str, Any]:
        device = self._site.devices.get(record.device)
        return {
            "device": record.device,
            "device_title": device_title(self._site, record.device),
            "area": area_item(device.area) if device else find_area({}, ""),
            "point": record.point,
            **_point(device, record.point),
        }

    def _meaning(self, record: AlarmRecord, orphan: bool) -> dict[str, Any]:
        rule = self._rules.get(record.rule)
        if rule is None:
            return {
                "title": plain(record.rule),
                "class": "life-safety" if record.life_safety else "process",
                "level": None,
                "cause": _GONE,
                "consequence": _GONE,
                "response": [],
                "respond_within_s": None,
                "verified": False,
                "reset_needs": _reset_of_orphan(record),
            }
        return {
            "title": text(rule.title),
            "class": rule.alarm_class,
            "level": rule.level,
            "cause": text(rule.cause),
            "consequence": text(rule.consequence),
            "response": [{"id": one, **self._response(one)} for one in rule.response],
            "respond_within_s": rule.respond_within_s,
            "verified": rule.verified,
            "reset_needs": _reset_of_orphan(record) if orphan else rule.reset,
        }

    def _response(self, name: str) -> dict[str, str]:
        known = self._responses.get(name)
        return text(known) if known else plain(name)

    def _is_gone(self, record: AlarmRecord) -> bool:
        """Whether no rule judges it any more (S11): its rule, its device or its point is gone, or the rule is not for
        this kind of area."""
        device, rule = self._site.devices.get(record.device), self._rules.get(record.rule)
        if device is None or rule is None or (rule.areas and device.area.kind not in rule.areas):
            return True
        return record.alarm.removeprefix(f"{record.device}~") not in self._ids(rule, device.profile, record.origin)

    def _ids(self, rule: AlarmRule, profile: Profile, origin: Origin) -> frozenset[str]:
        """The alarm ids of the rule at a device of the profile, without the device."""
        key = (f"{rule.id}~{origin:d}", profile)
        if key not in self._bound:
            points = points_of(rule, profile)
            self._bound[key] = frozenset(
                alarm_id("", rule.id, origin, one.name if len(points) > 1 else None).removeprefix("~") for one in points
            )
        return self._bound[key]


def _after(record: AlarmRecord, transition: AlarmTransition) -> AlarmRecord:
    event = transition.event
    changes: dict[str, Any] = {
        "state": transition.after,
        "changed_at": transition.at,
        "sampled_at": transition.sampled_at,
        "value": transition.value,
        "quality": transition.quality,
        "raised_at": transition.raised_at,
        "mark": transition.mark,
        "outlived": transition.outlived,
    }
    if event is Event.RAISE:
        changes["active"] = True
        if not transition.before.stands and transition.after.stands:
            changes |= {"acknowledged_by": "", "acknowledged_at": 0}
    elif event in (Event.RETURN, Event.RETURN_LATCHED):
        changes["active"] = False
    elif event is Event.ACKNOWLEDGE:
        changes |= {"acknowledged_by": transition.who, "acknowledged_at": transition.at}
    elif event in (Event.SHELVE, Event.SUPPRESS, Event.OUT_OF_SERVICE):
        changes |= {
            "silence_until": transition.silence_until,
            "silenced_by": transition.who,
            "silenced_why": transition.why,
        }
    elif event in _ENDS_OF_SILENCE:
        changes["silence_until"] = 0
    return msgspec.structs.replace(record, **changes)


def _urgency(record: AlarmRecord) -> tuple[int, int]:
    # A priority that this release does not know comes first: nobody must miss it.
    return _RANKS.get(record.priority, -1), -record.raised_at


def _matches_state(record: AlarmRecord, state: str) -> bool:
    if state == "active":
        return record.state is not AlarmState.NORMAL
    return state in ("", record.state.word)


def _silence(record: AlarmRecord) -> dict[str, Any]:
    """Who silences it now; the record keeps the last one after its end."""
    silenced = record.state in _SILENCED
    return {
        "silence_until": iso_or_none(record.silence_until) if record.state in _TIMED else None,
        "silenced_by": record.silenced_by if silenced else "",
        "silenced_why": record.silenced_why if silenced else "",
    }


def _reset_of_orphan(record: AlarmRecord) -> str:
    """As `alarms.actions` has it: what its own rule asked for, nobody knows."""
    return "on-site-calibration" if record.life_safety else "role"


def _actions(record: AlarmRecord, gone: bool) -> list[str]:
    allowed = [event.word for event in _PEOPLE if TABLE[record.state, event] is not None]
    if gone and record.state is AlarmState.ACKNOWLEDGED:
        allowed.append(Event.RESET.word)
    never = ("shelve", "suppress") if record.life_safety else ()
    return [word for word in allowed if word not in never]


def _point(device: DeviceView | None, name: str) -> dict[str, Any]:
    point = device.profile.by_name.get(name) if device else None
    if device is None or point is None:
        return {"point_title": plain(name), "unit": "1", "unit_text": ""}
    title = device.profile.file.point[point.index].title
    return {"point_title": text(title), "unit": point.unit, "unit_text": unit_text(point.unit)}
