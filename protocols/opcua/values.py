"""What a value of an OPC UA server says as a point's value, or why it is no value.

value = number * scale + offset; of a whole number exactly, so that 12 with scale 0.1 is 1.2.

    what the server sends                           value    quality, unless the status says worse
    number for a number or counter                  scaled   by the range
    true, false for a number                        1, 0     by the range
    true, false, 0, 1 for a flag; a bit of a number 1, 0     good
    whole number, true or false for an enumeration  its code good, bad:type if no state has it
    text or truth that stands in ``words``          its code good
    text for a text                                 itself   good
    NaN, nothing                                    none     the status, else bad:missing
    anything else (arrays, structures, ...)         none     bad:type

Infinity is what `protocols.profile.draft` says. A value with a bad status is kept: it can raise an alarm, and its
quality keeps it from doing more (S3).
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from protocols.errors import ProfileError
from protocols.opcua.status import quality_of
from protocols.profile.draft import Decoded, Draft
from protocols.profile.model import Point, Profile
from protocols.profile.parts_opcua import OpcUaPart
from protocols.profile.schema import GoldenPart
from protocols.quality import Quality
from protocols.reading import Value

_MOST = 2**64
"""OPC UA has no greater whole number."""


class Sample(NamedTuple):
    """One value of a server. ``source_at``, ``server_at``: UTC ns, where it gives them."""

    value: object
    status: int = 0
    source_at: int | None = None
    server_at: int | None = None


UNREADABLE = object()
"""In place of a value that the library cannot decode: it is of no type that a point could have."""

Parts: TypeAlias = Mapping[int, OpcUaPart]
"""By the index of the point."""


def parts_of(profile: Profile) -> Parts:
    """The points that a server has. Raises `ProfileError` where there is none."""
    parts = {index: part.opcua for index, part in enumerate(profile.file.point) if part.opcua is not None}
    if not parts:
        raise ProfileError([f"{profile.id}: no point has an OPC UA node: add opcua = {{ node = ... }} to its points"])
    return MappingProxyType(parts)


def judge(profile: Profile, parts: Parts, samples: Iterable[tuple[int, Sample]]) -> Decoded:
    """Values and quality; ``samples``: (index of a point that is in ``parts``, what the server says of it).

    Raises nothing, whatever the server sent.
    """
    draft = Draft(profile)
    for index, sample in samples:
        point = profile.points[index]
        given = quality_of(sample.status)
        value, fault = convert(point, parts[index], sample.value)
        draft.keep(point, value, given if fault is Quality.GOOD or given.is_bad else fault)
    return draft.finish()


def convert(point: Point, part: OpcUaPart, value: object) -> tuple[Value, Quality]:
    """The value, or ``None`` with the reason. Raises nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None, Quality.BAD_MISSING
    if point.type == "text":
        return (value, Quality.GOOD) if isinstance(value, str) else (None, Quality.BAD_TYPE)
    number = _number(part, value)
    if number is None or (point.type in ("flag", "enum") and not _is_code(point, number)):
        return None, Quality.BAD_TYPE
    if point.type in ("flag", "enum"):
        return float(number), Quality.GOOD
    return _scaled(part, number), Quality.GOOD


def _number(part: OpcUaPart, value: object) -> int | float | None:
    """The number that a value is or stands for."""
    if isinstance(value, bool):
        return part.words.get("true" if value else "false", int(value))
    if isinstance(value, str):
        return part.words.get(value)
    if isinstance(value, int) and -_MOST < value < _MOST:
        return int(value) if part.bit is None else int(value) >> part.bit & 1
    return value if isinstance(value, float) and part.bit is None else None


def _is_code(point: Point, number: int | float) -> bool:
    return number in (0, 1) if point.type == "flag" else isinstance(number, int) or number.is_integer()


def _scaled(part: OpcUaPart, number: int | float) -> float:
    if isinstance(number, int):
        return float(Decimal(number) * Decimal(repr(part.scale)) + Decimal(repr(part.offset)))
    return number * part.scale + part.offset


def decode_golden(profile: Profile, part: GoldenPart) -> Decoded:
    """The sample in ``part.opcua``, as the transport reads it. Raises `ProfileError`."""
    parts = parts_of(profile)
    absent = [one.point for one in part.opcua if profile.by_name[one.point].index not in parts]
    if absent:
        raise ProfileError([f"{profile.id}: golden {part.name!r}: {', '.join(absent)} has no OPC UA node"])
    return judge(
        profile, parts, ((profile.by_name[one.point].index, Sample(one.value, one.status)) for one in part.opcua)
    )
