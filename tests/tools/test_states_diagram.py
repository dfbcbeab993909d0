"""The diagram of the alarm states is drawn from the table that the program follows."""

import pytest

from alarms.states import TABLE, AlarmState, Event
from tools import states_diagram


def test_the_page_is_as_the_table_says() -> None:
    page = states_diagram.PAGE.read_text(encoding="utf-8")
    assert states_diagram.redrawn(page) == page, "python -m tools.states_diagram"


def test_every_change_of_state_is_an_arrow_with_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "    unacknowledged --> latched_unacknowledged : return-latched\n" in states_diagram.drawn()
    assert "| **latched-acknowledged** | unacknowledged | · | · | refused | normal |" in states_diagram.drawn()
    monkeypatch.setitem(TABLE, (AlarmState.LATCHED_ACKNOWLEDGED, Event.RESET), AlarmState.SHELVED)
    assert "latched_acknowledged --> shelved : reset, shelve" in states_diagram.drawn()


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"alarm-states\.md: the lines .* are not there"):
        states_diagram.redrawn("# States\n")
