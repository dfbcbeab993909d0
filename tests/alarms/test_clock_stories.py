"""S9, S3 for alarms: device clocks that are wrong, points that fall silent, flags that stand, what silencing notes."""

from collections.abc import Callable
from typing import Any

import pytest

from protocols.quality import Quality
from protocols.reading import Reading
from tests.fixtures.alarm_stories import Story, do, only
from tests.fixtures.stories import QUIET, at, gas_reading

HOUR = 3600.0
WORKS = {"why": "welding next door", "for_s": 600.0}


def part(second: float, **values: float) -> Reading:
    """A reading of these points and no others."""
    return gas_reading(second, **(dict.fromkeys(QUIET) | values))


def set_back(second: float) -> float:
    """A clock that was right for a minute, and is an hour behind from then on."""
    return second - HOUR if second >= 60 else second


def standing_still(second: float) -> float:
    """A clock that stopped after a minute."""
    return min(second, 60.0)


def heard(story: Story, clock: Callable[[float], float], seconds: range, **values: Any) -> list[str]:
    """What readings of a wrong clock lead to."""
    return [one for second in seconds for one in story.play(second, gas_reading(clock(second), heard=second, **values))]


@pytest.mark.parametrize("clock", [set_back, standing_still])
def test_latched_leak_that_comes_back_behind_a_wrong_clock_is_told_again(clock: Callable[[float], float]) -> None:
    story = Story(only("CK-04"), period_s=2.0)
    heard(story, clock, range(0, 60, 2), methane=60.0)
    heard(story, clock, range(60, 300, 2))
    assert story.record("CK-04").active, "a wrong clock clears nothing"
    story.tell([(300, {"methane": 0.0}, [])])
    assert heard(story, lambda second: second, range(302, 500, 2)) == ["CK-04 latched-unacknowledged @420"]
    story.play(500, do("acknowledge", "CK-04"))
    assert heard(story, lambda second: 10.0, range(502, 520, 2), methane=60.0) == ["CK-04 unacknowledged @503"]


def test_rise_behind_a_clock_that_was_set_back_is_blindness_while_rising() -> None:
    story = Story(only("BL-01"), period_s=2.0)
    heard(story, set_back, range(0, 200, 2))
    assert heard(story, set_back, range(200, 220, 2), methane=8.0) == ["BL-01 unacknowledged @210"]


def test_fresh_values_overtake_what_a_wrong_clock_stamped() -> None:
    story = Story(only("BL-01"), period_s=2.0)
    story.play(0, {"methane": 0.0})
    story.play(2, gas_reading(2 - HOUR, heard=2, methane=8.0))
    assert heard(story, lambda second: second, range(4, 60, 2)) == []


# -- points that fall silent, flags that stand ----------------------------------------------------------------------


def test_gas_that_a_talking_detector_stops_sending_is_blindness_while_rising() -> None:
    story = Story(only("BL-01", "BL-02"), period_s=2.0)
    story.play(0, {"methane": 20.0})
    found = [one for second in range(2, 200, 2) for one in story.play(second, {"methane": None})]
    assert found == ["BL-01 unacknowledged @15", "BL-02 unacknowledged @105"]


def test_gas_that_was_never_sent_is_blindness_after_the_grace() -> None:
    story = Story(only("BL-02"), period_s=2.0)
    found = [one for second in range(0, 200, 2) for one in story.play(second, {"methane": None})]
    assert found == ["BL-02 unacknowledged @130"]


def test_gas_that_is_sent_again_ends_the_blindness() -> None:
    story = Story(only("BL-02"), period_s=2.0)
    for second in range(0, 140, 2):
        story.play(second, {"methane": None})
    found = [one for second in range(140, 300, 2) for one in story.play(second, {"methane": 0.0})]
    assert found == ["BL-02 returned-unacknowledged @200"]


def test_fault_that_was_told_once_stands_until_it_is_told_gone() -> None:
    story = Story(only("BL-02"), period_s=2.0)
    story.play(0, {"methane": 0.0})
    story.play(2, part(2, fault=1.0))
    found = [one for second in range(4, 200, 2) for one in story.play(second, part(second, methane=0.0))]
    assert found == ["BL-02 unacknowledged @102"]
    story.play(200, part(200, fault=0.0))
    found = [one for second in range(202, 300, 2) for one in story.play(second, part(second, methane=0.0))]
    assert found == ["BL-02 returned-unacknowledged @262"]


def test_over_range_that_was_told_once_stands_and_is_not_hidden_by_a_fault() -> None:
    story = Story(only("CK-07"), period_s=2.0)
    story.tell([(0, part(0, over_range=1.0), ["CK-07 unacknowledged @0"])])
    for second in range(2, 100, 2):
        assert story.play(second, part(second, methane=0.0, fault=1.0)) == []
    assert story.record("CK-07").quality == Quality.BAD_OVER_RANGE


# -- what silencing notes (S8) --------------------------------------------------------------------------------------


def test_transition_into_out_of_service_tells_the_reason_and_the_measure() -> None:
    story = Story(only("CK-02"))
    story.play(0, do("out-of-service", "CK-02", **WORKS, measure="person with instrument"))
    (told,) = story.transitions
    assert (told.who, told.why) == ("li", "welding next door; person with instrument")


def test_transition_into_shelved_tells_the_reason() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    story.play(40, do("shelve", "CK-01", **WORKS, measure="patrol"))
    assert story.transitions[-1].why == "welding next door; patrol"


def test_suppressing_notes_who_and_why() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    story.play(40, do("shelve", "CK-01", **WORKS))
    story.play(50, do("suppress", "CK-01", who="wang", why="oven proof run"))
    record = story.record("CK-01")
    assert (record.silenced_by, record.silenced_why) == ("wang", "oven proof run")
    assert (story.transitions[-1].who, story.transitions[-1].why) == ("wang", "oven proof run")


def test_end_of_a_shelf_that_was_suppressed_meanwhile_is_passed_over() -> None:
    story = Story(only("CK-01"))
    story.play(0, {"methane": 12.0})
    story.play(40, do("shelve", "CK-01", **WORKS))
    story.play(50, do("suppress", "CK-01", why="oven proof run"))
    story.engine.tick(at(640))
    assert (story.news(), story.engine.due()) == ([], at(2.5 * HOUR).mono)
