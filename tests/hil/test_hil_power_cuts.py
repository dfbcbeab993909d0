"""The supply is cut at any moment; what must outlive it does."""

import random
import time
from functools import partial

import pytest

from tests.hil.board import FLASH_CUT, POWER_CUT, Board
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator

pytestmark = [pytest.mark.board, pytest.mark.needs(POWER_CUT)]
CUTS = 5
LATCH_CUTS = 20
STIMULI = ("gas 15", "gas 1", "co 200", "co 3", "valve close")
"""Some change what is kept beside the latch, so that its record is written anew. None is a cause to trip again."""
LONGEST_LIFE_S = 0.4


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


@pytest.mark.slow
def test_trip_latch_stands_after_every_one_of_many_cuts(board: Board) -> None:
    """The latch alone: the gas has gone, and its level has ended, which would trip again."""
    moments = random.Random(1)
    board.start(trip_after=0)
    with Master(board) as master:
        board.act("gas 55")
        master.until(30, trip_latched=True)
        board.act("gas 0")
        master.until(90, alarm=False, trip_latched=True)
    for _ in range(LATCH_CUTS):
        if isinstance(board, PicoEmulator):
            board.order("cut-after", operations=moments.randrange(6), share=moments.random())
        board.stimulate(moments.choice(STIMULI))
        end = time.monotonic() + moments.uniform(0, LONGEST_LIFE_S) * board.time_scale
        board.wait(partial(over, end), "the moment of the cut")
        board.power_cut()
        board.start(trip_after=0)
        with Master(board) as master:
            seen = master.points()
        assert (seen["trip_latched"], seen["valve"] in (2, 3), seen["alarm"]) == (True, True, False)
        assert not seen["crashed"]


def over(end: float) -> bool:
    """Whether the moment has come."""
    return time.monotonic() >= end


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
