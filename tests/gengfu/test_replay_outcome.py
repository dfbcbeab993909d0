"""What came of two runs: counted, and matched by overlap in time, as a count by hand has it."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.alarm import AlarmTransition
from alarms.states import AlarmState, Event
from gengfu.replaying.outcome import Outcome
from gengfu.replaying.player import TapeClock
from protocols.moment import SECOND
from protocols.reading import Origin

START, END = 1000, 2000
Span = tuple[int, int]


def told(event: Event, at: int, device: str = "gas:1", origin: Origin = Origin.LIVE) -> AlarmTransition:
    """One transition of a rule, ``at`` seconds."""
    state = AlarmState.NORMAL
    return AlarmTransition(
        f"{device}~CK-01", device, "methane", "CK-01", origin, "high", False, event, state, state,
        at * SECOND, at * SECOND, 12.0, 0, at * SECOND,
    )  # fmt: skip


class Side(NamedTuple):
    """What one run should come to."""

    raised: int
    active_s: int
    alone: list[Span]


def outcome_of(before: Sequence[Span], after: Sequence[Span]) -> Outcome:
    """Both runs in step, second by second; an end after the window stands at its end."""
    outcome = Outcome(START * SECOND, END * SECOND, (Origin.LIVE,), 1000)
    for second in range(END):
        outcome.take(*([one for span in spans for one in _at(span, second)] for spans in (before, after)))
    outcome.finish(END * SECOND)
    return outcome


def _at(span: Span, second: int) -> list[AlarmTransition]:
    events = ((Event.RAISE, span[0]), (Event.RETURN, span[1]))
    return [told(event, second) for event, at in events if at == second]


def by_hand(mine: Sequence[Span], other: Sequence[Span]) -> Side:
    """Every span against every other."""
    seen = [one for one in mine if one[0] < END and min(one[1], END) > START]
    alone = [one for one in seen if not any(a <= one[1] and one[0] <= b for a, b in other)]
    active = sum(min(b, END) - max(a, START) for a, b in seen)
    return Side(sum(START <= a < END for a, _ in mine), active, alone)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Spans that do not touch each other, before, within and beyond the window."""
    steps = draw(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 300)), max_size=8))
    found: list[Span] = []
    at = 700
    for gap, length in steps:
        found.append((at + gap, at + gap + length))
        at += gap + length
    return [one for one in found if one[0] < END]


@given(before=spans(), after=spans())
def test_both_runs_come_to_what_a_count_by_hand_has(before: list[Span], after: list[Span]) -> None:
    outcome = outcome_of(before, after)
    for run, mine, other in ((outcome.before, before, after), (outcome.after, after, before)):
        expected, tally = by_hand(mine, other), run.tally("CK-01")
        assert (tally.raised, tally.active_ns // SECOND, tally.alone) == (*expected[:2], len(expected.alone))
        assert sorted(one.raised_at // SECOND for one in run.alone) == [one[0] for one in expected.alone]


def test_many_that_become_one_are_neither_new_nor_vanished() -> None:
    outcome = outcome_of([(1100 + 10 * one, 1105 + 10 * one) for one in range(20)], [(1100, 1400)])
    assert (outcome.before.tally("CK-01").raised, outcome.after.tally("CK-01").raised) == (20, 1)
    assert (outcome.before.alone, outcome.after.alone) == ([], [])


def test_three_in_a_minute_chatter_once_for_each_alarm() -> None:
    outcome = outcome_of([(1100, 1110), (1130, 1140), (1161, 1170)], [(1100, 1110), (1130, 1140), (1160, 1170)])
    assert (outcome.before.tally("CK-01").chattering, outcome.after.tally("CK-01").chattering) == (0, 1)


def test_how_much_later_is_told_of_the_first_meeting() -> None:
    outcome = outcome_of([(1100, 1200)], [(1125, 1140), (1170, 1180)])
    assert outcome.later_ns == {"CK-01": 25 * SECOND}
    assert outcome_of([(1125, 1200)], [(1100, 1200)]).later_ns == {}
    assert outcome_of([(900, 1200)], [(1100, 1200)]).later_ns == {}


def test_a_drill_is_not_counted_among_what_is_live() -> None:
    outcome = Outcome(0, END * SECOND, (Origin.LIVE,), 10)
    drill = told(Event.RAISE, 5, origin=Origin.DRILL)
    outcome.take([drill, told(Event.RAISE, 6)], [drill])
    outcome.note(drill)
    outcome.finish(END * SECOND)
    assert (outcome.before.tally("CK-01").raised, outcome.after.tallies, outcome.recorded) == (1, {}, {})


def test_what_is_kept_one_by_one_is_bounded_and_counted_all_the_same() -> None:
    outcome = Outcome(0, END * SECOND, (Origin.LIVE,), 2)
    for number in range(5):
        outcome.take([told(Event.RAISE, number, f"gas:{number}")], [])
    outcome.finish(END * SECOND)
    assert (len(outcome.before.alone), outcome.before.tally("CK-01").alone) == (2, 5)


@pytest.mark.parametrize(
    ("walls", "mono"),
    [
        ([0, 5, 9], [0, 5, 9]),
        ([10, 8, 9, 12], [10, 10, 10, 12]),
        ([100, 99] * 3 + [101], [100] * 6 + [101]),
        ([1000, 100, 110], [1000, 1000, 1010]),
    ],
)
def test_a_clock_that_goes_back_takes_no_time(walls: list[int], mono: list[int]) -> None:
    clock = TapeClock(walls[0] * SECOND)
    found = [clock.at(one * SECOND) for one in walls]
    assert [one.wall for one in found] == [one * SECOND for one in walls]
    assert [one.mono for one in found] == [one * SECOND for one in mono]
