"""From MQTT messages to the pipeline: who speaks at which topic, in which form, and when a sample was made.

A device speaks at its own topic alone (S4): one with an address of its own not at the shared one. A payload without a
time of its own is stamped when it comes, unless it waited at the broker for an unknown time or is a retained one: then
it is 61 s old at the latest, uncertain:clock, and so late (S9). What cannot be decoded is counted, logged and
acknowledged: it would come again for ever otherwise.

MQTT numbers messages only until they are acknowledged, and numbers come again. A message is known by number and
payload, and how often the two came together lately; so a message that the broker repeats after we were killed is stored
once. Two things cannot be told apart: a repetition more than 247 s after the sample was stored from a new one (stored
twice, the second as late), and, in the first use of a number after a restart, a new sample with the same number and
payload as one that was stored less than 247 s before (stored once). Devices that send a time or boot and seq are not
concerned.
"""

import logging
import zlib
from collections.abc import Sequence

import msgspec

from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.pipeline import MESSAGE_LIFETIME_NS
from gateway.transports.mqtt.link import SHOWN_TOPIC, Message
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
MOST_NUMBERS = 2 * 65536
"""Messages remembered by number and payload: a broker that counts up has used each number twice."""
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
        self._numbers = Numbers()
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
        received_at = self._intake.now()
        self._diagnosis.received(publish.payload, publish.topic[:SHOWN_TOPIC])
        judged = False
        try:
            self._hand_in(message, device, received_at)
            judged = True
        except DecodeError as error:
            judged = True
            self._refuse(message, name, error)
        finally:
            if not judged:
                self._diagnosis.failed("raised", name)
                message.refused()

    def _hand_in(self, message: Message, device: Device | None, received_at: int) -> None:
        publish = message.publish
        source = self._numbers.source(self._connection, publish, received_at)

        def done(error: Exception | None) -> None:
            self._settle(message, device, error)

        if device is None:
            # a topic is no device's id: whatever the pack says, nobody speaks there, and strangers are told of
            uplink = Uplink(
                TRANSPORT, publish.payload, _format(publish), source, received_at, self._connection, publish.topic
            )
            self._intake.ingest(uplink, done)
            return
        form = device.profile.file.payload.form
        if form == "senml" and not (message.is_old or publish.is_retained):
            uplink = Uplink(
                TRANSPORT, publish.payload, _format(publish), source, received_at, self._connection, device.id
            )
            self._intake.ingest(uplink, done)
        else:
            readings = self._decode(device, message, received_at)
            self._intake.offer(readings, TRANSPORT, done, source)
        self._diagnosis.heard(device.id)
        if device.id in self._refused:
            del self._refused[device.id]

    def _decode(self, device: Device, message: Message, received_at: int) -> Sequence[Reading]:
        try:
            readings = self._read(device, message.publish, received_at)
            if not message.is_old and not message.publish.is_retained:
                return readings
            return _aged(readings, self._read(device, message.publish, received_at - UNDATED_NS))
        except DecodeError as error:
            self._intake.counters.refused.labels(TRANSPORT, error.kind).inc()
            raise

    def _read(self, device: Device, publish: Publish, received_at: int) -> Sequence[Reading]:
        profile, origin = device.profile, self._intake.origin
        if profile.file.payload.form != "senml":
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


class Numbers:
    """How often each packet number came with a payload within the time that the pipeline remembers a message.

    Counted by payload: after a start the count of a number is not known, and a broker may use a few numbers only.
    """

    def __init__(self) -> None:
        self._used: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._used)

    def source(self, connection: str, publish: Publish, now: int) -> str:
        """`gateway.uplink.Uplink.source`; empty with QoS 0, which is never repeated."""
        number = publish.packet_id
        if not number:
            return ""
        digest = zlib.crc32(publish.payload, zlib.crc32(publish.topic.encode()))
        key = number << 32 | digest
        used, at = self._used.pop(key, (-1, 0))
        if now - at > MESSAGE_LIFETIME_NS:
            used = -1
        used = max(used, 0) if publish.is_repeated else used + 1
        self._used[key] = used, now
        if len(self._used) > MOST_NUMBERS:
            del self._used[next(iter(self._used))]
        return f"mqtt/{connection}/{number}/{digest:08x}" + (f"/{used}" if used else "")


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
