"""Modbus addresses of a profile: every register and bit has one owner, every type fits its table, every read is
within what the device allows, and every write fits its table."""

import math
from collections.abc import Iterator

from protocols.profile.problem import Problem
from protocols.profile.schema import ModbusLimitsPart, ModbusPart, ModbusWritePart, PointPart, ProfileFile

WIDTH = {
    "bool": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
    "bcd16": 1,
    "bcd32": 2,
}
"""Registers (16 bits each) that a value takes; a text says itself how many."""

TEXTS = ("utf8", "gbk")
BIT_TABLES = ("coil", "discrete")
_WIDE_ORDERS = ("CDAB", "DCBA")
_LAST_ADDRESS = 65535
_WHOLE = -1
_LARGEST = 1e30
"""So that no integer of 64 bits becomes infinite by its scale."""
_MAX_WRITE = {"coil": 1968, "holding": 123}
"""Modbus Application Protocol 1.1b3, 6.11 and 6.12."""


def width_of(modbus: ModbusPart) -> int:
    """Registers or bits from its address on that belong to the point."""
    if modbus.table in BIT_TABLES:
        return 1
    return modbus.registers or 1 if modbus.type in TEXTS else WIDTH[modbus.type]


def check_modbus(file: ProfileFile) -> Iterator[Problem]:
    """Problems of the ``modbus`` parts of all points, and of what the device allows."""
    for number, part in enumerate(file.modbus.forbidden, 1):
        if part.first > part.last:
            yield f"modbus.forbidden[{number}]", f"must be first <= last, not {part.first} to {part.last}"
    owners: dict[tuple[str, int], dict[int, str]] = {}
    for point in file.point:
        if point.modbus is None:
            continue
        path = f"point[{point.name}].modbus"
        for key, what in (*_shape(point, point.modbus), *_readable(point.modbus, file.modbus)):
            yield path + key, what
        for other in _claim(owners, point.name, point.modbus):
            yield path + ".address", f"point {other!r} has this register or bit already: give each its own"


def check_write(write: ModbusWritePart) -> Iterator[Problem]:
    """Problems of the ``modbus`` part of one command."""
    values = write.written
    if (write.value is None) == (not write.values):
        yield "", "give one value, or the list values: one of the two"
    if write.table == "coil":
        for value in sorted({value for value in values if value > 1}):
            yield ".value" if write.values == () else ".values", f"a coil takes 0 or 1, not {value}"
    if len(values) > _MAX_WRITE[write.table]:
        yield ".values", f"{len(values)} at once: one request writes {_MAX_WRITE[write.table]} at most"
    if write.address + len(values) - 1 > _LAST_ADDRESS:
        yield ".address", f"{len(values)} values from {write.address} on end beyond address {_LAST_ADDRESS}"


