"""Stories of bins, and of level, tilt and smoke sensors (SB-01, SB-03 to SB-06)."""

from typing import get_args

import pytest

from device_registry.site import AreaPart
from protocols.profile.model import Profile
from tests.fixtures.alarm_stories import RULES, SELDOM, Happening, do
from tests.fixtures.product_stories import SHIPPED, ProductStory
from tests.fixtures.stories import BIN

QUIET = {
    "fill": 20.0, "temperature": 25.0, "tilt": 2.0, "lid_open": 0.0, "fire": 0.0, "smoke": 0.0, "tilted": 0.0,
    "battery": 90.0, "fill_fault": 0.0, "temperature_fault": 0.0, "tilt_fault": 0.0, "battery_fault": 0.0,
}  # fmt: skip
EM400, SMOKE = SHIPPED["milesight/em400"], SHIPPED["milesight/gs524n"]
FIRE = ("SB-03", "SB-04")


def bin_of(*rules: str, profile: Profile = BIN, area: str = "street", period_s: float = SELDOM) -> ProductStory:
    return ProductStory(rules, profile, area, QUIET if profile is BIN else None, period_s=period_s)


def test_bin_that_fills_up_is_told_at_its_second_report_and_once_more_when_it_is_full() -> None:
    bin_of("SB-01", "SB-02").tell(
        [
            (0, {"fill": 75.0}, []),
            (5, {"fill": 74.9}, []),
            (10, {"fill": 75.0}, []),
            (15, {"fill": 76.0}, ["SB-01 unacknowledged @15"]),
            (20, {"fill": 90.0}, []),
            (25, {"fill": 90.0}, ["SB-02 unacknowledged @25"]),
            (30, {"fill": 65.0}, ["SB-02 returned-unacknowledged @30"]),
            (35, {"fill": 64.9}, ["SB-01 returned-unacknowledged @35"]),
            (36, do("acknowledge", "SB-01", "bin:1"), ["SB-01 normal @36"]),
        ]
    )


# -- fire ----------------------------------------------------------------------------------------------------------


def test_hot_bin_is_a_fire_at_once_and_half_an_hour_after_it_is_cool() -> None:
    bin_of(*FIRE).tell(
        [
            (0, {"temperature": 69.9}, []),
            (60, {"temperature": 70.0}, ["SB-03 unacknowledged @60"]),
            (120, {"temperature": 60.0}, []),
            (180, {"temperature": 59.9}, []),
            (1979, None, []),
            (1980, None, ["SB-03 latched-unacknowledged @1980"]),
            (1981, do("acknowledge", "SB-03", "bin:1"), ["SB-03 latched-acknowledged @1981"]),
            (1982, {}, []),
            (1983, do("reset", "SB-03", "bin:1"), ["SB-03 normal @1983"]),
        ]
    )


@pytest.mark.parametrize(("start", "after", "told"), [(37.0, 45.0, True), (37.1, 45.0, False), (36.0, 44.9, False)])
def test_rise_of_8_kelvin_in_two_minutes_to_45_degrees_is_a_fire(start: float, after: float, told: bool) -> None:
    story = bin_of("SB-03")
    story.play(0, {"temperature": start})
    assert story.play(119, {"temperature": after}) == (["SB-03 unacknowledged @119"] if told else [])


def test_rise_that_takes_longer_than_two_minutes_is_the_sun() -> None:
    story = bin_of("SB-03")
    for second in range(0, 600, 10):
        assert story.play(second, {"temperature": 30.0 + 7.0 * second / 120}) == []


@pytest.mark.parametrize("bit", ["smoke", "fire"])
def test_smoke_or_the_boards_own_fire_bit_alone_is_a_fire(bit: str) -> None:
    bin_of(*FIRE).tell(
        [
            (0, {bit: 1.0}, ["SB-03 unacknowledged @0"]),
            (130, {bit: 0.0}, []),
            (1930, None, ["SB-03 latched-unacknowledged @1930"]),
        ]
    )


def test_level_sensor_above_its_own_range_is_a_fire() -> None:
    bin_of(*FIRE, profile=EM400).tell(
        [(0, {"temperature": 69.0}, []), (60, {"temperature": 101.0}, ["SB-03 unacknowledged @60"])]
    )


