"""Every alarm and fault, raised by what the air, a sensor or a person does, and seen in the registers."""

import pytest

from tests.hil.board import Board
from tests.hil.master import Master
from tests.hil.story import ALARMS, Row

pytestmark = pytest.mark.board

OPEN, CLOSED = 1, 2
NOBODY, BY_TRIP = 0, 1
CLEAN_S = 90.0
"""The clean minute, and some more."""
JUST_A_MINUTE_S = 57.0
"""Less what passes until the clean air is read, and whole seconds."""

ROWS = [pytest.param(row, id=str(row), marks=[pytest.mark.slow] if row.slow else []) for row in ALARMS]


@pytest.mark.parametrize("row", ROWS)
def test_board_tells_what_happened(board: Board, row: Row) -> None:
    quick = {"trip_after": 0.5} if row.product == "gas-alarm" else {}
    board.start(row.product, **quick)
    with Master(board) as master:
        quiet = {name: value for name, value in master.points().items() if name in row.points}
        for line in row.lines:
            board.act(line)
        master.until(row.within_s, **row.points)
    assert quiet != row.points


def _leak(board: Board, master: Master) -> None:
    """Gas at a quiet board, until the closed valve is read back."""
    master.until(valve=OPEN, alarm=False)
    board.act("gas 55")
    master.until(20, alarm=True, trip_latched=True, valve=CLOSED, valve_cause=BY_TRIP)


def _number(master: Master, point: str) -> float:
    value = master.points()[point]
    assert isinstance(value, float)
    return value


@pytest.mark.on_pico
def test_leak_closes_the_valve_and_the_closed_valve_is_read_back(board: Board) -> None:
    board.start(trip_after=1)
    with Master(board) as master:
        _leak(board, master)


# As in a full run: the clean minute is two or three of ours on the emulated Pico.
@pytest.mark.timeout(900)
@pytest.mark.slow
def test_alarm_ends_after_a_clean_minute_and_only_then_does_an_opened_valve_stay_open(board: Board) -> None:
    board.start(trip_after=1)
    with Master(board) as master:
        _leak(board, master)
        board.act("gas 0")
        board.wait(lambda: _number(master, "methane") < 5.0, "clean air", 20)
        clean_at = _number(master, "uptime")
        # Closed again at once: it would still be open at the end of the minute.
        board.act("valve open")
        seen = master.until(CLEAN_S, alarm=False)
        assert (seen["valve"], seen["trip_latched"]) == (CLOSED, True)
        assert _number(master, "uptime") - clean_at >= JUST_A_MINUTE_S
        board.act("valve open")
        master.until(20, valve=OPEN, valve_cause=NOBODY, trip_latched=False)
