"""One column of a read block, and the views by which one `struct` reads all columns of one byte order.

A view turns the block's bytes so that every value of its byte order is plain big- or little-endian: the bytes of each
register of CDAB, exchanged, are the little-endian value. So no value is put in order by itself.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

from protocols.modbus.conversions import Convert, Fault, conversion, divisor_of, good_integers, is_sure
from protocols.profile.model import Point
from protocols.profile.rules_modbus import TEXTS, width_of
from protocols.profile.schema import ByteOrder, ModbusPart, PointPart

LETTERS = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
    "bcd16": "H",
    "bcd32": "I",
}
"""`struct` format of each type but texts."""


class _Turn(NamedTuple):
    """How the bytes of one order are read: each register's two bytes exchanged first, and `struct`'s byte order."""

    exchanged: bool
    endian: str


_TURNS: dict[ByteOrder, _Turn] = {
    "ABCD": _Turn(False, ">"),
    "CDAB": _Turn(True, "<"),
    "BADC": _Turn(True, ">"),
    "DCBA": _Turn(False, "<"),
}
_SAME: dict[ByteOrder, tuple[ByteOrder, ...]] = {
    "ABCD": ("ABCD", "CDAB"),
    "CDAB": ("CDAB", "ABCD"),
    "BADC": ("BADC", "DCBA"),
    "DCBA": ("DCBA", "BADC"),
}
"""One register is read alike in two orders."""
_SAME_TEXT: dict[ByteOrder, tuple[ByteOrder, ...]] = {"ABCD": ("ABCD", "DCBA"), "BADC": ("BADC", "CDAB")}
"""For a text only the exchange counts: `struct` does not turn its bytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """``point``: index in the profile. ``address``: first register or bit; ``width``: how many.

    ``letter``: its format; ``orders``: the byte orders whose view reads it right, its own first. ``convert``: from
    what the format gives to the value, or ``None``, for which ``fault`` gives the reason. ``divisor``: where that is an
    integer divided by this, unless it is one of the codes ``missing``; else 0. Then the values of the integers in
    ``good`` are good. ``is_sure``: all values are.
    """

    point: int
    table: str
    address: int
    width: int
    letter: str
    orders: tuple[ByteOrder, ...]
    convert: Convert
    fault: Fault
    divisor: int
    missing: frozenset[int]
    good: range
    is_sure: bool


def column(point: Point, part: PointPart, modbus: ModbusPart) -> Column:
    """Compile a part that `protocols.profile.rules_modbus` has nothing against."""
    width = width_of(modbus)
    value, fault = conversion(part, modbus)
    divisor = divisor_of(part, modbus)
    if modbus.type in TEXTS:
        letter, orders = f"{2 * width}s", _SAME_TEXT[modbus.byte_order]
    else:
        letter, orders = LETTERS[modbus.type], _SAME[modbus.byte_order] if width == 1 else (modbus.byte_order,)
    return Column(
        point=point.index,
        table=modbus.table,
        address=modbus.address,
        width=width,
        letter=letter,
        orders=orders,
        convert=value,
        fault=fault,
        divisor=divisor,
        missing=frozenset(modbus.missing),
        good=good_integers(point, modbus, divisor) if divisor else range(0),
        is_sure=is_sure(point),
    )


@dataclass(frozen=True, slots=True)
class View:
    """The columns of one byte order in a block: ``exchanged``: the bytes of each register first."""

    exchanged: bool
    format: Struct

    def unpack(self, data: bytes) -> tuple[Any, ...]:
        """What stands at the columns' addresses, in the order of the addresses; ``data``: all of the block."""
        if not self.exchanged:
            return self.format.unpack(data)
        words = array("H")
        words.frombytes(data)
        words.byteswap()
        return self.format.unpack(words)


def make_views(columns: Sequence[Column], address: int, count: int) -> tuple[tuple[View, ...], tuple[int, ...]]:
    """The fewest views that read all ``columns`` (sorted by address) of the block of ``count`` registers from
    ``address``, and for each column its place in the views' contents one after the other."""
    orders = _fewest(columns)
    views: list[View] = []
    places: dict[tuple[ByteOrder, int], int] = {}
    for order in dict.fromkeys(orders):
        # Bits of one register share it, everything else has its own.
        fields = {one.address: one for one, of in zip(columns, orders, strict=True) if of == order}
        places |= {(order, at): len(places) + number for number, at in enumerate(fields)}
        views.append(View(_TURNS[order].exchanged, _format(order, list(fields.values()), address, count)))
    return tuple(views), tuple(places[order, one.address] for one, order in zip(columns, orders, strict=True))


def _fewest(columns: Sequence[Column]) -> list[ByteOrder]:
    """The order by which each column is read: those that some column needs serve the others too."""
    needed = {one.orders[0] for one in columns if len(one.orders) == 1}
    chosen: list[ByteOrder] = []
    for one in columns:
        order = next((order for order in one.orders if order in needed), one.orders[0])
        needed.add(order)
        chosen.append(order)
    return chosen


def _format(order: ByteOrder, fields: list[Column], start: int, count: int) -> Struct:
    text = _TURNS[order].endian
    at = start
    for one in fields:
        text += f"{2 * (one.address - at)}x{one.letter}"
        at = one.address + one.width
    return Struct(f"{text}{2 * (start + count - at)}x")
