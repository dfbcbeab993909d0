"""What a device sent, as its profile's ``[payload]`` says, to Readings.

Time and its doubt are those of `protocols.uplink`, by the same code. A payload without a time of its own has the
network server's, or the gateway's. Samples of one payload at one time are 1 µs apart.
"""

from protocols.errors import DecodeError
from protocols.payload.lorawan import Envelope, open_envelope
from protocols.payload.mapped import read_json
from protocols.payload.octets import read_bytes
from protocols.profile.draft import Draft
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading
from protocols.senml.decode import MAX_BYTES
from protocols.uplink import SENML_CBOR, SENML_JSON, Drafts, decode_pack, readings_of


def decode_payload(
    profile: Profile,
    payload: bytes,
    *,
    device: str,
    received_at: int,
    origin: Origin,
    port: int | None = None,
    is_bare: bool = False,
) -> list[Reading]:
    """The readings in a payload of ``device``, in time order; none where it holds none of the points.

    ``received_at``: UTC ns. ``is_bare``: these are the device's own bytes, without the envelope that the profile names,
    and ``port`` is their LoRaWAN FPort, where there is one. A LoRaWAN frame's
    counter is the sequence of its only reading, without a boot count: it is identified by its time (`Envelope`).
    For any bytes this returns or raises `DecodeError`, nothing else.
    """
    if len(payload) > MAX_BYTES:
        raise DecodeError("size", f"the payload has {len(payload)} bytes; at most {MAX_BYTES} are taken")
    part = profile.file.payload
    if part.form == "senml":
        return _decode_senml(profile, payload, device, received_at, origin)
    envelope = None
    if part.envelope != "none" and not is_bare:
        envelope = open_envelope(part.envelope, payload)
        payload, port = envelope.payload, envelope.port
        if not payload or not port:
            return []
    drafts = _dated(samples_of(profile, payload, port), received_at, envelope)
    return readings_of(device, drafts, received_at, origin)


def samples_of(profile: Profile, payload: bytes, port: int | None) -> list[tuple[int | None, Draft]]:
    """The samples in a device's own payload (form json or bytes) with the time it gives each (UTC ns)."""
    if profile.file.payload.form == "json":
        return read_json(profile, payload)
    return read_bytes(profile, payload, port)


def _decode_senml(profile: Profile, payload: bytes, device: str, received_at: int, origin: Origin) -> list[Reading]:
    is_json = payload.lstrip()[:1] in (b"[", b"{")
    return decode_pack(
        payload,
        SENML_JSON if is_json else SENML_CBOR,
        received_at=received_at,
        origin=origin,
        find_profile=lambda name: profile if name == device else None,
    )


def _dated(samples: list[tuple[int | None, Draft]], received_at: int, envelope: Envelope | None) -> Drafts:
    arrived = received_at if envelope is None or envelope.at is None else envelope.at
    drafts: Drafts = {}
    turns: dict[int, int] = {}
    for at, draft in samples:
        if at is None and envelope is not None:
            draft.sequence = envelope.counter
        time = arrived if at is None else at
        turn = turns[time] = turns.get(time, -1) + 1
        drafts[time, turn] = draft
    return drafts
