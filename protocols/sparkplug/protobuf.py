"""Protocol Buffers on the wire, as much as the Sparkplug B payload needs.

A message is a row of fields, each a key and a value (encoding guide of Protocol Buffers, «Message structure»):

    key       varint: field number * 8 + wire type
    type 0    varint, 7 bits an octet, lowest first, at most 10 octets
    type 1    8 octets, lowest first
    type 2    varint length, then so many octets: text, bytes, an embedded message
    type 5    4 octets, lowest first

Groups (types 3 and 4) are refused: proto2 lets them be, Sparkplug uses none.
"""

from collections.abc import Iterator

from protocols.errors import DecodeError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


def fields(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Each field as (number, wire type, value of a varint or 0, octets of the others or empty).

    Raises `DecodeError` where the bytes are no message, nothing else.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise DecodeError("syntax", "a field with the number 0")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value, b""
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise DecodeError("syntax", f"field {number} has wire type {kind}")
        if at + length > len(data):
            raise DecodeError("syntax", f"field {number} is cut off")
        yield number, kind, 0, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for turn in range(10):
        if at >= len(data):
            raise DecodeError("syntax", "a number is cut off")
        octet = data[at]
        at += 1
        value |= (octet & 0x7F) << 7 * turn
        if octet < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise DecodeError("syntax", "a number of more than 10 octets")


def put_varint(number: int, value: int) -> bytes:
    """A field with a number from 0 to 2**64 - 1."""
    return _number(number << 3 | VARINT) + _number(value)


def put_bytes(number: int, value: bytes) -> bytes:
    """A field with octets."""
    return _number(number << 3 | BYTES) + _number(len(value)) + value


def put_fixed(number: int, value: bytes) -> bytes:
    """A field of 4 or 8 octets, lowest first."""
    return _number(number << 3 | (FIXED32 if len(value) == 4 else FIXED64)) + value


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