def test_smoke_detector_tells_a_fire_and_its_own_test_does_not() -> None:
    bin_of(*FIRE, profile=SMOKE, area="other").tell(
        [
            (0, {"smoke": 0.0, "testing": 1.0}, []),
            (10, {"smoke": 1.0, "testing": 1.0}, []),
            (20, {"smoke": 0.0, "testing": 0.0}, []),
            (30, {"smoke": 1.0, "testing": 0.0}, ["SB-03 unacknowledged @30"]),
        ]
    )


BLIND: dict[str, Happening] = {"not heard": "lost", "sensor burnt": {"temperature": -40.0, "temperature_fault": 1.0}}


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_bin_that_goes_blind_after_heat_is_told_after_two_minutes_and_latches(blind: Happening) -> None:
    story = bin_of(*FIRE)
    story.tell(
        [
            (0, {"temperature": 55.0}, []),
            (60, blind, []),
            (179, None, []),
            (180, None, ["SB-04 unacknowledged @180"]),
            (200, {}, ["SB-04 latched-unacknowledged @200"]),
            (201, do("acknowledge", "SB-04", "bin:1"), ["SB-04 latched-acknowledged @201"]),
            (202, do("reset", "SB-04", "bin:1"), ["SB-04 normal @202"]),
        ]
    )


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_bin_that_goes_blind_below_the_limit_is_no_fire(blind: Happening) -> None:
    bin_of(*FIRE).tell([(0, {"temperature": 54.9}, []), (60, blind, []), (900, None, [])])


def test_bin_that_goes_blind_while_it_gets_hot_is_told_though_it_was_below_the_limit() -> None:
    story = bin_of("SB-04")
    for second in range(0, 61, 5):
        assert story.play(second, {"temperature": 30.0 + 4.05 * second / 60}) == []
    story.tell([(62, "lost", []), (182, None, ["SB-04 unacknowledged @182"])])


def test_sunny_bin_that_is_lost_is_no_fire() -> None:
    story = bin_of("SB-04")
    for second in range(0, 61, 5):
        assert story.play(second, {"temperature": 30.0 + 3.95 * second / 60}) == []
    story.tell([(62, "lost", []), (900, None, [])])


@pytest.mark.parametrize(("rise", "told"), [(8.0, ["SB-04 unacknowledged @245"]), (7.9, [])])
def test_bin_that_is_lost_within_two_minutes_of_a_rise_of_8_kelvin_is_told(rise: float, told: list[str]) -> None:
    story = bin_of("SB-04")
    for second in range(0, 125, 5):
        assert story.play(second, {"temperature": 25.0 if second < 65 else 25.0 + rise}) == []
    story.tell([(125, "lost", []), (244, None, []), (245, None, told)])


def test_bin_that_comes_back_within_two_minutes_is_not_told() -> None:
    bin_of("SB-04").tell(
        [(0, {"temperature": 60.0}, []), (10, "lost", []), (120, {"temperature": 58.0}, []), (900, None, [])]
    )


# -- tilt and lid --------------------------------------------------------------------------------------------------


def test_bin_on_its_side_is_told_after_a_minute_and_goes_by_itself() -> None:
    bin_of("SB-05").tell(
        [
            (0, {"tilt": 29.9}, []),
            (5, {"tilt": 30.0}, []),
            (64, None, []),
            (65, None, ["SB-05 unacknowledged @65"]),
            (70, do("acknowledge", "SB-05", "bin:1"), ["SB-05 acknowledged @70"]),
            (75, {"tilt": 25.0}, []),
            (200, {"tilt": 24.9}, []),
            (260, None, ["SB-05 normal @260"]),
        ]
    )


def test_bin_that_is_tipped_for_emptying_is_not_told() -> None:
    bin_of("SB-05").tell([(0, {"tilt": 120.0}, []), (50, {"tilt": 3.0}, []), (900, None, [])])


@pytest.mark.parametrize("profile", [EM400, SHIPPED["milesight/em310-udl"], SHIPPED["milesight/em400-nb"]])
def test_sensor_without_an_angle_tells_by_its_own_bit(profile: Profile) -> None:
    bin_of("SB-05", profile=profile).tell(
        [
            (0, {"tilted": 1.0}, []),
            (60, None, ["SB-05 unacknowledged @60"]),
            (70, {"tilted": 0.0}, []),
            (130, None, ["SB-05 returned-unacknowledged @130"]),
        ]
    )


