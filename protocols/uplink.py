"""Uplink: a SenML pack of a device to Readings (CoAP, HTTP and MQTT bodies are the same pack).

Names are ``device/point`` (base name ``device/``); ``boot`` and ``seq`` are the device's own counters. Records are
grouped by (device, time); the readings of a pack are acknowledged together, so that one wrong record refuses it all.

Time, with ``received_at`` the gateway's clock:

    no time                                   at = received_at
    more than 10 years off                    at = received_at, claimed_at = the claim, uncertain:clock
    ahead or behind more than the profile's   at = the claim, uncertain:clock
    undated (true)                            at = the claim, but 61 s ago at the latest; uncertain:clock
    a point twice at one time                 the second opens another reading 1 µs later, uncertain:clock
    two readings of a device at one time      the second is moved to 1 µs after the earlier, uncertain:clock

``undated`` is what a device says of a sample of an earlier start, made when it knew no time: older than it says, by an
unknown time. Such a sample is late (S9), whatever its time: it commands nothing and clears nothing.

``boot`` and ``undated`` hold for every reading of their device in the pack. ``seq`` is that of the reading at its own
time, or of the device's only reading; one that fits neither is dropped, and the reading is then identified by its time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND
from protocols.plain_pack import read_plain
from protocols.profile.draft import BOOT, SEQUENCE, Draft
from protocols.profile.model import FindProfile, Point, Profile
from protocols.reading import Origin, Reading
from protocols.senml.decode import MAX_BYTES, MAX_RECORDS, decode_cbor, decode_json
from protocols.senml.encode import encode_json
from protocols.senml.record import Record, seconds_text
from protocols.senml.resolve import RELATIVE_BELOW, Resolved, resolve
from protocols.stamp import TEN_YEARS_NS, doubt_clock, stamped
from protocols.units import to_senml

UNDATED_NS = 61 * SECOND
"""More than the 60 s from which on a reading is late (S9)."""

SPREAD_NS = 1_000

SENML_JSON = 110
SENML_CBOR = 112
_DECODERS = {SENML_JSON: decode_json, 50: decode_json, SENML_CBOR: decode_cbor, 60: decode_cbor}
_MEDIA_TYPES = {
    "application/senml+json": SENML_JSON,
    "application/senml+cbor": SENML_CBOR,
    "application/json": 50,
    "application/cbor": 60,
}

_DEVICE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def content_format_of(media_type: str) -> int:
    """The CoAP content format of an HTTP ``Content-Type``; an empty one is SenML JSON.

    Parameters (``; charset=utf-8``) are ignored. Raises `DecodeError` (``content-format``).
    """
    word = media_type.partition(";")[0].strip().lower()
    if not word:
        return SENML_JSON
    found = _MEDIA_TYPES.get(word)
    if found is None:
        raise DecodeError(
            "content-format", f"media type {word[:64]!r} is not taken; send one of {', '.join(_MEDIA_TYPES)}"
        )
    return found


def decode_pack(
    payload: bytes,
    content_format: int | None,
    *,
    received_at: int,
    origin: Origin,
    find_profile: FindProfile,
    max_bytes: int = MAX_BYTES,
    max_records: int = MAX_RECORDS,
) -> list[Reading]:
    """The readings of a pack: devices in the order they first appear, each in time order.

    ``content_format``: 110 or 112; ``None`` (absent) is 110; 50 and 60, the plain JSON and CBOR that simple clients
    send, are read as SenML too. ``received_at``: UTC ns. ``origin`` is the gateway's word, never the payload's (S4).
    An empty pack has no readings. For any bytes this returns or raises `DecodeError` (`UnknownDevice`), nothing else.
    """
    decode = _DECODERS.get(SENML_JSON if content_format is None else content_format)
    if decode is None:
        raise DecodeError("content-format", f"content format {content_format} is not taken; send 110 or 112 (SenML)")
    if decode is decode_json:
        plain = read_plain(payload, received_at, origin, find_profile, max_bytes, max_records)
        if plain is not None:
            return [plain]
    records = resolve(decode(payload, max_bytes=max_bytes, max_records=max_records), received_at)
    readings: list[Reading] = []
    for device, drafts in _group(records, find_profile).items():
        readings.extend(readings_of(device, drafts, received_at, origin))
    return readings


Drafts: TypeAlias = dict[tuple[int, int], Draft]
"""(claimed time, how many times a point was repeated) -> draft."""


def _group(records: Sequence[Resolved], find_profile: FindProfile) -> dict[str, Drafts]:
    devices: dict[str, Drafts] = {}
    profiles: dict[str, Profile] = {}
    repeats: dict[tuple[str, int, str], int] = {}
    for record in records:
        device, _, name = record.name.partition("/")
        drafts = devices.get(device)
        if drafts is None:
            profiles[device] = _profile_of(device, record, find_profile)
            drafts = devices[device] = {}
        turn = 0
        while not _draft(drafts, (record.at, turn), profiles[device]).put(name, record):
            key = (device, record.at, name)
            turn = repeats[key] = repeats.get(key, 0) + 1
    return devices


def _draft(drafts: Drafts, key: tuple[int, int], profile: Profile) -> Draft:
    draft = drafts.get(key)
    if draft is None:
        draft = drafts[key] = Draft(profile)
    return draft


def _profile_of(device: str, record: Resolved, find_profile: FindProfile) -> Profile:
    if _DEVICE.fullmatch(device) is None or "/" not in record.name:
        raise DecodeError(
            "name",
            f"record {record.number}: name {record.name[:80]!r} is not device/point "
            "(a device id has 1 to 64 of A-Z a-z 0-9 . _ : -)",
        )
    profile = find_profile(device)
    if profile is None:
        raise UnknownDevice(device)
    return profile


def readings_of(device: str, drafts: Drafts, received_at: int, origin: Origin) -> list[Reading]:
    """The readings of one device, their times judged as the table above says."""
    samples = sorted((item for item in drafts.items() if item[1].has_points), key=_key)
    boot = next((draft.boot for draft in drafts.values() if draft.boot is not None), None)
    if len(samples) == 1:
        sequence = next((draft.sequence for draft in drafts.values() if draft.sequence is not None), None)
        samples[0][1].sequence = sequence
    undated = any(draft.undated for draft in drafts.values())
    readings = []
    last_claim = None
    for (time, turn), draft in samples:
        claim = (_late(time, received_at) if undated else time) + turn * SPREAD_NS
        moved = last_claim is not None and claim <= last_claim
        if last_claim is not None and moved:
            claim = last_claim + SPREAD_NS
        last_claim = claim
        doubtful = moved or turn > 0 or undated
        profile, decoded, counter = draft.profile, draft.finish(), draft.sequence
        readings.append(stamped(device, profile, decoded, claim, received_at, origin, boot, counter, doubtful=doubtful))
    return _spread(readings)


def _late(claim: int, received_at: int) -> int:
    """The time of an undated sample: its claim, where that is late and no absurdity."""
    latest = received_at - UNDATED_NS
    return claim if received_at - TEN_YEARS_NS <= claim <= latest else latest


def _key(item: tuple[tuple[int, int], Draft]) -> tuple[int, int]:
    (time, turn), _ = item
    return time + turn * SPREAD_NS, turn


def _spread(readings: list[Reading]) -> list[Reading]:
    """The readings of one device in time order, no two at one time."""
    readings.sort(key=_at)
    for index in range(1, len(readings)):
        before, reading = readings[index - 1], readings[index]
        if reading.at <= before.at:
            readings[index] = msgspec.structs.replace(
                reading, at=before.at + SPREAD_NS, quality=doubt_clock(reading.values, reading.quality)
            )
    return readings


def _at(reading: Reading) -> int:
    return reading.at


def encode_readings(readings: Sequence[Reading], profile_of: Mapping[str, Profile]) -> bytes:
    """A SenML JSON pack that `decode_pack` reads back as these readings, for exports and tests.

    ``profile_of``: profile id -> profile. Quality is not part of SenML: it is judged anew when read, and a value that
    stands for «no value» is left out. Raises `ValueError` for a time before mid-1978, which SenML reads as relative.
    """
    return encode_json([record for one in readings for record in _records(one, profile_of[one.profile])])


def _records(reading: Reading, profile: Profile) -> Iterator[Record]:
    if reading.at < RELATIVE_BELOW:
        raise ValueError(f"SenML cannot say the absolute time {reading.at} ns: it is below 2**28 s")
    head = Record(bn=f"{reading.device}/", bt=seconds_text(reading.at))
    for name, counter in ((BOOT, reading.boot), (SEQUENCE, reading.sequence)):
        if counter is not None:
            head.n, head.v = name, float(counter)
            yield head
            head = Record()
    for point, value in zip(profile.points, reading.values, strict=False):
        if value is not None:
            _write(head, point, value)
            yield head
            head = Record()


def _write(record: Record, point: Point, value: float | str) -> None:
    record.n = point.senml
    if isinstance(value, str):
        record.vs = value
    elif point.type == "flag" and value in (0.0, 1.0):
        record.vb = bool(value)
    else:
        record.v = value
        if point.unit != "1":
            record.u = to_senml(point.unit)
