"""The gas alarm for methane and the one for LPG: one device with another gas, so one profile but for that gas."""

from protocols.profile.loader import shipped_profiles

METHANE = shipped_profiles()["gengfu/gas-alarm"].file
LPG = shipped_profiles()["gengfu/lpg-alarm"].file


def test_points_differ_by_the_gas_alone() -> None:
    first, other = METHANE.point[0], LPG.point[0]
    assert (first.name, other.name) == ("methane", "lpg")
    same = {"name": first.name, "title": first.title, "gas": first.gas}
    assert other.model_copy(update=same) == first
    assert LPG.point[1:] == METHANE.point[1:]


def test_commands_and_quality_are_the_same() -> None:
    assert LPG.command == METHANE.command
    renamed = [
        rule.model_copy(update={"affects": tuple(name.replace("lpg", "methane") for name in rule.affects)})
        for rule in LPG.quality
    ]
    assert renamed == list(METHANE.quality)


def test_each_names_its_gas_and_basis() -> None:
    gases = [file.point[0].gas for file in (METHANE, LPG)]
    told = [(gas.species, gas.lfl_basis, gas.lfl_vol_percent, gas.calibration_gas) for gas in gases if gas is not None]
    assert told == [("methane", "iec", 4.4, "methane"), ("propane", "iec", 1.7, "propane")]
