"""Stories of a kitchen: fans, valves, late readings, restarts, resets; each is a rule of safety.md."""

import pytest

from interlocks.engine import InterlockEngine
from interlocks.errors import NoSuchTrip, ResetRefused
from interlocks.outbox import Failure
from interlocks.states import TABLE, Event, InterlockState
from interlocks.zone import Member, Zone
from protocols.moment import SECOND
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.kitchens import ALL_TRUE, ID, MATRIX, Kitchen, member
from tests.fixtures.stories import at, gas_reading, marked, varied

HOUR = 3600.0
LEAK = {"methane": 30.0}
LEVEL_2 = {"methane": 55.0}
CLOSE, CLOSE_UP, FAN = (0, "gas:1", "close-valve"), (0, "up:1", "close-valve"), (0, "gas:1", "start-fan")
UP = member("up:1", upstream=True)
EX_FAN = member(fan=ALL_TRUE)
DETECTOR = Member("det:1", varied({"valve": {"role": "other"}, "fan": {"role": "other"}}, commands=False), 2.0)
"""Measures, and moves nothing."""


# -- the table of states -------------------------------------------------------------------------------------------


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


# -- fans (S1) -----------------------------------------------------------------------------------------------------


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


# -- causes --------------------------------------------------------------------------------------------------------


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


# -- late readings (S9) --------------------------------------------------------------------------------------------


def test_newest_value_that_is_late_and_in_alarm_counts_when_no_fresh_one_follows() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(-59, heard=2, **LEVEL_2))
    assert scene.sent() == []
    scene.hear(3, gas_reading(-58, heard=3, **LEVEL_2))
    scene.until(5)
    assert scene.sent() == [], "older than what is known"


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


# -- clocks (S10) --------------------------------------------------------------------------------------------------


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


# -- paths that failed (S13) ---------------------------------------------------------------------------------------


def test_lost_device_has_failed_at_once_and_is_tried_all_the_same() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=8.0))
    scene.lost(1)
    assert scene.sent() == [(1, "gas:1", "close-valve")]
    assert scene.statuses() == [("RK-3", "E1", "gas:1", "failed"), ("RK-3", "E2", "", "absent")]
    assert scene.failures == [Failure("gas:1", "valve", True)]
    scene.hear(9, gas_reading(9, valve=2.0))
    assert scene.failures[-1] == Failure("gas:1", "valve", False)
    assert scene.statuses()[0] == ("RK-3", "E1", "gas:1", "done")


def test_lost_valve_of_another_device_sends_the_effect_up_the_line_at_once() -> None:
    scene = Kitchen(DETECTOR, member(), UP)
    scene.hear(0, gas_reading(0, "gas:1"), gas_reading(0, "up:1"))
    scene.lost(1)
    scene.hear(2, gas_reading(2, "det:1", **LEAK))
    assert scene.sent() == [(2, "gas:1", "close-valve"), (2, "up:1", "close-valve")]


def test_zone_without_a_valve_of_its_own_closes_the_next_one_up_the_line() -> None:
    scene = Kitchen(DETECTOR, UP)
    scene.hear(0, gas_reading(0, "up:1"), gas_reading(0, "det:1", **LEAK))
    assert scene.sent() == [CLOSE_UP]


def test_valve_that_failed_is_closed_again_when_its_device_comes_back() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=8.0))
    scene.lost(1)
    first = scene.commands[0][1].id
    scene.hear(600, gas_reading(600))
    assert scene.sent()[1:] == [(600, "gas:1", "close-valve")]
    assert scene.cancels == [first]


def test_valve_that_closed_late_is_no_failure_any_more() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK), gas_reading(0, "up:1"))
    for second in range(2, 40, 2):
        if second == 16:
            scene.settle(15, "gas:1", False)
        scene.hear(second, gas_reading(second, **LEAK), gas_reading(second, "up:1"))
    scene.settle(40, "gas:1", True)
    assert scene.failures == [Failure("gas:1", "valve", True), Failure("gas:1", "valve", False)]
    assert ("RK-1", "E2", "up:1", "issued") in scene.statuses()


def test_effect_that_another_cause_began_still_hands_over_when_it_fails() -> None:
    scene = Kitchen(member(), UP, staffed=False)
    scene.hear(0, gas_reading(0), gas_reading(0, "up:1"))
    for second in range(2, 906, 2):
        scene.hear(second, gas_reading(second, fault=1.0), gas_reading(second, "up:1"))
    assert scene.sent() == [(902, "gas:1", "close-valve")]
    for second in range(906, 917, 2):
        scene.hear(second, gas_reading(second, **LEAK), gas_reading(second, "up:1"))
    scene.settle(917, "gas:1", False)
    assert scene.sent()[1:] == [(917, "up:1", "close-valve")]


