"""Stories of a kitchen: paths that failed (S13), valves that move by hand (S2), drills (S4, S5)."""

import pytest

from interlocks.engine import InterlockEngine
from interlocks.outbox import Failure
from interlocks.states import InterlockState
from interlocks.zone import Zone
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.kitchens import (
    CLOSE,
    CLOSE_UP,
    DETECTOR,
    EX_FAN,
    LEAK,
    LEVEL_2,
    MATRIX,
    UP,
    Kitchen,
    member,
    tripped,
)
from tests.fixtures.stories import at, gas_reading, marked

# -- paths that failed (S13) ----------------------------------------------------------------------------------------


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


def test_closing_that_nobody_can_trust_does_not_end_the_failure() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    scene.settle(1, "gas:1", False)
    scene.hear(2, marked(gas_reading(2, valve=2.0, **LEAK), Quality.UNCERTAIN_CLOCK))
    assert scene.statuses()[0] == ("RK-1", "E1", "gas:1", "failed")
    scene.hear(4, gas_reading(4, valve=2.0, **LEAK))
    assert scene.statuses()[0] == ("RK-1", "E1", "gas:1", "done")


def test_valve_of_two_kitchens_has_failed_until_it_works_for_both() -> None:
    zones = [Zone(name, "commercial-kitchen", True, (member(f"gas:{name}"), UP)) for name in ("a", "b")]
    engine = InterlockEngine([MATRIX], zones, at(0))
    engine.observe(gas_reading(0, "up:1"), at(0))
    for name in ("a", "b"):
        engine.observe(gas_reading(0, f"gas:{name}", **LEVEL_2), at(0))
    sent = [command.id for command in engine.drain().commands if command.device == "up:1"]
    for command in sent:
        engine.settled(command, False, at(5))
    assert engine.drain().failures == [Failure("up:1", "valve", True)] * 2
    engine.settled(sent[0], True, at(6))
    assert engine.drain().failures == []
    engine.settled(sent[1], True, at(6))
    assert engine.drain().failures == [Failure("up:1", "valve", False)]


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


# -- valves that move by hand (S2) ----------------------------------------------------------------------------------


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
def test_valve_that_is_not_closed_any_more_is_told_and_closed_again_while_the_cause_stands(valve: float) -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, valve=valve, **LEAK))
    assert scene.failures == [Failure("gas:1", "valve", True)]
    assert scene.sent()[1:] == [(4, "gas:1", "close-valve")]


# -- drills (S4, S5) ------------------------------------------------------------------------------------------------


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


def test_drill_at_level_2_would_have_started_no_fan() -> None:
    scene = Kitchen(EX_FAN)
    scene.hear(0, gas_reading(0, origin=Origin.DRILL, **LEVEL_2))
    shadow = next(one for one in scene.engine.records() if one.origin is Origin.DRILL)
    assert {one.status for one in shadow.effects if one.effect == "E3"} == {"held"}


def test_matrix_that_only_observes_now_drives_nothing_on() -> None:
    scene = Kitchen(EX_FAN, UP)
    scene.hear(0, gas_reading(0, **LEVEL_2))
    observing = MATRIX.model_copy(update={"mode": "observe"})
    engine = InterlockEngine([observing], [scene.zone], at(10))
    engine.load(scene.stored, at(10))
    engine.tick(at(10))
    engine.observe(gas_reading(10, **LEVEL_2), at(10))
    assert engine.drain().commands == []


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
