"""From a profile to the register numbers that firmware serves, as a Python file for MicroPython.

The file holds plain public integers and tuples of constants only: those stay in a board's flash, a dict would stand in
its heap. MicroPython drops constants made with ``const`` and a leading underscore for importers, and has no
dataclasses. It is committed; a test compares it with a fresh one.
"""

from collections.abc import Iterator
from fractions import Fraction

from protocols.errors import ProfileError
from protocols.profile.model import Profile
from protocols.profile.problem import Problem
from protocols.profile.rules_modbus import BIT_TABLES, width_of
from protocols.profile.schema import ModbusPart, PointPart, ProfileFile

_HEADER = '''"""Modbus tables of {id}, version {version}.

Made by `gengfu profile emit {id}`; change the profile, not this file.

INPUT, HOLDING: registers, rows (address, name, type, multiply, divide, offset, missing).
    value = raw * multiply / divide + offset; raw = (value - offset) * divide / multiply, rounded.
    type: int16, uint16, int32, uint32, int64, uint64, float32 or float64. More than 16 bits take consecutive
    registers, high word first, or low word first where the type ends in "-swapped".
    missing: the raw code for "no value", or None.
INPUT_BITS, HOLDING_BITS: flags inside registers, rows (address, bit, name); bit 0 is the lowest.
COIL, DISCRETE: flags in bit tables, rows (address, name).
COIL_COMMANDS, HOLDING_COMMANDS: rows (address, command, value). Any other value at such an address is refused
    with exception 03: a closing coil has no opening value.
*_COUNT: length of the table from address 0. STATES: codes of enumerations, rows (point, ((code, name), ...)).
"""
'''
_REGISTER_TABLES = ("input", "holding")
_SERVED = ("bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def module_name(profile: Profile) -> str:
    """The file's name without ``.py``: the model with underscores."""
    return profile.file.profile.model.replace("-", "_")


def emit_registers(profile: Profile) -> str:
    """The text of ``firmware/micropython/registers/<module_name>.py``, formatted as the repository's linter does.

    Raises `ProfileError` for what our firmware's slave does not serve: it packs numbers, high or low word first.
    """
    file = profile.file
    problems = [f"{profile.id}: {path}: {what}" for path, what in _unserved(file)]
    if problems:
        raise ProfileError(problems)
    points = [(point, point.modbus) for point in file.point if point.modbus is not None]
    lines = [
        _HEADER.format(id=profile.id, version=file.profile.version),
        f'PROFILE = "{profile.id}"',
        f"VERSION = {file.profile.version}",
        "",
    ]
    for table in _REGISTER_TABLES:
        lines += _rows(table.upper(), (_register(p, m) for p, m in points if m.table == table and p.type != "flag"))
        lines += _rows(
            f"{table.upper()}_BITS",
            (f'({m.address}, {m.bit}, "{p.name}")' for p, m in points if m.table == table and p.type == "flag"),
        )
        lines.append(f"{table.upper()}_COUNT = {_count(points, table)}")
    for table in BIT_TABLES:
        lines += _rows(table.upper(), (f'({m.address}, "{p.name}")' for p, m in points if m.table == table))
    for table in ("coil", "holding"):
        lines += _rows(f"{table.upper()}_COMMANDS", _commands(profile, table))
    coils = [m.address + 1 for _, m in points if m.table == "coil"]
    coils += [one.modbus.address + 1 for one in file.command if one.modbus and one.modbus.table == "coil"]
    lines.append(f"COIL_COUNT = {max(coils, default=0)}")
    lines.append(f"DISCRETE_COUNT = {_count(points, 'discrete')}")
    lines += ["", *_states(profile)]
    return "\n".join(lines) + "\n"


def _unserved(file: ProfileFile) -> Iterator[Problem]:
    for point in file.point:
        part = point.modbus
        if part is None:
            continue
        path = f"point[{point.name}].modbus"
        if part.type not in _SERVED:
            yield f"{path}.type", f"{part.type} is not served by our firmware; it packs {', '.join(_SERVED)}"
        if part.byte_order not in ("ABCD", "CDAB"):
            yield f"{path}.byte_order", f"{part.byte_order} is not served by our firmware: take ABCD or CDAB"
        if part.bits is not None:
            yield f"{path}.bits", "is not served by our firmware: give the point a register of its own"
    for command in file.command:
        if command.modbus is not None and len(command.modbus.written) > 1:
            yield f"command[{command.name}].modbus.values", "our firmware takes one value for each command"


def _rows(name: str, rows: Iterator[str]) -> list[str]:
    found = list(rows)
    return [f"{name} = (", *(f"    {row}," for row in found), ")"] if found else [f"{name} = ()"]


def _register(point: PointPart, modbus: ModbusPart) -> str:
    scale = Fraction(repr(modbus.scale))
    kind = modbus.type + ("-swapped" if modbus.byte_order == "CDAB" else "")
    offset = int(modbus.offset) if modbus.offset.is_integer() else modbus.offset
    missing = modbus.missing[0] if modbus.missing else None
    row = (modbus.address, point.name, kind, scale.numerator, scale.denominator, offset, missing)
    return "(" + ", ".join(f'"{item}"' if isinstance(item, str) else repr(item) for item in row) + ")"


def _commands(profile: Profile, table: str) -> Iterator[str]:
    for command in profile.file.command:
        if command.modbus is not None and command.modbus.table == table:
            yield f'({command.modbus.address}, "{command.name}", {command.modbus.written[0]})'


def _count(points: list[tuple[PointPart, ModbusPart]], table: str) -> int:
    ends = (m.address + width_of(m) for _, m in points if m.table == table)
    return max(ends, default=0)


def _states(profile: Profile) -> list[str]:
    enums = [part for part in profile.file.point if part.state]
    if not enums:
        return ["STATES = ()"]
    lines = ["STATES = ("]
    for part in enums:
        lines += ["    (", f'        "{part.name}",', "        ("]
        lines += [f'            ({state.code}, "{state.name}"),' for state in part.state]
        lines += ["        ),", "    ),"]
    return [*lines, ")"]
