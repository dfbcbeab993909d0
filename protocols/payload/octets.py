"""Bytes of a device's maker: by the table of its profile, or by the decoder that the profile names."""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from protocols.decoders.registry import DECODERS
from protocols.decoders.sample import Sample
from protocols.errors import DecodeError
from protocols.modbus.conversions import Conversion, conversion
from protocols.profile.draft import Draft
from protocols.profile.model import Point, Profile
from protocols.profile.parts_payload import BytesPart
from protocols.profile.rules_payload import width_of
from protocols.profile.schema import ModbusPart, PointPart
from protocols.quality import Quality

_Unpack: TypeAlias = Callable[[bytes], Any]


class _Row(NamedTuple):
    point: Point
    start: int
    end: int
    unpack: _Unpack
    convert: Conversion


class TablePlan(NamedTuple):
    """A profile's table, compiled. ``length``: bytes that a payload has at least."""

    rows: tuple[_Row, ...]
    length: int


@lru_cache(maxsize=256)
def table_plan(profile: Profile) -> TablePlan:
    """Compile the table of a profile that `protocols.profile.rules_payload` has nothing against."""
    rows = tuple(
        _row(point, part, part.in_bytes)
        for point, part in zip(profile.points, profile.file.point, strict=True)
        if part.in_bytes is not None
    )
    return TablePlan(rows, profile.file.payload.length or max((row.end for row in rows), default=0))


def read_bytes(profile: Profile, payload: bytes, port: int | None) -> list[tuple[int | None, Draft]]:
    """The samples of a payload with the device's own time of each (UTC ns). Raises `DecodeError`."""
    part = profile.file.payload
    if port is not None and part.ports and port not in part.ports:
        known = ", ".join(str(one) for one in part.ports)
        raise DecodeError("port", f"unknown FPort {port}: {profile.id} sends its values at {known}")
    if part.decoder is None:
        return [(None, _by_table(profile, payload))]
    samples = DECODERS[part.decoder].decode(payload, port)
    drafts = [(sample.at, _draft(profile, sample)) for sample in samples]
    return [(at, draft) for at, draft in drafts if draft.has_points]


def _by_table(profile: Profile, payload: bytes) -> Draft:
    plan = table_plan(profile)
    if len(payload) < plan.length:
        raise DecodeError("length", f"the payload has {len(payload)} bytes, expected {plan.length} at least")
    draft = Draft(profile)
    for row in plan.rows:
        if row.end <= len(payload):
            raw = row.unpack(payload[row.start : row.end])
            value = row.convert.value(raw)
            draft.keep(row.point, value, Quality.GOOD if value is not None else row.convert.fault(raw))
    return draft


def _draft(profile: Profile, sample: Sample) -> Draft:
    draft = Draft(profile)
    mark = Quality.BAD_TYPE if sample.is_torn else Quality.GOOD
    for name, found in sample.values.items():
        point = profile.by_name.get(name)
        if point is None:
            continue
        if isinstance(found, Quality):
            draft.keep(point, None, found)
        else:
            draft.keep(point, found, mark)
    return draft


def _row(point: Point, part: PointPart, place: BytesPart) -> _Row:
    return _Row(point, place.at, place.at + width_of(place), _unpacker(place), conversion(part, _as_registers(place)))


def _unpacker(place: BytesPart) -> _Unpack:
    if place.type in ("utf8", "gbk"):
        return lambda raw: raw
    if place.type.startswith("float"):
        form = struct.Struct((">" if place.byte_order == "big" else "<") + ("f" if place.type == "float32" else "d"))
        return lambda raw: form.unpack(raw)[0]
    is_signed = place.type.startswith("int")
    return lambda raw: int.from_bytes(raw, place.byte_order, signed=is_signed)


_WIDER: dict[str, str] = {
    "int8": "int16",
    "uint8": "uint16",
    "int24": "int32",
    "uint24": "uint32",
    "bcd8": "bcd16",
}


def _as_registers(place: BytesPart) -> ModbusPart:
    """The part that says the same of a number once it is unpacked; which width it had no longer matters."""
    return ModbusPart.model_validate(
        {
            "table": "input",
            "address": 0,
            "type": _WIDER.get(place.type, place.type),
            **place.model_dump(include={"scale", "offset", "missing", "bit", "bits"}),
        }
    )
