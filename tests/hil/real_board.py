"""A board on the desk: found by its USB vendor, reached over its USB serial port, wired as `bench.toml` says.

Never run on silicon so far: docs/hil.md.
"""

import contextlib
import threading
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serial.tools import list_ports

from tests.hil import images
from tests.hil.board import EXEC, Board, BoardFailed, arguments
from tests.hil.line import Line, LineGone
from tests.hil.raw_repl import RawRepl
from tools import flash
from tools.board_hold import Hold
from tools.hil_firmware import Parts

BENCH = Path(__file__).with_name("bench.toml")
PORT = "GENGFU_HIL_PORT"
COMES_BACK_S = 20.0
LISTENS_S = 0.1
CLEAR = flash.CLEAR.format(folder="/a") + "quietly(clear, '/state')\n"
"""A test begins with a board that remembers nothing."""


def bench() -> dict[str, Any]:
    """The desk: bench.toml."""
    return tomllib.loads(BENCH.read_text(encoding="utf-8"))


def find_port(environment: Mapping[str, str]) -> str | None:
    """The port that is named, else the first board of a known vendor, else ``None``."""
    if named := environment.get(PORT):
        return named
    vendors = {int(one, 16) for one in bench()["usb"]["vendors"]}
    return next((found.device for found in sorted(list_ports.comports()) if found.vid in vendors), None)


class RealBoard(Board):
    """``port``: its USB serial port. The firmware is put on it once; what it recorded before is erased."""

    name = "real board"
    capabilities = frozenset({EXEC})
    time_scale = 2.0

    def __init__(self, port: str, parts: Parts) -> None:
        super().__init__()
        self._port = port
        self._parts = parts
        self._installed = ""
        self._console: Line | None = None
        self._reader: threading.Thread | None = None

    @property
    def title(self) -> str:
        return f"{self.name} at {self._port}"

    def start(self, product: str = "gas-alarm", **settings: object) -> None:
        self.product = product
        before = len(self.of("started"))
        self._hold()
        kind = bench()["board"]["kind"]
        given = {"gateway": "none", "modbus": images.line_of(kind)[0], "parts": "rig", **settings}
        files = {images.SETTINGS: images.settings(arguments(product, given))}
        if self._installed != product:
            files |= images.files(self._parts, kind, product)
        with RawRepl(self._port) as repl:
            if not self._installed:
                repl.exec(CLEAR)
            repl.put(files)
            self._installed = product
            # The port goes with the reset, before there is an answer.
            with contextlib.suppress(AssertionError):
                repl.exec("import machine\nmachine.reset()")
        self._listen()
        self._await_started(before)

    def put(self, files: Mapping[str, bytes]) -> None:
        self._hold()
        with RawRepl(self._port) as repl:
            repl.put(files)

    def exec(self, code: str) -> str:
        self._hold()
        with RawRepl(self._port) as repl:
            return repl.exec(code)

    def reset(self) -> None:
        before = len(self.of("started"))
        self.stimulate("restart")
        # Where the console is the chip's own USB, the port goes and comes.
        self.wait(lambda: len(self.of("started")) > before or not self._is_heard(), "the restart")
        if not self._is_heard():
            self._quiet()
            self._listen()
        self._await_started(before)

    def power_cut(self) -> None:
        raise BoardFailed(f"{self.name}: nothing here can cut its supply; ask for the capability first")

    def uart(self, number: int = 0) -> str:
        found = bench()["uart"].get(str(number))
        if not found:
            raise BoardFailed(f"{self.name}: bench.toml names no adapter for UART {number}")
        return str(found)

    def stimulate(self, line: str) -> None:
        if self._console is None:
            raise BoardFailed(f"{self.name}: it does not run")
        self._console.write(line.encode() + b"\n")

    def stop(self) -> None:
        self._quiet()

    def _hold(self) -> None:
        """Bring it into its interpreter, if it is not there already."""
        self._quiet()
        Hold(lambda: Line(self._port, 115200), print, LineGone, self.time_scale).run()

    def _is_heard(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _quiet(self) -> None:
        """Let go of the console."""
        console, self._console = self._console, None
        if console is not None:
            console.close()
        if self._reader is not None:
            self._reader.join(5)
            self._reader = None

    def _listen(self) -> None:
        """Take the console again after a reset, when the port has come back."""
        deadline = time.monotonic() + COMES_BACK_S
        while True:
            try:
                self._console = Line(self._port)
                break
            except LineGone as error:
                if time.monotonic() > deadline:
                    raise BoardFailed(f"{self.name}: {self._port} did not come back: {error}") from error
                threading.Event().wait(LISTENS_S)
        self._reader = threading.Thread(target=self._read, args=(self._console,), daemon=True)
        self._reader.start()

    def _read(self, console: Line) -> None:
        rest = b""
        while True:
            try:
                rest += console.read(LISTENS_S)
            except LineGone:
                return
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self._hear(line.decode(errors="replace").rstrip("\r"))
