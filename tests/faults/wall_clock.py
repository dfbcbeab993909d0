"""A wall clock of its own for a program, which can be stepped while it runs (`wall_clock.c`)."""

import mmap
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.fixtures.programs import missing

SOURCE = Path(__file__).with_name("wall_clock.c")
SECOND = 10**9
END_OF_32_BITS = 2**31
"""2038-01-19T03:14:08Z, in UTC seconds."""


def before_2038(seconds: float) -> float:
    """By how much a clock is off for which that instant comes in so many seconds."""
    return END_OF_32_BITS - seconds - time.time()


class WallClock:
    """``environment``: for who shall live by it. The test is skipped (in CI: fails) without a C compiler."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            missing(
                "no C compiler (cc) to make a clock of its own for a program; run: sudo apt-get install gcc libc6-dev"
            )
        library, file = folder / "wall_clock.so", folder / "wall_clock"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._off_by = mmap.mmap(opened.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_FILE": str(file)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._off_by.close()

    def set_off_by(self, seconds: float) -> None:
        """Against the true time, from now on."""
        self._off_by[:] = round(seconds * SECOND).to_bytes(8, "little", signed=True)
