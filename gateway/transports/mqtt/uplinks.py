"""From MQTT messages to the pipeline: who speaks at which topic, in which form, and when a sample was made.

A device speaks at its own topic alone (S4): one with an address of its own not at the shared one. A payload without a
time of its own is stamped when it comes, unless it waited at the broker for an unknown time or is a retained one: then
it is 61 s old at the latest, uncertain:clock, and so late (S9). What cannot be decoded is counted, logged and
acknowledged: it would come again for ever otherwise.
"""

import logging
from collections.abc import Sequence

import msgspec

from device_registry.devices import Device
from gateway.decisions import nobody_waits
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.transports.mqtt.link import SHOWN_TOPIC, Message
from gateway.transports.mqtt.numbers import Arrival, Numbers
from gateway.uplink import Uplink
from journal.errors import JournalFull
from protocols.errors import DecodeError
from protocols.mqtt import Publish
from protocols.payload import decode_payload
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Reading
from protocols.uplink import SENML_CBOR, SENML_JSON, UNDATED_NS, content_format_of, decode_pack

log = logging.getLogger("gengfu.mqtt")

TRANSPORT = "mqtt"
SHARED = "gengfu/+/up"
SHOWN = 48
"""Bytes of a refused payload in the log."""


def up_topic(device: Device) -> str:
    """Where the device publishes."""
    own = device.part.mqtt.up if device.part.mqtt is not None else None
    return own or f"gengfu/{device.id}/up"


def down_topic(device: Device) -> str:
    """Where it listens."""
    own = device.part.mqtt.down if device.part.mqtt is not None else None
    return own or f"gengfu/{device.id}/down"


