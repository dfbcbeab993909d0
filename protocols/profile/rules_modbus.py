"""Modbus addresses of a profile: every register and bit has one owner, every type fits its table."""

import math
from collections.abc import Iterator

from protocols.profile.problem import Problem
from protocols.profile.schema import ModbusPart, PointPart, ProfileFile

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
}
"""Registers (16 bits each) that a value takes."""

BIT_TABLES = ("coil", "discrete")
_LAST_ADDRESS = 65535
_WHOLE = -1


def check_modbus(file: ProfileFile) -> Iterator[Problem]:
    """Problems of the ``modbus`` parts of all points."""
    owners: dict[tuple[str, int], dict[int, str]] = {}
    for point in file.point:
        if point.modbus is None:
            continue
        path = f"point[{point.name}].modbus"
        for key, what in _shape(point, point.modbus):
            yield path + key, what
        for other in _claim(owners, point.name, point.modbus):
            yield path + ".address", f"point {other!r} has this register or bit already: give each its own"


def _shape(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if point.type == "text":
        yield "", "a text has no Modbus registers here: remove modbus"
    if modbus.table in BIT_TABLES:
        yield from _bit_table(point, modbus)
    else:
        yield from _register_table(point, modbus)


def _bit_table(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if point.type != "flag":
        yield ".table", f"a {modbus.table} is one bit, so the point must be a flag, not of type {point.type}"
    if modbus.type not in ("bool", "uint16"):
        yield ".type", f"a {modbus.table} is one bit: leave the type out"
    if modbus.bit is not None:
        yield ".bit", f"a {modbus.table} is one bit itself: remove bit"
    if (modbus.scale, modbus.offset, modbus.missing) != (1.0, 0.0, ()):
        yield "", "a bit has no scale, offset or missing codes: remove them"


def _register_table(point: PointPart, modbus: ModbusPart) -> Iterator[Problem]:
    if point.type == "flag":
        if modbus.bit is None:
            yield ".bit", "a flag in a register needs its bit (0 is the lowest)"
        if modbus.type not in ("uint16", "bool"):
            yield ".type", "a flag is a bit of one register: leave the type out"
    else:
        if modbus.bit is not None:
            yield ".bit", f"only a flag is a bit, this is of type {point.type}: remove bit"
        if modbus.type == "bool":
            yield ".type", f"a bool is a flag, this is of type {point.type}: name an integer or float type"
    if not math.isfinite(modbus.scale) or modbus.scale == 0:
        yield ".scale", f"must be a finite number other than 0, not {modbus.scale}"
    if not math.isfinite(modbus.offset):
        yield ".offset", f"must be a finite number, not {modbus.offset}"
    if modbus.address + WIDTH[modbus.type] - 1 > _LAST_ADDRESS:
        yield ".address", f"{modbus.type} at {modbus.address} ends beyond register {_LAST_ADDRESS}"
    yield from _missing(modbus)


def _missing(modbus: ModbusPart) -> Iterator[Problem]:
    if not modbus.missing:
        return
    if modbus.type.startswith("float"):
        yield ".missing", "a float says «no value» by NaN: remove the codes"
        return
    bits = 16 * WIDTH[modbus.type]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if modbus.type.startswith("int") else (0, 2**bits - 1)
    for code in modbus.missing:
        if not low <= code <= high:
            yield ".missing", f"{code} is no {modbus.type} ({low} to {high}): it would never match"


def _claim(owners: dict[tuple[str, int], dict[int, str]], name: str, modbus: ModbusPart) -> list[str]:
    """Enter the point as owner of its registers or bit; returns who had one of them already."""
    part = _WHOLE if modbus.bit is None else modbus.bit
    width = 1 if modbus.table in BIT_TABLES else WIDTH[modbus.type]
    taken: list[str] = []
    for address in range(modbus.address, modbus.address + width):
        here = owners.setdefault((modbus.table, address), {})
        taken += [other for bit, other in here.items() if part in (bit, _WHOLE) or bit == _WHOLE]
        here.setdefault(part, name)
    return sorted(set(taken))
