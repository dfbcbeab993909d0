"""Stories of gas and carbon monoxide at home, with devices that measure and one that only says «alarm»."""

from collections.abc import Mapping

import pytest

from alarms.errors import ActionRefused
from protocols.profile.model import Profile
from protocols.reading import Origin
from tests.fixtures.alarm_stories import do
from tests.fixtures.product_stories import SHIPPED, ProductStory
from tests.fixtures.stories import GAS, QUIET

LPG = SHIPPED["gengfu/lpg-alarm"]
LEAKS = ("HM-01", "HM-02")


def methane(*rules: str) -> ProductStory:
    return ProductStory(rules or LEAKS, GAS, "home-kitchen", QUIET)


def lpg(*rules: str) -> ProductStory:
    return ProductStory(rules or LEAKS, LPG, "home-kitchen", {"lpg": 0.0, "alarm": 0.0})


def test_gas_at_home_is_told_at_once_and_latches_until_a_person_resets_it() -> None:
    story = methane()
    story.tell(
        [
            (0, {"methane": 9.9}, []),
            (5, {"methane": 10.0}, ["HM-01 unacknowledged @5"]),
            (10, {"methane": 8.0}, []),
            (100, {"methane": 7.9}, []),
            (159, None, []),
            (160, None, ["HM-01 latched-unacknowledged @160"]),
            (161, do("acknowledge", "HM-01"), ["HM-01 latched-acknowledged @161"]),
            (162, {"methane": 0.0}, []),
            (163, do("reset", "HM-01"), ["HM-01 normal @163"]),
        ]
    )


def test_gas_that_comes_back_within_the_minute_starts_it_anew() -> None:
    methane().tell(
        [
            (0, {"methane": 10.0}, ["HM-01 unacknowledged @0"]),
            (10, {"methane": 7.0}, []),
            (40, {"methane": 9.0}, []),
            (80, {"methane": 7.0}, []),
            (139, None, []),
            (140, None, ["HM-01 latched-unacknowledged @140"]),
        ]
    )


@pytest.mark.parametrize("told", [{"warm_up": 1.0}, {"expired": 1.0}], ids=["warming up", "past its life"])
def test_detector_nobody_trusts_raises_and_never_clears(told: dict[str, float]) -> None:
    methane().tell([(0, {"methane": 10.0} | told, ["HM-01 unacknowledged @0"]), (10, told, []), (900, None, [])])


def test_leak_at_home_can_be_neither_shelved_nor_reset_while_it_stands() -> None:
    story = methane()
    story.play(0, {"methane": 10.0})
    with pytest.raises(ActionRefused, match="life-safety"):
        story.play(1, do("shelve", "HM-01", why="cooking", for_s=600.0))
    story.play(2, do("acknowledge", "HM-01"))
    with pytest.raises(ActionRefused, match="whose condition has gone"):
        story.play(3, do("reset", "HM-01"))


def test_lpg_at_home_is_told_at_once_in_its_own_rule() -> None:
    lpg().tell(
        [
            (0, {"lpg": 9.9}, []),
            (5, {"lpg": 10.0}, ["HM-02 unacknowledged @5"]),
            (10, {"lpg": 8.0}, []),
            (100, {"lpg": 7.9}, []),
            (160, None, ["HM-02 latched-unacknowledged @160"]),
        ]
    )


BITS = {
    "methane": (GAS, QUIET),
    "LPG": (LPG, {"lpg": 0.0}),
    "no value at all": (SHIPPED["milesight/gs101"], {}),
    "a range below the limits of kitchens": (SHIPPED["zigbee2mqtt/jt-bz-01aq-a"], {"methane": 3.0}),
}


@pytest.mark.parametrize(("profile", "quiet"), BITS.values(), ids=BITS)
def test_devices_own_alarm_is_told_once_whatever_its_gas(profile: Profile, quiet: Mapping[str, float]) -> None:
    ProductStory(LEAKS, profile, "home-kitchen", quiet).tell(
        [
            (0, {"alarm": 0.0}, []),
            (1, {"alarm": 1.0}, ["HM-01 unacknowledged @1"]),
            (2, {"alarm": 0.0}, []),
            (62, None, ["HM-01 latched-unacknowledged @62"]),
        ]
    )


def test_drill_at_home_changes_nothing_that_is_real() -> None:
    story = methane()
    story.play(0, {"methane": 12.0})
    for second in range(1, 200, 10):
        assert story.play(second, story.reading(second, Origin.DRILL, methane=0.0)) == []
    assert story.record("HM-01").state.word == "unacknowledged"


def test_kitchen_rules_do_not_speak_of_a_home() -> None:
    methane("CK-01", "CK-02", "CK-04", "CK-08", "GW-01").tell(
        [(0, {"methane": 60.0, "alarm": 1.0}, []), (90, None, [])]
    )


# -- carbon monoxide -----------------------------------------------------------------------------------------------

CO = ("CO-01", "CO-02", "CO-03", "CO-05")


