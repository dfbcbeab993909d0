"""The plain pack: SenML JSON of one sample of one device as nearly every device sends it, read without detours.

    [{"bn": "device/", "bt": 1700000000, "n": "boot", "v": 3}, {"n": "seq", "v": 7}, {"n": "methane", "v": 1.2}, ...]

Base name and base time at most in the first record, numbers and flags in the units of the profile, no time of their
own. `read_plain` says ``None`` to everything else, to every fault too: `protocols.uplink` then reads the pack in full
and says what is wrong with it. What is read here is what would be read there.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from protocols.errors import DecodeError
from protocols.profile.draft import BOOT, MAX_COUNTER, SEQUENCE, Decoded
from protocols.profile.model import FindProfile, Profile
from protocols.reading import Origin, Reading, Value
from protocols.senml.record import MAX_TIME_NS, nanoseconds
from protocols.senml.resolve import RELATIVE_BELOW
from protocols.stamp import stamped

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9:./_-]*")
_PROFILES = 256
"""Device types whose points are kept at hand."""
_KIND_OF = {"number": "number", "counter": "number", "flag": "flag", "enum": "enum"}


class _Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    n: str = ""
    v: float | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    u: str | UnsetType = UNSET
    bn: str | UnsetType = UNSET
    bt: Raw | UnsetType = UNSET


class _Place(NamedTuple):
    """What a name stands for: a kind of point and its place among the values, or a counter (``boot``, ``seq``)."""

    kind: str
    at: int
    unit: str


class _Sample(NamedTuple):
    values: tuple[Value, ...]
    boot: int | None
    sequence: int | None


_JSON = msgspec.json.Decoder(list[_Record])


@lru_cache(_PROFILES)
def _places(profile: Profile) -> Mapping[str, _Place]:
    """By name; texts, and names that SenML could not say, are left out."""
    counters = {name: _Place(name, -1, "") for name in (BOOT, SEQUENCE)}
    points = {
        name: _Place(_KIND_OF[point.type], point.index, point.unit)
        for name, point in profile.by_senml.items()
        if point.type in _KIND_OF and _NAME.fullmatch(name)
    }
    texts = {name for name, point in profile.by_senml.items() if point.type not in _KIND_OF}
    return {name: place for name, place in {**counters, **points}.items() if name not in texts}


def read_plain(
    payload: bytes,
    *,
    received_at: int,
    origin: Origin,
    find_profile: FindProfile,
    max_bytes: int,
    max_records: int,
) -> Reading | None:
    """The one reading of a plain pack; ``None`` for any other bytes. Raises nothing."""
    # a backslash may hide what a name is, and what is not ASCII needs more than msgspec's look at it
    if len(payload) > max_bytes or b"\\" in payload or not payload.isascii():
        return None
    try:
        records = _JSON.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    device = _device_of(records) if len(records) <= max_records else None
    profile = None if device is None else find_profile(device)
    if device is None or profile is None:
        return None
    claim = received_at if records[0].bt is UNSET else _time(records[0].bt, received_at)
    sample = _sample(records, device, profile)
    if claim is None or sample is None:
        return None
    decoded = Decoded(sample.values, profile.qualify(sample.values))
    return stamped(device, profile, decoded, claim, received_at, origin, sample.boot, sample.sequence)


def _device_of(records: Sequence[_Record]) -> str | None:
    """The device of the first record: alone in the base name, or before the point in a name without base."""
    if not records:
        return None
    first = records[0]
    base = "" if first.bn is UNSET else first.bn
    device, slash, point = (base or first.n).partition("/")
    is_plain = slash and not (base and point) and _DEVICE.fullmatch(device)
    return device if is_plain else None


def _time(text: Raw, received_at: int) -> int | None:
    try:
        at = nanoseconds(text, 1, "bt")
    except DecodeError:
        return None
    if at < RELATIVE_BELOW:
        at += received_at
    return at if -MAX_TIME_NS <= at <= MAX_TIME_NS else None


def _sample(records: Sequence[_Record], device: str, profile: Profile) -> _Sample | None:
    """One value of each point and counter, no base field after the first record."""
    first = records[0]
    has_base = first.bn is not UNSET or first.bt is not UNSET
    if has_base and first.v is UNSET and first.vb is UNSET:
        records = records[1:]
    places = _places(profile)
    prefix = "" if first.bn else f"{device}/"
    skip = len(prefix)
    values: list[Value] = [None] * len(profile.points)
    counters: dict[str, int] = {}
    for record in records:
        name = record.n
        if (record.bn is not UNSET or record.bt is not UNSET) and record is not first:
            return None
        place = places.get(name[skip:] if name.startswith(prefix) else "")
        value = None if place is None else _value(place, record)
        if place is None or value is None:
            return None
        if place.at >= 0 and values[place.at] is None:
            values[place.at] = value
        elif place.at < 0 and place.kind not in counters and 0 <= value < MAX_COUNTER:
            counters[place.kind] = int(value)
        else:
            return None
    has_points = len(counters) < len(records)
    return _Sample(tuple(values), counters.get(BOOT), counters.get(SEQUENCE)) if has_points else None


def _value(place: _Place, record: _Record) -> float | None:
    """What the record gives, where that is plainly what its place takes; no negative zero, as in a sum with a base."""
    kind, value = place.kind, record.v
    if value is UNSET:
        return float(record.vb) if kind == "flag" and record.vb is not UNSET else None
    if record.vb is not UNSET or not math.isfinite(value):
        return None
    if kind == "number":
        return value + 0.0 if record.u is UNSET or not record.u or record.u == place.unit else None
    if kind == "flag":
        return value + 0.0 if value in (0, 1) else None
    return value + 0.0 if value.is_integer() else None
