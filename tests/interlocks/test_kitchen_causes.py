"""Stories of a kitchen: fans (S1), causes, late readings (S9), clocks that step (S10)."""

import pytest

from interlocks.outbox import Failure
from interlocks.states import TABLE, Event, InterlockState
from interlocks.zone import Member
from protocols.moment import SECOND
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.kitchens import (
    ALL_TRUE,
    CLOSE,
    CLOSE_UP,
    EX_FAN,
    FAN,
    HOUR,
    LEAK,
    LEVEL_2,
    UP,
    Kitchen,
    member,
)
from tests.fixtures.stories import gas_reading, marked, varied

# -- the table of states --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", InterlockState)
@pytest.mark.parametrize("event", Event)
def test_table_answers_every_event_in_every_state(state: InterlockState, event: Event) -> None:
    after = TABLE[state, event]
    if event is Event.RESET:
        assert after is (InterlockState.ARMED if state is InterlockState.TRIPPED else None)
    elif event is Event.TRIP or state is InterlockState.TRIPPED:
        assert after is InterlockState.TRIPPED
    else:
        assert after is InterlockState.ARMED


# -- fans (S1) ------------------------------------------------------------------------------------------------------


def test_fan_that_was_started_at_level_1_and_is_not_proved_is_cancelled_at_level_2() -> None:
    scene = Kitchen(EX_FAN)
    scene.hear(0, gas_reading(0, **LEAK))
    fan = next(command for _, command in scene.commands if command.name == "start-fan")
    scene.hear(2, gas_reading(2, **LEVEL_2))
    assert scene.cancels == [fan.id]
    assert ("RK-1", "E3", "gas:1", "held") in scene.statuses()
    scene.settle(3, "gas:1", True, "start-fan")
    assert ("RK-1", "E3", "gas:1", "held") in scene.statuses(), "what the actuator says of it later does not count"


def test_fan_that_failed_to_start_is_cancelled_at_level_2_and_is_no_failure_any_more() -> None:
    scene = Kitchen(EX_FAN)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.settle(5, "gas:1", False, "start-fan")
    scene.hear(6, gas_reading(6, **LEVEL_2))
    assert scene.failures == [Failure("gas:1", "fan", True), Failure("gas:1", "fan", False)]


def test_fan_that_runs_is_left_at_level_2() -> None:
    scene = Kitchen(EX_FAN)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.hear(2, gas_reading(2, fan=2.0, **LEAK))
    scene.settle(2, "gas:1", True, "start-fan")
    scene.hear(4, gas_reading(4, fan=2.0, **LEVEL_2))
    assert scene.cancels == []
    assert [one for one in scene.statuses() if one[1] == "E3"] == [("RK-1", "E3", "gas:1", "done")]


def test_no_fan_is_started_when_level_1_comes_back_after_level_2() -> None:
    scene = Kitchen(EX_FAN)
    for second, methane in ((0, 60.0), (2, 0.0), (4, 30.0)):
        scene.hear(second, gas_reading(second, methane=methane))
    assert FAN not in scene.sent()
    assert {one.reason for one in scene.record.effects if one.effect == "E3"} == {("person-decides",)}


def test_fan_of_the_device_up_the_line_is_left_alone() -> None:
    scene = Kitchen(EX_FAN, member("up:1", ALL_TRUE, upstream=True))
    scene.hear(0, gas_reading(0, **LEAK))
    assert scene.sent() == [CLOSE, FAN]


def test_fan_whose_permissive_went_meanwhile_is_not_started_after_a_restart() -> None:
    scene = Kitchen(EX_FAN)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.restart(10, member(fan=ALL_TRUE._replace(dedicated=None)))
    scene.until(11)
    assert scene.sent()[2:] == [(10, "gas:1", "close-valve")]
    assert [one.reason for one in scene.record.effects if one.effect == "E3"] == [("dedicated",)]


# -- causes ---------------------------------------------------------------------------------------------------------


def test_repeated_readings_trip_once() -> None:
    scene = Kitchen(EX_FAN, UP)
    for second in range(0, 60, 2):
        scene.hear(second, gas_reading(second, **LEVEL_2), gas_reading(second, "up:1"))
    assert scene.sent() == [CLOSE, CLOSE_UP]
    assert scene.told()[:2] == ["tripped RK-1", "tripped RK-2"]


def test_first_cause_is_the_first_out_though_the_board_closed_its_valve_itself() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(2, alarm=1.0, valve=2.0, **LEVEL_2))
    assert (scene.record.first_out, [cause for cause, _ in scene.record.causes]) == ("RK-1", ["RK-1", "RK-2"])


def test_gas_up_the_line_is_the_matter_of_its_own_zone() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0), gas_reading(0, "up:1", **LEVEL_2))
    assert scene.sent() == []


@pytest.mark.parametrize("first", ["gas:1", "gas:2"])
def test_one_detector_of_two_is_enough(first: str) -> None:
    scene = Kitchen(member(), member("gas:2"))
    scene.hear(0, gas_reading(0, "gas:2"), gas_reading(0), gas_reading(0, first, **LEAK))
    assert scene.sent() == [(0, "gas:1", "close-valve"), (0, "gas:2", "close-valve")]


def test_plain_loss_of_one_detector_of_two_does_nothing_in_closed_hours() -> None:
    scene = Kitchen(member(), member("gas:2"), staffed=False)
    for second in range(0, 1200, 2):
        scene.hear(second, gas_reading(second))
    assert scene.sent() == []


