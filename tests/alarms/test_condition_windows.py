"""Windows of time against plain sums over every sample; what is thinned errs on the safe side, and is bounded."""

import math
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.alarm import Timers
from alarms.group import Group
from alarms.judging import Judgement
from alarms.spans import FINEST, MOST_SAMPLES, Lowest, Spans
from alarms.windows import Fall, Frozen, HighMean, Rise, Window
from protocols.moment import SECOND
from protocols.picture import Picture
from protocols.reading import Origin
from tests.fixtures.condition_stories import TANK, ConditionStory
from tests.fixtures.stories import MONO, at

OVER_S = 60.0
OVER = int(OVER_S * SECOND)
samples = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([0.0, 1.0, 2.0, 5.0, 8.0, 9.0, 13.0, 20.0])), min_size=1, max_size=60
)
many = st.lists(st.tuples(st.floats(0.05, 1.0), st.floats(0.0, 100.0)), min_size=70, max_size=300)
Samples = list[tuple[float, float]]


def timed(rows: Samples) -> list[tuple[int, float]]:
    """(mono ns, value) of rows of (seconds since the one before, value)."""
    mono, out = MONO, []
    for wait, value in rows:
        mono += int(wait * SECOND)
        out.append((mono, value))
    return out


def integral(rows: list[tuple[int, float]], mono: int, over: int) -> float:
    """Mean at ``mono`` of values that hold until the next; 0 before the first."""
    ends = [*(start for start, _ in rows[1:]), mono]
    pairs = zip(rows, ends, strict=True)
    return sum(value * max(0, end - max(start, mono - over)) for (start, value), end in pairs) / over


def judged(window: Window, rows: list[tuple[int, float]]) -> list[Judgement]:
    """What the window says after each sample, all of them good."""
    story = ConditionStory({"kind": "lost", "role": "level"})
    picture = Picture(TANK, MONO)
    out = []
    for mono, value in rows:
        seconds = (mono - MONO) / SECOND
        picture.update(story.reading(seconds, level=value), at(0)._replace(wall=at(seconds).wall, mono=mono))
        out.append(window(picture, mono))
    return out


@given(samples)
@settings(deadline=None)
def test_rise_and_fall_are_those_of_all_samples(rows: Samples) -> None:
    told = timed(rows)
    windows = [
        [value for then, value in told[: number + 1] if then >= mono - OVER] for number, (mono, _) in enumerate(told)
    ]
    rises = [one[-1] - min(one) >= 8.0 for one in windows]
    falls = [max(one) - one[-1] >= 8.0 and one[-1] <= 5.0 for one in windows]
    assert [one is Judgement.ACTIVE for one in judged(Rise(0, 8.0, 8.0, None, OVER), told)] == rises
    assert [one is Judgement.ACTIVE for one in judged(Fall(0, 8.0, 8.0, 5.0, OVER), told)] == falls
    followed = [mono - told[0][0] >= OVER for mono, _ in told]
    clear = [long and not risen for long, risen in zip(followed, rises, strict=True)]
    assert [one is Judgement.CLEAR for one in judged(Rise(0, 8.0, 8.0, None, OVER), told)] == clear


@given(samples)
@settings(deadline=None)
def test_mean_is_the_plain_integral_and_nothing_before_the_first_sample_is_guessed(rows: Samples) -> None:
    told = timed(rows)
    means = [integral(told[: number + 1], mono, OVER) for number, (mono, _) in enumerate(told)]
    found = judged(HighMean(0, 7.5, 7.5, 0.0, OVER), told)
    whole = [mono - told[0][0] >= OVER for mono, _ in told]
    for mean, is_whole, one in zip(means, whole, found, strict=True):
        if abs(mean - 7.5) > 1e-9:
            below = Judgement.CLEAR if is_whole else Judgement.HOLD
            assert one is (Judgement.ACTIVE if mean > 7.5 else below)


