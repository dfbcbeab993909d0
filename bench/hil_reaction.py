"""From gas over the limit to the valve output of a gas alarm, on the emulated Pico, in the chip's own time.

The gas comes at any moment between two samples, while the Modbus line is asked without a pause: 55 %LEL at the analogue
input of the methane loop, with a delay of 0, up to the first edge at the pin of the closing coil. Each leak meets a
board that has just started. Needs `make hil-firmware`; without it there are no rows.
"""

import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.missing import tell_missing
from bench.rows import Row
from tests.hil import frozen
from tests.hil.leak import LEVEL_2_MA, Room
from tests.hil.master import Master
from tests.hil.pico_emulator import PicoEmulator
from tools.hil_firmware import Parts, locate

LEAKS = 12
PHASE_S = 0.5
"""On this machine's clock; two samples are at most 0.1 s of the chip's apart."""
MICROPYTHON = Path(sys.executable).with_name("micropython")


def measure(folder: Path) -> list[Row]:
    """The longest of all leaks, and the median."""
    parts = locate()
    if parts is None:
        tell_missing("firmware of an emulated Pico", "hil-firmware")
        return []
    pico = frozen.pico(parts)
    moments = random.Random(50)
    taken = sorted(_leak(pico, folder, moments.uniform(0, PHASE_S)) for _ in range(LEAKS))
    return [
        Row(f"gas to valve output, longest of {LEAKS}, emulated Pico", taken[-1], "ms"),
        Row("gas to valve output, median, emulated Pico", taken[LEAKS // 2], "ms"),
    ]


def _leak(pico: Parts, folder: Path, after_s: float) -> float:
    with TemporaryDirectory(dir=folder) as place, PicoEmulator(pico, MICROPYTHON, Path(place)) as board:
        room = Room(board)
        room.start(trip_after=0)
        with Master(board) as master:
            master.until(30, fault=False, alarm=False, valve=1)
            until = time.monotonic() + after_s
            while time.monotonic() < until:
                master.registers(0, 25)
            return room.leak(LEVEL_2_MA, 10, lambda: master.registers(0, 25))
