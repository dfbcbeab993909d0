"""Clocks that go wrong, points that fall silent, detectors that cannot say «no», valves nobody can see."""

from collections.abc import Callable

import pytest

from interlocks.errors import ResetRefused
from interlocks.states import InterlockState
from interlocks.zone import Member
from protocols.quality import Quality
from protocols.reading import Reading
from tests.fixtures.kitchens import ALL_TRUE, DETECTOR, HOUR, LEAK, LEVEL_2, UP, Kitchen, member, tripped
from tests.fixtures.stories import QUIET, gas_reading, marked, varied

CLOSED = {"valve": 2.0}


def part(second: float, **values: float) -> Reading:
    """A reading of these points and no others."""
    return gas_reading(second, **(dict.fromkeys(QUIET) | values))


# -- clocks of devices that are wrong (S9) --------------------------------------------------------------------------


def set_back(second: float) -> float:
    """A clock that was right for a minute, and is an hour behind from then on."""
    return second - HOUR if second >= 60 else second


def standing_still(second: float) -> float:
    """A clock that stopped after a minute."""
    return min(second, 60.0)


def jumping(second: float) -> float:
    """A clock that goes back further with each reading."""
    return -10 * second if second >= 60 else second


@pytest.mark.parametrize("clock", [set_back, standing_still, jumping])
def test_leak_trips_at_once_though_the_clock_of_the_device_is_wrong(clock: Callable[[float], float]) -> None:
    scene = Kitchen()
    for second in range(0, 300, 2):
        scene.hear(second, gas_reading(clock(second), heard=second))
    assert scene.sent() == []
    scene.hear(300, gas_reading(clock(300), heard=300, **LEAK))
    assert scene.sent() == [(300, "gas:1", "close-valve")]


def test_leak_behind_a_clock_that_was_just_set_back_trips_when_the_silence_is_over() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    for second in (2, 4):
        scene.hear(second, gas_reading(second - HOUR, heard=second, **LEAK))
    scene.until(4.9)
    assert scene.sent() == []
    scene.until(5)
    assert scene.sent() == [(5, "gas:1", "close-valve")]


def test_value_that_came_last_counts_however_old_its_stamp_is() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(2 - HOUR, heard=2))
    scene.hear(4, gas_reading(4 - 2 * HOUR, heard=4, **LEAK))
    scene.until(5)
    assert scene.sent() == [(5, "gas:1", "close-valve")]


def test_fresh_value_overtakes_what_a_wrong_clock_stamped() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(2, gas_reading(2 - HOUR, heard=2, **LEAK))
    for second in range(4, 100, 2):
        scene.hear(second, gas_reading(second))
    assert scene.sent() == []


@pytest.mark.parametrize("clock", [set_back, standing_still])
def test_value_of_a_wrong_clock_never_feeds_a_reset(clock: Callable[[float], float]) -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    for second in range(2, 900, 2):
        scene.hear(second, gas_reading(clock(second), heard=second, **CLOSED))
    with pytest.raises(ResetRefused, match="no value to reset on"):
        scene.reset(900)


# -- what stood before (S3) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["warm_up", "expired"])
def test_rise_that_a_reboot_hides_trips_when_the_detector_dies(flag: str) -> None:
    scene = Kitchen()
    for second in range(0, 40, 2):
        scene.hear(second, gas_reading(second, methane=min(12.0, second / 2)))
    for second in range(40, 60, 2):
        scene.hear(second, gas_reading(second, methane=0.0, **{flag: 1.0}))
    scene.until(100)
    assert scene.sent() == [(63, "gas:1", "close-valve")]


def test_backlog_after_an_urgent_value_does_not_hide_it() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0))
    scene.hear(4, gas_reading(4, methane=12.0), *(gas_reading(second, heard=4) for second in (1, 2, 3)))
    scene.until(60)
    assert scene.sent() == [(9, "gas:1", "close-valve")]


# -- points that fall silent, flags that stand (S10, S3) ------------------------------------------------------------


def test_gas_that_a_talking_detector_stops_sending_is_blindness() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, methane=8.0))
    for second in range(2, 60, 2):
        scene.hear(second, gas_reading(second, methane=None))
    assert scene.sent() == [(5, "gas:1", "close-valve")]


def test_gas_that_was_never_sent_is_a_lost_detector_after_the_grace() -> None:
    scene = Kitchen(staffed=False)
    for second in range(0, 1000, 2):
        scene.hear(second, gas_reading(second, methane=None))
    assert scene.sent() == [(930, "gas:1", "close-valve")]


