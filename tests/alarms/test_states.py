"""The alarm state table, walked whole."""

import pytest

from alarms.states import TABLE, AlarmState, Event, refusal

PEOPLE = (
    Event.ACKNOWLEDGE,
    Event.RESET,
    Event.SHELVE,
    Event.UNSHELVE,
    Event.SUPPRESS,
    Event.UNSUPPRESS,
    Event.OUT_OF_SERVICE,
    Event.IN_SERVICE,
)


@pytest.mark.parametrize("state", AlarmState)
@pytest.mark.parametrize("event", Event)
def test_table_answers_every_event_in_every_state(state: AlarmState, event: Event) -> None:
    after = TABLE[state, event]
    if event not in PEOPLE:
        assert after is not None, "the process cannot be refused"
    elif after is None:
        assert event.word in refusal(state, event)
    else:
        assert after is not state or event is Event.RETURN


@pytest.mark.parametrize("state", [state for state in AlarmState if state.stands])
def test_nothing_but_an_acknowledged_return_or_a_reset_ends_a_standing_alarm(state: AlarmState) -> None:
    ends = {event for event in Event if TABLE[state, event] is AlarmState.NORMAL}
    allowed = {
        AlarmState.ACKNOWLEDGED: {Event.RETURN},
        AlarmState.RETURNED_UNACKNOWLEDGED: {Event.ACKNOWLEDGE},
        AlarmState.LATCHED_ACKNOWLEDGED: {Event.RESET},
    }
    assert ends == allowed.get(state, set())


def test_condition_that_comes_back_needs_a_new_acknowledgement() -> None:
    for state in AlarmState:
        if state.stands and state is not AlarmState.ACKNOWLEDGED:
            assert TABLE[state, Event.RAISE] is AlarmState.UNACKNOWLEDGED


def test_codes_are_stored_and_never_renumbered() -> None:
    assert [state.word for state in AlarmState] == [
        "normal",
        "unacknowledged",
        "acknowledged",
        "returned-unacknowledged",
        "latched-unacknowledged",
        "latched-acknowledged",
        "shelved",
        "suppressed-by-design",
        "out-of-service",
    ]