def test_level_2_does_not_wait_for_what_level_1_would_wait_for() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK), gas_reading(0, "up:1"))
    scene.hear(2, gas_reading(2, **LEVEL_2))
    assert scene.sent() == [CLOSE, (2, "up:1", "close-valve")]


def test_level_2_hastens_what_blindness_sends_later() -> None:
    scene = Kitchen(member(), member("gas:2"), UP)
    scene.hear(0, gas_reading(0, methane=8.0), gas_reading(0, "gas:2"), gas_reading(0, "up:1"))
    scene.lost(1)
    scene.hear(2, gas_reading(2, "gas:2", **LEVEL_2))
    assert [one for one in scene.sent() if one[1] == "up:1"] == [(2, "up:1", "close-valve")]
    scene.until(60)
    assert [one for one in scene.sent() if one[1] == "up:1"] == [(2, "up:1", "close-valve")]


# -- valves that move by hand (S2) ---------------------------------------------------------------------------------


def tripped() -> Kitchen:
    """A leak at level 1; the valve closed and was read back."""
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    scene.hear(2, gas_reading(2, valve=2.0, **LEAK))
    scene.settle(2, "gas:1", True)
    scene.failures.clear()
    return scene


def test_valve_opened_while_the_cause_stands_is_told_and_closed_again() -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, **LEAK))
    assert scene.failures == [Failure("gas:1", "valve", True)]
    assert scene.sent()[1:] == [(4, "gas:1", "close-valve")]
    scene.hear(6, gas_reading(6, valve=2.0, **LEAK))
    scene.settle(6, "gas:1", True)
    assert scene.failures[-1] == Failure("gas:1", "valve", False)


def test_valve_opened_while_the_latch_stands_is_told_and_closed_when_the_gas_comes_back() -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, valve=2.0))
    scene.hear(6, gas_reading(6))
    assert (scene.failures, len(scene.sent())) == ([Failure("gas:1", "valve", True)], 1)
    scene.hear(8, gas_reading(8, **LEAK))
    assert scene.sent()[1:] == [(8, "gas:1", "close-valve")]


def test_valve_opened_while_the_latch_stands_is_closed_when_the_detector_goes_blind_while_rising() -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, valve=2.0))
    scene.hear(6, gas_reading(6, methane=8.0))
    scene.lost(7)
    assert scene.sent()[1:] == [(7, "gas:1", "close-valve")]


def test_opened_valve_that_its_person_closes_again_is_no_failure_any_more() -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4))
    scene.hear(6, gas_reading(6, valve=2.0))
    assert scene.failures == [Failure("gas:1", "valve", True), Failure("gas:1", "valve", False)]


def test_valve_opened_without_a_latch_is_told_and_nothing_more() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, valve=2.0))
    for second in range(2, 604, 2):
        scene.hear(second, gas_reading(second, valve=2.0))
    scene.reset(604)
    scene.hear(606, gas_reading(606))
    assert (scene.told()[-1], scene.failures[-1].failed, scene.sent()) == ("opened gas:1", False, [])


def test_valve_found_closed_latches() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, valve=2.0))
    assert (scene.record.state, scene.record.first_out) == (InterlockState.TRIPPED, "found-closed")
    assert scene.sent() == []
    scene.hear(2, gas_reading(2, valve=2.0, **LEAK))
    assert scene.sent() == [(2, "gas:1", "close-valve")]


@pytest.mark.parametrize("valve", [0.0, 3.0, 4.0])
def test_valve_that_is_neither_open_nor_closed_changes_nothing(valve: float) -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, valve=valve, **LEAK))
    assert (len(scene.sent()), scene.failures) == (1, [])


# -- start and restart (S10) ---------------------------------------------------------------------------------------


def test_interlock_is_unknown_until_everything_was_heard_or_given_up() -> None:
    scene = Kitchen(member(), UP)
    assert scene.record.state is InterlockState.UNKNOWN
    scene.hear(0, gas_reading(0, valve=None))
    scene.hear(2, gas_reading(2, "up:1"))
    assert scene.record.state is InterlockState.UNKNOWN, "the valve was not read back"
    scene.hear(4, gas_reading(4))
    assert scene.record.state is InterlockState.ARMED


def test_detector_that_never_speaks_is_given_up_after_the_grace() -> None:
    scene = Kitchen(member(), UP)
    for second in range(0, 40, 2):
        scene.hear(second, gas_reading(second))
        assert scene.record.state is (InterlockState.UNKNOWN if second < 30 else InterlockState.ARMED)


