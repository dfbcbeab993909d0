"""Which requests a device type needs, and from their answers to values in point order.

Points that lie close together are read with one request: a gap of a few registers costs less than a second
request with its pauses. All blocks of a device make one reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from protocols.errors import ProfileError
from protocols.modbus.columns import Column, Raw, column
from protocols.profile.model import Profile
from protocols.profile.rules_modbus import BIT_TABLES, check_modbus
from protocols.quality import Quality, worse
from protocols.reading import Value
from protocols.wire.modbus_pdu import (
    MAX_READ_BITS,
    MAX_READ_REGISTERS,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    read_request,
    unpack_bits,
)

READ_FUNCTIONS = {"coil": READ_COILS, "discrete": READ_DISCRETE, "input": READ_INPUT, "holding": READ_HOLDING}


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """One request: ``count`` registers or bits of ``table`` from ``address``; ``request`` is its PDU.

    ``format``: of a register block as a whole. ``slots``: for each column its place among the raw numbers.
    """

    table: str
    address: int
    count: int
    request: bytes
    columns: tuple[Column, ...]
    slots: tuple[int, ...]
    format: Struct

    def unpack(self, data: bytes) -> tuple[Raw, ...]:
        """The raw numbers of the answer's data (as `protocols.wire.modbus_pdu.parse_response` gives it)."""
        if self.table in BIT_TABLES:
            return unpack_bits(data, self.count)
        return self.format.unpack(data)


def plan_reads(profile: Profile, max_registers: int = MAX_READ_REGISTERS, max_gap: int = 8) -> tuple[ReadBlock, ...]:
    """The fewest requests that read every point of ``profile`` that has a Modbus address.

    ``max_gap``: unused registers (of 16 bits) to read rather than ask twice. Raises `ProfileError`.
    """
    columns = sorted(_columns(profile), key=lambda one: (one.table, one.address, one.point))
    blocks = []
    for table in READ_FUNCTIONS:
        bits = table in BIT_TABLES
        limit, gap = (MAX_READ_BITS, max_gap * 16) if bits else (max_registers, max_gap)
        run: list[Column] = []
        end = 0
        for one in (one for one in columns if one.table == table):
            reach = one.address + one.width
            if run and (one.address - end > gap or reach - run[0].address > limit):
                blocks.append(_block(run))
                run = []
            run.append(one)
            end = reach
        if run:
            blocks.append(_block(run))
    return tuple(blocks)


def plan_point(profile: Profile, name: str) -> ReadBlock:
    """The request that reads the one point ``name`` (for a read-back); raises `ProfileError`."""
    columns = [one for one in _columns(profile) if profile.points[one.point].name == name]
    if not columns:
        raise ProfileError([f"{profile.id}: point {name!r} has no modbus part; it cannot be read over Modbus"])
    return _block(columns)


def decode_blocks(
    profile: Profile, blocks: Sequence[ReadBlock], data: Sequence[bytes]
) -> tuple[tuple[Value, ...], tuple[int, ...]]:
    """Values and qualities in point order from the data of all ``blocks`` (same order).

    A «no value» code is ``None`` with ``BAD_MISSING`` unless the device itself says worse; a point without a
    column is absent. ``data`` must have the blocks' sizes.
    """
    values: list[Value] = [None] * len(profile.points)
    marks: list[tuple[int, Quality]] = []
    for block, content in zip(blocks, data, strict=True):
        raw = block.unpack(content)
        for one, slot in zip(block.columns, block.slots, strict=True):
            values[one.point], mark = one.read(raw[slot])
            if mark:
                marks.append((one.point, mark))
    quality = profile.qualify(tuple(values))
    return tuple(values), _marked(quality, marks) if marks else quality


def _marked(quality: tuple[int, ...], marks: list[tuple[int, Quality]]) -> tuple[int, ...]:
    marked = list(quality)
    for index, mark in marks:
        marked[index] = int(worse(Quality(marked[index]), mark))
    return tuple(marked)


def _columns(profile: Profile) -> list[Column]:
    problems = [f"{profile.id}: {path}: {what}" for path, what in check_modbus(profile.file)]
    if problems:
        raise ProfileError(problems)
    parts = zip(profile.points, profile.file.point, strict=True)
    return [column(point.index, part, part.modbus) for point, part in parts if part.modbus is not None]


def _block(run: list[Column]) -> ReadBlock:
    """One request for columns of one table, sorted by address."""
    table, address = run[0].table, run[0].address
    count = run[-1].address + run[-1].width - address
    # Flags share a register, everything else has its own.
    fields = list({one.address: one for one in run}.values())
    if table in BIT_TABLES:
        slots = {one.address: one.address - address for one in fields}
    else:
        slots = {one.address: at for at, one in enumerate(fields)}
    request = read_request(READ_FUNCTIONS[table], address, count)
    return ReadBlock(
        table, address, count, request, tuple(run), tuple(slots[one.address] for one in run), _format(fields, count)
    )


def _format(fields: list[Column], count: int) -> Struct:
    start = at = fields[0].address
    text = ">"
    for one in fields:
        text += f"{2 * (one.address - at)}x{one.format}"
        at = one.address + one.width
    return Struct(f"{text}{2 * (start + count - at)}x")
