"""The alarms of the site as people see them: a projection of the journal's alarm transitions.

It is warm-started from the gateway's alarm records and follows the transitions; it never decides anything.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from alarms.alarm import AlarmRecord, AlarmTransition
from alarms.rule import AlarmRule
from alarms.rule import Text as RuleText
from alarms.states import TABLE, AlarmState, Event
from console.duty.places import area_item, find_area, iso_or_none, plain, text
from console.present import quality_text, unit_text
from console.services import DeviceView, SiteView
from protocols.reading import Origin

_PRIORITIES = ("critical", "high", "medium", "low")
_ENDS_OF_SILENCE = (Event.UNSHELVE, Event.UNSUPPRESS, Event.IN_SERVICE)
_PEOPLE = tuple(event for event in Event if event not in (Event.RAISE, Event.RETURN, Event.RETURN_LATCHED))


class AlarmBoard:
    """All alarms by id. ``changed`` is given the item after each transition. One thread: the event loop's."""

    def __init__(
        self,
        site: SiteView,
        rules: Mapping[str, AlarmRule],
        responses: Mapping[str, RuleText],
        changed: Callable[[dict[str, Any]], None],
    ) -> None:
        self._site = site
        self._rules = rules
        self._responses = responses
        self._changed = changed
        self._records: dict[str, AlarmRecord] = {}
        self._late: set[str] = set()

    def warm(self, records: Iterable[AlarmRecord]) -> None:
        """Start from what the gateway keeps."""
        self._records = {record.alarm: record for record in records}

    def observe(self, transition: AlarmTransition) -> None:
        """Follow one transition."""
        record = self._records.get(transition.alarm) or AlarmRecord(
            transition.alarm,
            transition.device,
            transition.point,
            transition.rule,
            transition.origin,
            transition.priority,
            transition.life_safety,
        )
        self._records[transition.alarm] = _after(record, transition)
        if transition.event is Event.RAISE:
            (self._late.add if transition.late else self._late.discard)(transition.alarm)
        self._changed(self.item(transition.alarm))

    def find(self, alarm: str) -> dict[str, Any] | None:
        """The item of one alarm; ``None`` for an id that names none."""
        return self.item(alarm) if alarm in self._records else None

    def items(
        self, *, state: str = "", priority: str = "", device: str = "", origin: Origin | None = None
    ) -> list[dict[str, Any]]:
        """Items that match, the most pressing first: priority, then the newest. ``state=active``: all but normal."""
        found = [
            record
            for record in self._records.values()
            if _matches_state(record, state)
            and priority in ("", record.priority)
            and device in ("", record.device)
            and origin in (None, record.origin)
        ]
        found.sort(key=lambda record: (_PRIORITIES.index(record.priority), -record.raised_at))
        return [self.item(record.alarm) for record in found]

    def item(self, alarm: str) -> dict[str, Any]:
        """One alarm as the API shows it."""
        record = self._records[alarm]
        rule = self._rules.get(record.rule)
        return {
            "id": record.alarm,
            **self._where(record),
            "rule": record.rule,
            "state": record.state.word,
            "active": record.active,
            "priority": record.priority,
            "origin": record.origin.name.lower(),
            "value": record.value,
            "quality": quality_text(record.quality),
            "raised_at": iso_or_none(record.raised_at),
            "changed_at": iso_or_none(record.changed_at),
            "sampled_at": iso_or_none(record.sampled_at),
            "late": alarm in self._late,
            "acknowledged_by": record.acknowledged_by,
            "acknowledged_at": iso_or_none(record.acknowledged_at),
            "silence_until": iso_or_none(record.silence_until),
            "silenced_by": record.silenced_by,
            "silenced_why": record.silenced_why,
            "orphan": rule is None,
            "actions": _actions(record, rule),
            **self._meaning(record, rule),
        }

    def _where(self, record: AlarmRecord) -> dict[str, Any]:
        device = self._site.devices.get(record.device)
        if device is None:
            return {
                "device": record.device,
                "device_title": plain(record.device),
                "area": find_area({}, ""),
                "point": record.point,
                "point_title": plain(record.point),
                "unit": "1",
                "unit_text": "",
            }
        return {
            "device": record.device,
            "device_title": text(device.title),
            "area": area_item(device.area),
            "point": record.point,
            **_point(device, record.point),
        }

    def _meaning(self, record: AlarmRecord, rule: AlarmRule | None) -> dict[str, Any]:
        if rule is None:
            gone = {"zh": "规则已不存在", "en": "its rule is gone"}
            return {
                "title": plain(record.rule),
                "class": "life-safety" if record.life_safety else "process",
                "level": None,
                "cause": gone,
                "consequence": gone,
                "response": [],
                "respond_within_s": None,
                "verified": False,
                "reset_needs": "role",
            }
        return {
            "title": text(rule.title),
            "class": rule.alarm_class,
            "level": rule.level,
            "cause": text(rule.cause),
            "consequence": text(rule.consequence),
            "response": [{"id": one, **text(self._responses[one])} for one in rule.response],
            "respond_within_s": rule.respond_within_s,
            "verified": rule.verified,
            "reset_needs": rule.reset,
        }


def _after(record: AlarmRecord, transition: AlarmTransition) -> AlarmRecord:
    event = transition.event
    changes: dict[str, Any] = {
        "state": transition.after,
        "changed_at": transition.at,
        "sampled_at": transition.sampled_at,
        "value": transition.value,
        "quality": transition.quality,
        "raised_at": transition.raised_at,
    }
    if event is Event.RAISE:
        changes["active"] = True
        if not transition.before.stands:
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


def _matches_state(record: AlarmRecord, state: str) -> bool:
    if state == "active":
        return record.state is not AlarmState.NORMAL
    return state in ("", record.state.word)


def _actions(record: AlarmRecord, rule: AlarmRule | None) -> list[str]:
    allowed = [event.word for event in _PEOPLE if TABLE[record.state, event] is not None]
    if rule is None and record.state is AlarmState.ACKNOWLEDGED:
        allowed.append(Event.RESET.word)
    never = ("shelve", "suppress") if record.life_safety else ()
    return [word for word in allowed if word not in never]


def _point(device: DeviceView, name: str) -> dict[str, Any]:
    point = device.profile.by_name.get(name)
    if point is None:
        return {"point_title": plain(name), "unit": "1", "unit_text": ""}
    title = device.profile.file.point[point.index].title
    return {"point_title": text(title), "unit": point.unit, "unit_text": unit_text(point.unit)}
