"""One column of a read block: how raw register or bit content becomes a point's value.

value = raw * scale + offset. Integers are rounded to the decimals that scale and offset have, so that raw 12
with scale 0.1 is 1.2 and not 1.2000000000000002.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from struct import unpack
from typing import TypeAlias

from protocols.profile.rules_modbus import BIT_TABLES, WIDTH
from protocols.profile.schema import ModbusPart, PointPart
from protocols.quality import Quality
from protocols.reading import Value

Number: TypeAlias = int | float
Raw: TypeAlias = Number | bytes
"""What a block's format gives; bytes where the words must be put in order first."""
Convert: TypeAlias = Callable[[Number], float]

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
}
"""`struct` format of each type."""


@dataclass(frozen=True, slots=True)
class Column:
    """``point``: index in the profile. ``address``: first register or bit; ``width``: how many.

    ``letter``: format of the number; ``swapped``: the lowest word stands first.
    """

    point: int
    table: str
    address: int
    width: int
    letter: str
    swapped: bool
    missing: frozenset[int]
    convert: Convert

    @property
    def format(self) -> str:
        """The column's part of the block's format."""
        return f"{2 * self.width}s" if self.swapped else self.letter

    def read(self, raw: Raw) -> tuple[Value, Quality]:
        """The value and what the raw code itself says of its quality; no number is ever NaN or infinite."""
        if isinstance(raw, bytes):
            raw = _number(self.letter, raw)
        if raw in self.missing or math.isnan(raw):
            return None, Quality.BAD_MISSING
        value = self.convert(raw)
        if math.isinf(value):
            return None, Quality.BAD_OVER_RANGE if value > 0 else Quality.BAD_UNDER_RANGE
        return value, Quality.GOOD


def column(index: int, part: PointPart, modbus: ModbusPart) -> Column:
    """Compile a part that `protocols.profile.rules_modbus` has nothing against."""
    width = 1 if modbus.table in BIT_TABLES else WIDTH[modbus.type]
    return Column(
        point=index,
        table=modbus.table,
        address=modbus.address,
        width=width,
        letter=LETTERS[modbus.type],
        swapped=width > 1 and modbus.word_order == "little",
        missing=frozenset(modbus.missing),
        convert=_convert(part, modbus),
    )


def _number(letter: str, words: bytes) -> Number:
    """The number whose 16-bit words stand in reverse order (each word high byte first)."""
    ordered = b"".join(words[at : at + 2] for at in range(len(words) - 2, -1, -2))
    number: Number = unpack(f">{letter}", ordered)[0]
    return number


def _convert(part: PointPart, modbus: ModbusPart) -> Convert:
    if modbus.bit is not None:
        return _bit(1 << modbus.bit)
    if part.type == "flag" or modbus.type == "bool" or modbus.table in BIT_TABLES:
        return _nonzero
    if modbus.scale == 1.0 and modbus.offset == 0.0:
        return float
    if modbus.type in ("float32", "float64"):
        return _linear(modbus.scale, modbus.offset)
    scale, offset = Decimal(repr(modbus.scale)), Decimal(repr(modbus.offset))
    digits = max(_decimals(scale), _decimals(offset))
    if not offset and scale == Decimal(1).scaleb(-digits):
        return _divided(10**digits)
    return _rounded(modbus.scale, modbus.offset, digits)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _nonzero(raw: Number) -> float:
    return 1.0 if raw else 0.0


def _bit(mask: int) -> Convert:
    return lambda raw: 1.0 if int(raw) & mask else 0.0


def _divided(divisor: int) -> Convert:
    # Division by a power of ten gives the nearest double, which multiplying by its reciprocal does not.
    return lambda raw: raw / divisor


def _linear(scale: float, offset: float) -> Convert:
    return lambda raw: raw * scale + offset


def _rounded(scale: float, offset: float, digits: int) -> Convert:
    return lambda raw: round(raw * scale + offset, digits)
