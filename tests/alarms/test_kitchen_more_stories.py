"""Stories of kitchens, malls and bottle stores beyond the first gas rules (bottle stores, ducts, carbon monoxide)."""

import pytest

from protocols.reading import Origin
from tests.fixtures.alarm_stories import do
from tests.fixtures.product_stories import SHIPPED, ProductStory
from tests.fixtures.stories import GAS, QUIET

LPG = SHIPPED["gengfu/lpg-alarm"]


def duct(*rules: str) -> ProductStory:
    return ProductStory(rules or ("CK-08",), GAS, "mall-duct", QUIET)


def store(*rules: str) -> ProductStory:
    return ProductStory(rules, LPG, "bottle-store", {"lpg": 0.0, "alarm": 0.0})


def test_gas_in_a_duct_is_told_after_five_seconds_and_needs_ten_minutes_without_it() -> None:
    duct().tell(
        [
            (0, {"methane": 9.9}, []),
            (2, {"methane": 10.0}, []),
            (7, None, ["CK-08 unacknowledged @7"]),
            (20, {"methane": 8.0}, []),
            (30, {"methane": 7.9}, []),
            (629, None, []),
            (630, None, ["CK-08 latched-unacknowledged @630"]),
            (631, do("acknowledge", "CK-08"), ["CK-08 latched-acknowledged @631"]),
            (632, {}, []),
            (633, do("reset", "CK-08"), ["CK-08 normal @633"]),
        ]
    )


def test_whiff_in_a_duct_of_less_than_five_seconds_is_not_told() -> None:
    duct().tell([(0, {"methane": 14.0}, []), (4, {"methane": 7.0}, []), (90, None, [])])


def test_alarm_bit_of_a_duct_detector_is_its_level() -> None:
    story = ProductStory(("CK-08",), SHIPPED["milesight/gs101"], "mall-duct")
    story.tell([(0, {"alarm": 1.0}, []), (5, None, ["CK-08 unacknowledged @5"])])


def test_duct_lost_at_32_percent_and_rising_stays_critical_and_is_blind_too() -> None:
    """Inject I05 of the Dongkeng plan."""
    story = duct("CK-08", "BL-01", "BL-02")
    for second in range(0, 8, 2):
        story.play(second, {"methane": 8.0 * (second / 2 + 1)})
    story.tell(
        [
            (7, None, ["CK-08 unacknowledged @7"]),
            (9, "lost", []),
            (19, None, ["BL-01 unacknowledged @19"]),
            (109, None, ["BL-02 unacknowledged @109"]),
            (3000, None, []),
        ]
    )
    assert story.record("CK-08").state.word == "unacknowledged"


@pytest.mark.parametrize("area", ["mall", "commercial-kitchen", "well", "street"])
def test_rule_of_ducts_speaks_of_ducts_alone(area: str) -> None:
    story = ProductStory(("CK-08",), GAS, area, QUIET)
    story.tell([(0, {"methane": 14.0, "alarm": 1.0}, []), (90, None, [])])


def test_lpg_in_a_bottle_store_is_told_in_both_steps() -> None:
    store("CK-02", "CK-05", "CK-06").tell(
        [
            (0, {"lpg": 9.9}, []),
            (10, {"lpg": 10.0}, []),
            (20, None, ["CK-05 unacknowledged @20"]),
            (30, {"lpg": 24.9}, []),
            (40, {"lpg": 25.0}, ["CK-06 unacknowledged @40"]),
            (50, {"lpg": 20.0}, []),
            (60, {"lpg": 19.9}, []),
            (180, {"lpg": 7.9}, ["CK-06 latched-unacknowledged @180"]),
            (240, None, ["CK-05 latched-unacknowledged @240"]),
        ]
    )


def test_alarm_bit_in_a_bottle_store_is_told_once() -> None:
    store("CK-01", "CK-02", "CK-05", "CK-06").tell([(0, {"alarm": 1.0}, []), (5, None, ["CK-02 unacknowledged @5"])])


def test_drill_in_a_duct_raises_an_alarm_of_its_own_and_no_real_one() -> None:
    story = duct()
    story.play(0, {})
    story.play(2, story.reading(2, Origin.DRILL, methane=14.0))
    story.play(3600)
    assert [one.alarm for one in story.transitions] == ["gas:1~CK-08~drill"]
    assert story.record("CK-08").state.word == "normal"


def kitchen(*rules: str) -> ProductStory:
    return ProductStory(rules, GAS, "commercial-kitchen", QUIET)


# -- carbon monoxide -----------------------------------------------------------------------------------------------