def test_unknown_interlock_trips() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK))
    assert scene.sent() == [CLOSE]


def test_armed_interlock_is_unknown_after_a_restart() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.restart(10)
    assert scene.record.state is InterlockState.UNKNOWN


def test_effects_that_were_not_completed_are_driven_again_after_a_restart() -> None:
    scene = Kitchen(EX_FAN, UP)
    scene.hear(0, gas_reading(0, **LEVEL_2), gas_reading(0, "up:1"))
    scene.hear(2, gas_reading(2, "up:1", valve=2.0))
    scene.settle(2, "up:1", True)
    scene.restart(10)
    scene.until(10)
    assert scene.sent()[2:] == [(10, "gas:1", "close-valve")]
    assert len({command.id for _, command in scene.commands}) == 3
    assert scene.record.state is InterlockState.TRIPPED


def test_effect_that_failed_is_driven_again_after_a_restart() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    scene.settle(15, "gas:1", False)
    scene.restart(20)
    scene.until(20)
    assert scene.sent()[1:] == [(20, "gas:1", "close-valve")]


def test_restart_after_restart_drives_once_each_and_trips_nothing_twice() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    for second in (10, 20, 30):
        scene.restart(second)
        scene.hear(second, gas_reading(second, **LEAK))
        assert len(scene.record.causes) == 1
    assert [at for at, _, _ in scene.sent()] == [0, 10, 20, 30]


def test_conditional_effect_still_waits_after_a_restart() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.restart(5)
    scene.until(6)
    assert scene.sent()[1:] == [(5, "gas:1", "close-valve")]
    scene.settle(20, "gas:1", False)
    assert scene.sent()[2:] == [(20, "up:1", "close-valve")]


def test_device_that_left_the_zone_meanwhile_does_not_stop_the_start() -> None:
    scene = Kitchen(member(), UP)
    scene.hear(0, gas_reading(0, **LEAK))
    scene.restart(5, UP)
    scene.until(5)
    assert scene.sent()[1:] == [(5, "up:1", "close-valve")], "E1 has no valve any more, so the next one closes"
    assert ("RK-1", "E1", "gas:1", "absent") in scene.statuses()


def test_valve_that_was_closed_by_a_trip_is_not_found_closed_after_a_restart() -> None:
    scene = tripped()
    for second in range(4, 606, 2):
        scene.hear(second, gas_reading(second, valve=2.0))
    scene.reset(606)
    scene.restart(610)
    scene.hear(612, gas_reading(612, valve=2.0))
    assert scene.record.state is InterlockState.ARMED


def test_leak_that_was_stored_before_a_start_counts_when_the_detector_does_not_come_back() -> None:
    scene = Kitchen(start=0)
    scene.engine.recall(gas_reading(-20, methane=8.0), at(0))
    scene.until(29)
    assert scene.sent() == []
    scene.until(30)
    assert scene.sent() == [(30, "gas:1", "close-valve")]


def test_leak_that_was_stored_before_a_start_is_overtaken_by_a_fresh_value() -> None:
    scene = Kitchen()
    scene.engine.recall(gas_reading(-20, **LEVEL_2), at(0))
    for second in range(10, 100, 2):
        scene.hear(second, gas_reading(second))
    assert scene.sent() == []


def test_state_of_interlocks_that_are_gone_is_left_alone() -> None:
    scene = tripped()
    engine = InterlockEngine([MATRIX], [Zone("other", "mall", True, (member(),))], at(0))
    engine.load(scene.stored, at(0))
    assert [one.state for one in engine.records()] == [InterlockState.UNKNOWN]


# -- reset ---------------------------------------------------------------------------------------------------------


def clean_for(seconds: int, scene: Kitchen | None = None, **values: float) -> Kitchen:
    """A trip whose cause has gone for so long."""
    scene = scene or tripped()
    for second in range(4, 4 + seconds + 1, 2):
        scene.hear(second, gas_reading(second, **({"valve": 2.0} | values)))
    return scene


def test_reset_moves_nothing_and_clears_the_latch() -> None:
    scene = clean_for(600)
    scene.reset(604, "li")
    assert (scene.record.state, scene.record.causes, scene.record.effects) == (InterlockState.ARMED, [], [])
    assert (len(scene.sent()), scene.cancels) == (1, [])
    assert (scene.events[-1].event, scene.events[-1].who) == ("reset", "li")
    assert not any(one.failed for one in scene.failures)


def test_reset_needs_ten_good_minutes() -> None:
    scene = clean_for(598)
    with pytest.raises(ResetRefused, match="gone for 600 s; 1 s are left"):
        scene.reset(603)
    assert scene.record.state is InterlockState.TRIPPED


