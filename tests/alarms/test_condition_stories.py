"""Each kind of condition as an operator story, with what is not trusted, lost, late or of another origin."""

from typing import Any

import msgspec
import pytest

from alarms.actions import Action
from alarms.engine import Watched
from alarms.errors import ActionRefused
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import Row, do
from tests.fixtures.condition_stories import ConditionStory
from tests.fixtures.stories import at

ON, OFF = "XX-01 unacknowledged @{}", "XX-01 returned-unacknowledged @{}"
LOW = {"kind": "low", "role": "level", "limit": 20.0, "unit": "%", "deadband": 5.0}
RISE = {"kind": "rise", "role": "warmth", "by": 8.0, "unit": "Cel", "over_s": 120.0, "deadband": 2.0}
FALL = {"kind": "fall", "role": "level", "by": 10.0, "unit": "%", "over_s": 60.0}
MEAN = {"kind": "mean", "role": "level", "limit": 50.0, "unit": "%", "over_s": 100.0, "deadband": 10.0}
FROZEN = {"kind": "frozen", "role": "level", "within": 1.0, "unit": "%", "over_s": 100.0}
MISMATCH = {
    "kind": "mismatch", "role": "level", "flag_role": "full-bit", "limit": 90.0, "unit": "%", "deadband": 5.0,
}  # fmt: skip


def on(seconds: float) -> list[str]:
    return [ON.format(seconds)]


def off(seconds: float) -> list[str]:
    return [OFF.format(seconds)]


def late(story: ConditionStory, sampled: float, heard: float, **values: Any) -> Reading:
    one = story.reading(sampled, **values)
    return Reading(one.device, one.profile, one.at, at(heard).wall, one.origin, one.values, one.quality)


def test_low_value_is_told_and_goes_above_the_dead_band() -> None:
    ConditionStory(LOW).tell(
        [
            (0, {"level": 20.1}, []),
            (1, {"level": 30.0}, []),
            (2, {"level": 20.0}, on(2)),
            (3, {"level": 25.0}, []),
            (4, {"level": 25.1}, off(4)),
        ]
    )


@pytest.mark.parametrize(
    ("active", "clear"),
    [
        ((LOW, {"level": 10.0}), {"level": 50.0}),
        (({"kind": "equals", "role": "mode", "codes": [3]}, {"mode": 3.0}), {"mode": 1.0}),
        ((RISE | {"over_s": 5.0}, {"warmth": 30.0}), {"warmth": 30.0}),
        ((FALL | {"over_s": 5.0}, {"level": 1.0}), {"level": 1.0}),
        ((MEAN | {"over_s": 5.0}, {"level": 90.0}), {"level": 1.0}),
    ],
    ids=["low", "equals", "rise", "fall", "mean"],
)
def test_what_is_not_trusted_raises_and_never_clears_and_test_gas_does_neither(
    active: tuple[dict[str, object], dict[str, float]], clear: dict[str, float]
) -> None:
    condition, values = active
    quiet = {"level": 30.0, "warmth": 20.0, "mode": 1.0, "test": 0.0, "doubt": 0.0}
    story = ConditionStory(condition)
    story.tell([(second, quiet, []) for second in (0, 4, 8)])
    story.tell([(second, quiet | values | {"test": 1.0}, []) for second in (9, 10, 11, 30)])
    story.tell([(second, quiet, []) for second in (40, 44, 48)])
    found = [line for second in (50, 51, 52, 53, 54) for line in story.play(second, quiet | values | {"doubt": 1.0})]
    assert [line.partition(" @")[0] for line in found] == ["XX-01 unacknowledged"]
    for second in range(60, 100, 4):
        assert story.play(second, quiet | clear | {"doubt": 1.0}) == []
        assert story.play(second + 1, quiet | clear | {"test": 1.0}) == []
    assert story.record("XX-01").active
    for second in range(100, 180, 4):
        story.play(second, quiet | clear)
    assert not story.record("XX-01").active


