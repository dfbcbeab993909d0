"""The Sparkplug B payload (sparkplug_b.proto of Eclipse Tahu, commit 10f8dcf, package org.eclipse.tahu.protobuf).

    message    field                                               number, type
    Payload    timestamp (ms)                                      1 varint
               metrics                                             2 Metric, repeated
               seq                                                 3 varint
    Metric     name                                                1 text
               alias                                               2 varint
               timestamp (ms)                                      3 varint
               datatype                                            4 varint
               is_historical, is_null                              5, 7 varint
               properties                                          9 PropertySet
               int, long                                           10, 11 varint
               float, double                                       12 four octets, 13 eight
               boolean                                             14 varint
               string                                              15 text
    PropertySet keys                                               1 text, repeated
               values                                              2 PropertyValue, repeated
    PropertyValue int, long                                        3, 4 varint

Data sets, templates, bytes and arrays are left out: no point is one. A signed integer is in two's complement of 32 bits
(Int8 to Int32) or 64 bits [M].
"""

import math
import struct
from typing import NamedTuple, TypeAlias

from protocols.errors import DecodeError
from protocols.sparkplug.protobuf import BYTES, FIXED32, FIXED64, VARINT, fields, put_bytes, put_fixed, put_varint

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, TEXT, UUID = range(9, 16)
"""Data types, as listed in sparkplug_b.proto."""
MOST_METRICS = 10_000
_SIGNED = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}
_UNSIGNED = {UINT8: 8, UINT16: 16, UINT32: 32, UINT64: 64, DATETIME: 64}
_TEXTS = (STRING, TEXT, UUID)
_QUALITY = b"Quality"
UNREADABLE = -1
"""In place of a quality that is there and no whole number: it is not good."""

Value: TypeAlias = float | bool | str | None


class Metric(NamedTuple):
    """One metric as it came. ``raw``: (field number, varint, octets) of its value, ``None`` where there is none;
    ``quality``: its property of that name, 192 for good, `UNREADABLE`, or ``None`` where it has none. Times in ms."""

    name: str | None
    alias: int | None
    timestamp: int | None
    datatype: int | None
    is_historical: bool
    is_null: bool
    quality: int | None
    raw: tuple[int, int, bytes] | None


class Payload(NamedTuple):
    """A payload. ``seq``: 0 to 255, ``None`` where there is none (deaths, commands)."""

    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]

    def number(self, name: str) -> int | None:
        """The whole number that the metric ``name`` has."""
        found = next((one for one in self.metrics if one.name == name and one.raw is not None), None)
        return found.raw[1] if found is not None and found.raw is not None and found.raw[0] in (10, 11) else None


def decode(data: bytes) -> Payload:
    """Raises `DecodeError` for what is no payload, nothing else. Fields that are not known are passed over."""
    timestamp = seq = None
    metrics: list[Metric] = []
    for number, kind, value, octets in fields(data):
        if (number, kind) == (1, VARINT):
            timestamp = value
        elif (number, kind) == (2, BYTES):
            if len(metrics) == MOST_METRICS:
                raise DecodeError("size", f"more than {MOST_METRICS} metrics")
            metrics.append(_metric(octets))
        elif (number, kind) == (3, VARINT):
            if value > 255:
                raise DecodeError("syntax", f"a sequence number of {value}; it is 0 to 255")
            seq = value
    return Payload(timestamp, seq, tuple(metrics))


_VALUE_KINDS = {10: VARINT, 11: VARINT, 12: FIXED32, 13: FIXED64, 14: VARINT, 15: BYTES}


def _metric(data: bytes) -> Metric:
    name = None
    numbers: dict[int, int] = {}
    quality = raw = None
    for number, kind, value, octets in fields(data):
        if number == 1 and kind == BYTES:
            name = _text(octets)
        elif number in (2, 3, 4, 5, 7) and kind == VARINT:
            numbers[number] = value
        elif number == 9 and kind == BYTES:
            quality = _quality(octets)
        elif _VALUE_KINDS.get(number) == kind:
            raw = number, value, octets
    is_historical, is_null = bool(numbers.get(5)), bool(numbers.get(7))
    return Metric(name, numbers.get(2), numbers.get(3), numbers.get(4), is_historical, is_null, quality, raw)


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise DecodeError("syntax", "a text that is not UTF-8") from None


def _quality(data: bytes) -> int | None:
    """The property «Quality» of a set."""
    keys: list[bytes] = []
    values: list[int] = []
    for number, kind, _value, octets in fields(data):
        if kind == BYTES and number == 1:
            keys.append(octets)
        elif kind == BYTES and number == 2:
            whole = [value for key, how, value, _ in fields(octets) if key in (3, 4) and how == VARINT]
            values.append(whole[-1] if whole else UNREADABLE)
    if _QUALITY not in keys:
        return None
    at = keys.index(_QUALITY)
    return values[at] if at < len(values) else UNREADABLE


def value_of(metric: Metric, datatype: int) -> Value:
    """What the metric says, read as ``datatype``; ``None`` for null, or for no value of that type."""
    if metric.is_null or metric.raw is None:
        return None
    number, varint, octets = metric.raw
    if datatype in _SIGNED or datatype in _UNSIGNED:
        return _integer(varint, datatype) if number in (10, 11) else None
    if datatype in (FLOAT, DOUBLE) and number in (12, 13):
        return float(struct.unpack("<f" if number == 12 else "<d", octets)[0])
    if datatype == BOOLEAN and number == 14:
        return bool(varint)
    if datatype in _TEXTS and number == 15:
        return octets.decode(errors="replace")
    return None


def _integer(varint: int, datatype: int) -> float:
    bits = _SIGNED.get(datatype) or _UNSIGNED[datatype]
    value = varint & (1 << bits) - 1
    return float(value - (1 << bits) if datatype in _SIGNED and value >> bits - 1 else value)


def encode_command(name: str, datatype: int, value: float | bool | str, timestamp: int) -> bytes:
    """A command with one metric. ``timestamp``: ms. Raises `ValueError` where ``value`` is not of the data type."""
    metric = put_bytes(1, name.encode()) + put_varint(3, timestamp) + put_varint(4, datatype) + _put(datatype, value)
    return put_varint(1, timestamp) + put_bytes(2, metric)


def _put(datatype: int, value: float | bool | str) -> bytes:
    if datatype in _TEXTS and isinstance(value, str):
        return put_bytes(15, value.encode())
    if datatype == BOOLEAN and isinstance(value, bool):
        return put_varint(14, value)
    if isinstance(value, str | bool):
        raise ValueError(f"{value!r} is not of the metric's data type {datatype}")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is no value for a command")
    if datatype in (FLOAT, DOUBLE):
        return put_fixed(12, _float(value)) if datatype == FLOAT else put_fixed(13, struct.pack("<d", value))
    bits = _SIGNED.get(datatype) or _UNSIGNED.get(datatype)
    if bits is None or value != int(value):
        raise ValueError(f"{value!r} is not of the metric's data type {datatype}")
    low = -(1 << bits - 1) if datatype in _SIGNED else 0
    if not low <= value < low + (1 << bits):
        raise ValueError(f"{value!r} does not fit into the metric's data type {datatype}")
    wide = 64 if bits == 64 else 32
    return put_varint(11 if wide == 64 else 10, int(value) & (1 << wide) - 1)


def _float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        raise ValueError(f"{value!r} does not fit into 32 bits") from None
