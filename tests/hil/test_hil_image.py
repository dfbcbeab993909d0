"""The image as it is shipped, and which firmware a Pico starts: the image's, or one that was laid into a slot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil import boards, frozen
from tests.hil.leak import pins
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator
from tools.firmware_image import kept, shipped

pytestmark = pytest.mark.board
COIL, RED_LAMP = (int(pins()[name]) for name in ("valve_coil", "lamp_red"))
OVER_RANGE = 4002
"""21.5 mA through 150 ohm, of 4096 for 3.3 V."""


@pytest.fixture
def from_files(micropython: Path, tmp_path: Path) -> Iterator[PicoEmulator]:
    """A Pico with the firmware in its image and in slot a."""
    with PicoEmulator(frozen.pico(boards.parts()), micropython, tmp_path, from_files=True) as found:
        yield found


def said(board: PicoEmulator, text: str) -> bool:
    """Whether its console has had a line that is no event."""
    return any(text in one["text"] for one in board.of("output"))


def levels(board: PicoEmulator) -> set[tuple[int, int]]:
    """Which watched pins have had which levels."""
    return {(one["number"], one["state"]) for one in board.said("pin")}


def test_new_board_is_a_gas_alarm_that_watches_and_says_what_it_lacks(micropython: Path, tmp_path: Path) -> None:
    parts = boards.parts()
    image = kept("shipped.bin", shipped("rp2"), lambda code: parts.builds.pico(code).flash)
    with PicoEmulator(parts._replace(firmware=image), micropython, tmp_path) as board:
        board.blank()
        board.listen()
        for pin in (COIL, RED_LAMP):
            board.order("watch", number=pin)
        board.wait(lambda: board.of("started"), "the firmware")
        assert said(board, "slots: image starts")
        started = board.of("started")[0]
        assert (started["product"], started["device"]) == ("gas-alarm", "unset")
        assert any("settings.txt" in str(one) for one in board.of("error"))
        board.order("adc", channel=0, value=OVER_RANGE)
        board.wait(lambda: {(COIL, 1), (RED_LAMP, 1)} <= levels(board), "the closing coil and the red lamp", 30)


@pytest.mark.slow
def test_firmware_in_a_slot_takes_the_place_of_the_image_until_it_cannot_be_loaded(from_files: PicoEmulator) -> None:
    board = from_files
    board.start("smart-bin")
    assert said(board, "slots: a starts")
    with Master(board) as master:
        board.wait(lambda: None not in master.points().values(), "a value for every point")
    board.power_cut()
    board.flash.write({"a/assembly.mpy": b"torn"})
    board.start("smart-bin")
    assert said(board, "slots: a cannot be loaded")
    assert said(board, "slots: image is used from now on")
    assert said(board, "slots: image starts")
