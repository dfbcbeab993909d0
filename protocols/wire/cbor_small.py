"""Deterministic CBOR (RFC 8949, section 4.2.1) of what OSCORE's structures hold: encoding only.

Unsigned integers, byte and text strings, arrays and null. The shared codec cannot use a library: MicroPython has none.
"""

import struct


def _head(major: int, value: int) -> bytes:
    """Major type and argument in the shortest form."""
    if value < 24:
        return bytes((major << 5 | value,))
    if value < 0x100:
        return bytes((major << 5 | 24, value))
    if value < 0x10000:
        return struct.pack(">BH", major << 5 | 25, value)
    if value < 0x100000000:
        return struct.pack(">BI", major << 5 | 26, value)
    return struct.pack(">BQ", major << 5 | 27, value)


def encode(value: int | bytes | str | list | tuple | None) -> bytes:  # type: ignore[type-arg]  # nested to any depth
    """The bytes of ``value``. Raises `ValueError` for a type or a number that is not supported."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join([encode(one) for one in value])
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFFFFFFFFFFFF:
        return _head(0, value)
    raise ValueError("only unsigned integers of 64 bits, bytes, text, arrays and None")
