"""Which boards a test runs on, by what the environment says."""

import pytest

from tests.hil import boards
from tests.hil.story import ALARMS, PRODUCTS


@pytest.mark.parametrize(("on_pico", "kinds"), [(False, ["unix"]), (True, ["unix", "pico"])])
def test_quick_run_takes_the_unix_port_and_what_is_marked_on_the_pico(on_pico: bool, kinds: list[str]) -> None:
    assert boards.chosen({}, on_pico=on_pico) == kinds


def test_all_boards_are_the_emulated_ones_and_the_one_that_is_plugged_in() -> None:
    plugged = {boards.VARIABLE: "auto", "GENGFU_HIL_PORT": "/dev/ttyACM7"}
    assert boards.chosen(plugged, on_pico=False) == ["real", "pico", "unix"]


def test_one_board_by_name_and_no_other_word() -> None:
    assert boards.chosen({boards.VARIABLE: "pico"}, on_pico=False) == ["pico"]
    with pytest.raises(ValueError, match="GENGFU_HIL_BOARD=pic: one of auto, real, pico, unix"):
        boards.chosen({boards.VARIABLE: "pic"}, on_pico=False)


def test_every_product_has_alarms_in_a_quick_run() -> None:
    assert {row.product for row in ALARMS if not row.slow} == set(PRODUCTS)
