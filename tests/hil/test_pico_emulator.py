"""The emulated Pico itself: what the tests of the firmware rely on must hold on it as on the chip."""

import pytest

from tests.fixtures.waiting import wait_for
from tests.hil.line import Line, LineGone
from tests.hil.pico_emulator import PicoEmulator

pytestmark = pytest.mark.board

UART = "from machine import UART, Pin\nu = UART(0, 9600, tx=Pin(0), rx=Pin(1), rxbuf=512, txbuf=512)\n"


def receive(line: Line, count: int) -> bytes:
    """``count`` bytes, or what came of them."""
    found = bytearray()

    def all_there() -> bool:
        found.extend(line.read())
        return len(found) >= count

    wait_for(all_there, 20, f"{count} bytes")
    return bytes(found)


def test_chip_says_who_it_is(pico: PicoEmulator) -> None:
    code = "import os, machine, gc; print(os.uname().machine, machine.unique_id().hex(), machine.reset_cause())\n"
    assert pico.exec(code) == "Raspberry Pi Pico with RP2040 e660c0ffee000001 1\n"
    assert int(pico.exec("import gc; gc.collect(); print(gc.mem_free())")) > 200_000


def test_files_outlive_a_cut_of_the_supply(pico: PicoEmulator) -> None:
    pico.put({"state/record": b"kept" * 500})
    pico.power_cut()
    assert pico.exec("print(open('/state/record').read() == 'kept' * 500)") == "True\n"


def test_cut_in_the_middle_of_a_flash_write_leaves_the_old_record(pico: PicoEmulator) -> None:
    pico.put({"record": b"old"})
    pico.order("cut-after", operations=2, share=0.5)
    with pytest.raises(LineGone):
        pico.exec("f = open('/new', 'w')\nf.write('new' * 900)\nf.close()\nimport os\nos.rename('/new', '/record')")
    wait_for(pico.cut_is_done, 20, "the cut")
    pico.power_cut()
    assert pico.exec("print(open('/record').read())") == "old\n"


def test_serial_line_carries_every_byte_at_its_speed(pico: PicoEmulator) -> None:
    pico.exec(UART)
    sent = bytes(range(256))
    with Line(pico.uart(0)) as line:
        line.write(sent)
        pico.exec("import time\nt = time.ticks_ms()\ngot = b''\nwhile len(got) < 256: got += u.read() or b''\n")
        assert pico.exec("print(got == bytes(range(256)))") == "True\n"
        lasted = pico.exec("t = time.ticks_ms()\nu.write(got)\nu.flush()\nprint(time.ticks_diff(time.ticks_ms(), t))")
        assert receive(line, 256) == sent
    # 256 characters of 10 bits at 9600 baud are 267 ms; the last may still be in the shift register.
    assert 260 <= int(lasted) <= 280


def test_only_what_is_sent_with_the_driver_on_reaches_the_bus(pico: PicoEmulator) -> None:
    pico.order("driver", uart=0, pin=2)
    pico.exec(UART + "de = Pin(2, Pin.OUT, value=0)\n")
    with Line(pico.uart(0)) as line:
        pico.exec(
            "u.write(b'lost')\nu.flush()\nde(1)\nu.write(b'heard')\nu.flush()\nde(0)\nu.write(b'lost')\nu.flush()"
        )
        assert receive(line, 5) == b"heard"
        assert line.read(0.3) == b""


def test_bytes_are_lost_while_the_flash_is_erased_as_on_the_chip(pico: PicoEmulator) -> None:
    pico.exec(UART)
    with Line(pico.uart(0)) as line:
        line.write(b"x" * 200)
        pico.exec("f = open('/x', 'w')\nfor _ in range(20):\n f.write('y' * 600)\n f.flush()\nf.close()\n")
    pico.order("stats")
    lost = wait_for(lambda: pico.said("stats"), what="the counts")[0]["lost"]
    assert lost[0] > 0


def test_watchdog_restarts_the_chip_and_says_so(pico: PicoEmulator) -> None:
    pico.put({"main.py": b"import machine\nif machine.reset_cause() == 1: machine.WDT(timeout=300)\n"})
    pico.power_cut()
    pico.power()
    assert wait_for(lambda: pico.said("reset"), 30, "the watchdog")[0]["reason"] == 1
    assert pico.exec("import machine; print(machine.reset_cause() == machine.WDT_RESET)") == "True\n"


def test_pins_and_analogue_inputs_reach_the_program(pico: PicoEmulator) -> None:
    pico.order("watch", number=16)
    pico.order("adc", channel=0, value=2048)
    pico.order("pin", number=3, value=True)
    pico.exec("from machine import ADC, Pin\nout = Pin(16, Pin.OUT, value=0)\nout(1)\nout(0)\n")
    assert pico.exec("print(ADC(26).read_u16() >> 4, Pin(3, Pin.IN)())") == "2048 1\n"
    wait_for(lambda: len(pico.said("pin")) > 3, what="four levels")
    assert [one["state"] for one in pico.said("pin")] == [-1, 0, 1, 0]
