"""Stories of a kitchen: start, restart (S10) and reset."""

import pytest

from interlocks.errors import NoSuchTrip, ResetRefused
from interlocks.outbox import Failure
from interlocks.states import InterlockState
from protocols.reading import Origin
from tests.fixtures.kitchens import (
    CLOSE,
    EX_FAN,
    ID,
    LEAK,
    LEVEL_2,
    UP,
    Kitchen,
    clean_for,
    member,
    tripped,
)
from tests.fixtures.stories import at, gas_reading

# -- start and restart (S10) ----------------------------------------------------------------------------------------


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


# -- reset ----------------------------------------------------------------------------------------------------------


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


def test_the_reset_of_a_drill_says_nothing_of_a_valve_that_a_person_opened_behind_a_live_latch() -> None:
    """S4: the board alone says that the valve is closed again, over a restart too."""
    scene = tripped()
    scene.hear(4, gas_reading(4))
    scene.hear(6, gas_reading(6, valve=1.0))
    assert [one.failed for one in scene.failures] == [True]
    scene.restart(8)
    scene.failures.clear()
    for second in range(10, 700, 2):
        leak = {"methane": 60.0} if second == 10 else {}
        scene.hear(second, gas_reading(second), gas_reading(second, origin=Origin.DRILL, **leak))
    scene.engine.reset(f"{ID}~drill", "director", True, at(701))
    scene.take(at(701).mono)
    assert [one for one in scene.failures if not one.failed] == []