@pytest.mark.parametrize(("who", "on_site"), [("", True), ("li", False)])
def test_reset_needs_a_named_person_on_site(who: str, on_site: bool) -> None:
    scene = clean_for(600)
    with pytest.raises(ResetRefused, match="a named person who confirms to be on site"):
        scene.reset(604, who, on_site=on_site)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"methane": 30.0},
        {"fault": 1.0},
        {"warm_up": 1.0},
        {"methane": 104.0},
        {"methane": None, "fault": 1.0},
    ],
)
def test_reset_counts_anew_after_anything_that_is_not_good(spoiled: dict[str, float]) -> None:
    scene = clean_for(596)
    scene.hear(602, gas_reading(602, **({"valve": 2.0} | spoiled)))
    with pytest.raises(ResetRefused, match="a cause still stands, or a detector"):
        scene.reset(603)
    scene.hear(604, gas_reading(604, valve=2.0))
    scene.hear(606, gas_reading(606, valve=2.0))
    with pytest.raises(ResetRefused, match="598 s are left"):
        scene.reset(606)


def test_reset_is_refused_while_a_detector_is_silent() -> None:
    scene = clean_for(600)
    with pytest.raises(ResetRefused, match="lost, bad or not fresh"):
        scene.engine.reset(ID, "li", True, at(700))


def test_reset_is_refused_while_a_detector_sends_everything_but_its_gas() -> None:
    scene = clean_for(400)
    for second in range(406, 800, 2):
        scene.hear(second, gas_reading(second, methane=None, valve=2.0))
    with pytest.raises(ResetRefused, match="not fresh"):
        scene.reset(800)


def test_reset_of_what_is_not_latched_or_not_there_is_refused() -> None:
    scene = Kitchen()
    with pytest.raises(ResetRefused, match="is unknown: there is no latch"):
        scene.reset(0)
    with pytest.raises(NoSuchTrip, match="GET /api/v1/interlocks"):
        scene.engine.reset("nowhere~restaurant-kitchen", "li", True, at(0))


def test_nothing_can_be_reset_right_after_a_start() -> None:
    scene = clean_for(600)
    scene.restart(604)
    with pytest.raises(ResetRefused, match="no value to reset on"):
        scene.reset(605)
    scene.hear(606, gas_reading(606, valve=2.0))
    with pytest.raises(ResetRefused, match="600 s are left"):
        scene.reset(606)


def test_reset_ends_the_failure_of_a_valve_that_was_never_closed() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    for second in range(2, 620, 2):
        if second == 16:
            scene.settle(15, "gas:1", False)
        scene.hear(second, gas_reading(second))
    scene.reset(620)
    assert scene.failures[0] == Failure("gas:1", "valve", True)
    assert Failure("gas:1", "valve", False) in scene.failures[1:]
    assert scene.cancels == [scene.commands[0][1].id]


def test_leak_after_a_reset_trips_again() -> None:
    scene = clean_for(600)
    scene.reset(604)
    scene.hear(606, gas_reading(606, valve=1.0))
    scene.hear(608, gas_reading(608, **LEAK))
    assert scene.sent()[1:] == [(608, "gas:1", "close-valve")]


# -- drills (S4, S5) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_drill_records_what_would_have_been_done(origin: Origin) -> None:
    scene = Kitchen(EX_FAN, UP)
    scene.hear(0, gas_reading(0, origin=origin, **LEAK))
    shadow = next(one for one in scene.engine.records() if one.origin is origin)
    would = [(one.effect, one.device, one.status) for one in shadow.effects]
    assert would == [("E1", "gas:1", "shadow"), ("E2", "up:1", "waiting"), ("E3", "gas:1", "shadow")]
    scene.hear(2, gas_reading(2, origin=origin, **LEVEL_2))
    would = [(one.cause, one.effect, one.device, one.status) for one in shadow.effects]
    assert ("RK-1", "E2", "up:1", "shadow") in would
    scene.until(600)
    assert (scene.sent(), scene.failures) == ([], [])


def test_leak_during_a_drill_acts_at_once() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0), gas_reading(0, origin=Origin.DRILL, **LEVEL_2))
    scene.hear(1, gas_reading(1, **LEAK), gas_reading(1, origin=Origin.DRILL))
    assert scene.sent() == [(1, "gas:1", "close-valve")]


def test_detector_that_speaks_only_in_a_drill_is_lost() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=8.0))
    for second in range(2, 20, 2):
        scene.hear(second, gas_reading(second, origin=Origin.DRILL))
    assert scene.sent() == [(5, "gas:1", "close-valve")]
