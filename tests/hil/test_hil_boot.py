"""A board starts, says who it is, and counts its starts."""

import pytest

from tests.hil.board import DEVICE, POWER_CUT, Board
from tests.hil.master import Master
from tests.hil.story import PRODUCTS

pytestmark = pytest.mark.board


@pytest.mark.on_pico
def test_board_says_who_it_is(board: Board) -> None:
    identify(board, PRODUCTS[0])


@pytest.mark.parametrize("product", PRODUCTS[1:])
def test_the_others_say_who_they_are(board: Board, product: str) -> None:
    identify(board, product)


def identify(board: Board, product: str) -> None:
    """Start it and hear its name."""
    board.start(product)
    started = board.of("started")[0]
    assert (started["product"], started["device"], started["boot"] > 0) == (product, DEVICE, True)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_point_of_the_profile_has_a_value_in_its_range(board: Board, product: str) -> None:
    board.start(product)
    with Master(board) as master:
        board.wait(lambda: None not in master.points().values(), "a value for every point")
        seen = master.points()
    assert (seen["boots"], seen["crashed"], seen["queued"]) == (1, False, 0)


@pytest.mark.needs(POWER_CUT)
def test_starts_are_counted_and_their_cause_is_told(board: Board) -> None:
    board.start()
    first = board.of("started")[0]["boot"]
    board.power_cut()
    board.start()
    assert board.of("started")[1]["boot"] == first + 1
    with Master(board) as master:
        assert (master.points()["boots"], master.points()["reset_cause"]) == (2, 1)
    board.reset()
    assert board.of("started")[2]["boot"] == first + 2
