"""What a LoRaWAN network server sends around a device's bytes.

    field       ChirpStack 4 (event «up»)   The Things Stack 3 (uplink)
    device      deviceInfo.devEui           end_device_ids.dev_eui
    session     devAddr                     end_device_ids.dev_addr
    counter     fCnt                        uplink_message.f_cnt
    port        fPort                       uplink_message.f_port
    bytes       data (base64)               uplink_message.frm_payload (base64)
    time        time                        uplink_message.received_at, else received_at

Sources: the servers' own descriptions (chirpstack_api, integration.UplinkEvent; «Data Formats» of The Things Stack).
Both leave out fields that are zero or empty.

A frame counter counts within a session and begins again with each join, and with a board that was activated by hand
after each start. So the frame is identified by device, session, counter **and** the server's time
(`Envelope.source`); by the first three alone, the first alarm after a restart could pass for a repeat.
"""

import re
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from protocols.errors import DecodeError
from protocols.payload.stamps import UNREADABLE, instant

_EUI = re.compile(r"[0-9a-f]{16}")
_ADDRESS = re.compile(r"([0-9a-f]{8})?")
_MAX_PORT = 255
_MAX_COUNTER = 2**32 - 1


class Envelope(NamedTuple):
    """An uplink. ``dev_eui`` and ``session`` (the device address) in lower-case hex; ``port``: FPort, 0 for one without
    application data; ``at``: when the server had it (UTC ns), ``None`` where it does not say."""

    dev_eui: str
    session: str
    counter: int
    port: int
    payload: bytes
    at: int | None

    @property
    def source(self) -> str:
        """What is the same when the server sends this frame again, and no other frame has."""
        return f"{self.dev_eui}~{self.session}~{self.counter}~{self.at}"


class _Info(msgspec.Struct, rename="camel"):
    dev_eui: str


class _ChirpStack(msgspec.Struct, rename="camel"):
    device_info: _Info
    dev_addr: str = ""
    f_cnt: int = 0
    f_port: int = 0
    data: bytes | None = b""
    time: str | None = None
    join_server_context: dict[str, object] | None = None


class _Ids(msgspec.Struct):
    dev_eui: str
    dev_addr: str = ""


class _Uplink(msgspec.Struct):
    f_port: int = 0
    f_cnt: int = 0
    frm_payload: bytes = b""
    received_at: str | None = None


class _ThingsStack(msgspec.Struct):
    end_device_ids: _Ids
    uplink_message: _Uplink
    received_at: str | None = None
    simulated: bool = False


class _Form(msgspec.Struct):
    end_device_ids: Raw | UnsetType = UNSET


_form = msgspec.json.Decoder(_Form)
_chirpstack = msgspec.json.Decoder(_ChirpStack)
_things_stack = msgspec.json.Decoder(_ThingsStack)


def open_envelope(kind: str, message: bytes) -> Envelope:
    """The uplink in a message of a server: ``chirpstack4``, ``tts3``, or ``lorawan`` for either.

    Raises `DecodeError` for any other bytes, also for what is no uplink (a join), what the server could not decrypt,
    and what a person made up at the server's desk (the origin is never read from a payload, so it would pass for live).
    """
    try:
        if kind == "lorawan":
            kind = "chirpstack4" if _form.decode(message).end_device_ids is UNSET else "tts3"
        found = _from_chirpstack(message) if kind == "chirpstack4" else _from_things_stack(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("envelope", f"no uplink of a network server ({kind}): {error}") from None
    _check(found)
    return found


def _from_chirpstack(message: bytes) -> Envelope:
    up = _chirpstack.decode(message)
    if up.join_server_context:
        raise DecodeError("envelope", "the bytes are still encrypted: give ChirpStack the device's application key")
    return _envelope(up.device_info.dev_eui, up.dev_addr, up.f_cnt, up.f_port, up.data or b"", up.time)


def _from_things_stack(message: bytes) -> Envelope:
    whole = _things_stack.decode(message)
    if whole.simulated:
        raise DecodeError("envelope", "a simulated uplink, made at the network server and not by the device")
    ids, up = whole.end_device_ids, whole.uplink_message
    return _envelope(
        ids.dev_eui, ids.dev_addr, up.f_cnt, up.f_port, up.frm_payload, up.received_at or whole.received_at
    )


def _envelope(eui: str, address: str, counter: int, port: int, payload: bytes, time: str | None) -> Envelope:
    at = instant(time)
    return Envelope(eui.lower(), address.lower(), counter, port, payload, None if at == UNREADABLE else at)


def _check(found: Envelope) -> None:
    if _EUI.fullmatch(found.dev_eui) is None:
        raise DecodeError("envelope", f"DevEUI {found.dev_eui[:32]!r} must be 16 hexadecimal digits")
    if _ADDRESS.fullmatch(found.session) is None:
        raise DecodeError("envelope", f"device address {found.session[:32]!r} must be 8 hexadecimal digits")
    if not 0 <= found.counter <= _MAX_COUNTER or not 0 <= found.port <= _MAX_PORT:
        raise DecodeError("envelope", f"counter {found.counter} or FPort {found.port} is beyond what LoRaWAN has")
