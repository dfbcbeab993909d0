"""The plain pack: SenML JSON of one sample of one device as nearly every device sends it, read without detours.

    [{"bn": "device/", "bt": 1700000000, "n": "boot", "v": 3}, {"n": "seq", "v": 7}, {"n": "methane", "v": 1.2}, ...]

Base name and base time at most in the first record, numbers and flags in the units of the profile, no time of their
own. `read_plain` says ``None`` to everything else, to every fault too: `protocols.uplink` then reads the pack in full
and says what is wrong with it. What is read here is what would be read there.
"""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from protocols.errors import DecodeError
from protocols.profile.draft import BOOT, MAX_COUNTER, SEQUENCE, Decoded
from protocols.profile.model import FindProfile, Point, Profile, plain_of
from protocols.reading import Origin, Reading, Value
from protocols.senml.record import MAX_TIME_NS, nanoseconds
from protocols.senml.resolve import RELATIVE_BELOW
from protocols.stamp import stamped

_NOT_FIRST = "._:-"
"""A device may begin with one of these, a SenML name may not."""
_NAME = re.compile(r"[A-Za-z0-9:./_-]*")
_BACKSLASH = ord("\\")
"""As a number: to look for a text of one byte takes four times as long."""
_PROFILES = 256
"""Device types whose points are kept at hand."""
_KIND_OF = {"number": "number", "counter": "number", "flag": "flag", "enum": "enum"}
_FLAGS = frozenset((0.0, 1.0))
_LARGEST = sys.float_info.max


class _Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    n: str = ""
    v: float | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    u: str | UnsetType = UNSET
    bn: str | UnsetType = UNSET
    bt: Raw | UnsetType = UNSET


class _Place(NamedTuple):
    """What a name stands for: a kind of point and its place among the values, or a counter (``boot``, ``seq``).

    ``low`` to ``high``, and of ``codes`` where there are any: values that are good, and say nothing of other points.
    """

    kind: str
    at: int
    unit: str
    low: float = 0.0
    high: float = 0.0
    codes: frozenset[float] = frozenset()


class _Plan(NamedTuple):
    """A profile made ready for its packs. ``good``: the qualities where every value is good."""

    places: Mapping[str, _Place]
    good: tuple[int, ...]


_Sample: TypeAlias = tuple[tuple[Value, ...], tuple[int, ...], int | None, int | None]
"""Values, their qualities, ``boot`` and ``seq``."""

_JSON = msgspec.json.Decoder(list[_Record])


@lru_cache(_PROFILES)
def _plan_of(profile: Profile) -> _Plan:
    """Texts, and names that SenML could not say, are left out."""
    counters = {name: _Place(name, -1, "") for name in (BOOT, SEQUENCE)}
    points = {
        name: _place_of(point, profile)
        for name, point in profile.by_senml.items()
        if point.type in _KIND_OF and _NAME.fullmatch(name)
    }
    texts = {name for name, point in profile.by_senml.items() if point.type not in _KIND_OF}
    places = {name: place for name, place in {**counters, **points}.items() if name not in texts}
    return _Plan(places, (0,) * len(profile.points))


def _place_of(point: Point, profile: Profile) -> _Place:
    kind = _KIND_OF[point.type]
    low, high, codes = plain_of(point)
    telling = {rule.equals for rule in profile.quality_rules if rule.point == point.index}
    if telling:
        codes = (_FLAGS if kind == "flag" else codes) - telling
        low = low if codes else math.inf
    return _Place(kind, point.index, point.unit, max(low, -_LARGEST), min(high, _LARGEST), codes)


def read_plain(
    payload: bytes,
    received_at: int,
    origin: Origin,
    find_profile: FindProfile,
    max_bytes: int,
    max_records: int,
) -> Reading | None:
    """The one reading of a plain pack; ``None`` for any other bytes. Raises nothing.

    ``find_profile`` knows ids of `[A-Za-z0-9._:-]{1,64}` alone, as those of a site are.
    """
    # a backslash may hide what a name is, and what is not ASCII needs more than msgspec's look at it
    if len(payload) > max_bytes or _BACKSLASH in payload or not payload.isascii():
        return None
    try:
        records = _JSON.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    device = _device_of(records, payload) if 0 < len(records) <= max_records else None
    profile = None if device is None else find_profile(device)
    if device is None or profile is None:
        return None
    time = records[0].bt
    sample = _sample(records, device, profile)
    if sample is None:
        return None
    values, quality, boot, sequence = sample
    if time is UNSET:
        # no claim, no clock to doubt
        return Reading(device, profile.id, received_at, received_at, origin, values, quality, boot, sequence)
    claim = _time(time, received_at)
    decoded = Decoded(values, quality)
    return None if claim is None else stamped(device, profile, decoded, claim, received_at, origin, boot, sequence)


def _device_of(records: Sequence[_Record], payload: bytes) -> str | None:
    """The device of the first record: alone in the base name, or before the point in a name without base. ``None``
    where another record has a base, too: then its label is there more often."""
    first = records[0]
    base = "" if first.bn is UNSET else first.bn
    device, slash, point = (base or first.n).partition("/")
    if not slash or (base and point) or device[:1] in _NOT_FIRST:
        return None
    is_alone = payload.count(b'"bn"') == (first.bn is not UNSET) and payload.count(b'"bt"') == (first.bt is not UNSET)
    return device if is_alone else None


def _time(text: Raw, received_at: int) -> int | None:
    try:
        at = nanoseconds(text, 1, "bt")
    except DecodeError:
        return None
    if at < RELATIVE_BELOW:
        at += received_at
    return at if -MAX_TIME_NS <= at <= MAX_TIME_NS else None


def _sample(records: Sequence[_Record], device: str, profile: Profile) -> _Sample | None:
    """One value of each point, one of each counter."""
    first = records[0]
    has_base = first.bn is not UNSET or first.bt is not UNSET
    if has_base and first.v is UNSET and first.vb is UNSET:
        records = records[1:]
    places, good = _plan_of(profile)
    prefix = "" if first.bn else f"{device}/"
    skip = len(prefix)
    values: list[Value] = [None] * len(good)
    counters: dict[str, int] = {}
    is_good = True
    for record in records:
        name = record.n
        if skip:
            name = name[skip:] if name.startswith(prefix) else ""
        place = places.get(name)
        value = None if place is None else _value(place, record)
        if place is None or value is None:
            return None
        kind, at, _, low, high, codes = place
        if at < 0:
            if kind in counters or not 0 <= value < MAX_COUNTER:
                return None
            counters[kind] = int(value)
            continue
        if values[at] is not None:
            return None
        values[at] = value
        if not low <= value <= high or (codes and value not in codes):
            is_good = False
    if len(counters) == len(records):
        return None
    taken = tuple(values)
    return taken, good if is_good else profile.qualify(taken), counters.get(BOOT), counters.get(SEQUENCE)


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
