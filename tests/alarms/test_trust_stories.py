"""S3, S9, S10 for alarms: what is not trusted raises and never clears; blindness; late readings; stepping clocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.actions import Verb
from alarms.states import AlarmState
from protocols.moment import SECOND
from protocols.quality import Quality
from tests.fixtures.alarm_stories import Happening, Story, do, only
from tests.fixtures.stories import WALL, at, gas_reading, marked

HOUR = 3600.0
NOT_GOOD = [quality for quality in Quality if not quality.is_good]
RAISES = [quality for quality in NOT_GOOD if quality is not Quality.UNCERTAIN_UNDER_TEST]


@pytest.mark.parametrize("quality", RAISES, ids=lambda quality: quality.name)
def test_value_of_any_quality_raises(quality: Quality) -> None:
    Story(only("CK-04")).tell([(0, marked(gas_reading(0, methane=55.0), quality), ["CK-04 unacknowledged @0"])])


@pytest.mark.parametrize("quality", NOT_GOOD, ids=lambda quality: quality.name)
def test_value_that_is_not_good_never_clears(quality: Quality) -> None:
    story = Story(only("CK-04"))
    story.play(0, {"methane": 55.0})
    for second in range(1, 1000, 50):
        assert story.play(second, marked(gas_reading(second), quality)) == []
    story.tell([(1000, {"methane": 0.0}, []), (1120, None, ["CK-04 latched-unacknowledged @1120"])])


@pytest.mark.parametrize("quality", NOT_GOOD, ids=lambda quality: quality.name)
def test_value_that_is_not_good_breaks_off_a_return(quality: Quality) -> None:
    story = Story(only("CK-04"))
    story.play(0, {"methane": 55.0})
    story.play(1, {"methane": 0.0})
    story.play(100, marked(gas_reading(100), quality))
    story.tell([(500, {"methane": 0.0}, []), (620, None, ["CK-04 latched-unacknowledged @620"])])


def test_test_gas_raises_nothing_and_stands_for_nothing_later() -> None:
    story = Story(only("CK-02", "CK-04", "BL-01"), period_s=2.0)
    for second in range(0, 20, 2):
        reading = marked(gas_reading(second, methane=55.0, alarm=1.0), Quality.UNCERTAIN_UNDER_TEST)
        assert story.play(second, reading) == []
    assert story.play(60) == [], "lost during the test: the test gas was no leak"


def test_what_stood_before_a_reboot_stands_through_the_warm_up() -> None:
    story = Story(only("CK-04"))
    story.play(0, {"methane": 55.0})
    for second in range(10, 180, 10):
        assert story.play(second, {"methane": 0.0, "warm_up": 1.0}) == []
    assert story.record("CK-04").active


def test_warm_up_that_does_not_end_is_a_fault() -> None:
    story = Story(only("BL-02"), period_s=20.0)
    for second in range(0, 190, 10):
        assert story.play(second, {"methane": 0.0, "warm_up": 1.0}) == []
    story.tell(
        [
            (190, {"methane": 0.0, "warm_up": 1.0}, []),
            (230, {"methane": 0.0, "warm_up": 1.0}, []),
            (270, {"methane": 0.0, "warm_up": 1.0}, []),
            (290, None, ["BL-02 unacknowledged @290"]),
            (300, {"methane": 0.0}, []),
            (340, {"methane": 0.0}, []),
            (360, None, ["BL-02 returned-unacknowledged @360"]),
        ]
    )


def test_warm_up_counts_anew_after_it_was_over() -> None:
    story = Story(only("BL-02"), period_s=200.0)
    story.play(0, {"warm_up": 1.0})
    story.play(170, {"warm_up": 0.0})
    story.play(175, {"warm_up": 1.0})
    assert story.play(350, {"warm_up": 1.0}) == []
    assert story.play(470) == []


# -- blindness ---------------------------------------------------------------------------------------------------


def test_detector_that_never_speaks_is_lost_after_the_grace_of_the_start() -> None:
    Story(only("BL-01", "BL-02"), period_s=2.0).tell([(129, None, []), (130, None, ["BL-02 unacknowledged @130"])])


def test_detector_that_falls_silent_is_told_and_comes_back() -> None:
    story = Story(only("BL-01", "BL-02"), period_s=2.0)
    story.play(0, {"methane": 4.9})
    story.tell([(104, None, []), (105, None, ["BL-02 unacknowledged @105"])])
    for second in range(110, 170, 2):
        assert story.play(second, {"methane": 4.9}) == []
    assert story.play(170, {"methane": 4.9}) == ["BL-02 returned-unacknowledged @170"]


def test_quiet_moment_on_the_line_is_no_alarm() -> None:
    story = Story(only("BL-01", "BL-02"), period_s=2.0)
    story.play(0, {"methane": 30.0})
    story.tell([(6, "lost", []), (14, {"methane": 30.0}, [])])
    for second in range(16, 200, 2):
        assert story.play(second, {"methane": 30.0}) == []


@pytest.mark.parametrize(
    "blindness",
    ["lost", {"methane": 0.0, "fault": 1.0}, {"methane": None, "fault": 1.0}],
    ids=["lost", "fault", "gone"],
)
def test_blind_while_rising_by_level(blindness: Happening) -> None:
    Story(only("BL-01")).tell(
        [
            (0, {"methane": 5.0}, []),
            (2, blindness, []),
            (12, None, ["BL-01 unacknowledged @12"]),
            (30, {"methane": 0.0}, ["BL-01 latched-unacknowledged @30"]),
        ]
    )


@pytest.mark.parametrize(("rise_per_minute", "expected"), [(0.9, []), (1.2, ["BL-01 unacknowledged @72"])])
def test_blind_while_rising_by_slope(rise_per_minute: float, expected: list[str]) -> None:
    story = Story(only("BL-01"))
    for second in range(0, 60, 2):
        story.play(second, {"methane": 1.0 + rise_per_minute * second / 60})
    story.tell([(62, "lost", []), (100, None, expected)])


def test_over_range_counts_as_seen_and_not_as_blind() -> None:
    Story(only("BL-01", "BL-02")).tell([(0, {"methane": 103.0}, []), (500, None, [])])


def test_lost_after_over_range_is_blind_while_rising() -> None:
    Story(only("BL-01")).tell([(0, {"methane": 103.0}, []), (1, "lost", []), (11, None, ["BL-01 unacknowledged @11"])])


# -- late readings (S9) ------------------------------------------------------------------------------------------


def test_late_reading_raises_at_once_marked_and_is_told_once() -> None:
    story = Story(only("CK-02", "CK-04"))
    story.tell(
        [
            (600, gas_reading(500, methane=30.0, heard=600), ["CK-02 unacknowledged @600 late"]),
            (601, gas_reading(502, methane=31.0, heard=601), []),
            (602, gas_reading(504, methane=0.0, heard=602), []),
            (603, do("acknowledge", "CK-02"), ["CK-02 acknowledged @603"]),
            (604, gas_reading(506, methane=30.0, heard=604), []),
        ]
    )
    told = story.transitions[0]
    assert (told.sampled_at, told.value, told.late) == (at(500).wall, 30.0, True)


def test_late_low_value_never_clears_a_younger_alarm() -> None:
    story = Story(only("CK-04"))
    story.play(600, {"methane": 55.0})
    for second in range(601, 1000, 10):
        assert story.play(second, gas_reading(second - 100, methane=0.0, heard=second)) == []
    assert story.record("CK-04").active


def test_old_leak_in_the_queue_of_a_device_is_told_though_it_is_well_now() -> None:
    story = Story(only("CK-04"))
    story.play(600, {"methane": 0.0})
    story.tell(
        [
            (601, gas_reading(300, methane=60.0, heard=601), ["CK-04 unacknowledged @601 late"]),
            (602, {"methane": 0.0}, []),
            (722, None, ["CK-04 latched-unacknowledged @722"]),
        ]
    )


def test_late_reading_of_the_limit_age_is_a_fresh_one() -> None:
    Story(only("CK-04")).tell(
        [
            (60, gas_reading(0, methane=60.0, heard=60), ["CK-04 unacknowledged @60"]),
            (200, gas_reading(139, methane=0.0, heard=200), []),
            (500, None, []),
        ]
    )


def test_late_reading_does_not_count_as_a_sign_of_life() -> None:
    story = Story(only("BL-01", "BL-02"), period_s=2.0)
    story.play(0, {"methane": 0.0})
    story.play(2, gas_reading(-100, methane=0.0, heard=2))
    story.tell([(104, None, []), (105, None, ["BL-02 unacknowledged @105"])])


def test_detector_that_is_lost_after_a_late_high_value_was_blind_while_rising() -> None:
    story = Story(only("BL-01"), period_s=2.0)
    story.play(0, {"methane": 0.0})
    story.play(50)
    story.tell(
        [
            (200, gas_reading(130, methane=8.0, heard=200), []),
            (210, None, ["BL-01 unacknowledged @210"]),
        ]
    )


def test_leak_at_a_device_whose_clock_lags_raises_its_latched_alarm_again() -> None:
    story = Story(only("CK-04"), period_s=2.0)
    story.play(0, {"methane": 60.0})
    for second in range(2, 130, 2):
        story.play(second, {"methane": 0.0})
    assert story.record("CK-04").state is AlarmState.LATCHED_UNACKNOWLEDGED
    story.play(132, gas_reading(32, methane=60.0, heard=132))
    assert story.play(140) == ["CK-04 unacknowledged @133"]


def test_value_that_overtook_an_older_one_is_not_cleared_by_it() -> None:
    story = Story(only("CK-04"))
    story.play(10, {"methane": 60.0})
    story.play(11, gas_reading(8, methane=0.0, heard=11))
    assert story.play(500) == []
    assert story.record("CK-04").active


def test_older_value_that_comes_after_a_younger_one_still_raises() -> None:
    Story(only("CK-04")).tell(
        [(10, {"methane": 0.0}, []), (11, gas_reading(8, methane=60.0, heard=11), ["CK-04 unacknowledged @11"])]
    )


def test_device_whose_clock_was_ahead_is_not_deaf_when_it_is_set_right() -> None:
    Story(only("CK-04")).tell(
        [
            (0, gas_reading(5000, methane=0.0, heard=0), []),
            (2, {"methane": 60.0}, ["CK-04 unacknowledged @2"]),
            (4, {"methane": 0.0}, []),
            (124, None, ["CK-04 latched-unacknowledged @124"]),
        ]
    )


# -- clocks that step (S10) --------------------------------------------------------------------------------------

STEPS = [-5 * HOUR, -90.0, 90.0, 5 * HOUR]


@pytest.mark.parametrize("step", STEPS)
def test_step_of_the_wall_clock_changes_no_delay(step: float) -> None:
    story = Story(only("CK-01", "CK-02", "CK-04"))
    story.play(0, {"methane": 30.0})
    story.wall_step = int(step * SECOND)
    story.tell(
        [
            (29, None, ["CK-02 unacknowledged @5"]),
            (30, None, ["CK-01 unacknowledged @30"]),
            (40, {"methane": 0.0}, []),
            (100, None, ["CK-01 returned-unacknowledged @100", "CK-02 latched-unacknowledged @100"]),
            (110, {"methane": 60.0}, ["CK-04 unacknowledged @110"]),
        ]
    )


@pytest.mark.parametrize("step", STEPS)
def test_step_of_the_wall_clock_neither_loses_nor_revives_a_device(step: float) -> None:
    story = Story(only("BL-02"), period_s=2.0)
    for second in range(0, 10, 2):
        story.play(second, {"methane": 0.0})
    story.wall_step = int(step * SECOND)
    for second in range(10, 150, 2):
        assert story.play(second, {"methane": 0.0}) == []
    story.tell([(252, None, []), (253, None, ["BL-02 unacknowledged @253"])])


VERBS: tuple[Verb, ...] = ("shelve", "out-of-service")


def _silenced(verb: Verb) -> Story:
    story = Story(only("CK-01"))
    story.play(-50, {"methane": 12.0})
    story.play(0, do(verb, "CK-01", why="works", for_s=HOUR))
    return story


@pytest.mark.parametrize("verb", VERBS)
@given(when=st.floats(1, 3599), step=st.floats(-10 * HOUR, 10 * HOUR))
def test_silence_ends_on_time_or_early_however_the_clock_steps(verb: Verb, when: float, step: float) -> None:
    story = _silenced(verb)
    story.pass_time(when)
    story.wall_step = int(step * SECOND)
    story.pass_time(HOUR)
    assert story.record("CK-01").state.stands


@pytest.mark.parametrize("verb", VERBS)
@given(restart=st.floats(1, 3599), step=st.floats(0, 10 * HOUR))
def test_silence_ends_on_time_or_early_over_a_restart(verb: Verb, restart: float, step: float) -> None:
    story = _silenced(verb)
    story.wall_step = int(step * SECOND)
    story.restart(restart)
    story.pass_time(HOUR)
    assert story.record("CK-01").state.stands


@pytest.mark.parametrize("verb", VERBS)
def test_silence_is_over_when_the_clock_stands_before_its_beginning_at_a_start(verb: Verb) -> None:
    story = _silenced(verb)
    story.wall_step = -int(2 * HOUR * SECOND)
    story.restart(600)
    story.pass_time(601)
    assert story.record("CK-01").state.stands


def test_stamps_are_the_wall_clock_of_the_gateway() -> None:
    story = Story(only("CK-04"))
    story.play(0, {"methane": 55.0})
    assert (story.transitions[0].at, story.record("CK-04").raised_at) == (WALL, WALL)