def test_code_of_an_enumeration_and_a_flag_that_is_not_set_are_told() -> None:
    ConditionStory({"kind": "equals", "role": "mode", "codes": [2, 3]}).tell(
        [(0, {"mode": 1.0}, []), (1, {"mode": 1.0}, []), (2, {"mode": 3.0}, on(2)), (3, {"mode": 1.0}, off(3))]
    )
    ConditionStory({"kind": "equals", "role": "full-bit", "codes": [0]}).tell(
        [(0, {"full": 1.0}, []), (1, {"full": 1.0}, []), (2, {"full": 0.0}, on(2)), (3, {"full": 1.0}, off(3))]
    )
    ConditionStory({"kind": "equals", "role": "mode", "codes": [2]}).tell([(0, {"level": 1.0}, [])])


def test_device_that_is_not_heard_is_lost_and_a_bad_value_is_not() -> None:
    ConditionStory({"kind": "lost", "role": "level"}, period_s=10.0).tell(
        [
            (0, {"level": 50.0}, []),
            (10, {"level": 120.0}, []),
            (34, None, []),
            (35, None, on(35)),
            (40, {"level": 120.0}, []),
            (41, {"level": 50.0}, off(41)),
        ]
    )


def test_life_safety_point_that_alone_is_not_sent_any_more_is_lost() -> None:
    rows: list[Row] = [(second, {"warmth": 20.0}, on(25) if second == 26 else []) for second in range(2, 40, 2)]
    story = ConditionStory({"kind": "lost", "role": "level"}, period_s=10.0)
    story.play(0, {"level": 50.0, "warmth": 20.0})
    story.tell(rows)


def test_all_need_all_and_one_that_is_clear_clears() -> None:
    story = ConditionStory({"kind": "all", "of": [LOW, {"kind": "flag", "role": "full-bit"}]})
    story.tell(
        [
            (0, {"level": 50.0, "full": 1.0}, []),
            (1, {"level": 50.0, "full": 0.0}, []),
            (2, {"level": 10.0, "full": 0.0}, []),
            (3, {"level": 10.0, "full": 1.0}, on(3)),
            (4, {"level": 22.0, "full": 1.0}, []),
            (5, {"level": 22.0, "full": 0.0}, off(5)),
        ]
    )


def test_all_remembers_the_window_of_every_member() -> None:
    story = ConditionStory({"kind": "all", "of": [{"kind": "flag", "role": "full-bit"}, RISE]})
    story.tell([(second, {"full": 0.0, "warmth": 20.0 + second / 10}, []) for second in range(0, 100, 10)])
    story.tell([(100, {"full": 1.0, "warmth": 28.5}, on(100)), (110, {"full": 0.0, "warmth": 28.5}, off(110))])


def test_all_whose_first_is_above_its_limit_is_told_at_once() -> None:
    above = {"kind": "high", "role": "level", "limit": 90.0, "unit": "%"}
    story = ConditionStory({"kind": "all", "of": [above, {"kind": "equals", "role": "mode", "codes": [1]}]})
    story.tell([(second, {"level": 50.0, "mode": 1.0}, []) for second in range(3)])
    story.tell([(3, {"level": 95.0, "mode": 1.0}, on(3)), (4, {"level": 95.0, "mode": 2.0}, off(4))])


def test_rise_is_told_within_its_window_and_above_its_limit() -> None:
    story = ConditionStory(RISE | {"limit": 45.0})
    story.tell(
        [
            (0, {"warmth": 20.0}, []),
            (60, {"warmth": 30.0}, []),
            (100, {"warmth": 40.0}, []),
            (110, {"warmth": 44.9}, []),
            (120, {"warmth": 45.0}, on(120)),
            (180, {"warmth": 45.0}, []),
            (181, {"warmth": 45.0}, off(181)),
        ]
    )