def _shape(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.table in BIT_TABLES:
        yield from _bit_table(point, modbus)
        return
    if point.type == "text":
        yield from _text(modbus)
    else:
        yield from _number(point, modbus)
    if modbus.address + width_of(modbus) - 1 > _LAST_ADDRESS:
        yield ".address", f"{modbus.type} at {modbus.address} ends beyond register {_LAST_ADDRESS}"


def _bit_table(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if point.type != "flag":
        yield ".table", f"a {modbus.table} is one bit, so the point must be a flag, not of type {point.type}"
    if modbus.type not in ("bool", "uint16"):
        yield ".type", f"a {modbus.table} is one bit: leave the type out"
    if modbus.bit is not None or modbus.bits is not None:
        yield ".bit", f"a {modbus.table} is one bit itself: remove bit"
    if (modbus.scale, modbus.offset, modbus.missing) != (1.0, 0.0, ()):
        yield "", "a bit has no scale, offset or missing codes: remove them"
    if modbus.byte_order != "ABCD" or modbus.registers is not None:
        yield "", "a bit has no byte order and no registers: remove them"


def _text(modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.type not in TEXTS:
        yield ".type", f"a text is in {' or '.join(TEXTS)}, not {modbus.type}"
    if modbus.registers is None:
        yield ".registers", "a text needs the number of its registers (two bytes each)"
    if modbus.byte_order in _WIDE_ORDERS:
        yield ".byte_order", "a text is ABCD, or BADC where the bytes of each register are exchanged"
    if modbus.bit is not None or modbus.bits is not None:
        yield ".bit", "a text takes whole registers: remove bit and bits"
    if (modbus.scale, modbus.offset, modbus.missing) != (1.0, 0.0, ()):
        yield "", "a text has no scale, offset or missing codes: remove them"


def _number(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.type in TEXTS:
        yield ".type", f"{modbus.type} is for a text, this is of type {point.type}: name a number type"
        return
    if modbus.registers is not None:
        yield ".registers", "only a text says how many registers it takes: remove it"
    if point.type == "flag":
        yield from _flag(modbus)
    else:
        yield from _field(point, modbus)
    if point.type == "enum":
        yield from _code(modbus)
    if not math.isfinite(modbus.scale) or modbus.scale == 0 or abs(modbus.scale) > _LARGEST:
        yield ".scale", f"must be a finite number other than 0, at most {_LARGEST:g}, not {modbus.scale}"
    if not math.isfinite(modbus.offset) or abs(modbus.offset) > _LARGEST:
        yield ".offset", f"must be a finite number, at most {_LARGEST:g}, not {modbus.offset}"
    yield from _missing(modbus)


def _flag(modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.bit is None:
        yield ".bit", "a flag in a register needs its bit (0 is the lowest)"
    if modbus.bits is not None:
        yield ".bits", "a flag is one bit: remove bits"
    if modbus.type not in ("uint16", "bool"):
        yield ".type", "a flag is a bit of one register: leave the type out"


def _field(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.type == "bool":
        yield ".type", f"a bool is a flag, this is of type {point.type}: name an integer or float type"
    if (modbus.bit is None) != (modbus.bits is None):
        yield ".bit", f"only a flag is a single bit, this is of type {point.type}: give both bit and bits, or neither"
    elif modbus.bit is not None and modbus.bits is not None:
        if modbus.type != "uint16":
            yield ".type", "some bits of a register are a number without sign: leave the type out"
        if modbus.bit + modbus.bits > 16:
            yield ".bits", f"{modbus.bits} bits from bit {modbus.bit} on end beyond the register"


def _code(modbus: ModbusPart) -> Iterator[Problem]:
    if modbus.type.startswith("float"):
        yield ".type", f"an enum is a whole number, not {modbus.type}"
    if (modbus.scale, modbus.offset) != (1.0, 0.0):
        yield "", "a code has no scale or offset: remove them"


def _missing(modbus: ModbusPart) -> Iterator[Problem]:
    if not modbus.missing:
        return
    if modbus.type.startswith("float"):
        yield ".missing", "a float says «no value» by NaN: remove the codes"
        return
    bits = modbus.bits or 16 * WIDTH[modbus.type]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if modbus.type.startswith("int") else (0, 2**bits - 1)
    kind = modbus.type if modbus.bits is None else f"number of {bits} bits"
    for code in modbus.missing:
        if not low <= code <= high:
            yield ".missing", f"{code} is no {kind} ({low} to {high}): it would never match"


def _readable(modbus: ModbusPart, limits: ModbusLimitsPart) -> Iterator[Problem]:
    width = width_of(modbus)
    if modbus.table not in BIT_TABLES and width > limits.max_registers:
        yield (
            ".registers" if modbus.type in TEXTS else ".type",
            f"{modbus.type} takes {width} registers and one read may ask for {limits.max_registers} "
            "(modbus.max_registers): the point can never be read",
        )
    last = modbus.address + width - 1
    for part in limits.forbidden:
        if part.table == modbus.table and part.first <= last and modbus.address <= part.last:
            yield (
                ".address",
                f"{modbus.table} {part.first} to {part.last} is forbidden (modbus.forbidden): the device refuses "
                "to be asked for it",
            )


def _claim(owners: dict[tuple[str, int], dict[int, str]], name: str, modbus: ModbusPart) -> list[str]:
    """Enter the point as owner of its registers or bits; returns who had one of them already."""
    parts = (_WHOLE,) if modbus.bit is None else tuple(range(modbus.bit, modbus.bit + (modbus.bits or 1)))
    taken: list[str] = []
    for address in range(modbus.address, modbus.address + width_of(modbus)):
        here = owners.setdefault((modbus.table, address), {})
        taken += [other for bit, other in here.items() if bit in parts or bit == _WHOLE or _WHOLE in parts]
        for part in parts:
            here.setdefault(part, name)
    return sorted(set(taken))
