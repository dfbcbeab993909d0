"""Alarm metrics as stories: what happens to alarms, and what an engineer then reads."""

from pathlib import Path

import pytest

from alarms.errors import RuleError
from alarms.metrics.figures import Figures, load_figures
from alarms.states import AlarmState, Event
from protocols.reading import Origin
from tests.alarms.metrics.conftest import FILE, Story, measure, record

DAY_S = 86_400.0
LATER = 2 * DAY_S


def test_a_quiet_day_has_no_numbers_to_speak_of(figures: Figures) -> None:
    found = measure(Story(), figures)
    numbers = found.numbers()
    none = {name for name, value in numbers.items() if value is None}
    assert none == {
        *("top-share", "share-critical-high", "share-medium", "share-low"),
        *("acknowledge-p50", "acknowledge-p95"),
    }
    assert {value for value in numbers.values() if value is not None} == {0}


@pytest.mark.parametrize(("last_s", "chatters"), [(60.0, True), (60.1, False)])
def test_three_times_within_a_minute_is_chattering(figures: Figures, last_s: float, chatters: bool) -> None:
    story = Story()
    for s in (0.0, 30.0, last_s):
        story.tell(s, Event.RAISE)
        story.tell(s + 5, Event.RETURN)
    found = measure(story, figures)
    assert [one.alarm for one in found.chattering] == (["a"] if chatters else [])
    assert found.announced == {"high": 3}


def test_two_alarms_that_take_turns_do_not_chatter(figures: Figures) -> None:
    story = Story()
    for s in range(4):
        story.tell(s, Event.RAISE, "ab"[s % 2])
        story.tell(s + 0.5, Event.RETURN, "ab"[s % 2])
    assert measure(story, figures).chattering == []


def test_an_alarm_that_stays_is_announced_once(figures: Figures) -> None:
    story = Story()
    for s in (0, 10, 20):
        story.tell(s, Event.RAISE)
    story.tell(30, Event.ACKNOWLEDGE)
    story.tell(40, Event.RAISE)
    assert measure(story, figures).announced == {"high": 1}


def test_a_latched_alarm_that_comes_back_is_announced_again(figures: Figures) -> None:
    story = Story()
    story.tell(0, Event.RAISE)
    story.tell(100, Event.ACKNOWLEDGE)
    story.tell(200, Event.RETURN_LATCHED)
    story.tell(300, Event.RAISE)
    story.tell(340, Event.ACKNOWLEDGE)
    found = measure(story, figures)
    assert found.announced == {"high": 2}
    assert [wait / 10**9 for wait in found.waits] == [40, 100]


def test_a_flood_goes_on_until_fewer_than_five(figures: Figures) -> None:
    """Windows: 11 begins it, 5 goes on, 4 ends it, 10 does not begin another."""
    story = Story()
    for window, count in enumerate((11, 5, 4, 10)):
        story.burst(window * 600, count)
    found = measure(story, figures, until_s=6000)
    assert found.floods == (1, 2, 10)
    assert found.numbers()["flood-share"] == 20.0
    assert found.per_10_min == (3.0, 11)
    assert found.per_hour == (18.0, 30)


def test_an_empty_window_ends_a_flood(figures: Figures) -> None:
    story = Story()
    story.burst(0, 11)
    story.burst(1200, 6)
    story.burst(1800, 11)
    assert measure(story, figures, until_s=2400).floods == (2, 2, 4)


def test_a_span_shorter_than_an_hour_is_not_blown_up(figures: Figures) -> None:
    story = Story()
    story.burst(0, 3)
    found = measure(story, figures, until_s=60)
    assert (found.per_10_min, found.per_hour) == ((3.0, 3), (3.0, 3))


@pytest.mark.parametrize(("raised_s", "stale"), [(0.0, True), (0.001, False)])
def test_what_stands_for_a_day_is_stale(figures: Figures, raised_s: float, stale: bool) -> None:
    story = Story()
    story.tell(raised_s, Event.RAISE)
    story.tell(raised_s + 60, Event.ACKNOWLEDGE)
    found = measure(story, figures, until_s=DAY_S)
    assert [one.alarm for one in found.stale] == (["a"] if stale else [])
    assert (found.standing, found.unacknowledged) == ({"high": 1}, 0)


def test_what_nobody_touched_in_all_the_time_stands_by_its_record(figures: Figures) -> None:
    old = record("old", AlarmState.LATCHED_UNACKNOWLEDGED, -10)
    drill = record("drill", AlarmState.UNACKNOWLEDGED, -10, Origin.DRILL)
    shelved = record("shelved", AlarmState.SHELVED, -10)
    found = measure(Story(), figures, records=(old, drill, shelved))
    assert [one.alarm for one in found.stale] == ["old"]
    assert (found.standing, found.unacknowledged) == ({"high": 1}, 1)


def test_the_past_is_as_it_was_then(figures: Figures) -> None:
    """Asked of a time that is over: what was settled since stood then, and what came since did not."""
    story = Story()
    story.tell(-100, Event.RAISE, "settled")
    told = [story.told.pop()]  # older than the journal
    story.tell(LATER, Event.ACKNOWLEDGE, "settled")
    story.tell(LATER, Event.RETURN, "settled")
    story.tell(LATER, Event.RAISE, "new")
    now = (record("settled", AlarmState.NORMAL, -100), record("new", AlarmState.UNACKNOWLEDGED, LATER))
    found = measure(story, figures, records=now)
    assert told[0].alarm == "settled"
    assert [one.alarm for one in found.stale] == ["settled"]
    assert (found.standing, found.announced, found.waits) == ({"high": 1}, {}, [])