@given(samples)
@settings(deadline=None)
def test_frozen_is_what_all_samples_say(rows: Samples) -> None:
    told = timed(rows)
    expected = []
    for number, (mono, _) in enumerate(told):
        seen = [value for then, value in told[: number + 1] if then >= mono - OVER]
        settled = mono - told[0][0] >= OVER and len(seen) > 1
        expected.append(settled and max(seen) - min(seen) <= 7.0)
    assert [one is Judgement.ACTIVE for one in judged(Frozen(0, 7.0, OVER), told)] == expected


@given(many)
@settings(deadline=None, max_examples=60)
def test_thinned_lowest_is_never_higher_and_not_much_older(rows: Samples) -> None:
    told, over = timed([(wait, value + 30 * number) for number, (wait, value) in enumerate(rows)]), 100 * SECOND
    lowest = Lowest(over)
    for number, (mono, value) in enumerate(told):
        lowest.add(mono, value)
        found = lowest.at(mono)
        exact = min(one for then, one in told[: number + 1] if then >= mono - over)
        widest = min(one for then, one in told[: number + 1] if then >= mono - over - over // FINEST)
        assert found is not None
        assert widest <= found <= exact
        assert len(lowest) <= MOST_SAMPLES


@given(many)
@settings(deadline=None, max_examples=60)
def test_thinned_mean_is_never_lower_and_not_much_higher(rows: Samples) -> None:
    told, over = timed(rows), 50 * SECOND
    spans = Spans(over)
    for number, (mono, value) in enumerate(told):
        spans.add(mono, value, trusted=True)
        found = spans.mean(mono, 0.0)
        exact = integral(told[: number + 1], mono, over)
        assert exact - 1e-6 <= found.value <= exact + 100.0 / FINEST + 1e-6
        assert found.proved == (mono - told[0][0] >= over)
        assert len(spans) <= MOST_SAMPLES


@given(st.integers(1, 40), many, st.integers(0, 20))
@settings(deadline=None, max_examples=60)
def test_time_at_which_a_mean_comes_to_its_limit_is_never_told_late(limit: int, rows: Samples, wait: int) -> None:
    """Held against the means of the time to come, looked at one by one."""
    told, over = timed(rows), 50 * SECOND
    spans, near = Spans(over), limit * (1 - 1e-9)
    for mono, value in told:
        spans.add(mono, value, trusted=True)
    now, step = told[-1][0] + wait * SECOND, over // 200
    if spans.mean(now, 0.0).value >= near:
        return
    due = spans.reaches(now, 0.0, near)
    later = deepcopy(spans)
    came = next((one for one in range(now, now + over + 1, step) if later.mean(one, 0.0).value >= near), None)
    # between two looks the mean may be at the limit for less than a step: a joined span counts as its highest value
    is_between = due is not None and deepcopy(spans).mean(due, 0.0).value >= limit * (1 - 1e-6)
    if came is not None:
        assert due is not None
        assert due <= came + 1
        assert due >= came - step - 1 or is_between
    else:
        assert due is None or due >= now + over - step or is_between


def test_mean_without_a_range_is_looked_at_when_its_window_is_whole() -> None:
    spans = Spans(100)
    spans.add(5, 60.0, trusted=True)
    assert spans.reaches(30, -math.inf, 50.0) == 105
    assert Spans(100).reaches(30, 0.0, 50.0) is None


def test_thinning_begins_only_above_the_bound() -> None:
    lowest = Lowest(OVER)
    for number in range(MOST_SAMPLES):
        lowest.add(number * SECOND // 2, float(number))
    assert len(lowest) == MOST_SAMPLES


def test_span_that_was_doubted_proves_nothing_until_it_left_even_when_it_was_joined() -> None:
    spans = Spans(100)
    for mono in range(0, 100, 1):
        spans.add(mono, float(mono % 2), trusted=mono != 50)
    assert [spans.mean(mono, 0.0).proved for mono in (100, 149, 160)] == [False, False, True]


def test_samples_of_one_instant_are_all_kept_in_mind() -> None:
    spans, lowest = Spans(10_000), Lowest(10_000)
    for number in range(200):
        spans.add(7, float(number % 50), trusted=True)
        lowest.add(7, float(number))
    spans.add(5, 3.0, trusted=True)
    lowest.add(5, 300.0)
    assert (lowest.at(7), spans.mean(10_007, 0.0).value) == (0.0, 3.0)
    assert max(len(spans), len(lowest)) <= MOST_SAMPLES


def test_value_without_a_range_counts_as_anything_before_it_was_seen() -> None:
    spans = Spans(10)
    spans.add(0, 1000.0, trusted=True)
    assert spans.mean(9, -math.inf).value == -math.inf
    assert spans.mean(10, -math.inf).value == 1000.0
    above = Spans(10)
    above.add(0, math.inf, trusted=False)
    assert above.mean(9, -math.inf).value == math.inf


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([-1, 0, 1])), max_size=60))
def test_accumulated_time_is_never_negative_nor_more_than_the_delay(steps: list[tuple[int, int]]) -> None:
    timers, mono, plain, pace = Timers(), 1000, 0, 0
    for wait, following in steps:
        mono += wait
        plain = min(100, max(0, plain + wait * pace))
        assert timers.count(mono, 100, following) == plain
        assert 0 <= plain <= 100
        pace = following


