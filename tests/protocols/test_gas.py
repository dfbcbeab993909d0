"""Gas concentrations against the computed vectors, and what must not be converted (S12)."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import UnitError
from protocols.gas import LFL, GasBasis, convert_gas

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/gas_units.json").read_text())
SPECIES = {
    "methane_CH4": "methane",
    "propane_C3H8": "propane",
    "butane_C4H10": "butane",
    "hydrogen_H2": "hydrogen",
    "NH3": "ammonia",
    "H2S": "hydrogen-sulfide",
    "CO": "carbon-monoxide",
}
BASIS = {"iec_style": "iec", "nfpa_style": "nfpa"}
METHANE = GasBasis("methane", "iec", 4.4, "methane")
CARBON_MONOXIDE = GasBasis("carbon-monoxide", "none", None, "carbon monoxide")


@pytest.mark.parametrize(
    ("gas", "basis", "expected"),
    [(gas, basis, value) for gas, columns in VECTORS["lfl"].items() for basis, value in columns.items()],
)
def test_limit_table_holds_the_published_limits(gas: str, basis: str, expected: float) -> None:
    assert LFL[SPECIES[gas], BASIS[basis]].vol_percent == expected


def test_every_limit_has_a_source_and_the_unverified_one_is_marked() -> None:
    assert all(limit.source for limit in LFL.values())
    assert [key for key, limit in LFL.items() if not limit.verified] == [("propane", "nfpa")]


@pytest.mark.parametrize("row", VECTORS["conversions"])
def test_percent_lel_vol_percent_and_ppm_agree(row: dict[str, Any]) -> None:
    basis = GasBasis(SPECIES[row["gas"]], BASIS[row["basis"]], row["lfl_vol"], "")
    told = {"%{LEL}": row["pct_lel"], "%{vol}": row["vol_pct"], "[ppm]": row["ppm"]}
    for source, value in told.items():
        for target, expected in told.items():
            assert convert_gas(value, source, target, basis) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("row", VECTORS["hydrogen_levels"])
def test_hydrogen_levels(row: dict[str, float]) -> None:
    hydrogen = GasBasis("hydrogen", "iec", 4.0, "hydrogen")
    assert convert_gas(row["vol_pct"], "%{vol}", "%{LEL}", hydrogen) == pytest.approx(row["pct_lfl"], rel=1e-12)


@pytest.mark.parametrize("row", VECTORS["mg_m3_to_ppm"])
def test_mass_concentration_is_told_in_ppm_at_a_temperature(row: dict[str, Any]) -> None:
    basis = GasBasis(SPECIES[row["gas"]], "none", None, "")
    ppm = convert_gas(row["mg_m3"], "mg/m3", "[ppm]", basis, row["t_c"])
    assert round(ppm, 3) == row["ppm_101.325kPa"]
    assert convert_gas(ppm, "[ppm]", "ug/m3", basis, row["t_c"]) == pytest.approx(1000 * row["mg_m3"], rel=1e-12)


def test_same_lel_is_another_concentration_on_another_basis() -> None:
    nfpa = GasBasis("methane", "nfpa", 5.0, "methane")
    assert (convert_gas(25, "%{LEL}", "%{vol}", METHANE), convert_gas(25, "%{LEL}", "%{vol}", nfpa)) == (1.1, 1.25)


@pytest.mark.parametrize(
    ("source", "target", "basis", "reason"),
    [
        ("%{LEL}", "%{vol}", None, "states no gas"),
        ("%{LEL}", "[ppm]", CARBON_MONOXIDE, "no lfl_vol_percent"),
        ("mg/m3", "[ppm]", GasBasis("sewer gas", "none", None, ""), "molar mass"),
        ("%", "%{LEL}", METHANE, "ratio"),
        ("Cel", "%{LEL}", METHANE, "temperature"),
    ],
)
def test_conversion_without_what_it_needs_is_refused(
    source: str, target: str, basis: GasBasis | None, reason: str
) -> None:
    with pytest.raises(UnitError, match=reason) as caught:
        convert_gas(25, source, target, basis)
    assert repr(source) in str(caught.value)
    assert repr(target) in str(caught.value)


def test_lel_stays_lel_without_a_basis() -> None:
    assert convert_gas(25, "%{LEL}", "%{LEL}", None) == 25
