"""A Sparkplug B host over an MQTT connection: births, data and deaths of edge nodes to readings, commands out.

A metric is the point of its name (`Point.senml`), in the point's unit. A node whose birth was not heard, that left a
gap or that speaks of what its birth did not name, is asked for a rebirth, then again after 10 s, 20 s ... 5 min until
it is born; the pauses go on growing where births do not cure it. Data is QoS 0: what the journal refuses is judged and
counted, and lost to the store.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from device_registry.devices import Device
from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.slots import Handle
from gateway.transports.mqtt.link import SHOWN_TOPIC, Message
from protocols.errors import DecodeError
from protocols.profile.draft import Draft
from protocols.profile.model import Point
from protocols.profile.schema import CommandPart
from protocols.quality import Quality
from protocols.reading import Reading, Value
from protocols.sparkplug.node import NODE, REBIRTH, Heard, Node, Sample
from protocols.sparkplug.payload import BOOLEAN, decode, encode_command
from protocols.uplink import Drafts, readings_of

log = logging.getLogger("gengfu.mqtt")

TRANSPORT = "sparkplug"
NAMESPACE = "spBv1.0"
KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
REBIRTH_FIRST_S, REBIRTH_LONGEST_S = 10.0, 300.0
MILLISECOND_NS = 1_000_000
_LATEST_MS = 2**63 // MILLISECOND_NS
_QUALITY = {None: Quality.GOOD, 192: Quality.GOOD, 0: Quality.BAD_SENSOR_FAULT}
"""Property «Quality» (Sparkplug 3.0 [M]): 192 good, 0 bad, 500 stale; another is taken as stale."""

Publish = Callable[[str, bytes, bool], None]
"""(topic, payload, retained): published with QoS 1, if the connection stands."""


class _Place(NamedTuple):
    """Where a device is: its node, and its name there."""

    group: str
    edge: str
    name: str

    def topic(self, kind: str) -> str:
        return "/".join((NAMESPACE, self.group, kind, self.edge, *((self.name,) if self.name else ())))


class _Watched:
    """An edge node, its devices by name, and when it is asked for a rebirth. ``pause_s``: after the last time that it
    was asked; ``is_puzzling``: it is born, and says what its birth did not name."""

    def __init__(self, place: _Place, devices: dict[str, Device]) -> None:
        self.place = place
        self.devices = devices
        self.node = Node(devices)
        self.backoff = Backoff(REBIRTH_FIRST_S, REBIRTH_LONGEST_S)
        self.asking: Handle | None = None
        self.asked_at = 0.0
        self.pause_s = REBIRTH_FIRST_S
        self.is_puzzling = False

    def cured(self) -> None:
        """A birth told everything: the pauses are short again."""
        self.backoff.succeeded()
        self.pause_s = REBIRTH_FIRST_S

    def rest(self) -> None:
        """Nothing is asked any more."""
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None


class SparkplugHost:
    """The Sparkplug devices of one connection. ``host_id``: announced in STATE messages, where there is one."""

    def __init__(
        self, devices: Iterable[Device], intake: Intake, diagnosis: Diagnosis, publish: Publish, host_id: str | None
    ) -> None:
        self._intake = intake
        self._diagnosis = diagnosis
        self._publish = publish
        self._host_id = host_id
        self._online_ms = 0
        self._places: dict[str, _Place] = {}
        self._nodes: dict[tuple[str, str], _Watched] = {}
        self._refused: set[tuple[str, str, str]] = set()
        for device in devices:
            self._add(device)

    def _add(self, device: Device) -> None:
        address = device.part.mqtt.sparkplug if device.part.mqtt is not None else None
        if address is None:
            return
        group, edge, *rest = address.split("/")
        place = self._places[device.id] = _Place(group, edge, rest[0] if rest else NODE)
        watched = self._nodes.get((group, edge))
        devices = {**(watched.devices if watched is not None else {}), place.name: device}
        self._nodes[group, edge] = _Watched(_Place(group, edge, NODE), devices)

    @property
    def filters(self) -> tuple[tuple[str, int], ...]:
        """What to subscribe, with QoS: a session that outlives us must not bring old births."""
        return tuple(
            (f"{NAMESPACE}/{group}/{kind}/{edge}{'/+' if kind[0] == 'D' else ''}", 0)
            for group, edge in self._nodes
            for kind in KINDS
        )

    def has(self, device: str) -> bool:
        """Whether a device speaks Sparkplug."""
        return device in self._places

    def will(self) -> tuple[str, bytes] | None:
        """What the broker tells of us when we are gone."""
        self._online_ms = self._now_ms()
        return (self._state_topic, self._state(is_online=False)) if self._host_id is not None else None

    @property
    def _state_topic(self) -> str:
        return f"{NAMESPACE}/STATE/{self._host_id}"

    def _state(self, *, is_online: bool) -> bytes:
        return json.dumps({"online": is_online, "timestamp": self._online_ms}).encode()

    def _now_ms(self) -> int:
        return self._intake.now() // MILLISECOND_NS

    def up(self) -> None:
        """The connection stands: say that we are here, and ask who is."""
        if self._host_id is not None:
            self._publish(self._state_topic, self._state(is_online=True), True)
        for watched in self._nodes.values():
            self._ask(watched)

    def down(self) -> None:
        """It is gone: from here on anything may be missed."""
        for watched in self._nodes.values():
            watched.node.forget()
            watched.cured()
            watched.is_puzzling = False
            watched.rest()

    def take(self, message: Message) -> None:
        """One message of the name space."""
        publish = message.publish
        message.taken()
        levels = publish.topic.split("/")
        watched = self._nodes.get((levels[1], levels[3])) if len(levels) in (4, 5) else None
        if watched is None:
            return
        name = levels[4] if len(levels) == 5 else NODE
        device = watched.devices.get(name)
        self._diagnosis.received(publish.payload, publish.topic[:SHOWN_TOPIC])
        if publish.is_retained:
            self._refuse(publish.topic, device, DecodeError("retained", "births and data must not be retained"))
            return
        try:
            heard = watched.node.take(levels[2], name, decode(publish.payload))
        except DecodeError as error:
            self._refuse(publish.topic, device, error)
        else:
            if levels[2] == "NBIRTH" and watched.node.is_born:
                self._born(watched)
            self._follow(watched, heard)

    def _refuse(self, topic: str, device: Device | None, error: DecodeError) -> None:
        self._intake.counters.refused.labels(TRANSPORT, error.kind).inc()
        self._diagnosis.failed(error.kind, device.id if device is not None else "")
        key = "/".join(topic.split("/")[1:4:2]), device.id if device is not None else "", error.kind
        if key not in self._refused:
            self._refused.add(key)
            log.warning("sparkplug: a message at %a is refused: %s", topic[:SHOWN_TOPIC], error)

    def _follow(self, watched: _Watched, heard: Heard) -> None:
        for name in heard.lost:
            self._lose(watched, name)
        if heard.wants_rebirth:
            self._intake.counters.refused.labels(TRANSPORT, "unborn").inc()
            self._diagnosis.failed("unborn")
            self._want(watched)
        device = watched.devices.get(heard.device)
        if device is not None and not heard.lost and heard.is_taken:
            self._diagnosis.heard(device.id)
        if device is not None and heard.samples:
            self._hand_over(device, heard.samples)

    def _born(self, watched: _Watched) -> None:
        watched.rest()
        if not watched.is_puzzling:
            watched.cured()
        watched.is_puzzling = False

    def _lose(self, watched: _Watched, name: str) -> None:
        device = watched.devices.get(name)
        if device is not None:
            reason = "its death was told (Sparkplug NDEATH or DDEATH)"
            self._diagnosis.failed("death", device.id)
            self._diagnosis.lost(device.id, reason)
            self._intake.lost(device.id, reason)

    def _want(self, watched: _Watched) -> None:
        """Have a rebirth asked for, but not too often: a node that loses much would do nothing else."""
        watched.is_puzzling = watched.node.is_born
        timer = self._intake.timer
        if watched.asking is None:
            watched.asking = timer.call_at(watched.asked_at + watched.pause_s, lambda: self._again(watched))

    def _ask(self, watched: _Watched) -> None:
        """Ask for a rebirth, and again while none comes."""
        payload = encode_command(REBIRTH, BOOLEAN, True, self._now_ms())
        self._publish(watched.place.topic("NCMD"), payload, False)
        timer = self._intake.timer
        watched.asked_at, watched.pause_s = timer.time(), watched.backoff.failed()
        watched.asking = timer.call_at(watched.asked_at + watched.pause_s, lambda: self._again(watched))

    def _again(self, watched: _Watched) -> None:
        watched.asking = None
        if watched.is_puzzling or not watched.node.is_born:
            self._ask(watched)

    def _hand_over(self, device: Device, samples: Sequence[Sample]) -> None:
        received_at = self._intake.now()
        readings = self._readings(device, samples, received_at)
        if readings:
            self._intake.offer(readings, TRANSPORT, lambda error: self._settle(device, error))

    def _settle(self, device: Device, error: Exception | None) -> None:
        if error is not None:
            self._intake.counters.refused.labels(TRANSPORT, "journal").inc()
            self._diagnosis.failed("journal", device.id)

    def _readings(self, device: Device, samples: Sequence[Sample], received_at: int) -> list[Reading]:
        """By time; those that the node calls historical are late, whatever their time (S9)."""
        readings: list[Reading] = []
        for is_historical in (True, False):
            chosen = [one for one in samples if one.is_historical is is_historical]
            drafts = _drafts(device, chosen, received_at, is_historical=is_historical)
            readings += readings_of(device.id, drafts, received_at, self._intake.origin)
        return readings

    def command(self, device: str, command: CommandPart) -> tuple[str, bytes] | str:
        """(topic, payload) of a command, or why there is none."""
        place = self._places[device]
        form = command.mqtt
        if form is None:
            return "its profile has no MQTT form of this command"
        metric = form.topic or command.name
        datatype = self._nodes[place.group, place.edge].node.datatype(place.name, metric)
        if datatype is None:
            return f"no birth that stands names the metric {metric!r} of {'/'.join(filter(None, place))}"
        try:
            payload = encode_command(metric, datatype, json.loads(form.payload), self._now_ms())
        except (ValueError, TypeError) as error:
            return f"payload {form.payload!r} of command {command.name}: {error}"
        return place.topic("DCMD" if place.name else "NCMD"), payload


def _drafts(device: Device, samples: Iterable[Sample], received_at: int, *, is_historical: bool) -> Drafts:
    drafts: Drafts = {}
    turns: dict[tuple[int, str], int] = {}
    for sample in samples:
        point = device.profile.by_senml.get(sample.name)
        if point is None:
            continue
        at = _at(sample, received_at)
        turn = turns[at, sample.name] = turns.get((at, sample.name), -1) + 1
        draft = drafts.get((at, turn))
        if draft is None:
            draft = drafts[at, turn] = Draft(device.profile)
            draft.undated = is_historical
        draft.keep(point, *_value(point, sample))
    return drafts


def _at(sample: Sample, received_at: int) -> int:
    if sample.timestamp is None:
        return received_at
    return sample.timestamp * MILLISECOND_NS if sample.timestamp < _LATEST_MS else 0


def _value(point: Point, sample: Sample) -> tuple[Value, Quality]:
    """A value of another type than the point's is none, and says so: the others of the message count."""
    mark = _QUALITY.get(sample.quality, Quality.UNCERTAIN_STALE)
    value = sample.value
    if value is None:
        return None, Quality.BAD_MISSING if sample.is_null else Quality.BAD_TYPE
    if point.type == "text" or isinstance(value, str):
        return (value, mark) if point.type == "text" and isinstance(value, str) else (None, Quality.BAD_TYPE)
    if point.type == "flag":
        return (float(value), mark) if value in (0, 1) else (None, Quality.BAD_TYPE)
    return (None, Quality.BAD_TYPE) if isinstance(value, bool) else (value, mark)
