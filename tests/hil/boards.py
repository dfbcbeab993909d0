"""Which boards the tests run on, and how each is made.

``GENGFU_HIL_BOARD``: ``auto`` every board there is, for every test that it can take; ``real``, ``pico`` or ``unix``
one of them. Without it (`make test`) the run is quick: on the unix port every test but those marked ``slow``, on the
emulated Pico those marked ``on_pico``.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.fixtures.programs import missing
from tests.hil import frozen
from tests.hil.board import Board
from tests.hil.pico_emulator import PicoEmulator
from tests.hil.real_board import RealBoard, find_port
from tests.hil.unix_board import UnixBoard
from tools.hil_firmware import Parts, locate

CHOICES = ("auto", "real", "pico", "unix")
VARIABLE = "GENGFU_HIL_BOARD"


CAPABILITIES = {
    "unix": UnixBoard.capabilities,
    "pico": PicoEmulator.capabilities,
    "real": RealBoard.capabilities,
}


def quick(environment: Mapping[str, str]) -> bool:
    """Whether this is a quick run."""
    return not environment.get(VARIABLE)


def chosen(environment: Mapping[str, str], *, on_pico: bool) -> list[str]:
    """The kinds of boards for a test. Raises `ValueError` for a word that is none of `CHOICES`."""
    word = environment.get(VARIABLE, "")
    if quick(environment):
        return ["unix", "pico"] if on_pico else ["unix"]
    if word not in CHOICES:
        raise ValueError(f"{VARIABLE}={word}: one of {', '.join(CHOICES)}")
    if word != "auto":
        return [word]
    return [*(["real"] if find_port(environment) else []), "pico", "unix"]


def parts() -> Parts:
    """What the emulated Pico is made of; without it the test is skipped (in CI: fails)."""
    found = locate()
    if found is None:
        missing("the emulated Pico is not built; run: make hil-firmware")
    return found


def make(kind: str, micropython: Path, folder: Path) -> Board:
    """A board of a kind, not started."""
    if kind == "unix":
        return UnixBoard([str(micropython)], folder)
    if kind == "pico":
        return PicoEmulator(frozen.pico(parts()), micropython, folder)
    port = find_port(os.environ)
    if port is None:
        missing("no board is plugged in; name its port: GENGFU_HIL_PORT=/dev/ttyACM0")
    return RealBoard(port, parts())
