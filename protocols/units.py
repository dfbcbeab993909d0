"""Units of measurement: UCUM codes (version 2.1), their conversions, and the SenML names that stand for them.

SenML names: RFC 8428 section 12.1 and the secondary units of RFC 8798 section 3. A secondary unit is only another
spelling here (`mV`, `ppm`): UCUM has a code for it.

UCUM ignores what stands in braces, so that ``%{LEL}``, ``%{vol}`` and ``%`` would be one unit. Here they are three
dimensions on purpose: a plain percentage does not say of what, and 25 %LEL of methane is 1.1 vol%, not 25 (S12).
What a gas needs to get from one to the other is in `protocols.gas`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from protocols.errors import UnitError


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM code. A value in the base unit of ``dimension`` is value * ``factor`` + ``offset``, exactly."""

    code: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


class Linear(NamedTuple):
    """A conversion: value * ``multiply`` / ``divide`` + ``add``.

    Factor as a quotient of whole numbers where possible, so that 12010 mV are 12.01 V and not 12.010000000000002.
    """

    multiply: float
    divide: float
    add: float = 0.0

    def __call__(self, value: float) -> float:
        return value * self.multiply / self.divide + self.add


def ratio(factor: Fraction, add: Fraction = Fraction(0)) -> Linear:
    """The conversion by an exact factor and summand."""
    return Linear(float(factor.numerator), float(factor.denominator), float(add))


_DEGREE = Fraction(math.pi) / 180

_TABLE: Mapping[str, tuple[tuple[str, str | Fraction], ...]] = {
    # dimension: (code, factor to the base unit), the base unit first
    "ratio": (("1", "1"), ("%", "1/100"), ("%{RH}", "1/100"), ("10*-3", "1/1000")),
    "volume-fraction": (("%{vol}", "1"), ("[ppm]", "1/10000"), ("[ppb]", "1/10000000")),
    "explosive-limit": (("%{LEL}", "1"),),
    "mass-concentration": (
        ("kg/m3", "1"),
        ("g/L", "1"),
        ("g/m3", "1/1000"),
        ("mg/m3", "1/1000000"),
        ("ug/m3", "1/1000000000"),
        ("mg/L", "1/1000"),
    ),
    "pressure": (
        ("Pa", "1"),
        ("hPa", "100"),
        ("kPa", "1000"),
        ("MPa", "1000000"),
        ("mbar", "100"),
        ("bar", "100000"),
        ("atm", "101325"),
        ("[psi]", "6894.757293168"),
    ),
    "voltage": (("V", "1"), ("mV", "1/1000"), ("kV", "1000")),
    "current": (("A", "1"), ("mA", "1/1000")),
    "mass": (("kg", "1"), ("g", "1/1000"), ("t", "1000")),
    "length": (("m", "1"), ("mm", "1/1000"), ("cm", "1/100"), ("km", "1000")),
    "area": (("m2", "1"),),
    "volume": (("m3", "1"), ("L", "1/1000"), ("mL", "1/1000000")),
    "angle": (("rad", "1"), ("deg", _DEGREE)),
    "solid-angle": (("sr", "1"),),
    "time": (("s", "1"), ("ms", "1/1000"), ("min", "60"), ("h", "3600"), ("d", "86400")),
    "frequency": (("Hz", "1"), ("kHz", "1000"), ("MHz", "1000000"), ("/s", "1"), ("/min", "1/60")),
    "speed": (("m/s", "1"), ("m/h", "1/3600"), ("mm/h", "1/3600000"), ("km/h", "10/36")),
    "acceleration": (("m/s2", "1"),),
    "volume-flow": (("m3/s", "1"), ("L/s", "1/1000"), ("L/min", "1/60000"), ("m3/h", "1/3600")),
    "energy": (("J", "1"), ("W.h", "3600"), ("kW.h", "3600000")),
    "power": (("W", "1"), ("kW", "1000")),
    "apparent-power": (("V.A", "1"), ("kV.A", "1000")),
    "apparent-energy": (("V.A.s", "1"), ("kV.A.h", "3600000")),
    "reactive-power": (("V.A{reactive}", "1"), ("kV.A{reactive}", "1000")),
    "reactive-energy": (("V.A.s{reactive}", "1"), ("V.A.h{reactive}", "3600"), ("kV.A.h{reactive}", "3600000")),
    "energy-per-length": (("J/m", "1"), ("W.h/km", "36/10")),
    "charge": (("C", "1"), ("A.h", "3600")),
    "data": (("bit", "1"), ("By", "8"), ("KiBy", "8192"), ("GBy", "8000000000")),
    "data-rate": (("bit/s", "1"), ("Mbit/s", "1000000"), ("By/s", "8"), ("MBy/s", "8000000")),
    "irradiance": (("W/m2", "1"),),
    "luminance": (("cd/m2", "1"),),
    "luminous-intensity": (("cd", "1"),),
    "luminous-flux": (("lm", "1"),),
    "illuminance": (("lx", "1"),),
    "amount": (("mol", "1"),),
    "force": (("N", "1"),),
    "capacitance": (("F", "1"),),
    "resistance": (("Ohm", "1"), ("kOhm", "1000")),
    "conductance": (("S", "1"),),
    "conductivity": (("S/m", "1"), ("uS/cm", "1/10000")),
    "magnetic-flux": (("Wb", "1"),),
    "magnetic-flux-density": (("T", "1"),),
    "inductance": (("H", "1"),),
    "radioactivity": (("Bq", "1"),),
    "absorbed-dose": (("Gy", "1"),),
    "dose-equivalent": (("Sv", "1"),),
    "catalytic-activity": (("kat", "1"),),
    "acidity": (("[pH]", "1"),),
    "level": (("dB", "1"),),
    "sound-pressure-level": (("B[SPL]", "1"),),
}

