"""From an entry of the journal to the annotation that Grafana draws: the codecs of all kinds meet the names for people.

A device or area that was removed keeps its names while the process runs, as its series does: what is sent again must
have the same tags.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alarms.alarm import AlarmTransition, decode_transition
from console.duty.command_board import PERSON, PRIORITIES
from console.present import finite, quality_text, unit_text
from device_registry.devices import Device, Site
from gengfu import annotation_words as words
from gengfu.annotation_words import plain, worded
from gengfu.own_devices.desk_site import DeskSite
from gengfu.rules import Rulebook
from interlocks.record import TripEvent, decode_event
from operations.events import PlanEvent
from operations.events import decode_event as decode_plan_event
from operations.plan import Plan
from protocols import canary
from protocols.command import CommandEvent, decode_command_event
from protocols.document import Text
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.annotation import Annotation

Maybe = Text | None


class _Words(NamedTuple):
    """Title and text in both languages, in the order of `Annotation`."""

    title: str
    title_zh: str
    text: str
    text_zh: str


class Annotator:
    """`telemetry.annotation.Annotate` for a site. Thread-safe: it only looks names up."""

    def __init__(self, site: Site, book: Rulebook, plans: Mapping[str, Plan]) -> None:
        self._site = site.id
        self._rules = book.alarms
        self._matrices = {matrix.id: matrix for matrix in book.matrices}
        self._plans = plans
        self._devices: dict[str, Device] = {}
        self._areas: dict[str, Text] = {}
        self.follow_site(site)

    def follow_site(self, site: Site) -> None:
        """The site was changed. What is gone from it may still be on its way, so its names stay."""
        self._devices.update(DeskSite(site).devices)
        self._areas.update((area.id, area.title) for area in site.areas.values())

    def __call__(self, kind: str, body: bytes) -> Annotation | None:
        """``None`` for a kind that is not drawn. Raises `msgspec.DecodeError` for a body that is none of its kind."""
        match kind:
            case "alarm":
                transition = decode_transition(body)
                return self._alarm(transition) if transition.device != canary.DEVICE else None
            case "trip":
                return self._trip(decode_event(body))
            case "command":
                return self._command(decode_command_event(body))
            case "plan":
                return self._plan(decode_plan_event(body))
        return None

    def _alarm(self, one: AlarmTransition) -> Annotation:
        rule = self._rules.get(one.rule)
        event, state = worded(one.event.word, words.ALARM_EVENT), worded(one.after.word, words.ALARM_STATE)
        said = _words(
            one.origin,
            (rule.title if rule else plain(one.rule), event),
            (self._name(one.device), state, self._value(one), _late(late=one.late), plain(one.who), plain(one.why)),
        )
        return Annotation(
            "alarm",
            one.at,
            one.origin,
            self._site,
            self._district(one.device),
            *said,
            device=one.device,
            priority=one.priority,
            alarm=one.alarm,
            rule=one.rule,
            state=one.after.word,
        )

    def _trip(self, one: TripEvent) -> Annotation:
        matrix = self._matrices.get(one.matrix)
        cause = next((cause for cause in matrix.cause if cause.id == one.cause), None) if matrix else None
        status = worded(one.status, words.EFFECT_STATUS)
        said = _words(
            one.origin,
            (matrix.title if matrix else plain(one.matrix), worded(one.event, words.TRIP_EVENT)),
            (
                self._areas.get(one.zone) or plain(one.zone),
                cause.title if cause else plain(one.cause),
                worded(one.action, words.EFFECT_ACTION),
                self._name(one.device),
                status,
                plain(one.who),
                plain(", ".join(one.reason)),
            ),
        )
        return Annotation(
            "trip",
            one.at,
            one.origin,
            self._site,
            one.zone,
            *said,
            device=one.device,
            alarm=one.interlock,
            rule=one.cause,
            state=one.record.state.word if one.record else "",
        )

    def _command(self, one: CommandEvent) -> Annotation:
        command = one.command
        device = self._devices.get(command.device)
        parts = device.profile.file.command if device else ()
        part = next((part for part in parts if part.name == command.name), None)
        is_persons = command.cause.startswith(PERSON)
        said = _words(
            command.origin,
            (part.title if part else plain(command.name), worded(one.status, words.COMMAND_STATUS)),
            (self._name(command.device), plain(command.cause), plain(one.detail), plain(one.why)),
        )
        return Annotation(
            "command",
            one.at,
            command.origin,
            self._site,
            self._district(command.device),
            *said,
            device=command.device,
            priority=PRIORITIES[min(max(one.priority, 0), len(PRIORITIES) - 1)] if is_persons else "trip",
            state=one.status,
        )

    def _plan(self, one: PlanEvent) -> Annotation:
        plan = self._plans.get(one.plan)
        step = plan.steps.get(one.step) if plan else None
        said = _words(
            one.origin,
            (plan.plan.title if plan else plain(one.plan), worded(one.event, words.PLAN_EVENT)),
            (
                self._areas.get(one.area) or plain(one.area),
                step.title if step else plain(one.step),
                Text(zh=one.zh, en=one.en) if one.zh and one.en else plain(one.zh or one.en),
                _late(late=one.late),
                plain(one.who),
                plain(one.why),
            ),
        )
        return Annotation(
            "plan",
            one.at,
            one.origin,
            self._site,
            one.area,
            *said,
            alarm=one.alarm,
            rule=one.rule,
            state=one.run_state,
        )

    def _district(self, device: str) -> str:
        known = self._devices.get(device)
        return known.area.id if known else ""

    def _name(self, device: str) -> Maybe:
        known = self._devices.get(device)
        if known is None:
            return plain(device)
        return Text(zh=f"{known.title.zh} ({device})", en=f"{known.title.en} ({device})")

    def _value(self, one: AlarmTransition) -> Maybe:
        quality = "" if one.quality == Quality.GOOD else quality_text(one.quality)
        value = finite(one.value)
        device = self._devices.get(one.device)
        point = device.profile.by_name.get(one.point) if device else None
        number = "" if value is None else f"{value:g} {unit_text(point.unit) if point else ''}".rstrip()
        return plain(" ".join(filter(None, (one.point if number or quality else "", number, quality))))


def _late(*, late: bool) -> Maybe:
    return Text(zh="数据过旧,未据此动作", en="the reading was too old to act on") if late else None


def _words(origin: Origin, title: Iterable[Maybe], text: Iterable[Maybe]) -> _Words:
    titles = [one for one in (words.ORIGIN.get(origin), *title) if one]
    texts = [one for one in text if one]
    return _Words(
        " · ".join(one.en for one in titles),
        " · ".join(one.zh for one in titles),
        " · ".join(one.en for one in texts),
        " · ".join(one.zh for one in texts),
    )