# -- the short cut for ordinary readings -------------------------------------------------------------------------

CONDITIONS: list[dict[str, Any]] = [
    {"kind": "low", "role": "level", "limit": 20.0, "unit": "%", "deadband": 5.0},
    {"kind": "equals", "role": "mode", "codes": [1, 3]},
    {"kind": "equals", "role": "full-bit", "codes": [0]},
    {"kind": "rise", "role": "level", "by": 20.0, "unit": "%", "over_s": 30.0, "limit": 50.0},
    {"kind": "rise", "role": "level", "by": 20.0, "unit": "%", "over_s": 30.0, "deadband": 5.0},
    {"kind": "fall", "role": "level", "by": 20.0, "unit": "%", "over_s": 30.0},
    {"kind": "mean", "role": "level", "limit": 40.0, "unit": "%", "over_s": 30.0, "deadband": 5.0},
    {"kind": "frozen", "role": "level", "within": 5.0, "unit": "%", "over_s": 20.0},
    {"kind": "mismatch", "role": "level", "flag_role": "full-bit", "limit": 80.0, "unit": "%", "deadband": 5.0},
]
ALL = [
    {"kind": "all", "of": [CONDITIONS[first], CONDITIONS[second]]}
    for first, second in ((0, 1), (4, 2), (1, 4), (6, 8), (7, 5), (8, 3))
] + [
    {"kind": "all", "of": [{"kind": "high", "role": "level", "limit": 60.0, "unit": "%"}, CONDITIONS[3]]},
    {"kind": "all", "of": [{"kind": "flag", "role": "full-bit"}, CONDITIONS[6]]},
]
tank = st.fixed_dictionaries(
    {"level": st.sampled_from([None, 5.0, 20.0, 30.0, 45.0, 50.0, 55.0, 85.0, 104.0])},
    optional={
        "mode": st.sampled_from([1.0, 2.0, 2.0]),
        "full": st.sampled_from([0.0, 1.0]),
        "test": st.sampled_from([0.0, 0.0, 1.0]),
        "doubt": st.sampled_from([0.0, 0.0, 1.0]),
    },
)
calm = st.fixed_dictionaries({"level": st.sampled_from([30.0, 32.0, 40.0]), "full": st.just(1.0), "mode": st.just(2.0)})
origins = st.sampled_from([Origin.LIVE] * 4 + [Origin.DRILL, Origin.SIMULATED])
plays = st.lists(
    st.tuples(st.sampled_from([1.0, 2.0, 2.0, 5.0, 40.0]), origins, st.one_of(calm, calm, tank, st.just("lost"))),
    min_size=5,
    max_size=40,
)
Plays = list[tuple[float, Origin, Any]]