def test_rise_ends_on_a_trusted_value_while_good_ones_are_in_the_window() -> None:
    story = ConditionStory(RISE)
    story.tell([(second, {"warmth": 20.0, "doubt": 0.0}, []) for second in (0, 60, 120)])
    story.tell([(130, {"warmth": 40.0, "doubt": 0.0}, on(130)), (140, {"warmth": 20.0, "doubt": 1.0}, [])])
    story.tell([(150, {"warmth": 20.0, "doubt": 0.0}, off(150))])


def test_slow_rise_is_no_rise() -> None:
    story = ConditionStory(RISE)
    story.tell([(second, {"warmth": 20.0 + second * 0.06}, []) for second in range(0, 2000, 10)])


def test_fall_is_told_within_its_window() -> None:
    story = ConditionStory(FALL | {"limit": 80.0})
    story.tell([(second, {"level": 92.0}, []) for second in range(0, 60, 10)])
    story.tell(
        [
            (60, {"level": 81.0}, []),
            (70, {"level": 80.0}, on(70)),
            (110, {"level": 80.0}, []),
            (131, {"level": 80.0}, off(131)),
        ]
    )


def test_rise_over_the_range_is_a_rise_without_a_number_too() -> None:
    story = ConditionStory(RISE | {"role": "level", "unit": "%"})
    story.tell([(0, {"level": 98.0}, []), (10, {"level": 106.0}, on(10))])


def test_mean_is_told_when_nothing_could_keep_it_below() -> None:
    story = ConditionStory(MEAN)
    story.tell([(second, {"level": 100.0}, []) for second in range(0, 50, 10)])
    story.tell([(50, {"level": 100.0}, on(50))])


def test_mean_of_a_value_that_holds_is_told_though_nothing_more_is_heard() -> None:
    """The device is lost at its highest, and no reading comes to look again (S3, S6)."""
    story = ConditionStory(MEAN, period_s=10.0)
    story.tell([(second, {"level": 0.0}, []) for second in range(0, 100, 10)])
    story.tell([(100, {"level": 60.0}, []), (110, {"level": 60.0}, [])])
    story.tell([(180, None, []), (190, None, on(183.333))])


def test_mean_rises_late_while_low_values_leave_the_window_and_falls_with_the_high_ones() -> None:
    story = ConditionStory(MEAN)
    story.tell([(second, {"level": 0.0}, []) for second in range(0, 100, 10)])
    story.tell([(second, {"level": 60.0}, []) for second in range(100, 180, 10)])
    story.tell([(180, {"level": 49.0}, []), (190, {"level": 49.0}, on(184.082))])
    story.tell([(second, {"level": 30.0}, []) for second in range(200, 240, 10)])
    found = [line for second in range(240, 300, 10) for line in story.play(second, {"level": 30.0})]
    assert found == off(260)


def test_doubtful_low_value_does_not_lower_a_mean() -> None:
    story = ConditionStory(MEAN)
    story.tell([(0, {"level": 60.0, "doubt": 0.0}, []), (10, {"level": 0.0, "doubt": 1.0}, [])])
    story.tell([(90, {"level": 0.0, "doubt": 1.0}, on(83.3333))])


def test_mean_never_clears_before_its_window_was_watched() -> None:
    story = ConditionStory(MEAN)
    story.tell([(0, {"level": 100.0}, []), (50, {"level": 100.0}, on(50))])
    story.restart(60)
    story.tell([(second, {"level": 0.0}, []) for second in range(60, 160, 10)])
    story.tell([(160, {"level": 0.0}, off(160))])


def test_value_that_stands_still_is_told_and_moving_ends_it() -> None:
    story = ConditionStory(FROZEN)
    story.tell([(second, {"level": 50.0 + (second % 20) / 10}, []) for second in range(0, 100, 10)])
    story.tell([(100, {"level": 51.0}, on(100)), (110, {"level": 52.0}, []), (120, {"level": 52.5}, off(120))])