def test_tilt_of_bins_is_judged_everywhere_but_in_wells() -> None:
    kinds = set(get_args(AreaPart.model_fields["kind"].annotation))
    assert kinds - set(RULES["SB-05"].areas) == {"well"}


def test_open_lid_is_told_after_a_quarter_of_an_hour() -> None:
    bin_of("SB-06").tell(
        [
            (0, {"lid_open": 1.0}, []),
            (899, None, []),
            (900, None, ["SB-06 unacknowledged @900"]),
            (910, {"lid_open": 0.0}, []),
            (970, None, ["SB-06 returned-unacknowledged @970"]),
        ]
    )


def test_lid_that_is_closed_in_time_is_not_told() -> None:
    bin_of("SB-06").tell([(0, {"lid_open": 1.0}, []), (890, {"lid_open": 0.0}, []), (3000, None, [])])


# -- battery, silence and a level that stands still ----------------------------------------------------------------

HOUR, DAY = 3600.0, 86400.0


def test_low_battery_is_told_after_a_day_and_more_urgently_when_it_is_nearly_empty() -> None:
    story = bin_of("SB-07a", "SB-07b", period_s=DAY)
    story.tell(
        [
            (0, {"battery": 20.1}, []),
            (HOUR, {"battery": 20.0}, []),
            (DAY + HOUR - 1, None, []),
            (DAY + HOUR, None, [f"SB-07a unacknowledged @{DAY + HOUR:g}"]),
            (2 * DAY, {"battery": 10.0}, []),
            (3 * DAY, None, [f"SB-07b unacknowledged @{3 * DAY:g}"]),
            (3 * DAY + 10, {"battery": 15.0}, []),
            (3 * DAY + 20, {"battery": 15.1}, [f"SB-07b returned-unacknowledged @{3 * DAY + 20:g}"]),
            (3 * DAY + 30, {"battery": 25.0}, []),
            (3 * DAY + 40, {"battery": 25.1}, [f"SB-07a returned-unacknowledged @{3 * DAY + 40:g}"]),
        ]
    )


def test_battery_that_is_low_on_a_cold_night_is_not_told() -> None:
    story = bin_of("SB-07a", period_s=DAY)
    story.tell([(0, {"battery": 15.0}, []), (20 * HOUR, {"battery": 30.0}, []), (2 * DAY, None, [])])


@pytest.mark.parametrize("profile", [SHIPPED["milesight/em400"], SMOKE, SHIPPED["milesight/gs301"]])
def test_battery_of_every_device_is_heeded(profile: Profile) -> None:
    story = bin_of("SB-07a", profile=profile, period_s=DAY)
    story.tell([(0, {"battery": 15.0}, []), (DAY, None, [f"SB-07a unacknowledged @{DAY:g}"])])


LEVELS = [one for one in SHIPPED.values() if one.by_name.keys() & {"fill", "distance"}]


@pytest.mark.parametrize("profile", LEVELS, ids=lambda profile: profile.id)
def test_bin_that_is_not_heard_is_told_after_two_and_a_half_periods(profile: Profile) -> None:
    story = bin_of("SB-08a", "SB-08b", profile=profile, period_s=60.0)
    seen = {"fill": 20.0} if profile is BIN else {"distance": 800.0}
    story.tell(
        [
            (0, seen, []),
            (149, None, []),
            (150, None, ["SB-08b unacknowledged @150"]),
            (160, seen, ["SB-08b returned-unacknowledged @160"]),
        ]
    )


def still(hours: int, *fills: float) -> list[str]:
    """What comes of hourly reports with these levels in turn."""
    story = bin_of("SB-08c", period_s=HOUR)
    return [one for hour in range(hours) for one in story.play(hour * HOUR, {"fill": fills[hour % len(fills)]})]


def test_level_that_stands_still_for_three_days_is_told() -> None:
    assert still(73, 40.0, 41.0) == [f"SB-08c unacknowledged @{72 * HOUR:g}"]


def test_level_that_moves_or_stands_still_for_less_is_not_told() -> None:
    assert still(72, 40.0) == []
    assert still(200, 40.0, 42.1) == []


def test_level_that_moves_again_clears_it() -> None:
    story = bin_of("SB-08c", period_s=HOUR)
    for hour in range(73):
        story.play(hour * HOUR, {"fill": 40.0})
    story.tell([(73 * HOUR, {"fill": 45.0}, [f"SB-08c returned-unacknowledged @{73 * HOUR:g}"])])