_WITH_OFFSET = (
    # base units: K, and decibels over one watt
    Unit("K", "temperature", Fraction(1)),
    Unit("Cel", "temperature", Fraction(1), Fraction("273.15")),
    Unit("[degF]", "temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
    Unit("dB[W]", "power-level", Fraction(1)),
    Unit("dB[mW]", "power-level", Fraction(1), Fraction(-30)),
)

UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        one.code: one
        for one in (
            *_WITH_OFFSET,
            *(Unit(code, dimension, Fraction(factor)) for dimension, rows in _TABLE.items() for code, factor in rows),
        )
    }
)
"""Every unit that a profile may name, by its UCUM code."""

# fmt: off
_SENML_SAME = (
    "m", "kg", "g", "s", "A", "K", "cd", "mol", "Hz", "rad", "sr", "N", "Pa", "J", "W", "C", "V", "F",
    "Ohm", "S", "Wb", "T", "H", "Cel", "lm", "lx", "Bq", "Gy", "Sv", "kat", "m2", "m3", "m/s", "m/s2",
    "m3/s", "W/m2", "cd/m2", "bit", "bit/s", "dB", "%", "S/m", "J/m", "kg/m3", "deg", "ms", "min", "h",
    "MHz", "kW", "Mbit/s", "mV", "mA", "ug/m3", "mm/h", "m/h", "hPa", "mm", "cm", "km", "km/h",
)
# fmt: on

SENML: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in _SENML_SAME},
        "/": "1",
        "count": "1",
        "beats": "1",
        "%RH": "%{RH}",
        "%EL": "%",
        "/100": "%",
        "/1000": "10*-3",
        "ppm": "[ppm]",
        "EL": "s",
        "l": "L",
        "l/s": "L/s",
        "lat": "deg",
        "lon": "deg",
        "pH": "[pH]",
        "dBW": "dB[W]",
        "dBm": "dB[mW]",
        "Bspl": "B[SPL]",
        "1/s": "/s",
        "1/min": "/min",
        "beat/min": "/min",
        "B": "By",
        "KiB": "KiBy",
        "GB": "GBy",
        "B/s": "By/s",
        "MB/s": "MBy/s",
        "VA": "V.A",
        "kVA": "kV.A",
        "VAs": "V.A.s",
        "kVAh": "kV.A.h",
        "var": "V.A{reactive}",
        "kvar": "kV.A{reactive}",
        "vars": "V.A.s{reactive}",
        "varh": "V.A.h{reactive}",
        "kvarh": "kV.A.h{reactive}",
        "Ah": "A.h",
        "Wh": "W.h",
        "kWh": "kW.h",
        "Wh/km": "W.h/km",
    }
)
"""SenML unit name -> UCUM code. ``B`` is a byte in SenML and a bel in UCUM: the table decides."""

_UCUM_TO_SENML: Mapping[str, str] = {
    **{code: name for name, code in reversed(list(SENML.items()))},
    **{name: name for name in _SENML_SAME},
}


def unit(code: str) -> Unit:
    """The unit of a UCUM code. Raises `UnitError` for a code that is not in the table."""
    found = UNITS.get(code)
    if found is None:
        raise UnitError(f"unknown unit {code!r}; the known UCUM codes are in protocols/units.py")
    return found


def from_senml(name: str) -> str:
    """The UCUM code of a SenML unit name; a UCUM code without a SenML name (``%{LEL}``) stands for itself.

    Raises `UnitError` for a name that is neither.
    """
    code = SENML.get(name)
    if code is not None:
        return code
    if name not in UNITS:
        raise UnitError(f"unknown unit {name!r}: neither a SenML name (RFC 8428, RFC 8798) nor a known UCUM code")
    return name


def to_senml(code: str) -> str:
    """The SenML name of a UCUM code, or the code itself where SenML has none."""
    return _UCUM_TO_SENML.get(code, code)


@lru_cache(maxsize=512)
def linear(source: str, target: str) -> Linear:
    """The conversion from one UCUM code to another. Raises `UnitError` across dimensions."""
    one, other = unit(source), unit(target)
    if one.dimension != other.dimension:
        raise UnitError(f"{source!r} ({one.dimension}) cannot be converted to {target!r} ({other.dimension})")
    return ratio(one.factor / other.factor, (one.offset - other.offset) / other.factor)


def convert(value: float, source: str, target: str) -> float:
    """``value`` in unit ``source`` told in unit ``target`` (UCUM codes). Raises `UnitError`."""
    return linear(source, target)(value)