def test_device_that_is_not_heard_is_not_frozen() -> None:
    story = ConditionStory(FROZEN, period_s=10.0)
    story.tell([(second, {"level": 50.0}, []) for second in range(0, 90, 10)])
    story.tell([(95, "lost", []), (200, None, [])])
    story.tell([(second, {"level": 50.0}, []) for second in range(210, 310, 10)])
    story.tell([(310, {"level": 50.0}, on(310)), (315, "lost", []), (500, None, [])])


def test_two_reports_further_apart_than_the_window_are_not_frozen() -> None:
    story = ConditionStory(FROZEN)
    story.tell([(second, {"level": 50.0}, []) for second in range(0, 2000, 101)])


def test_bad_values_between_do_not_end_the_standing_still() -> None:
    story = ConditionStory(FROZEN)
    story.tell([(second, {"level": 120.0 if second % 20 else 50.0}, []) for second in range(0, 100, 10)])
    story.tell([(100, {"level": 50.0}, on(100)), (110, {"level": 120.0}, [])])


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ({"full": 1.0, "level": 84.9}, True),
        ({"full": 1.0, "level": 85.0}, False),
        ({"full": 0.0, "level": 90.0}, True),
        ({"full": 0.0, "level": 89.9}, False),
        ({"full": 1.0, "level": 10.0, "doubt": 1.0}, False),
        ({"full": 1.0, "level": 10.0, "test": 1.0}, False),
        ({"full": 1.0}, False),
        ({"level": 95.0}, False),
    ],
)
@pytest.mark.parametrize("before", [[], [{"full": 0.0, "level": 10.0, "doubt": 0.0}] * 2])
def test_flag_and_value_that_disagree_are_told(
    values: dict[str, float], differs: bool, before: list[dict[str, float]]
) -> None:
    story = ConditionStory(MISMATCH)
    if before and len(values) == 1:
        return
    story.tell([(second, one, []) for second, one in enumerate(before)])
    story.tell([(10, values, on(10) if differs else [])])


def test_flag_and_value_that_come_one_by_one_are_compared() -> None:
    ConditionStory(MISMATCH).tell(
        [
            (0, {"full": 1.0, "level": 95.0}, []),
            (1, {"full": 1.0, "level": 95.0}, []),
            (2, {"level": 10.0}, on(2)),
            (3, {"level": 95.0}, off(3)),
            (4, {"full": 1.0, "level": 95.0}, []),
            (5, {"full": 0.0}, on(5)),
        ]
    )


@pytest.mark.parametrize(
    ("first", "standing"),
    [
        ({"kind": "high", "role": "level", "limit": 90.0, "unit": "%"}, {"level": 95.0}),
        ({"kind": "flag", "role": "full-bit"}, {"full": 1.0}),
        (LOW, {"level": 5.0}),
    ],
    ids=["high", "flag", "low"],
)
def test_all_keep_in_mind_what_the_first_said_in_another_reading(
    first: dict[str, object], standing: dict[str, float]
) -> None:
    story = ConditionStory({"kind": "all", "of": [first, {"kind": "equals", "role": "mode", "codes": [3]}]})
    story.tell([(second, standing | {"mode": 1.0}, []) for second in range(3)])
    story.tell([(3, {"mode": 1.0}, []), (4, {"mode": 1.0}, []), (5, {"mode": 3.0}, on(5))])


def test_disagreement_ends_with_trusted_values_only() -> None:
    ConditionStory(MISMATCH).tell(
        [
            (0, {"full": 1.0, "level": 10.0, "doubt": 0.0}, on(0)),
            (1, {"full": 0.0, "level": 10.0, "doubt": 1.0}, []),
            (2, {"full": 0.0, "level": 10.0, "doubt": 0.0}, off(2)),
        ]
    )


@pytest.mark.parametrize("kind", [{"flag_role": "no-such"}, {"role": "no-such"}])
def test_condition_that_finds_no_point_watches_nothing(kind: dict[str, str]) -> None:
    assert ConditionStory(MISMATCH | kind).engine.records() == []
    assert ConditionStory({"kind": "all", "of": [LOW, MISMATCH | kind]}).engine.records() == []