class Uplinks:
    """The devices of one connection."""

    def __init__(self, connection: str, devices: Sequence[Device], intake: Intake, diagnosis: Diagnosis) -> None:
        self._connection = connection
        self._devices = {up_topic(one): one for one in devices}
        self._intake = intake
        self._diagnosis = diagnosis
        self.numbers = Numbers()
        self._refused: dict[str, str] = {}

    @property
    def filters(self) -> tuple[tuple[str, int], ...]:
        """What to subscribe, with QoS."""
        own = sorted(topic for topic, one in self._devices.items() if topic != f"gengfu/{one.id}/up")
        return ((SHARED, 1), *((topic, 1) for topic in own))

    def take(self, message: Message) -> None:
        """Hand one message in. It is acknowledged when all of it is durable, or when it can never be."""
        publish = message.publish
        device = self._devices.get(publish.topic)
        name = device.id if device is not None else ""
        arrival = self.numbers.arrived(self._connection, publish, self._intake.now(), is_old=message.is_old)
        self._diagnosis.received(publish.payload, publish.topic[:SHOWN_TOPIC])
        judged = False
        try:
            self._hand_in(message, device, arrival)
            judged = True
        except DecodeError as error:
            judged = True
            self._refuse(message, name, error)
        finally:
            if not judged:
                self._diagnosis.failed("raised", name)
                message.refused()

    def _hand_in(self, message: Message, device: Device | None, arrival: Arrival) -> None:
        publish = message.publish

        def done(error: Exception | None) -> None:
            self._settle(message, device, error)

        if device is None:
            # a topic is no device's id: whatever the pack says, nobody speaks there, and strangers are told of
            self._intake.ingest(self._uplink(publish, arrival, publish.topic), done)
            return
        is_old = arrival.is_old or publish.is_retained
        if _speaks_senml(device) and not is_old:
            self._intake.ingest(self._uplink(publish, arrival, device.id), done)
        else:
            readings = self._decode(device, publish, arrival.received_at, is_old=is_old)
            self._intake.offer(readings, TRANSPORT, done, arrival.source)
        if not arrival.is_known:
            self._diagnosis.heard(device.id)
        if device.id in self._refused:
            del self._refused[device.id]

    def _uplink(self, publish: Publish, arrival: Arrival, who: str, *, over_rate: bool = False) -> Uplink:
        return Uplink(
            TRANSPORT,
            publish.payload,
            _format(publish),
            arrival.source,
            arrival.received_at,
            self._connection,
            who,
            over_rate,
        )

    def hear(self, publish: Publish) -> None:
        """Judge what `take` gets another time, when there is room for it: then it is also stored, or refused."""
        device = self._devices.get(publish.topic)
        if device is None:
            return
        now = self._intake.now()
        self._diagnosis.received(publish.payload, publish.topic[:SHOWN_TOPIC])
        try:
            if _speaks_senml(device):
                arrival = Arrival("", now, is_old=False, is_known=False)
                self._intake.ingest(self._uplink(publish, arrival, device.id, over_rate=True), nobody_waits)
            else:
                self._intake.judge(self._decode(device, publish, now, is_old=False))
        except DecodeError as error:
            self._diagnosis.failed(error.kind, device.id)
        else:
            self._diagnosis.heard(device.id)

    def _decode(self, device: Device, publish: Publish, received_at: int, *, is_old: bool) -> Sequence[Reading]:
        try:
            readings = self._read(device, publish, received_at)
            return readings if not is_old else _aged(readings, self._read(device, publish, received_at - UNDATED_NS))
        except DecodeError as error:
            self._intake.counters.refused.labels(TRANSPORT, error.kind).inc()
            raise

    def _read(self, device: Device, publish: Publish, received_at: int) -> Sequence[Reading]:
        profile, origin = device.profile, self._intake.origin
        if not _speaks_senml(device):
            return decode_payload(profile, publish.payload, device=device.id, received_at=received_at, origin=origin)

        def only(name: str) -> Profile | None:
            return profile if name == device.id else None

        return decode_pack(publish.payload, _format(publish), received_at=received_at, origin=origin, find_profile=only)

    def _refuse(self, message: Message, device: str, error: DecodeError) -> None:
        """Whoever refused it has counted it; it is logged when a device begins with it, or changes the reason."""
        message.taken()
        self._diagnosis.failed(error.kind, device)
        if self._refused.get(device) != error.kind:
            self._refused[device] = error.kind
            publish = message.publish
            log.warning(
                "mqtt connection %s: a message at %a is refused: %s; it begins with %s",
                self._connection,
                publish.topic[:SHOWN_TOPIC],
                error,
                publish.payload[:SHOWN].hex(),
            )

    def _settle(self, message: Message, device: Device | None, error: Exception | None) -> None:
        if error is None:
            message.taken()
            return
        kind = "full" if isinstance(error, JournalFull) else "journal"
        self._intake.counters.refused.labels(TRANSPORT, kind).inc()
        self._diagnosis.failed(kind, device.id if device is not None else "")
        message.refused()


def _speaks_senml(device: Device) -> bool:
    return device.profile.file.payload.form == "senml"


def _format(publish: Publish) -> int:
    """The content format; by its first byte where the publisher names none (RFC 8428: an array in JSON or CBOR)."""
    if publish.content_type:
        return content_format_of(publish.content_type)
    return SENML_CBOR if publish.payload[:1] >= b"\x80" else SENML_JSON


def _aged(readings: Sequence[Reading], earlier: Sequence[Reading]) -> list[Reading]:
    """``readings`` with a time of their own as they are; the others as in ``earlier``, the same payload read as if it
    had been received `UNDATED_NS` ago."""
    dated = {one.at: one for one in readings}
    return [dated.get(one.at) or msgspec.structs.replace(one, quality=_doubted(one)) for one in earlier]


def _doubted(reading: Reading) -> tuple[int, ...]:
    return tuple(
        one if value is None else int(worse(Quality(one), Quality.UNCERTAIN_CLOCK))
        for value, one in zip(reading.values, reading.quality, strict=True)
    )
