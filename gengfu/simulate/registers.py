"""Values as a Modbus slave holds them: the reverse of `protocols.modbus.plan`.

A table is a mapping from address to a register (0 to 65535) or a bit. A value that does not fit its type is held as the
nearest one that does; one that is absent as the profile's code for it, else as 0.
"""

import math
import struct
from collections.abc import Mapping

from protocols.modbus.columns import LETTERS
from protocols.modbus.conversions import ENCODINGS
from protocols.profile.model import Profile
from protocols.profile.rules_modbus import BIT_TABLES, width_of
from protocols.profile.schema import ByteOrder, ModbusPart
from protocols.reading import Value

Tables = dict[str, dict[int, int]]


def tables_of(profile: Profile, values: tuple[Value, ...]) -> Tables:
    """All tables of a device that has these values; holes between its points are 0, as slaves answer them."""
    tables: Tables = {}
    for part, value in zip(profile.file.point, values, strict=True):
        if part.modbus is not None:
            table = tables.setdefault(part.modbus.table, {})
            for address, cell in _cells(part.modbus, value).items():
                table[address] = table.get(address, 0) | cell
    for table in tables.values():
        for address in range(min(table), max(table)):
            table.setdefault(address, 0)
    return tables


def _cells(modbus: ModbusPart, value: Value) -> Mapping[int, int]:
    """What one point puts where."""
    if modbus.table in BIT_TABLES:
        return {modbus.address: int(bool(value))}
    if modbus.bit is not None:
        return {modbus.address: _raw_bits(modbus, value) << modbus.bit}
    data = _turned(_bytes(modbus, value), modbus.byte_order)
    return {modbus.address + at: data[2 * at] << 8 | data[2 * at + 1] for at in range(len(data) // 2)}


def _raw_bits(modbus: ModbusPart, value: Value) -> int:
    if modbus.bits is None:
        return int(bool(value))
    raw = _raw(modbus, value)
    return min(max(int(raw), 0), (1 << modbus.bits) - 1)


def _bytes(modbus: ModbusPart, value: Value) -> bytes:
    """The highest byte first."""
    if modbus.type in ENCODINGS:
        size = 2 * width_of(modbus)
        text = value.encode(ENCODINGS[modbus.type], "replace") if isinstance(value, str) else b""
        return text[:size].ljust(size, b"\0")
    letter = ">" + LETTERS[modbus.type]
    raw = _raw(modbus, value)
    if modbus.type.startswith("float"):
        return struct.pack(letter, raw)
    if modbus.type.startswith("bcd"):
        return struct.pack(letter, int(str(min(max(int(raw), 0), 10 ** (2 * struct.calcsize(letter)) - 1)), 16))
    bits = 8 * struct.calcsize(letter)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if letter[-1].islower() else (0, (1 << bits) - 1)
    return struct.pack(letter, min(max(int(raw), low), high))


def _raw(modbus: ModbusPart, value: Value) -> float:
    is_float = modbus.type.startswith("float")
    if not isinstance(value, float):
        return math.nan if is_float else modbus.missing[0] if modbus.missing else 0
    raw = (value - modbus.offset) / modbus.scale
    return raw if is_float else round(raw)


def _turned(data: bytes, order: ByteOrder) -> bytes:
    """From ABCD into the order of the registers (`protocols.profile.schema.ModbusPart`)."""
    if order in ("CDAB", "DCBA"):
        data = b"".join(data[at : at + 2] for at in range(len(data) - 2, -2, -2))
    if order in ("BADC", "DCBA"):
        data = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
    return data