def test_160_ppm_in_a_kitchen_is_told_after_15_seconds() -> None:
    kitchen("CO-03", "CO-04b").tell(
        [
            (0, {"co": 159.0}, []),
            (10, {"co": 160.0}, []),
            (24, None, []),
            (25, None, ["CO-04b unacknowledged @25"]),
            (30, {"co": 140.0}, []),
            (40, {"co": 139.0}, []),
            (340, None, ["CO-04b latched-unacknowledged @340"]),
        ]
    )


def test_devices_own_alarm_counts_in_a_kitchen_too() -> None:
    kitchen("CO-05").tell([(0, {"co_alarm": 1.0}, ["CO-05 unacknowledged @0"])])


# -- a fast leak ---------------------------------------------------------------------------------------------------


def test_gas_that_rises_by_5_percent_within_a_minute_is_told_at_once() -> None:
    kitchen("CK-03").tell(
        [
            (0, {"methane": 4.0}, []),
            (30, {"methane": 8.9}, []),
            (50, {"methane": 9.0}, ["CK-03 unacknowledged @50"]),
            (55, {"methane": 9.0}, []),
            (120, {"methane": 9.0}, []),
            (239, None, []),
            (240, None, ["CK-03 returned-unacknowledged @240"]),
        ]
    )


def test_rise_below_5_percent_is_no_fast_leak() -> None:
    kitchen("CK-03").tell([(0, {"methane": -1.0}, []), (30, {"methane": 4.9}, []), (300, None, [])])


def test_slow_rise_is_no_fast_leak() -> None:
    story = kitchen("CK-03")
    for second in range(0, 600, 2):
        assert story.play(second, {"methane": 4.8 * second / 60}) == []


@pytest.mark.parametrize("area", ["commercial-kitchen", "mall"])
def test_fast_leak_of_every_kitchen_is_told(area: str) -> None:
    story = ProductStory(("CK-03",), GAS, area, QUIET)
    story.tell([(0, {"methane": 0.0}, []), (2, {"methane": 6.0}, ["CK-03 unacknowledged @2"])])


def mean_of(before: float, after: float, seconds: int) -> list[str]:
    """Half an hour of ``before``, then ``seconds`` of ``after``: what comes of it, a report each ten seconds."""
    story = kitchen("CO-04a")
    values = [before] * 180 + [after] * (seconds // 10)
    return [one for number, value in enumerate(values) for one in story.play(number * 10.0, {"co": value})]


def test_mean_of_a_quarter_of_an_hour_is_told_when_it_reaches_24_ppm() -> None:
    assert mean_of(0.0, 48.0, 450) == []
    assert mean_of(0.0, 48.0, 470) == ["CO-04a unacknowledged @2250"]


def test_mean_below_24_ppm_is_not_told() -> None:
    assert mean_of(23.0, 23.9, 3600) == []


def test_mean_that_falls_clears_after_five_minutes_and_latches() -> None:
    story = kitchen("CO-04a")
    told = [one for second in range(0, 910, 10) for one in story.play(second, {"co": 24.0})]
    assert told[0].startswith("CO-04a unacknowledged")
    told = [one for second in range(910, 3000, 10) for one in story.play(second, {"co": 0.0})]
    assert told == ["CO-04a latched-unacknowledged @1370"]


# -- bit and value disagree ----------------------------------------------------------------------------------------

DISAGREE = {
    "no bit at 25 %": ({"methane": 25.0}, {"methane": 24.9}),
    "a bit below 5 %": ({"methane": 4.9, "alarm": 1.0}, {"methane": 5.0, "alarm": 1.0}),
}


@pytest.mark.parametrize(("wrong", "right"), DISAGREE.values(), ids=DISAGREE)
def test_bit_and_value_that_disagree_are_told_a_minute_after_the_board_may_hold_its_alarm(
    wrong: dict[str, float], right: dict[str, float]
) -> None:
    kitchen("BV-01").tell(
        [
            (0, right, []),
            (10, wrong, []),
            (100, right, []),
            (200, wrong, []),
            (319, None, []),
            (320, None, ["BV-01 unacknowledged @320"]),
            (330, right, []),
            (390, None, ["BV-01 returned-unacknowledged @390"]),
        ]
    )


def test_alarm_that_a_board_holds_for_a_minute_in_clean_air_is_no_disagreement() -> None:
    kitchen("BV-01").tell(
        [
            (0, {"methane": 60.0, "alarm": 1.0}, []),
            (10, {"methane": 0.0, "alarm": 1.0}, []),
            (72, {"methane": 0.0, "alarm": 0.0}, []),
            (900, None, []),
        ]
    )


def test_value_nobody_trusts_disagrees_with_nothing() -> None:
    kitchen("BV-01").tell([(0, {"methane": 60.0, "fault": 1.0}, []), (900, None, [])])