def test_gas_that_a_detector_does_not_send_when_it_comes_back_is_still_lost() -> None:
    scene = Kitchen(staffed=False)
    scene.hear(0, gas_reading(0))
    for second in range(200, 1000, 2):
        scene.hear(second, gas_reading(second, methane=None))
    assert scene.sent() == [(905, "gas:1", "close-valve")]


def test_fault_that_was_told_once_stands_until_it_is_told_gone() -> None:
    scene = Kitchen(staffed=False)
    scene.hear(0, gas_reading(0))
    scene.hear(2, part(2, fault=1.0))
    for second in range(4, 910, 2):
        scene.hear(second, part(second, methane=0.0))
    assert scene.sent() == [(902, "gas:1", "close-valve")]


def test_fault_that_was_told_gone_is_gone() -> None:
    scene = Kitchen(staffed=False)
    scene.hear(0, gas_reading(0))
    scene.hear(2, part(2, fault=1.0))
    scene.hear(4, part(4, fault=0.0))
    for second in range(6, 1000, 2):
        scene.hear(second, part(second, methane=0.0))
    assert scene.sent() == []


# -- detectors that cannot say «no» (S7) ----------------------------------------------------------------------------

MUTE = [
    Quality.UNCERTAIN_WARM_UP,
    Quality.UNCERTAIN_UNDER_TEST,
    Quality.UNCERTAIN_STALE,
    Quality.UNCERTAIN_EXPIRED,
]


@pytest.mark.parametrize("quality", MUTE, ids=lambda quality: quality.name)
def test_detector_that_cannot_say_no_does_not_stand_in_for_a_lost_one(quality: Quality) -> None:
    scene = Kitchen(member(), member("gas:2"), staffed=False)
    scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
    for second in range(2, 920, 2):
        scene.hear(second, marked(gas_reading(second, "gas:2"), quality))
    assert [one for one in scene.sent() if one[1] == "gas:1"] == [(905, "gas:1", "close-valve")]


def test_detector_whose_clock_is_in_doubt_stands_in_for_a_lost_one() -> None:
    scene = Kitchen(member(), member("gas:2"), staffed=False)
    scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
    for second in range(2, 920, 2):
        scene.hear(second, marked(gas_reading(second, "gas:2"), Quality.UNCERTAIN_CLOCK))
    assert scene.sent() == []


# -- armed after a real read-back only (S10) ------------------------------------------------------------------------


def test_zone_whose_every_device_is_lost_stays_unknown() -> None:
    scene = Kitchen(member(), UP)
    scene.until(600)
    assert scene.record.state is InterlockState.UNKNOWN
    scene.hear(600, gas_reading(600))
    assert scene.record.state is InterlockState.ARMED


def test_zone_whose_detectors_are_all_lost_stays_unknown_though_the_valve_up_the_line_is_heard() -> None:
    scene = Kitchen(member(), UP)
    for second in range(0, 60, 2):
        scene.hear(second, gas_reading(second, "up:1"))
    assert scene.record.state is InterlockState.UNKNOWN


def test_zone_whose_every_valve_is_lost_stays_unknown() -> None:
    scene = Kitchen(DETECTOR, member())
    for second in range(0, 60, 2):
        scene.hear(second, gas_reading(second, "det:1"))
    assert scene.record.state is InterlockState.UNKNOWN


def test_zone_is_unknown_until_its_gas_was_heard_or_given_up() -> None:
    scene = Kitchen()
    for second in range(0, 40, 2):
        scene.hear(second, gas_reading(second, methane=None))
        assert scene.record.state is (InterlockState.UNKNOWN if second < 30 else InterlockState.ARMED)


def test_zone_without_a_valve_is_armed_by_its_detector() -> None:
    bare = varied({"valve": {"role": "other"}, "fan": {"role": "other"}}, commands=False)
    scene = Kitchen(Member("gas:1", bare, 2.0, ALL_TRUE))
    scene.hear(0, gas_reading(0))
    assert scene.record.state is InterlockState.ARMED


@pytest.mark.parametrize("valve", [0.0, 3.0, 4.0])
def test_valve_that_is_neither_open_nor_closed_was_not_read_back(valve: float) -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, valve=valve))
    assert scene.record.state is InterlockState.UNKNOWN
    scene.hear(2, marked(gas_reading(2), Quality.UNCERTAIN_CLOCK, "valve"))
    assert scene.record.state is InterlockState.UNKNOWN


# -- valves whose feedback goes (S2, S3) ----------------------------------------------------------------------------

NOT_CLOSED = pytest.mark.parametrize("valve", [0.0, 3.0, 4.0], ids=["unknown", "moving", "fault"])


