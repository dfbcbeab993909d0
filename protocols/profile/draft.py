"""Draft: one sample of one device in the making, filled from resolved SenML records.

What a record may be for each type of point:

    number, counter   v (and any unit that converts to the point's)
    flag              vb, or v of exactly 0 or 1
    enum              v, a whole number; a code the profile does not list is kept and marked bad:type
    text              vs

Anything else refuses the pack (`DecodeError` ``type``): a device whose types are not the profile's has another
firmware than we think, its other values cannot be trusted to mean what the profile says, and acknowledging a pack
without keeping all of it would break «an acknowledged reading is never lost».

CBOR can send what is no number. NaN is «no value» (absent, bad:missing). Infinity is a saturated channel: it becomes
the number next to the end of the range, bad:over-range or bad:under-range, because stores refuse infinity and an
over-range must never be lost (S3).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from protocols.errors import DecodeError, UnitError
from protocols.gas import gas_linear
from protocols.profile.model import Point, Profile
from protocols.quality import Quality, worse
from protocols.reading import Value
from protocols.senml.resolve import Resolved
from protocols.units import from_senml

BOOT = "boot"
SEQUENCE = "seq"
UNDATED = "undated"
RESERVED = frozenset({BOOT, SEQUENCE, UNDATED})
"""SenML names that say something of the sample and are not points: counters of the device, and whether it knows when
the sample was made."""

MAX_COUNTER = 2**53
_NAMES_SHOWN = 8


class Decoded(NamedTuple):
    """Values and quality in the point order of the profile."""

    values: tuple[Value, ...]
    quality: tuple[int, ...]


class Draft:
    """Collects the values of one (device, time)."""

    __slots__ = ("_marks", "_values", "boot", "has_points", "profile", "sequence", "undated")

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.boot: int | None = None
        self.sequence: int | None = None
        self.undated: bool | None = None
        self.has_points = False
        self._values: list[Value] = [None] * len(profile.points)
        self._marks: list[tuple[int, Quality]] = []

    def put(self, name: str, record: Resolved) -> bool:
        """Take the value of point ``name``; ``False`` when this sample has one already.

        Raises `DecodeError` with the record's number, the point, what was expected and what came.
        """
        point = self.profile.by_senml.get(name)
        if point is None:
            return self._put_undated(record) if name == UNDATED else self._put_counter(name, record)
        index = point.index
        if self._values[index] is not None or (self._marks and any(index == one for one, _ in self._marks)):
            return False
        self.has_points = True
        self._values[index] = self._finite(point, _value_of(point, record))
        return True

    def keep(self, point: Point, value: Value, mark: Quality = Quality.GOOD) -> None:
        """Take a value that another decoder than SenML's made; ``mark``: what its protocol says of it, or why there is
        none."""
        self.has_points = True
        self._values[point.index] = self._finite(point, value)
        if mark is not Quality.GOOD:
            self._marks.append((point.index, mark))

    def _put_counter(self, name: str, record: Resolved) -> bool:
        if name not in RESERVED:
            raise DecodeError("name", _unknown_name(self.profile, name, record.number))
        value = record.value
        if not isinstance(value, float) or not value.is_integer() or not 0 <= value < MAX_COUNTER:
            raise DecodeError(
                "type", f"record {record.number}: {name} must be a whole number from 0 (v), not {_kind(value)}"
            )
        if name == BOOT:
            if self.boot is not None:
                return False
            self.boot = int(value)
        else:
            if self.sequence is not None:
                return False
            self.sequence = int(value)
        return True

    def _put_undated(self, record: Resolved) -> bool:
        if not isinstance(record.value, bool):
            raise DecodeError(
                "type", f"record {record.number}: {UNDATED} must be a boolean (vb), not {_kind(record.value)}"
            )
        if self.undated is not None:
            return False
        self.undated = record.value
        return True

    def _finite(self, point: Point, value: Value) -> Value:
        if not isinstance(value, float) or math.isfinite(value):
            return value
        end = point.high if value > 0 else point.low
        if math.isnan(value) or math.isinf(end):
            self._marks.append((point.index, Quality.BAD_MISSING))
            return None
        return math.nextafter(end, value)

    def finish(self) -> Decoded:
        """The values so far and their quality by type, range and what the device says of itself."""
        values = tuple(self._values)
        quality = self.profile.qualify(values)
        if self._marks:
            marked = list(quality)
            for index, mark in self._marks:
                marked[index] = worse(Quality(marked[index]), mark)
            quality = tuple(int(one) for one in marked)
        return Decoded(values, quality)


def fill(profile: Profile, records: Sequence[Resolved]) -> Decoded:
    """The one sample that these records make, whatever device and time they name. Raises `DecodeError`."""
    draft = Draft(profile)
    for record in records:
        name = record.name.partition("/")[2]
        if not draft.put(name, record):
            raise DecodeError("name", f"record {record.number}: {name!r} a second time")
    return draft.finish()


def _value_of(point: Point, record: Resolved) -> Value:
    value = record.value
    if point.type == "text":
        if isinstance(value, str):
            return value
    elif point.type == "flag":
        if isinstance(value, bool | float) and value in (0, 1):
            return float(value)
    elif isinstance(value, float):
        if point.type != "enum":
            return _in_unit(point, record, value)
        if value.is_integer():
            return value
    raise DecodeError(
        "type",
        f"record {record.number}: point {point.name!r} must be {_EXPECTED[point.type]}, not {_kind(value)}",
    )


_EXPECTED = {
    "number": "a number (v)",
    "counter": "a number (v)",
    "flag": "a boolean (vb), or 0 or 1 (v)",
    "enum": "a whole number (v)",
    "text": "a text (vs)",
}


def _kind(value: object) -> str:
    if value is None:
        return "a sum (s) alone"
    if isinstance(value, bytes):
        return "data (vd)"
    word = {bool: "the boolean", float: "the number", str: "the text"}[type(value)]
    return f"{word} {str(value)[:40]!r}" if isinstance(value, str) else f"{word} {value}"


def _in_unit(point: Point, record: Resolved, value: float) -> float:
    if not record.unit or record.unit == point.unit:
        return value
    try:
        return gas_linear(from_senml(record.unit), point.unit, point.gas)(value)
    except UnitError as error:
        raise DecodeError("unit", f"record {record.number}: point {point.name!r}: {error}") from None


def _unknown_name(profile: Profile, name: str, number: int) -> str:
    names = list(profile.by_senml)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"record {number}: {profile.id} has no point {name[:80]!r}; it has {shown}{more}"
