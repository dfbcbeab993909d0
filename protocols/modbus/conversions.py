"""What the raw content of registers and bits says as a point's value, or why it is no value.

value = raw * scale + offset. Integers are rounded to the decimals that scale and offset have, so that raw 12
with scale 0.1 is 1.2 and not 1.2000000000000002.

    no value                                    quality
    a code of ``missing``, NaN                  bad:missing
    infinity (also a float64 by its scale)      bad:over-range, bad:under-range
    a BCD digit above 9, bytes of no text       bad:type
"""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from protocols.profile.model import Point
from protocols.profile.schema import ModbusPart, PointPart
from protocols.quality import Quality
from protocols.reading import Value

Number: TypeAlias = int | float
Convert: TypeAlias = Callable[[Any], Value]
Fault: TypeAlias = Callable[[Any], Quality]
_Scale: TypeAlias = Callable[[Number], float]

ENCODINGS = {"utf8": "utf-8", "gbk": "gbk"}
"""Python's names for the text types."""

_BEYOND = 1 << 64
"""No register has an integer as large."""


class Conversion(NamedTuple):
    """``value``: from what `struct` gives, ``None`` where that is no value; ``fault`` then says why. Neither raises."""

    value: Convert
    fault: Fault


def conversion(point: PointPart, modbus: ModbusPart) -> Conversion:
    """Compile a part that `protocols.profile.rules_modbus` has nothing against."""
    missing = frozenset(modbus.missing)
    if modbus.type in ENCODINGS:
        return Conversion(_text(ENCODINGS[modbus.type]), _wrong_type)
    if point.type == "flag":
        return Conversion(_flag(1 << (modbus.bit or 0), missing), _no_value)
    if modbus.type.startswith("bcd"):
        return _bcd(_scale(modbus), missing)
    if modbus.type.startswith("float"):
        return _float(_scale(modbus))
    if modbus.bit is not None and modbus.bits is not None:
        return Conversion(_field(modbus.bit, (1 << modbus.bits) - 1, _integer(modbus, missing)), _no_value)
    return Conversion(_integer(modbus, missing), _no_value)


def _no_value(_raw: Number) -> Quality:
    return Quality.BAD_MISSING


def _wrong_type(_raw: bytes) -> Quality:
    return Quality.BAD_TYPE


def _text(encoding: str) -> Convert:
    def read(raw: bytes) -> str | None:
        try:
            return raw.partition(b"\0")[0].decode(encoding).rstrip(" ")
        except UnicodeDecodeError:
            return None

    return read


def _flag(mask: int, missing: frozenset[int]) -> Convert:
    if not missing:
        return lambda raw: 1.0 if raw & mask else 0.0
    return lambda raw: None if raw in missing else 1.0 if raw & mask else 0.0


def _field(shift: int, mask: int, convert: Convert) -> Convert:
    return lambda raw: convert(raw >> shift & mask)


def _bcd(scale: _Scale, missing: frozenset[int]) -> Conversion:
    def read(raw: int) -> float | None:
        digits = f"{raw:x}"
        return scale(int(digits)) if digits.isdecimal() and raw not in missing else None

    return Conversion(read, lambda raw: Quality.BAD_MISSING if raw in missing else Quality.BAD_TYPE)


def _float(scale: _Scale) -> Conversion:
    def read(raw: float) -> float | None:
        value = scale(raw)
        return value if math.isfinite(value) else None

    def fault(raw: float) -> Quality:
        value = scale(raw)
        if math.isnan(value):
            return Quality.BAD_MISSING
        return Quality.BAD_OVER_RANGE if value > 0 else Quality.BAD_UNDER_RANGE

    plain = scale is float
    return Conversion((lambda raw: raw if math.isfinite(raw) else None) if plain else read, fault)


def _integer(modbus: ModbusPart, missing: frozenset[int]) -> Convert:
    scale = _scale(modbus)
    return (lambda raw: None if raw in missing else scale(raw)) if missing else scale


def divisor_of(point: PointPart, modbus: ModbusPart) -> int:
    """By what an integer is divided, where that is all: a power of ten. 0 where there is more to do."""
    has_bits = modbus.bit is not None
    is_integer = modbus.type.startswith(("int", "uint")) and point.type != "flag" and not has_bits
    return _divisor(modbus) if is_integer else 0


def is_sure(point: Point) -> bool:
    """Whether it is a flag that is good whatever its bit says."""
    return point.type == "flag" and all(_is_good(point, value) for value in (0.0, 1.0))


def good_integers(point: Point, modbus: ModbusPart, divisor: int) -> range:
    """Integers of the register that by ``divisor`` are good values of ``point``, and not missing: all of them, or none
    where they do not follow each other."""
    if point.codes:
        known = sorted(round(code * divisor) for code in point.codes)
        low, high = known[0], known[-1]
        if high - low >= len(known) or not all(_is_good(point, one / divisor) for one in known):
            return range(0)
    else:
        bits = int(modbus.type.removeprefix("u").removeprefix("int"))
        lowest, beyond = (0, 1 << bits) if modbus.type.startswith("u") else (-1 << bits - 1, 1 << bits - 1)
        low, high = max(lowest, _least(point.low, divisor)), min(beyond - 1, -_least(-point.high, divisor))
    while low in modbus.missing:
        low += 1
    while high in modbus.missing:
        high -= 1
    return range(0) if any(low <= code <= high for code in modbus.missing) else range(low, high + 1)


def _is_good(point: Point, value: float) -> bool:
    return point.quality_of(value) is Quality.GOOD


def _least(limit: float, divisor: int) -> int:
    """The smallest integer that by ``divisor`` is at least ``limit``; none that fits a register where that is so."""
    if abs(limit) >= _BEYOND:
        return _BEYOND if limit > 0 else -_BEYOND
    least = math.ceil(Fraction(limit) * divisor)
    while (least - 1) / divisor >= limit:
        least -= 1  # one that is smaller may be rounded up to the limit
    return least


def _divisor(modbus: ModbusPart) -> int:
    scale = Decimal(repr(modbus.scale))
    digits = _decimals(scale)
    return 10**digits if not modbus.offset and scale == Decimal(1).scaleb(-digits) else 0


def _scale(modbus: ModbusPart) -> _Scale:
    if modbus.scale == 1.0 and modbus.offset == 0.0:
        return float
    if modbus.type.startswith("float"):
        return _linear(modbus.scale, modbus.offset)
    if divisor := _divisor(modbus):
        return _divided(divisor)
    digits = max(_decimals(Decimal(repr(modbus.scale))), _decimals(Decimal(repr(modbus.offset))))
    return _rounded(modbus.scale, modbus.offset, digits)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _divided(divisor: int) -> _Scale:
    # Division by a power of ten gives the nearest double, which multiplying by its reciprocal does not.
    return lambda raw: raw / divisor


def _linear(scale: float, offset: float) -> _Scale:
    return lambda raw: raw * scale + offset


def _rounded(scale: float, offset: float, digits: int) -> _Scale:
    return lambda raw: round(raw * scale + offset, digits)
