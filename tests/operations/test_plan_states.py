"""The tables of steps and runs, walked as a whole."""

from itertools import product

import pytest

from operations.states import RUNS, STEPS, RunEvent, RunState, StepEvent, StepState, refusal

PEOPLE = (StepEvent.RELEASE, StepEvent.START, StepEvent.FINISH, StepEvent.SKIP)
ALLOWED = {
    (StepState.RELEASABLE, StepEvent.RELEASE): StepState.OPEN,
    (StepState.OPEN, StepEvent.START): StepState.STARTED,
    (StepState.OPEN, StepEvent.FINISH): StepState.DONE,
    (StepState.OPEN, StepEvent.SKIP): StepState.SKIPPED,
    (StepState.STARTED, StepEvent.FINISH): StepState.DONE,
}


def test_the_tables_are_total():
    assert set(STEPS) == set(product(StepState, StepEvent))
    assert set(RUNS) == set(product(RunState, RunEvent))


@pytest.mark.parametrize("state", StepState, ids=lambda one: one.word)
@pytest.mark.parametrize("event", PEOPLE, ids=lambda one: one.word)
def test_people_can_do_what_is_listed_and_nothing_else(state, event):
    assert STEPS[state, event] == ALLOWED.get((state, event))


def test_only_a_release_opens_a_step_that_is_held():
    opened = {event for (state, event), after in STEPS.items() if state is StepState.RELEASABLE and after}
    ways = {event for event in opened if STEPS[StepState.RELEASABLE, event] is StepState.OPEN}
    assert ways == {StepEvent.RELEASE}
    assert {STEPS[StepState.HELD, event] for event in StepEvent} <= {
        None, StepState.HELD, StepState.RELEASABLE, StepState.WAITING,
    }  # fmt: skip


def test_a_lost_condition_leaves_no_step_open():
    after = [STEPS[state, StepEvent.LOST] for state in StepState]
    assert not [one for one in after if one is not None and (one.at_work or one is StepState.RELEASABLE)]


def test_a_suspended_step_opens_only_by_a_new_release():
    assert {STEPS[StepState.SUSPENDED, event] for event in StepEvent} == {
        None, StepState.SUSPENDED, StepState.RELEASABLE,
    }  # fmt: skip


def test_no_state_is_out_of_reach():
    reached = {StepState.WAITING}
    for _ in StepState:
        reached |= {after for (state, _), after in STEPS.items() if state in reached and after is not None}
    assert reached == set(StepState)


def test_an_ended_run_moves_no_more_and_no_alarm_ends_one():
    ended = [state for state in RunState if not state.running]
    assert [RUNS[state, event] for state in ended for event in RunEvent] == [None] * (len(ended) * len(RunEvent))
    assert [state for state in RunState if state.running and not RUNS[state, RunEvent.ALARM].running] == []
    assert RUNS[RunState.VERIFY, RunEvent.COMPLETE] is None


@pytest.mark.parametrize("state", StepState, ids=lambda one: one.word)
def test_each_refusal_is_told_in_both_languages(state):
    en, zh = refusal(state)
    assert en.isascii()
    assert not zh.isascii()


def test_the_codes_are_stored_and_stay():
    assert [(one.word, int(one)) for one in StepState] == [
        ("waiting", 0), ("held", 1), ("releasable", 2), ("open", 3), ("started", 4), ("suspended", 5), ("done", 6),
        ("skipped", 7),
    ]  # fmt: skip
    assert [(one.word, int(one)) for one in RunState] == [("verify", 0), ("full", 1), ("completed", 2), ("closed", 3)]
