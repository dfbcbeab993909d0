"""Fill state of charge of hydrogen as an InfluxQL expression of pressure and temperature.

``rho = P M / (Z R T)``, ``Z = 1 + sum a (100/T)^b P^c`` (`hydrogen.toml`, with its source), in percent of the density
at nominal pressure and 15 Cel. ``pow`` is in 1.6 and later, in 2.x and in 3.
"""

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.figures import document

KELVIN = 273.15


def _data() -> dict[str, Any]:
    return document("dashboards/grafana/hydrogen.toml")


def _terms() -> Sequence[tuple[float, float, float]]:
    data = _data()
    return list(zip(data["a"], data["b"], data["c"], strict=True))


def density(pressure_mpa: float, cel: float) -> float:
    """kg/m³ of hydrogen, at an absolute pressure in MPa."""
    data, kelvin = _data(), cel + KELVIN
    factor = 1 + sum(a * (100 / kelvin) ** b * pressure_mpa**c for a, b, c in _terms())
    found: float = (
        pressure_mpa * 1e6 * data["molar_mass_kg_per_mol"] / (factor * data["gas_constant_j_per_mol_k"] * kelvin)
    )
    return found


def references() -> Sequence[tuple[int, float]]:
    """Nominal pressure, MPa, and the density at it, kg/m³."""
    data = _data()
    return [(mpa, round(density(mpa, data["nominal_cel"]), 3)) for mpa in data["nominal_mpa"]]


def charge(pressure: str, cel: str, reference: str) -> str:
    """Percent, of fields that hold MPa and Cel. ``reference``: kg/m³, a number or a variable."""
    data = _data()
    kelvin = f'("{cel}" + {KELVIN})'
    terms = "".join(
        f' {"+" if a > 0 else "-"} {abs(a):.12f} * pow(100 / {kelvin}, {b:g}) * pow("{pressure}", {c:g})'
        for a, b, c in _terms()
    )
    factor = data["molar_mass_kg_per_mol"] * 1e6 / data["gas_constant_j_per_mol_k"]
    return f'100 * {factor:.9f} * "{pressure}" / {kelvin} / (1{terms}) / {reference}'
