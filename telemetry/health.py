"""Health: how the gateway, the stores behind its journal, its connections and their devices are, once a minute.

The body of a journal entry of kind ``health`` (a msgpack array, schema number first), of which `telemetry.health_lines`
makes lines. ``None`` is «not known», and has no field there.

Counters begin at 0 with each start, those of connections and devices also when the connection is opened anew.
"""

from enum import IntEnum

import msgspec

from protocols.reading import Origin

HEALTH = "health"
"""Kind of the journal's entries."""


class GatewayHealth(msgspec.Struct, array_like=True, frozen=True):
    """The process. Sizes in bytes. Counters: ``cpu_s``, ``readings`` (stored), ``duplicates``, ``refused`` (uplinks).
    ``devices``: of the site; those of the three states are among them."""

    version: str
    uptime_s: float
    memory_bytes: float
    cpu_s: float
    disk_free_bytes: float
    journal_bytes: float
    journal_bound_bytes: float
    readings: float
    duplicates: float
    refused: float
    unknown_devices: float
    devices: int
    devices_silent: int
    devices_lost: int
    devices_unheard: int


class ConsumerHealth(msgspec.Struct, array_like=True, frozen=True):
    """A store behind the journal. ``lag``: entries that it has not taken; ``oldest_age_s``: of the oldest of them, 0
    where there is none. ``taking``, ``forgotten``: 1 or 0. ``problem``: why it takes nothing, or empty. ``missed``:
    entries that were removed before it came back for them, since it was first opened. ``dead_letters``: how many it
    keeps; ``None`` while it is being opened anew."""

    consumer: str
    lag: int
    oldest_age_s: float
    taking: int
    problem: str
    forgotten: int
    missed: int
    dead_letters: int | None


class ConnectionHealth(msgspec.Struct, array_like=True, frozen=True):
    """A connection. ``since_ms``: since when its state holds, ms since 1970. Counters: ``requests``, ``skipped_polls``,
    ``errors`` (by kind, those of its devices among them). ``utilisation``: 0 to 1."""

    connection: str
    transport: str
    state: str
    up: int
    reason: str
    since_ms: int
    devices: int
    devices_silent: int
    devices_lost: int
    devices_unheard: int
    requests: int
    skipped_polls: int
    requests_per_s: float
    errors: dict[str, int]
    utilisation: float | None = None
    rtt_p50_s: float | None = None
    rtt_p95_s: float | None = None


class DeviceState(IntEnum):
    """How a device is. ``SILENT``: not heard for some of its periods; ``LOST``: its transport says that it does not
    answer; ``UNHEARD``: it was never heard."""

    WELL = 0
    SILENT = 1
    LOST = 2
    UNHEARD = 3


class DeviceHealth(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A device; thousands of these are stored each minute, so that spans are whole numbers of small units.

    ``unheard_ms``: so long ago it was heard last. ``period_s``: expected between two reports. Counters: ``errors`` (by
    kind), ``requests``, ``answers``, ``skipped_polls``. ``clock_offset_ms``: its clock minus ours. What it is besides
    its id (kind, profile, district) its series says, as for its readings.
    """

    device: str
    connection: str
    state: DeviceState
    unheard_ms: int | None
    period_s: float
    errors: dict[str, int]
    requests: int | None = None
    answers: int | None = None
    skipped_polls: int | None = None
    rtt_p50_us: int | None = None
    rtt_p95_us: int | None = None
    clock_offset_ms: int | None = None
    firmware: str | None = None
    battery_percent: float | None = None


class Health(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Some of what was seen at one instant. ``at``: UTC ns; ``origin``: that of what the devices of the site say."""

    at: int
    origin: Origin
    site: str
    gateway: GatewayHealth | None = None
    consumers: tuple[ConsumerHealth, ...] = ()
    connections: tuple[ConnectionHealth, ...] = ()
    devices: tuple[DeviceHealth, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Health)


def encode_health(health: Health) -> bytes:
    """The body of a journal entry of kind `HEALTH`."""
    return _encoder.encode(health)


def decode_health(body: bytes) -> Health:
    """Reverse of `encode_health`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)
