"""Which requests a device type needs, and from their answers to values in point order.

Points that lie close together are read with one request: a gap of a few registers costs less than a second
request with its pauses. A request never touches what the profile forbids. All blocks of a device make one reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import ge, itemgetter, le, truediv
from typing import Any, NamedTuple, TypeAlias

from protocols.errors import ProfileError
from protocols.modbus.columns import Column, View, column, make_views
from protocols.modbus.conversions import Convert
from protocols.profile.model import Profile
from protocols.profile.rules_modbus import BIT_TABLES, check_modbus
from protocols.profile.schema import ModbusLimitsPart
from protocols.quality import Quality, worse
from protocols.reading import Value
from protocols.wire.modbus_pdu import (
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    read_request,
)

READ_FUNCTIONS = {"coil": READ_COILS, "discrete": READ_DISCRETE, "input": READ_INPUT, "holding": READ_HOLDING}


Decoded: TypeAlias = tuple[tuple[Value, ...], tuple[int, ...]]
"""Values and qualities in point order."""
Shortcut: TypeAlias = Callable[[bytes], Decoded | None]

_BITS = tuple(bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256))
"""The bits of each byte, the lowest first."""


class Step(NamedTuple):
    """How one column of a block is decoded: ``place`` among the block's contents, ``convert`` of its ``column``."""

    place: int
    point: int
    convert: Convert
    column: Column


class Bulk(NamedTuple):
    """The columns of a block that are integers by a power of ten: decoded together, without a call for each.

    ``pick`` takes their contents out of the block's, ``points``, ``divisors``, ``lows`` and ``highs`` are in that
    order; ``run``: the place of the points, where they follow each other. From low to high an integer is good. Where
    any of the contents is in ``missing``, the codes of all of them, each column is looked at by itself.
    """

    pick: Callable[[Sequence[Any]], Sequence[int]]
    points: tuple[int, ...]
    run: slice | None
    divisors: tuple[int, ...]
    lows: tuple[int, ...]
    highs: tuple[int, ...]
    missing: frozenset[int]

    def are_good(self, numbers: Sequence[int]) -> bool:
        """Whether all are good, and none is missing."""
        return all(map(le, self.lows, numbers)) and all(map(ge, self.highs, numbers))

    def put(self, numbers: Sequence[int], values: list[Value]) -> None:
        """Put the numbers where they belong."""
        if self.run is not None:
            values[self.run] = map(truediv, numbers, self.divisors)
        else:
            for point, value in zip(self.points, map(truediv, numbers, self.divisors), strict=True):
                values[point] = value


NO_BULK = Bulk(lambda _contents: (), (), None, (), (), (), frozenset())


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """One request: ``count`` registers or bits of ``table`` from ``address``; ``request`` is its PDU.

    ``views``: how its registers are read, one for each byte order there is in it (nearly always one). ``steps``: every
    column; ``bulk`` and ``others``: the same in two kinds. ``is_sure``: all values of the others are good.
    ``shortcut``: what `decode_blocks` gives for this block alone, or ``None`` unless all values are good.
    """

    table: str
    address: int
    count: int
    request: bytes
    views: tuple[View, ...]
    steps: tuple[Step, ...] = ()
    bulk: Bulk = NO_BULK
    others: tuple[Step, ...] = ()
    is_sure: bool = False
    shortcut: Shortcut | None = None

    def only(self, kept: Sequence[Step]) -> "ReadBlock":
        """The same request, of whose columns only these are decoded."""
        bulk = [step for step in kept if step.column.divisor]
        others = tuple(step for step in kept if step not in bulk)
        is_sure = all(step.column.is_sure for step in others)
        made = _bulk(bulk, self._contents)
        return replace(self, steps=tuple(kept), bulk=made, others=others, is_sure=is_sure, shortcut=None)

    @property
    def _contents(self) -> int:
        """How many `unpack` gives."""
        return len(self.unpack(bytes(2 * self.count)))

    def unpack(self, data: bytes) -> Sequence[Any]:
        """What stands in the answer's data (as `protocols.wire.modbus_pdu.parse_response` gives it)."""
        if not self.views:
            return b"".join(map(_BITS.__getitem__, data))
        if len(self.views) == 1:
            return self.views[0].unpack(data)
        return tuple(one for view in self.views for one in view.unpack(data))


@lru_cache(maxsize=256)
def plan_reads(profile: Profile) -> tuple[ReadBlock, ...]:
    """The fewest requests that read every point of ``profile`` that has a Modbus address, within what the profile
    says of the device (`ModbusLimitsPart`). Raises `ProfileError`.
    """
    columns = sorted(_columns(profile), key=lambda one: (one.address, one.point))
    limits = profile.file.modbus
    blocks = tuple(
        _block(run) for table in READ_FUNCTIONS for run in _runs([one for one in columns if one.table == table], limits)
    )
    shortcut = _shortcut(profile, blocks)
    return blocks if shortcut is None else (replace(blocks[0], shortcut=shortcut),)


def _runs(columns: Sequence[Column], limits: ModbusLimitsPart) -> list[list[Column]]:
    """The columns of one table, sorted, in runs of one request each.

    Each run is as long as may be. That makes the fewest: whatever other runs there were, the first could take in
    what this one takes, and the rest would be no more.
    """
    runs: list[list[Column]] = []
    end = 0
    for one in columns:
        if runs and _may_join(runs[-1][0].address, end, one, limits):
            runs[-1].append(one)
        else:
            runs.append([one])
        end = one.address + one.width
    return runs


