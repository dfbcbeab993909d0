"""Every alarm and fault, raised by what the air, a sensor or a person does, and seen in the registers."""

import pytest

from tests.hil.board import Board
from tests.hil.master import Master
from tests.hil.story import ALARMS, Row

pytestmark = pytest.mark.board


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


@pytest.mark.on_pico
def test_leak_closes_the_valve_and_the_closed_valve_is_read_back(board: Board) -> None:
    board.start(trip_after=1)
    with Master(board) as master:
        master.until(valve=1, alarm=False)
        board.act("gas 55")
        master.until(20, alarm=True, trip_latched=True, valve=2, valve_cause=1)
        board.act("gas 0")
        seen = master.until(20, alarm=False)
    assert (seen["valve"], seen["trip_latched"]) == (2, True)
