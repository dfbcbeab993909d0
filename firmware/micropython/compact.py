"""The values of a snapshot as a few dozen bytes: how a reading waits in memory and in flash.

    tag          value
    0x00         none (or what JSON cannot hold)
    0x01, 0x02   false, true
    0x03         float, 8 bytes: what the next line cannot hold
    0x10 + 4d+s  integer / 10**d, d 0 to 3 decimals, in 1 << s bytes, s 0 to 3

All little-endian, in the order of the snapshot. Three decimals are what a SenML pack shows; a number comes back as the
same text.
"""

import struct

_FORMATS = ("<b", "<h", "<i", "<q")
_TAG = 0x10


def encode(values) -> bytes:
    """The values (bool, int, float or ``None``) in their order."""
    return b"".join(_one(value) for value in values)


def decode(data: bytes) -> list:
    """The reverse of `encode`: whole numbers as int. Raises `ValueError` for other bytes."""
    values = []
    at = 0
    while at < len(data):
        tag = data[at]
        at += 1
        if tag < 3:
            values.append((None, False, True)[tag])
            continue
        layout = "<d" if tag == 3 else _FORMATS[tag & 3]
        size = struct.calcsize(layout)
        if at + size > len(data) or (tag != 3 and not _TAG <= tag < _TAG + 16):
            raise ValueError(f"no value at byte {at - 1}")
        value = struct.unpack(layout, data[at : at + size])[0]
        decimals = 0 if tag == 3 else (tag - _TAG) >> 2
        values.append(value / 10**decimals if decimals else value)
        at += size
    return values


def _one(value) -> bytes:
    if value is True or value is False:
        return b"\x02" if value else b"\x01"
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return b"\x00"
    decimals = 0
    if not isinstance(value, int):
        if abs(value) >= 1e9:
            return b"\x03" + struct.pack("<d", value)
        value = round(value * 1000)
        decimals = 3
        while decimals and value % 10 == 0:
            value //= 10
            decimals -= 1
    size = 0
    while size < 3 and not -(1 << (8 << size) - 1) <= value < 1 << (8 << size) - 1:
        size += 1
    return bytes((_TAG + 4 * decimals + size,)) + struct.pack(_FORMATS[size], value)