def test_exposure_counts_up_and_down_and_is_told_by_time_alone() -> None:
    ConditionStory(LOW, accumulate=True, on_delay_s=100.0, off_delay_s=30.0).tell(
        [
            (0, {"level": 10.0}, []),
            (60, {"level": 50.0}, []),
            (80, {"level": 22.0}, []),
            (500, {"level": 22.0}, []),
            (600, {"level": 10.0}, []),
            (659, None, []),
            (660, None, on(660)),
            (700, {"level": 50.0}, []),
            (730, None, off(730)),
            (740, {"level": 10.0}, []),
            (780, None, on(780)),
        ]
    )


def test_exposure_that_was_over_counts_from_nothing_and_starts_anew_with_the_gateway() -> None:
    story = ConditionStory(LOW, accumulate=True, on_delay_s=100.0)
    story.tell([(0, {"level": 10.0}, []), (90, {"level": 50.0}, []), (500, {"level": 10.0}, []), (599, None, [])])
    story.restart(599)
    story.tell([(600, {"level": 10.0}, []), (699, None, []), (700, None, on(700))])


def test_drill_counts_and_remembers_nothing_of_what_is_live() -> None:
    story = ConditionStory(RISE)
    story.tell([(0, {"warmth": 20.0}, [])])
    assert story.play(10, story.reading(10, Origin.DRILL, warmth=40.0)) == []
    assert story.play(20, {"warmth": 20.0}) == []
    assert story.play(30, story.reading(30, Origin.DRILL, warmth=48.0)) == ["XX-01 unacknowledged @30"]
    assert not story.record("XX-01").active


def test_late_readings_may_raise_by_the_clock_of_their_source_and_touch_no_live_window() -> None:
    story = ConditionStory(RISE)
    story.tell([(500, {"warmth": 20.0}, [])])
    assert story.play(501, late(story, 100, 501, warmth=10.0)) == []
    assert story.play(501.5, {"warmth": 20.0}) == [], "nor against the late 10"
    assert story.play(502, late(story, 300, 502, warmth=19.0)) == [], "the rise took longer than the window"
    assert story.play(503, {"warmth": 20.0}) == [], "the late 10 is not in the live window"
    assert story.play(504, late(story, 310, 504, warmth=27.0)) == ["XX-01 unacknowledged @504 late"]


def test_late_low_value_raises_late() -> None:
    story = ConditionStory(LOW)
    story.play(500, {"level": 50.0})
    assert story.play(501, late(story, 100, 501, level=10.0)) == ["XX-01 unacknowledged @501 late"]


def test_latched_mean_is_reset_on_a_window_that_proves_it() -> None:
    story = ConditionStory(MEAN, latch=True)
    story.tell([(0, {"level": 100.0}, []), (50, {"level": 100.0}, on(50))])
    for second in range(60, 170, 10):
        story.play(second, {"level": 0.0})
    story.play(170, do("acknowledge", "XX-01"))
    reset: Action = do("reset", "XX-01")
    story.play(171, {"level": 0.0, "doubt": 1.0})
    with pytest.raises(ActionRefused):
        story.play(172, reset)
    for second in range(180, 290, 10):
        story.play(second, {"level": 0.0, "doubt": 0.0})
    assert story.play(290, reset) == ["XX-01 normal @290"]


def test_devices_of_a_type_remember_each_for_itself() -> None:
    """What their rules were bound to they share; a window of time they do not."""
    story = ConditionStory(RISE)
    mate = "tank:2"
    watched = Watched(mate, story.watched.profile, story.watched.area_kind, 600.0)
    story.engine.rewatch([story.watched, watched], at(0))
    for seconds, warmth in ((1, 20.0), (60, 27.9)):
        other = msgspec.structs.replace(story.reading(seconds, warmth=warmth - 19.0), device=mate)
        story.tell([(seconds, {"warmth": warmth}, []), (seconds, other, [])])
    story.tell([(61, {"warmth": 28.0}, on(61))])
    assert {one.device for one in story.transitions} == {story.device}
