"""Operator stories of the gas rules: delays, dead bands, latches, and what a person may do when."""

import pytest

from alarms.errors import ActionRefused, NoSuchAlarm
from tests.fixtures.alarm_stories import Happening, Story, do, only
from tests.fixtures.stories import GAS, gas_reading, varied


def test_early_warning_comes_after_its_delay_and_goes_after_its_own() -> None:
    Story(only("CK-01")).tell(
        [
            (0, {"methane": 9.9}, []),
            (10, {"methane": 10.0}, []),
            (39, {"methane": 11.0}, []),
            (40, None, ["CK-01 unacknowledged @40"]),
            (50, {"methane": 8.0}, []),
            (60, {"methane": 7.9}, []),
            (100, {"methane": 8.5}, []),
            (130, {"methane": 7.0}, []),
            (189, None, []),
            (190, None, ["CK-01 returned-unacknowledged @190"]),
            (200, do("acknowledge", "CK-01"), ["CK-01 normal @200"]),
        ]
    )


def test_brief_whiff_raises_nothing_and_a_dip_into_the_dead_band_does_not_restart_the_delay() -> None:
    Story(only("CK-01")).tell(
        [
            (0, {"methane": 12.0}, []),
            (20, {"methane": 7.0}, []),
            (40, {"methane": 12.0}, []),
            (60, {"methane": 9.0}, []),
            (70, None, ["CK-01 unacknowledged @70"]),
        ]
    )


def test_early_warning_that_was_acknowledged_goes_by_itself() -> None:
    Story(only("CK-01")).tell(
        [
            (0, {"methane": 12.0}, []),
            (31, do("acknowledge", "CK-01"), ["CK-01 unacknowledged @30", "CK-01 acknowledged @31"]),
            (40, {"methane": 0.0}, []),
            (100, None, ["CK-01 normal @100"]),
        ]
    )


def test_level_1_latches_and_is_reset_in_order() -> None:
    story = Story(only("CK-02"))
    story.tell(
        [
            (0, {"methane": 25.0}, []),
            (5, None, ["CK-02 unacknowledged @5"]),
            (6, {"methane": 20.0}, []),
            (7, {"methane": 19.9}, []),
            (67, None, ["CK-02 latched-unacknowledged @67"]),
        ]
    )
    with pytest.raises(ActionRefused, match="cannot reset an alarm that is latched-unacknowledged"):
        story.play(70, do("reset", "CK-02"))
    story.tell([(71, do("acknowledge", "CK-02", who="wang"), ["CK-02 latched-acknowledged @71"])])
    with pytest.raises(ActionRefused, match="nothing to acknowledge"):
        story.play(72, do("acknowledge", "CK-02"))
    story.tell([(73, do("reset", "CK-02"), ["CK-02 normal @73"])])
    last = [(one.who, one.value, one.raised_at - story.transitions[0].at) for one in story.transitions[-2:]]
    assert last == [("wang", 19.9, 0), ("li", 19.9, 0)]


def test_reset_is_refused_while_the_condition_stands() -> None:
    story = Story(only("CK-02"))
    story.tell(
        [
            (0, {"methane": 30.0}, []),
            (5, None, ["CK-02 unacknowledged @5"]),
            (9, do("acknowledge", "CK-02"), ["CK-02 acknowledged @9"]),
        ]
    )
    with pytest.raises(ActionRefused, match="whose condition has gone"):
        story.play(10, do("reset", "CK-02"))


NO_PROOF: dict[str, Happening] = {
    "in the dead band": {"methane": 22.0},
    "warming up": {"methane": 0.0, "warm_up": 1.0},
    "faulty": {"methane": 0.0, "fault": 1.0},
    "lost": "lost",
    "sent no methane for longer than a minute": gas_reading(141, methane=None),
}


@pytest.mark.parametrize("happening", NO_PROOF.values(), ids=NO_PROOF)
def test_reset_needs_a_good_and_fresh_value_now(happening: Happening) -> None:
    story = Story(only("CK-02"))
    story.play(0, {"methane": 30.0})
    story.play(10, {"methane": 30.0})
    story.play(80, {"methane": 0.0})
    story.play(140, do("acknowledge", "CK-02"))
    story.play(141, happening)
    with pytest.raises(ActionRefused, match="a good, fresh value below its limit"):
        story.play(142, do("reset", "CK-02"))
    story.tell([(143, {"methane": 0.0}, []), (144, do("reset", "CK-02"), ["CK-02 normal @144"])])


def test_latched_alarm_that_comes_back_is_unacknowledged_again() -> None:
    story = Story(only("CK-04"))
    story.tell(
        [
            (0, {"methane": 50.0}, ["CK-04 unacknowledged @0"]),
            (1, do("acknowledge", "CK-04"), ["CK-04 acknowledged @1"]),
            (10, {"methane": 45.0}, []),
            (20, {"methane": 44.9}, []),
            (140, None, ["CK-04 latched-acknowledged @140"]),
            (150, {"methane": 51.0}, ["CK-04 unacknowledged @150"]),
            (160, {"methane": 0.0}, []),
            (280, None, ["CK-04 latched-unacknowledged @280"]),
        ]
    )
    assert story.transitions[-1].raised_at == story.transitions[0].at, "one occurrence, until somebody resets it"