def live_of(rows: Plays, condition: dict[str, Any], told: tuple[Origin, ...], **keys: Any) -> list[str]:
    """The LIVE transitions of a story in which only readings of some origins are told."""
    story, seconds = ConditionStory(condition, period_s=10.0, **keys), 0.0
    for wait, origin, what in rows:
        seconds += wait
        if what == "lost" or origin in told:
            story.play(seconds, what if what == "lost" else story.reading(seconds, origin, **what))
    story.play(seconds + 200.0)
    return [f"{one.event.word} {one.at}" for one in story.transitions if one.origin is Origin.LIVE]


@pytest.mark.parametrize("accumulate", [{}, {"accumulate": True, "on_delay_s": 6.0}], ids=["at-once", "accumulating"])
@pytest.mark.parametrize("condition", [*CONDITIONS, *ALL], ids=lambda one: str(one["kind"]))
@given(rows=plays)
@settings(deadline=None, max_examples=15)
def test_short_cut_and_other_origins_change_nothing(
    condition: dict[str, Any], accumulate: dict[str, Any], rows: Plays
) -> None:
    found = live_of(rows, condition, (Origin.LIVE,), **accumulate)
    assert live_of(rows, condition, tuple(Origin), **accumulate) == found
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Group, "lets_through", lambda *_: False)
        patch.setattr(Picture, "_take_ordinary", lambda *_: False)
        assert live_of(rows, condition, (Origin.LIVE,), **accumulate) == found


def test_reading_that_a_window_lets_pass_is_remembered_and_one_that_stirs_it_does_not_pass() -> None:
    story = ConditionStory(CONDITIONS[3])
    for seconds in (0.0, 1.0):
        story.play(seconds, {"level": 40.0, "full": 1.0})
    group = story.engine.group_of(story.device, Origin.LIVE)
    for seconds, level, passes in ((2.0, 31.0, True), (3.0, 60.0, False)):
        reading = story.reading(seconds, level=level, full=1.0)
        numbers = group.passes(reading, at(seconds))
        assert (numbers is not None) == passes
        if numbers is not None:
            group.note(reading, numbers, at(seconds))
    assert story.play(25.0, {"level": 55.0, "full": 1.0}) == ["XX-01 unacknowledged @25"]
    assert story.play(40.0, {"level": 51.5, "full": 1.0}) == ["XX-01 returned-unacknowledged @40"]


some = st.lists(st.tuples(st.floats(0.05, 5.0), st.sampled_from((0.0, 1.0, 1.5, 2.0, 7.0))), min_size=1, max_size=60)


@given(some, st.integers(1, 9), st.integers(5, 60))
@settings(deadline=None, max_examples=60)
def test_samples_that_come_together_are_kept_as_if_they_came_one_by_one(rows: Samples, size: int, over_s: int) -> None:
    told, over = timed(rows), over_s * SECOND
    lowest, spans = (Lowest(over), Lowest(over)), (Spans(over), Spans(over))
    for begin in range(0, len(told), size):
        times, values = zip(*told[begin : begin + size], strict=True)
        lowest[1].extend(times, values)
        spans[1].extend(times, values)
        for mono, value in told[begin : begin + size]:
            lowest[0].add(mono, value)
            spans[0].add(mono, value, trusted=True)
        later = (times[-1], times[-1] + over // 3, times[-1] + over)
        assert [deepcopy(lowest[0]).at(one) for one in later] == [deepcopy(lowest[1]).at(one) for one in later]
        assert [deepcopy(spans[0]).mean(one, 0.0) for one in later] == [
            deepcopy(spans[1]).mean(one, 0.0) for one in later
        ]
        assert spans[0].last == spans[1].last
