"""A person's way into a running board: not by Ctrl-C, by the console's `hold`, and only when nothing stands."""

import pytest

from tests.hil.board import EXEC, PINS
from tests.hil.line import Line, LineGone
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator
from tools import board_hold, flash

pytestmark = [pytest.mark.board, pytest.mark.needs(PINS, EXEC)]
CLOSE = 0
HANGS = b"import time\nprint('hangs')\nwhile True:\n    time.sleep(1)\n"
INTERRUPTED = "slots: interrupted"


def said(board: PicoEmulator, text: str) -> int:
    """How many lines of its console that are no events had this."""
    return sum(text in one["text"] for one in board.of("output"))


@pytest.mark.on_pico
def test_ctrl_c_does_not_stop_a_running_board_and_hold_gives_its_interpreter(board: PicoEmulator) -> None:
    board.start()
    board.stimulate("\x03\x03")
    board.wait(lambda: board.of("error"), "the line to be taken as any other")
    assert board.of("error")[-1]["line"] == "??"
    with Master(board) as master:
        assert master.points()["boots"] == 1
    assert board.exec("print(6 * 7)") == "42\n"
    board.reset()
    with Master(board) as master:
        assert master.points()["boots"] == 2


@pytest.mark.slow
def test_hold_waits_for_the_end_of_what_stands_and_says_so(board: PicoEmulator) -> None:
    board.start()
    board.act("valve jammed")
    with Master(board) as master:
        master.coil(CLOSE)
    told: list[str] = []
    lines: list[Line] = []
    board.leave_console()

    def connect() -> Line:
        lines.append(Line(board.console))
        return lines[-1]

    def tell(text: str) -> None:
        told.append(text)
        lines[-1].write(b"valve free\n")

    assert board_hold.Hold(connect, tell, LineGone, board.time_scale).run()
    assert told == [board_hold.STANDS]
    assert board.exec("print(6 * 7)") == "42\n"


def test_firmware_that_hangs_at_its_start_is_ended_and_then_ctrl_c_gets_in(pico: PicoEmulator) -> None:
    slots = flash.own_module("slots")
    record = slots.record(1, 0)
    files = {"slots.py": (flash.FIRMWARE / "slots.py").read_bytes(), "main.py": flash.CHOOSER.read_bytes()}
    pico.put({**files, "slot-0": record, "slot-1": record, "a/main.py": HANGS, "state/reset": b"software"})
    pico.power_cut()
    pico.power()
    pico.listen()
    pico.wait(lambda: said(pico, "hangs") == 1, "the first start")
    pico.stimulate("\x03")
    pico.wait(lambda: said(pico, "hangs") == 2, "the start after the watchdog", 20)
    assert (pico.said("reset")[0]["reason"], said(pico, INTERRUPTED)) == (1, 0)
    pico.stimulate("\x03")
    pico.wait(lambda: said(pico, INTERRUPTED), "the interpreter")
    pico.leave_console()
    assert pico.exec("print(6 * 7)") == "42\n"
