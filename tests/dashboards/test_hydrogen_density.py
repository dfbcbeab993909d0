"""The fill state of charge, as a formula of ours and as a real InfluxDB calculates it, against the vectors."""

import json
from typing import Any

import pytest

from dashboards.grafana.density import charge, density, references
from tests.fixtures.influx import Influxd
from tests.structure.tree import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "hydrogen_soc.json").read_text())


@pytest.mark.parametrize("row", VECTORS["density_kg_m3"], ids=lambda row: f"{row['P_mpa']}MPa{row['T_c']}C")
def test_density_is_that_of_the_vectors(row: dict[str, float]) -> None:
    assert density(row["P_mpa"], row["T_c"]) == pytest.approx(row["rho"], abs=0.0006)


def test_reference_densities_are_those_that_are_published() -> None:
    assert [(mpa, round(rho, 1)) for mpa, rho in references()] == [(35, 24.0), (70, 40.2)]


@pytest.mark.server
def test_influxdb_calculates_the_state_of_charge_of_the_vectors(influxd: Influxd) -> None:
    database = influxd.database()
    rows = VECTORS["soc"]
    influxd.write("\n".join(f"fill p={row['P_mpa']},t={row['T_c']} {n}" for n, row in enumerate(rows, 1)), database)
    for mpa, rho in references():
        answer = influxd.query(f'SELECT {charge("p", "t", str(rho))} AS "v" FROM "fill"', database)
        found = [one["v"] for one, row in zip(answer, rows, strict=True) if row["nwp"] == mpa]
        assert found == pytest.approx([row["soc"] for row in rows if row["nwp"] == mpa], abs=0.01)