def test_alarm_bit_of_the_device_raises_level_1_whatever_it_measures() -> None:
    Story(only("CK-02")).tell(
        [
            (0, {"methane": 0.0, "alarm": 1.0}, []),
            (5, None, ["CK-02 unacknowledged @5"]),
            (10, {"methane": 30.0, "alarm": 0.0}, []),
            (100, {"methane": 0.0, "alarm": 1.0}, []),
            (200, {"methane": 0.0, "alarm": 0.0}, []),
            (260, None, ["CK-02 latched-unacknowledged @260"]),
        ]
    )


def test_device_without_the_gas_of_a_rule_is_still_watched_by_its_alarm_bit() -> None:
    propane = {"gas": {"species": "propane", "lfl_basis": "iec", "lfl_vol_percent": 1.7, "calibration_gas": "propane"}}
    story = Story(only("CK-02"), profile=varied({"methane": propane}))
    story.tell([(0, {"methane": 60.0}, []), (10, {"alarm": 1.0}, []), (15, None, ["CK-02 unacknowledged @15"])])


def test_over_range_is_reset_only_after_calibration_on_site() -> None:
    story = Story(only("CK-07"))
    story.tell(
        [
            (0, {"methane": 100.1}, ["CK-07 unacknowledged @0"]),
            (1, do("acknowledge", "CK-07"), ["CK-07 acknowledged @1"]),
            (2, {"methane": 0.0, "over_range": 1.0}, []),
            (3, {"methane": 0.0}, ["CK-07 latched-acknowledged @3"]),
        ]
    )
    with pytest.raises(ActionRefused, match="zero and calibration confirmed on site"):
        story.play(4, do("reset", "CK-07"))
    story.tell([(5, do("reset", "CK-07", on_site=True), ["CK-07 normal @5"])])


def test_over_range_lock_of_the_board_is_over_range_however_low_the_value() -> None:
    Story(only("CK-01", "CK-02", "CK-04", "CK-07")).tell(
        [(0, {"methane": 0.0, "over_range": 1.0}, ["CK-07 unacknowledged @0"])]
    )


def test_leak_in_one_jump_raises_each_level_after_its_own_delay() -> None:
    Story(only("CK-01", "CK-02", "CK-04", "CK-07")).tell(
        [
            (0, {"methane": 55.0}, ["CK-04 unacknowledged @0"]),
            (40, None, ["CK-02 unacknowledged @5", "CK-01 unacknowledged @30"]),
        ]
    )


@pytest.mark.parametrize(("lfl", "below", "limit"), [(5.0, 1.2499, 1.25), (4.4, 1.0999, 1.1)])
def test_limit_is_told_in_the_unit_and_on_the_lel_basis_of_the_device(lfl: float, below: float, limit: float) -> None:
    basis = {"species": "methane", "lfl_basis": "custom", "lfl_vol_percent": lfl, "calibration_gas": "methane"}
    in_vol = varied({"methane": {"unit": "%{vol}", "range": [0.0, 10.0], "slack": 0.1, "gas": basis}})
    Story(only("CK-02"), profile=in_vol).tell(
        [
            (0, {"methane": below}, []),
            (10, {"methane": limit}, []),
            (15, None, ["CK-02 unacknowledged @15"]),
            (16, {"methane": limit * 0.8 + 1e-9}, []),
            (100, {"methane": limit * 0.8 - 1e-9}, []),
            (160, None, ["CK-02 latched-unacknowledged @160"]),
        ]
    )


def test_rules_of_other_areas_are_silent() -> None:
    Story(only("CK-01", "CK-02", "CK-04", "CK-07"), area="home-kitchen").tell(
        [(0, {"methane": 60.0}, []), (100, {"methane": 101.0}, ["CK-07 unacknowledged @100"])]
    )


def test_two_gas_points_of_a_device_have_an_alarm_each() -> None:
    gas = {"species": "methane", "lfl_basis": "iec", "lfl_vol_percent": 4.4, "calibration_gas": "methane"}
    two = varied({"co": {"unit": "%{LEL}", "range": [0.0, 100.0], "role": "gas", "gas": gas}})
    story = Story(only("CK-04"), profile=two)
    story.play(0, {"methane": 60.0, "co": 0.0})
    story.play(1, {"methane": 0.0, "co": 55.0})
    assert [one.alarm for one in story.transitions] == ["gas:1~CK-04:methane", "gas:1~CK-04:co"]


def test_action_on_what_is_not_there_is_refused() -> None:
    story = Story(only("CK-01"))
    with pytest.raises(NoSuchAlarm, match="gas:1~CK-99"):
        story.play(0, do("acknowledge", "CK-99"))
    with pytest.raises(ActionRefused, match="needs the name of the person"):
        story.play(1, do("acknowledge", "CK-01", who=""))


@pytest.mark.parametrize("word", ["raise", "return", "return-latched"])
def test_person_cannot_say_that_a_condition_came_or_went(word: str) -> None:
    story = Story(only("CK-04"), profile=GAS)
    story.play(0, {"methane": 60.0})
    with pytest.raises(ActionRefused, match="nothing that a person does"):
        story.play(1, do("acknowledge", "CK-04")._replace(verb=word))  # type: ignore[arg-type]  # wrong on purpose
    assert story.record("CK-04").active