def test_detector_that_comes_back_within_the_quarter_of_an_hour_stops_the_closing() -> None:
    scene = Kitchen(staffed=False)
    scene.hear(0, gas_reading(0))
    scene.hear(904, gas_reading(904))
    scene.until(1700)
    assert scene.sent() == []
    scene.until(1809)
    assert scene.sent() == [(1809, "gas:1", "close-valve")]


def test_lost_by_word_of_the_transport_acts_at_once() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=8.0))
    scene.lost(1)
    assert scene.sent() == [(1, "gas:1", "close-valve")]


def test_test_gas_stands_for_nothing_when_the_detector_is_lost_during_the_test() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, marked(gas_reading(2, **LEVEL_2), Quality.UNCERTAIN_UNDER_TEST))
    scene.until(60)
    assert scene.sent() == []


def test_neighbour_of_a_detector_under_test_stays_armed() -> None:
    scene = Kitchen(member(), member("gas:2"))
    scene.hear(0, marked(gas_reading(0, **LEVEL_2), Quality.UNCERTAIN_UNDER_TEST), gas_reading(0, "gas:2", **LEAK))
    assert [cause for cause, _ in scene.record.causes] == ["RK-1"]


def test_warm_up_that_does_not_end_is_a_lost_detector() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=6.0))
    for second in range(2, 190, 2):
        scene.hear(second, gas_reading(second, warm_up=1.0, methane=6.0))
    assert scene.sent() == [(184, "gas:1", "close-valve")]


def test_limit_is_told_on_the_basis_of_the_device() -> None:
    basis = {"species": "methane", "lfl_basis": "nfpa", "lfl_vol_percent": 5.0, "calibration_gas": "methane"}
    in_vol = varied({"methane": {"unit": "%{vol}", "range": [0.0, 5.0], "slack": 0.1, "gas": basis}})
    scene = Kitchen(Member("gas:1", in_vol, 2.0))
    scene.hear(0, gas_reading(0, methane=1.24))
    assert scene.sent() == []
    scene.hear(2, gas_reading(2, methane=1.25))
    assert scene.sent() == [(2, "gas:1", "close-valve")]


# -- late readings (S9) ---------------------------------------------------------------------------------------------


def test_late_value_in_alarm_counts_when_no_fresh_one_follows() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(-59, heard=2, **LEVEL_2))
    scene.hear(3, gas_reading(-58, heard=3, **LEVEL_2))
    scene.until(4.9)
    assert scene.sent() == []
    scene.until(5)
    assert scene.sent() == [(5, "gas:1", "close-valve")]


def test_late_value_in_alarm_is_overtaken_by_a_fresh_one() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(-59, heard=2, **LEVEL_2))
    for second in range(4, 60, 2):
        scene.hear(second, gas_reading(second))
    assert scene.sent() == []


def test_queue_of_a_device_that_was_away_is_no_command_when_fresh_values_follow() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.until(600)
    for number in range(4):
        scene.hear(600 + number, gas_reading(300 + number, heard=600 + number, **LEVEL_2))
    scene.hear(604, gas_reading(604))
    scene.until(700)
    assert scene.sent() == []


def test_queue_of_a_device_that_was_away_counts_when_no_fresh_value_follows() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(600, gas_reading(301, heard=600, **LEAK))
    scene.hear(602, gas_reading(300, heard=602))
    scene.until(604.9)
    assert scene.sent() == []
    scene.until(605)
    assert scene.sent() == [(605, "gas:1", "close-valve")]


def test_device_whose_clock_lags_is_believed_at_once_after_its_first_late_values() -> None:
    scene = Kitchen()
    for second in range(0, 40, 2):
        scene.hear(second, gas_reading(second - 120, heard=second))
    scene.hear(40, gas_reading(-80, heard=40, **LEVEL_2))
    assert scene.sent() == [(40, "gas:1", "close-valve")]


def test_late_value_of_a_drill_is_nothing() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(600, gas_reading(300, heard=600, origin=Origin.DRILL, **LEVEL_2))
    scene.until(700)
    assert scene.sent() == []


# -- clocks (S10) ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [-5 * HOUR, -3.0, 3.0, 5 * HOUR])
def test_second_effect_comes_after_five_seconds_however_the_wall_clock_steps(step: float) -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, methane=8.0), gas_reading(0, "up:1"))
    scene.lost(1)
    scene.wall_step = int(step * SECOND)
    scene.until(20)
    assert scene.sent() == [(1, "gas:1", "close-valve"), (6, "up:1", "close-valve")]


def test_closed_hours_are_measured_on_the_clock_that_does_not_step() -> None:
    scene = Kitchen(staffed=False)
    scene.hear(0, gas_reading(0))
    scene.until(10)
    scene.wall_step = int(-7 * HOUR * SECOND)
    scene.until(1000)
    assert scene.sent() == [(905, "gas:1", "close-valve")]


def test_leak_trips_after_the_wall_clock_of_the_gateway_went_back() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.wall_step = int(-2 * HOUR * SECOND)
    scene.hear(2, gas_reading(2 - 2 * HOUR, heard=2 - 2 * HOUR, **LEAK))
    assert scene.sent() == [(2, "gas:1", "close-valve")]
