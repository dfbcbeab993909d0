"""Stories of gas pipe wells and manholes (GW-01, GW-03)."""

from collections.abc import Mapping

import pytest

from protocols.profile.model import Profile
from tests.fixtures.alarm_stories import do
from tests.fixtures.product_stories import SHIPPED, ProductStory, made_up
from tests.fixtures.stories import GAS, QUIET


def well(*rules: str) -> ProductStory:
    return ProductStory(rules, GAS, "well", QUIET)


def test_gas_in_a_well_is_told_after_a_minute_and_needs_ten_without_it() -> None:
    well("GW-01").tell(
        [
            (0, {"methane": 19.9}, []),
            (10, {"methane": 20.0}, []),
            (69, None, []),
            (70, None, ["GW-01 unacknowledged @70"]),
            (80, {"methane": 16.0}, []),
            (100, {"methane": 15.9}, []),
            (699, None, []),
            (700, None, ["GW-01 latched-unacknowledged @700"]),
            (701, do("acknowledge", "GW-01"), ["GW-01 latched-acknowledged @701"]),
            (702, {"methane": 1.0}, []),
            (703, do("reset", "GW-01"), ["GW-01 normal @703"]),
        ]
    )


def test_whiff_in_a_well_of_less_than_a_minute_is_not_told() -> None:
    well("GW-01").tell([(0, {"methane": 40.0}, []), (59, {"methane": 15.0}, []), (900, None, [])])


def test_lost_well_that_smelled_goes_on_to_its_alarm() -> None:
    well("GW-01").tell([(0, {"methane": 25.0}, []), (30, "lost", []), (60, None, ["GW-01 unacknowledged @60"])])


def test_alarm_bit_alone_is_an_alarm_of_a_well_too() -> None:
    story = ProductStory(("GW-01",), SHIPPED["milesight/gs101"], "well")
    story.tell([(0, {"alarm": 1.0}, []), (60, None, ["GW-01 unacknowledged @60"])])


def test_kitchen_and_duct_rules_do_not_speak_of_a_well() -> None:
    well("CK-01", "CK-02", "CK-04", "CK-08", "HM-01").tell([(0, {"methane": 60.0, "alarm": 1.0}, []), (90, None, [])])


# -- cover, tilt, water --------------------------------------------------------------------------------------------

COVER = made_up(
    """
[[point]]
name = "tilt"
title = { zh = "倾角", en = "Tilt" }
unit = "deg"
role = "tilt"
[[point]]
name = "open"
title = { zh = "井盖打开", en = "Cover open" }
type = "flag"
role = "cover"
[[point]]
name = "flooded"
title = { zh = "积水", en = "Flooded" }
type = "flag"
role = "flood-bit"
"""
)
SHUT = {"tilt": 1.0, "open": 0.0, "flooded": 0.0}


def test_leaning_cover_is_told_after_a_minute_and_goes_ten_minutes_after() -> None:
    ProductStory(("GW-03",), COVER, "well", SHUT).tell(
        [
            (0, {"tilt": 14.9}, []),
            (10, {"tilt": 15.0}, []),
            (69, None, []),
            (70, None, ["GW-03 unacknowledged @70"]),
            (80, {"tilt": 14.9}, []),
            (679, None, []),
            (680, None, ["GW-03 returned-unacknowledged @680"]),
        ]
    )


@pytest.mark.parametrize("bit", ["open", "flooded"])
def test_open_cover_or_water_is_told_after_a_minute(bit: str) -> None:
    ProductStory(("GW-03",), COVER, "well", SHUT).tell(
        [
            (0, {bit: 1.0}, []),
            (50, {bit: 0.0}, []),
            (100, {bit: 1.0}, []),
            (159, None, []),
            (160, None, ["GW-03 unacknowledged @160"]),
            (170, {bit: 0.0}, []),
            (770, None, ["GW-03 returned-unacknowledged @770"]),
        ]
    )


def test_level_sensor_in_a_well_tells_by_its_own_tilt_bit() -> None:
    story = ProductStory(("GW-03", "SB-05"), SHIPPED["milesight/em310-udl"], "well")
    story.tell([(0, {"tilted": 1.0}, []), (60, None, ["GW-03 unacknowledged @60"])])


# -- not heard -----------------------------------------------------------------------------------------------------

NODES = {
    "gas": (GAS, QUIET),
    "cover": (COVER, SHUT),
    "level": (SHIPPED["milesight/em310-udl"], {"battery": 90.0}),
}


@pytest.mark.parametrize(("profile", "quiet"), NODES.values(), ids=NODES)
def test_well_that_is_not_heard_is_told_after_two_and_a_half_periods(
    profile: Profile, quiet: Mapping[str, float]
) -> None:
    ProductStory(("SB-08a", "SB-08b"), profile, "well", quiet, period_s=60.0).tell(
        [
            (0, {}, []),
            (149, None, []),
            (150, None, ["SB-08a unacknowledged @150"]),
            (160, {}, ["SB-08a returned-unacknowledged @160"]),
        ]
    )


def test_faulty_detector_in_a_well_is_heard() -> None:
    well("SB-08a").tell([(0, {"fault": 1.0}, []), (900, None, [])])
