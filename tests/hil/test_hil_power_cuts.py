"""The supply is cut at any moment; what must outlive it does."""

import random

import pytest

from tests.hil.board import FLASH_CUT, POWER_CUT, Board
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator

pytestmark = [pytest.mark.board, pytest.mark.needs(POWER_CUT)]
CUTS = 5


@pytest.mark.on_pico
def test_trip_latch_stands_in_the_first_registers_after_a_cut(board: Board) -> None:
    board.start(trip_after=0.5)
    with Master(board) as master:
        board.act("gas 55")
        master.until(30, trip_latched=True)
    board.power_cut()
    board.start(trip_after=0.5)
    with Master(board) as master:
        seen = master.points()
        assert (seen["trip_latched"], seen["valve"] in (2, 3)) == (True, True)


def test_boot_count_never_goes_back_over_many_cuts(board: Board) -> None:
    moments = random.Random(21)
    boots = []
    for _ in range(CUTS):
        board.start(trip_after=0)
        boots.append(board.of("started")[-1]["boot"])
        board.stimulate("gas 55" if moments.random() < 0.5 else "valve close")
        board.power_cut()
    assert boots == list(range(boots[0], boots[0] + CUTS))


@pytest.mark.slow
@pytest.mark.needs(FLASH_CUT)
@pytest.mark.parametrize("operations", [0, 1, 2, 3, 5, 8])
def test_cut_inside_a_flash_write_of_the_trip_never_loses_the_alarm(board: Board, operations: int) -> None:
    assert isinstance(board, PicoEmulator)
    board.start(trip_after=0.2)
    board.order("cut-after", operations=operations, share=0.5)
    board.stimulate("gas 55")
    board.wait(board.cut_is_done, "the cut", 30)
    board.start(trip_after=0.2)
    board.act("gas 55")
    with Master(board) as master:
        master.until(30, trip_latched=True, valve=2)
        assert not master.points()["crashed"]