def _may_join(start: int, end: int, one: Column, limits: ModbusLimitsPart) -> bool:
    """Whether one request may read from ``start`` (columns up to ``end`` are in it) to the end of ``one``."""
    bits = one.table in BIT_TABLES
    longest, gap = (limits.max_bits, limits.max_gap * 16) if bits else (limits.max_registers, limits.max_gap)
    if one.address - end > gap or one.address + one.width - start > longest:
        return False
    return not any(
        part.table == one.table and part.first < one.address and end <= part.last for part in limits.forbidden
    )


def plan_point(profile: Profile, name: str) -> ReadBlock:
    """The request that reads the one point ``name`` (for a read-back); raises `ProfileError`."""
    columns = [one for one in _columns(profile) if profile.points[one.point].name == name]
    if not columns:
        raise ProfileError([f"{profile.id}: point {name!r} has no modbus part; it cannot be read over Modbus"])
    return _block(columns)


def decode_blocks(profile: Profile, blocks: Sequence[ReadBlock], data: Sequence[bytes]) -> Decoded:
    """Values and qualities in point order from the data of all ``blocks`` (same order).

    What is no value (see `protocols.modbus.conversions`) is ``None`` and bad, unless the device itself says worse; a
    point without a column is absent. ``data`` must have the blocks' sizes.
    """
    shortcut = blocks[0].shortcut if len(blocks) == 1 else None
    if shortcut is not None and (decoded := shortcut(*data)) is not None:
        return decoded
    values: list[Value] = [None] * len(profile.points)
    marks: list[tuple[int, Quality]] = []
    is_good = True
    for block, content in zip(blocks, data, strict=True):
        raw, bulk = block.unpack(content), block.bulk
        steps, numbers = block.others, bulk.pick(raw)
        are_good = bulk.are_good(numbers)
        is_good = is_good and are_good and block.is_sure
        if are_good or bulk.missing.isdisjoint(numbers):
            bulk.put(numbers, values)
        else:
            steps = block.steps
        for place, point, convert, one in steps:
            value = values[point] = convert(raw[place])
            if value is None:
                marks.append((point, one.fault(raw[place])))
    told = tuple(values)
    is_good = is_good and not (profile.quality_rules and _tells(profile, told))
    quality = (0,) * len(told) if is_good else profile.qualify(told)
    return told, _marked(quality, marks) if marks else quality


def _shortcut(profile: Profile, blocks: tuple[ReadBlock, ...]) -> Shortcut | None:
    """Where one block of integers is all that there is of a device, as it is of a meter."""
    bulk = blocks[0].bulk if len(blocks) == 1 else NO_BULK
    size = len(profile.points)
    if bulk.run != slice(0, size) or profile.quality_rules:
        return None
    integers, lows, highs, divisors, all_good = _integers(blocks[0]), bulk.lows, bulk.highs, bulk.divisors, (0,) * size

    def shortcut(content: bytes) -> Decoded | None:
        numbers = integers(content)
        if all(map(le, lows, numbers)) and all(map(ge, highs, numbers)):
            return tuple(map(truediv, numbers, divisors)), all_good
        return None

    return shortcut


def _integers(block: ReadBlock) -> Callable[[bytes], Sequence[int]]:
    """What reads the contents of the block's bulk: `struct` itself where it can."""
    unpack, pick = block.unpack, block.bulk.pick
    if pick is _whole and len(block.views) == 1 and not block.views[0].exchanged:
        return block.views[0].format.unpack
    return lambda content: pick(unpack(content))


def _tells(profile: Profile, values: tuple[Value, ...]) -> bool:
    """Whether one of the values says something of the quality of others."""
    return bool([rule for rule in profile.quality_rules if values[rule.point] == rule.equals])


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
    return [column(point, part, part.modbus) for point, part in parts if part.modbus is not None]


def _block(run: list[Column]) -> ReadBlock:
    """One request for columns of one table, sorted by address."""
    table, address = run[0].table, run[0].address
    count = max(one.address + one.width for one in run) - address
    views: tuple[View, ...] = ()
    places = tuple(one.address - address for one in run)
    if table not in BIT_TABLES:
        views, places = make_views(run, address, count)
    steps = tuple(Step(place, one.point, one.convert, one) for one, place in zip(run, places, strict=True))
    request = read_request(READ_FUNCTIONS[table], address, count)
    return ReadBlock(table, address, count, request, views).only(steps)


def _bulk(steps: Sequence[Step], contents: int) -> Bulk:
    """``contents``: how many the block has."""
    steps = sorted(steps, key=lambda step: step.point)
    points = tuple(step.point for step in steps)
    run = slice(points[0], points[-1] + 1) if points and points[-1] - points[0] + 1 == len(points) else None
    return Bulk(
        pick=_picker([step.place for step in steps], contents),
        points=points,
        run=run,
        divisors=tuple(step.column.divisor for step in steps),
        lows=tuple(step.column.good.start for step in steps),
        highs=tuple(step.column.good.stop - 1 for step in steps),
        missing=frozenset(code for step in steps for code in step.column.missing),
    )


def _whole(contents: Sequence[Any]) -> Sequence[int]:
    return contents


def _picker(places: list[int], contents: int) -> Callable[[Sequence[Any]], Sequence[int]]:
    if places == list(range(contents)):
        return _whole
    if len(places) > 1:
        return itemgetter(*places)
    return lambda contents: [contents[place] for place in places]