def test_300_ppm_is_told_after_a_minute() -> None:
    methane(*CO).tell(
        [
            (0, {"co": 299.0}, []),
            (10, {"co": 300.0}, []),
            (69, None, []),
            (70, None, ["CO-03 unacknowledged @70"]),
            (80, {"co": 270.0}, []),
            (90, {"co": 269.0}, []),
            (690, None, ["CO-03 latched-unacknowledged @690"]),
        ]
    )


def test_puff_of_carbon_monoxide_of_less_than_a_minute_is_not_told() -> None:
    methane("CO-03").tell([(0, {"co": 500.0}, []), (59, {"co": 0.0}, []), (900, None, [])])


def test_devices_own_alarm_is_told_at_once() -> None:
    methane(*CO).tell(
        [
            (0, {"co": 55.0}, []),
            (10, {"co": 55.0, "co_alarm": 1.0}, ["CO-05 unacknowledged @10"]),
            (20, {"co_alarm": 0.0}, []),
            (620, None, ["CO-05 latched-unacknowledged @620"]),
        ]
    )


# -- off or lost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "quiet"), BITS.values(), ids=BITS)
def test_home_detector_that_is_not_heard_is_told_a_quarter_of_an_hour_after_its_third_period(
    profile: Profile, quiet: Mapping[str, float]
) -> None:
    story = ProductStory(("HM-03",), profile, "home-kitchen", {"alarm": 0.0} | dict(quiet), period_s=60.0)
    story.tell([(0, {}, []), (1049, None, []), (1050, None, ["HM-03 unacknowledged @1050"])])
    for second in range(1100, 1400, 100):
        assert story.play(second, {}) == []
    story.tell([(1399, {}, []), (1400, {}, ["HM-03 returned-unacknowledged @1400"])])


def test_home_detector_that_is_heard_again_within_a_quarter_of_an_hour_is_not_told() -> None:
    story = ProductStory(("HM-03",), GAS, "home-kitchen", QUIET, period_s=60.0)
    story.play(0, {})
    assert [story.play(second, {}) for second in range(1000, 3000, 100)] == [[]] * 20


def test_home_detector_that_says_it_has_no_power_is_told() -> None:
    ProductStory(("HM-03",), SHIPPED["milesight/gs101"], "home-kitchen", {"alarm": 0.0}).tell(
        [
            (0, {"power_off": 1.0}, []),
            (899, None, []),
            (900, None, ["HM-03 unacknowledged @900"]),
            (950, {"power_off": 0.0}, []),
            (1250, None, ["HM-03 returned-unacknowledged @1250"]),
        ]
    )


def test_faulty_detector_that_is_heard_is_not_off() -> None:
    methane("HM-03").tell([(0, {"fault": 1.0}, []), (3000, None, [])])


def test_exposure_to_50_ppm_counts_up_to_75_minutes_and_down_in_clean_air() -> None:
    methane(*CO).tell(
        [
            (0, {"co": 49.0}, []),
            (100, {"co": 50.0}, []),
            (4300, {"co": 39.0}, []),
            (4900, {"co": 50.0}, []),
            (5799, None, []),
            (5800, None, ["CO-01 unacknowledged @5800"]),
            (5900, {"co": 40.0}, []),
            (6000, {"co": 39.0}, []),
            (6599, None, []),
            (6600, None, ["CO-01 latched-unacknowledged @6600"]),
            (6601, do("acknowledge", "CO-01"), ["CO-01 latched-acknowledged @6601"]),
            (6602, {}, []),
            (6603, do("reset", "CO-01"), ["CO-01 normal @6603"]),
        ]
    )


def test_exposure_stands_while_the_value_is_in_the_dead_band() -> None:
    methane("CO-01").tell(
        [
            (0, {"co": 60.0}, []),
            (4000, {"co": 45.0}, []),
            (6000, {"co": 60.0}, []),
            (6499, None, []),
            (6500, None, ["CO-01 unacknowledged @6500"]),
        ]
    )


def test_exposure_of_a_faulty_sensor_is_not_forgotten() -> None:
    methane("CO-02").tell(
        [
            (0, {"co": 100.0}, []),
            (800, {"co": 0.0, "co_fault": 1.0}, []),
            (2000, {"co": 100.0, "co_fault": 0.0}, []),
            (2099, None, []),
            (2100, None, ["CO-02 unacknowledged @2100"]),
        ]
    )


def test_exposure_to_100_ppm_counts_to_a_quarter_of_an_hour() -> None:
    methane(*CO).tell(
        [
            (0, {"co": 99.0}, []),
            (60, {"co": 100.0}, []),
            (660, {"co": 79.0}, []),
            (960, {"co": 100.0}, []),
            (1559, None, []),
            (1560, None, ["CO-02 unacknowledged @1560"]),
            (1600, {"co": 79.0}, []),
            (2200, None, ["CO-02 latched-unacknowledged @2200"]),
        ]
    )


def test_drill_takes_nothing_from_a_real_exposure() -> None:
    story = methane("CO-02")
    story.play(0, {"co": 120.0})
    for second in range(100, 800, 100):
        story.play(second, story.reading(second, Origin.DRILL, co=0.0))
    story.tell([(899, None, []), (900, None, ["CO-02 unacknowledged @900"])])