@NOT_CLOSED
def test_valve_that_is_no_longer_closed_while_a_cause_stands_is_closed_again_and_told(valve: float) -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, valve=valve, **LEAK))
    assert scene.sent()[1:] == [(4, "gas:1", "close-valve")]
    assert [one.failed for one in scene.failures] == [True]
    assert (scene.record.closed, scene.told()[-1]) == ([], "not-closed gas:1")
    scene.hear(6, gas_reading(6, valve=2.0, **LEAK))
    scene.settle(6, "gas:1", True)
    assert [one.failed for one in scene.failures][-1] is False
    assert scene.record.closed == ["gas:1"]


@NOT_CLOSED
def test_valve_that_is_no_longer_closed_is_closed_again_when_a_cause_comes_back(valve: float) -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, **CLOSED))
    scene.hear(6, gas_reading(6, valve=valve))
    assert (len(scene.sent()), scene.failures) == (1, [])
    scene.hear(8, gas_reading(8, valve=valve, **LEVEL_2))
    assert scene.sent()[1:] == [(8, "gas:1", "close-valve")]
    assert [one.failed for one in scene.failures] == [True]


@pytest.mark.parametrize("valve", [None, 0.0, 3.0, 4.0])
def test_valve_that_was_not_read_closed_since_a_restart_is_closed_again(valve: float | None) -> None:
    scene = tripped()
    scene.hear(4, gas_reading(4, **CLOSED))
    scene.restart(10)
    scene.hear(11, gas_reading(11, valve=valve, **LEAK))
    assert scene.sent()[1:] == [(11, "gas:1", "close-valve")]
    assert [one.failed for one in scene.failures] == ([] if valve is None else [True])


def test_valve_that_was_read_closed_since_a_restart_is_left() -> None:
    scene = tripped()
    scene.restart(10)
    scene.hear(11, gas_reading(11, **CLOSED, **LEAK))
    assert len(scene.sent()) == 1


def test_closed_valve_in_doubt_proves_nothing_after_a_restart() -> None:
    scene = tripped()
    scene.restart(10)
    scene.hear(11, marked(gas_reading(11, **CLOSED, **LEAK), Quality.UNCERTAIN_CLOCK, "valve"))
    assert scene.sent()[1:] == [(11, "gas:1", "close-valve")]


def test_closed_valve_that_falls_into_doubt_is_not_closed_again() -> None:
    scene = tripped()
    for second in range(4, 20, 2):
        scene.hear(second, marked(gas_reading(second, **CLOSED, **LEAK), Quality.UNCERTAIN_CLOCK, "valve"))
    assert len(scene.sent()) == 1


def test_valve_in_doubt_ends_no_failure() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    for second in range(2, 16, 2):
        scene.hear(second, gas_reading(second, **LEAK))
    scene.settle(15, "gas:1", False)
    scene.hear(16, marked(gas_reading(16, **CLOSED, **LEAK), Quality.UNCERTAIN_CLOCK, "valve"))
    assert [one.failed for one in scene.failures] == [True]
    scene.hear(18, gas_reading(18, **CLOSED, **LEAK))
    assert [one.failed for one in scene.failures][-1] is False


def test_valve_found_closed_in_doubt_latches() -> None:
    scene = Kitchen()
    scene.hear(0, marked(gas_reading(0, **CLOSED), Quality.UNCERTAIN_CLOCK, "valve"))
    assert (scene.record.first_out, scene.record.closed) == ("found-closed", [])


def test_valve_that_closes_by_itself_under_a_latch_is_told_with_the_record() -> None:
    scene = Kitchen(member(), member("gas:2"))
    scene.hear(0, gas_reading(0, "gas:2"), gas_reading(0, **LEAK))
    scene.hear(2, gas_reading(2, **CLOSED))
    event = scene.events[-1]
    assert (event.event, event.device) == ("closed", "gas:1")
    assert event.record is not None
    assert event.record.closed == ["gas:1"]


def test_valve_is_closed_once_when_two_causes_closed_it() -> None:
    scene = Kitchen()
    scene.hear(0, gas_reading(0, **LEAK))
    scene.settle(1, "gas:1", False)
    scene.hear(2, gas_reading(2, **LEVEL_2))
    scene.hear(4, gas_reading(4, **CLOSED, **LEVEL_2))
    scene.settle(4, "gas:1", True)
    before = len(scene.sent())
    scene.hear(6, gas_reading(6, valve=4.0, **LEVEL_2))
    scene.hear(8, gas_reading(8, valve=4.0, **LEVEL_2))
    assert scene.sent()[before:] == [(6, "gas:1", "close-valve")]
