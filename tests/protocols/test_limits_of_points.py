"""Limits in the unit of the point they are held against, on its own gas basis (S12)."""

import pytest

from protocols.errors import UnitError
from protocols.limits import in_unit_of
from protocols.profile.model import Profile
from tests.fixtures.stories import BIN, GAS, varied


def methane(unit: str, lfl: float) -> Profile:
    """A gas alarm that measures in another unit."""
    basis = {"species": "methane", "lfl_basis": "custom", "lfl_vol_percent": lfl, "calibration_gas": "methane"}
    return varied({"methane": {"unit": unit, "range": [0.0, 60000.0], "slack": 0.0, "gas": basis}})


@pytest.mark.parametrize(
    ("unit", "lfl", "expected"),
    [("%{LEL}", 4.4, 25.0), ("%{vol}", 5.0, 1.25), ("%{vol}", 4.4, 1.1), ("[ppm]", 5.0, 12500.0)],
)
def test_25_percent_lel_in_the_unit_of_the_point(unit: str, lfl: float, expected: float) -> None:
    profile = methane(unit, lfl)
    assert in_unit_of(profile, profile.by_name["methane"], 25.0, "%{LEL}") == pytest.approx(expected, rel=1e-12)


def test_limit_in_vol_percent_for_a_point_in_lel() -> None:
    assert in_unit_of(GAS, GAS.by_name["methane"], 1.1, "%{vol}") == pytest.approx(25.0)


@pytest.mark.parametrize(("point", "unit"), [("valve", "%{LEL}"), ("temperature", "%{LEL}"), ("co", "%{LEL}")])
def test_limit_that_cannot_be_compared_is_refused(point: str, unit: str) -> None:
    with pytest.raises(UnitError):
        in_unit_of(GAS, GAS.by_name[point], 25.0, unit)


def test_limit_of_a_point_without_gas() -> None:
    assert in_unit_of(BIN, BIN.by_name["fill"], 90.0, "%") == 90.0
