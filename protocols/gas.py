"""Gas concentrations: %LEL, vol%, ppm and mg/m3 of a stated gas on a stated basis (safety rule S12).

The lower flammable limit (LFL, also LEL) of one gas differs between schools: 25 %LEL of methane is 1.10 vol% on the
IEC basis and 1.25 on the NFPA basis. A %LEL value without a basis is therefore never converted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from protocols.errors import UnitError
from protocols.units import Linear, linear, ratio, unit

REFERENCE_TEMPERATURE_C = 20.0
"""At which mg/m3 are converted where nobody states a temperature. 0 °C instead of 20 °C makes 7 % fewer ppm."""

PRESSURE_KPA = 101.325
GAS_CONSTANT = 8.314462618
"""J/(mol K); with kPa it gives litres per mole. CODATA 2018, exact."""

GAS_DIMENSIONS = frozenset({"volume-fraction", "explosive-limit", "mass-concentration"})


class Lfl(NamedTuple):
    """One published lower flammable limit. ``verified``: whether its source was seen."""

    vol_percent: float
    source: str
    verified: bool


LFL: Mapping[tuple[str, str], Lfl] = MappingProxyType(
    {
        ("methane", "iec"): Lfl(4.4, "Sewerin PM 400 manual, default 4.40 (settable 4.00-5.00)", verified=True),
        ("methane", "nfpa"): Lfl(5.0, "gdscorp.com", verified=True),
        ("propane", "iec"): Lfl(1.7, "Sewerin PM 400 manual, settable 1.50-2.10", verified=True),
        ("propane", "nfpa"): Lfl(2.1, "from memory", verified=False),
        ("butane", "iec"): Lfl(1.4, "Evikon two-column table", verified=True),
        ("butane", "nfpa"): Lfl(1.6, "Evikon two-column table", verified=True),
        ("hydrogen", "iec"): Lfl(4.0, "Sewerin PM 400 manual", verified=True),
        ("hydrogen", "nfpa"): Lfl(4.0, "Sewerin PM 400 manual", verified=True),
    }
)
"""(species, basis) -> limit in air. Carbon monoxide is judged as a poison and has no entry."""

MOLAR_MASS_G: Mapping[str, str] = MappingProxyType(
    {
        # g/mol, from the IUPAC standard atomic weights (abridged, 2021)
        "methane": "16.043",
        "propane": "44.097",
        "butane": "58.124",
        "hydrogen": "2.016",
        "carbon-monoxide": "28.010",
        "ammonia": "17.031",
        "hydrogen-sulfide": "34.076",
    }
)


@dataclass(frozen=True, slots=True)
class GasBasis:
    """What a concentration speaks of.

    ``lfl_basis``: ``iec``, ``nfpa``, ``custom`` or ``none``; ``lfl_vol_percent``: the vol% that is 100 %LEL, ``None``
    where nothing is told in %LEL.
    """

    species: str
    lfl_basis: str
    lfl_vol_percent: float | None
    calibration_gas: str


def convert_gas(
    value: float,
    source: str,
    target: str,
    basis: GasBasis | None,
    temperature_c: float = REFERENCE_TEMPERATURE_C,
) -> float:
    """``value`` of a gas concentration in UCUM unit ``source`` told in ``target``, at 101.325 kPa.

    Raises `UnitError` naming both units when the basis lacks what the conversion needs.
    """
    return gas_linear(source, target, basis, temperature_c)(value)


@lru_cache(maxsize=512)
def gas_linear(
    source: str, target: str, basis: GasBasis | None, temperature_c: float = REFERENCE_TEMPERATURE_C
) -> Linear:
    """The conversion between two units of a point; within one dimension no basis is needed."""
    if unit(source).dimension == unit(target).dimension:
        return linear(source, target)
    for code in (source, target):
        if unit(code).dimension not in GAS_DIMENSIONS:
            return linear(source, target)  # raises: two dimensions that no gas joins
    if basis is None:
        raise UnitError(f"{source!r} cannot be converted to {target!r}: the point states no gas")
    try:
        return ratio(_vol_percent_per(source, basis, temperature_c) / _vol_percent_per(target, basis, temperature_c))
    except UnitError as error:
        raise UnitError(f"{source!r} cannot be converted to {target!r}: {error}") from None


def _vol_percent_per(code: str, basis: GasBasis, temperature_c: float) -> Fraction:
    """How many vol% one of ``code`` is."""
    found = unit(code)
    if found.dimension == "volume-fraction":
        return found.factor
    if found.dimension == "explosive-limit":
        if basis.lfl_vol_percent is None:
            raise UnitError(f"{basis.species} has no lfl_vol_percent here, so %LEL has no meaning (S12)")
        return found.factor * Fraction(str(basis.lfl_vol_percent)) / 100
    mass = MOLAR_MASS_G.get(basis.species)
    if mass is None:
        raise UnitError(f"the molar mass of {basis.species!r} is not known")
    litres_per_mole = Fraction(GAS_CONSTANT * (273.15 + temperature_c) / PRESSURE_KPA)
    return found.factor * litres_per_mole / Fraction(mass) * 100