def test_what_goes_on_behind_the_span_changes_nothing(figures: Figures) -> None:
    story = Story()
    story.tell(0, Event.RAISE)
    story.tell(100, Event.RETURN)
    until_then = measure(story, figures)
    for s, event in enumerate((Event.ACKNOWLEDGE, Event.RAISE, Event.ACKNOWLEDGE)):
        story.tell(LATER + s, event)
    assert measure(story, figures) == until_then


def test_what_was_over_before_the_span_is_not_counted(figures: Figures) -> None:
    story = Story()
    for s in (-300, -200):
        story.tell(s, Event.RAISE)
        story.tell(s + 1, Event.RETURN)
        story.tell(s + 20, Event.ACKNOWLEDGE)
    assert measure(story, figures) == measure(Story(), figures)


@pytest.mark.parametrize(("gone_s", "fleeting"), [(10.0, 1), (10.1, 0)])
def test_what_went_by_itself_at_once_is_fleeting(figures: Figures, gone_s: float, fleeting: int) -> None:
    story = Story()
    story.tell(0, Event.RAISE)
    story.tell(gone_s, Event.RETURN)
    assert measure(story, figures).fleeting == fleeting


@pytest.mark.parametrize("act", [Event.ACKNOWLEDGE, Event.SHELVE])
def test_what_somebody_saw_to_is_not_fleeting(figures: Figures, act: Event) -> None:
    story = Story()
    story.tell(0, Event.RAISE)
    story.tell(1, act)
    story.tell(2, Event.RETURN)
    assert measure(story, figures).fleeting == 0


def test_the_time_to_acknowledge_runs_from_the_first_call(figures: Figures) -> None:
    """Gone and back before anybody looked: people have been called since the first time."""
    story = Story()
    story.tell(-30, Event.RAISE)
    story.tell(0, Event.RETURN)
    story.tell(5, Event.RAISE)
    story.tell(30, Event.ACKNOWLEDGE)
    assert measure(story, figures).waits == [60 * 10**9]


def test_percentiles_are_nearest_ranks(figures: Figures) -> None:
    story = Story()
    for number in range(1, 41):
        story.tell(0, Event.RAISE, f"a{number}")
        story.tell(number, Event.ACKNOWLEDGE, f"a{number}")
    numbers = measure(story, figures).numbers()
    assert (numbers["acknowledge-p50"], numbers["acknowledge-p95"]) == (20.0, 38.0)


def test_a_drill_is_not_counted(figures: Figures) -> None:
    story = Story()
    for s in (0, 1, 2, 3):
        story.tell(s, Event.RAISE, "drill", origin=Origin.DRILL)
        story.tell(s + 0.5, Event.RETURN, "drill", origin=Origin.DRILL)
    story.tell(4, Event.RAISE, "drill", origin=Origin.DRILL)
    found = measure(story, figures)
    assert (found.announced, found.chattering, found.standing, found.top) == ({}, [], {}, [])


def test_the_ten_most_frequent_come_with_their_share(figures: Figures) -> None:
    story = Story()
    for number in range(12):
        for again in range(12 - number):
            story.tell(again * 100, Event.RAISE, f"a{number:02}", "low" if number else "critical")
            story.tell(again * 100 + 50, Event.RETURN, f"a{number:02}")
    found = measure(story, figures)
    assert [(one.alarm, one.times) for one in found.top] == [(f"a{number:02}", 12 - number) for number in range(10)]
    numbers = found.numbers()
    assert numbers["top-share"] == 100 * 75 / 78
    assert (numbers["share-critical-high"], numbers["share-low"]) == (100 * 12 / 78, 100 * 66 / 78)


def test_each_announcement_counts_for_one_share(figures: Figures) -> None:
    story = Story()
    for number, priority in enumerate(("critical", "high", "medium", "medium", "medium", "low", "low", "low")):
        story.tell(0, Event.RAISE, f"a{number}", priority)
    numbers = measure(story, figures).numbers()
    shares = [numbers[name] for name in ("share-critical-high", "share-medium", "share-low")]
    assert shares == [25.0, 37.5, 37.5]


def test_no_figure_is_said_to_be_verified(figures: Figures) -> None:
    """The texts of the standards were not seen."""
    parts = (figures.flood, figures.chattering, figures.fleeting, figures.stale, *figures.target)
    assert [source for part in parts for source in part.source if source.verified] == []


def test_targets_judge_at_their_limit(figures: Figures) -> None:
    judged = {name: figures.target_of(name) for name in ("per-hour-mean", "stale", "share-low")}
    at_limit = {name: target and target.is_met(target.limit) for name, target in judged.items()}
    assert at_limit == {"per-hour-mean": True, "stale": False, "share-low": None}
    assert figures.target_of("acknowledged") is None


def test_wrong_figures_are_all_named(tmp_path: Path) -> None:
    file = tmp_path / "figures.toml"
    text = FILE.read_text().replace("times = 3", "times = 1").replace('number = "stale"', 'number = "old"')
    file.write_text(text)
    with pytest.raises(RuleError, match=r"(?s)figures\.toml: chattering\.times: .*figures\.toml: target\.5\.number: "):
        load_figures(file)
