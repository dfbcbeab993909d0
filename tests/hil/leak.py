"""A leak at the analogue input of a gas alarm with real parts, and how long its valve output takes."""

import ast
from collections.abc import Callable, Mapping

from tests.hil.board import BoardFailed
from tests.hil.pico_emulator import PicoEmulator
from tools import flash

CLEAN_MA = 4.2
"""1.25 %LEL of a loop of 4 to 20 mA over 0 to 100 %LEL."""
LEVEL_1_MA = 8.8
"""30 %LEL."""
LEVEL_2_MA = 12.8
"""55 %LEL."""
OVER_RANGE_MA = 21.5
BUDGET_MS = 100.0
"""From gas over the limit to the valve output, beyond the configured delay."""
REFERENCE_V = 3.3
FULL = 4095
FIRST_ADC_PIN = 26
SUPPLY_V = 12.0
SUPPLY_RATIO = 11.0
MIDDLE = FULL // 2


def pins() -> dict[str, float]:
    """The firmware's table of the gas alarm's pins on a Pico (firmware/micropython/wiring/rp2.py)."""
    module = ast.parse((flash.FIRMWARE / "wiring/rp2.py").read_text(encoding="utf-8"))
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="GAS_ALARM")], value=table):
                return dict(ast.literal_eval(table))
    raise AssertionError("wiring/rp2.py has no GAS_ALARM")


class Room:
    """What is wired to a Pico with ``parts=board``: a loop, a thermistor, a supply, and a valve that is open."""

    def __init__(self, board: PicoEmulator) -> None:
        self._board = board
        self._pins = pins()
        self.coil = int(self._pins["valve_coil"])

    def start(self, **settings: object) -> None:
        """Start the board in clean air and watch its coil."""
        self._board.start("gas-alarm", parts="board", modbus="0", **settings)
        self._board.order("watch", number=self.coil)
        self.loop(CLEAN_MA)
        self._input("temperature", MIDDLE)
        self._input("supply", round(SUPPLY_V / SUPPLY_RATIO / REFERENCE_V * FULL))
        self._contact("valve_open", acts=True)
        self._contact("valve_closed", acts=False)

    def loop(self, milliamperes: float) -> None:
        """The current of the gas sensor, from now on."""
        volt = milliamperes / 1000 * self._pins["shunt_ohm"]
        self._input("methane", round(volt / REFERENCE_V * FULL))

    def levels(self) -> list[int]:
        """What the coil's pin has been, change by change: -1 while it was no output."""
        return [one["state"] for one in self._board.said("pin") if one["number"] == self.coil]

    def leak(self, milliamperes: float, within_s: float, meanwhile: Callable[[], object]) -> float:
        """Let gas in; ms of the chip's own time until the coil is driven. It may be a little longer than it was: the
        clock is read before the gas comes. ``meanwhile`` is done again and again until the coil is driven."""
        # At once what the harness is told at once: both orders wait for the same look at them.
        self._board.order("stats")
        self.loop(milliamperes)

        def driven() -> list[Mapping[str, float]]:
            meanwhile()
            return [one for one in self._board.said("pin") if one["number"] == self.coil and one["state"] == 1]

        found = self._board.wait(driven, "the coil to be driven", within_s)
        if not self._board.said("stats"):
            raise BoardFailed("the harness did not tell the time of the leak")
        return float(found[0]["ms"] - self._board.said("stats")[-1]["ms"])

    def _input(self, name: str, value: int) -> None:
        self._board.order("adc", channel=int(self._pins[name]) - FIRST_ADC_PIN, value=value)

    def _contact(self, name: str, *, acts: bool) -> None:
        self._board.order("pin", number=int(self._pins[name]), value=not acts)
