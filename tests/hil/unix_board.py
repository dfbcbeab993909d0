"""The firmware as a process: MicroPython's unix port, 64 bits or, with a board's tight heap, 32 bits."""

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.firmware.interpreters import FIRMWARE, ROOT
from tests.hil.board import EXEC, NETWORK, POWER_CUT, READY_S, Board, BoardFailed, arguments
from tests.hil.serial_wire import SerialWire

ENDS_S = 10.0


class UnixBoard(Board):
    """``command`` starts the interpreter; ``heap`` as its ``-X heapsize``."""

    name = "unix"
    capabilities = frozenset({NETWORK, POWER_CUT, EXEC})

    path = f"{FIRMWARE}:{ROOT}:.frozen"
    entry: tuple[str, ...] = (str(FIRMWARE / "main.py"),)

    def __init__(self, command: Sequence[str], folder: Path, *, heap: str = "512k") -> None:
        super().__init__()
        self._command = [*command, "-X", f"heapsize={heap}"]
        self._state = folder / "state"
        self._state.mkdir(parents=True, exist_ok=True)
        self._environment = {"MICROPYPATH": self.path, "LC_ALL": "C"}
        self._wires = [SerialWire(), SerialWire()]
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._last: tuple[str, dict[str, object]] = ("gas-alarm", {})

    @property
    def title(self) -> str:
        return f"{self.name} ({self.exec('import sys; print(sys.version)').strip()})"

    def start(self, product: str = "gas-alarm", **settings: object) -> None:
        if self._process is not None:
            self._end(kill=False)
        self.product = product
        self._last = (product, settings)
        before = len(self.of("started"))
        given = {"gateway": "none", "modbus": self._wires[0].tty, "state": self._state, **settings}
        pairs = [word for name, text in arguments(product, given).items() for word in ("--" + name, text)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*self._command, *self.entry, *pairs],
            env=self._environment,
            cwd=self._state,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        process = self._process
        self.wait(lambda: len(self.of("started")) > before or process.poll() is not None, "the board to start", READY_S)
        if len(self.of("started")) == before:
            raise BoardFailed(f"{self.name}: it ended instead of starting; its last words: {self.events[-8:]}")

    def put(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = self._state / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def exec(self, code: str) -> str:
        done = subprocess.run(
            [*self._command, "-c", code],
            env=self._environment,
            cwd=self._state,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise BoardFailed(f"{self.name}: {done.stdout}{done.stderr}")
        return done.stdout

    def reset(self) -> None:
        self._end(kill=False)
        product, settings = self._last
        self.start(product, **settings)

    def power_cut(self) -> None:
        self._end(kill=True)

    def uart(self, number: int = 0) -> str:
        return self._wires[number].url

    @property
    def terminals(self) -> list[str]:
        """The board's ends of its serial lines."""
        return [wire.tty for wire in self._wires]

    def stimulate(self, line: str) -> None:
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            raise BoardFailed(f"{self.name}: it does not run; its last words: {self.events[-5:]}")
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def stop(self) -> None:
        if self._process is not None:
            self._end(kill=False)
        for wire in self._wires:
            wire.close()

    def _end(self, *, kill: bool) -> int:
        """End its life line, or kill it. Returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if kill:
            process.kill()
        try:
            if process.stdin is not None:
                process.stdin.close()
        except BrokenPipeError:
            pass  # it ended with a line of ours still in the pipe
        try:
            return process.wait(ENDS_S)
        finally:
            process.kill()
            process.wait()
            if self._reader is not None:
                self._reader.join(5)
            if process.stdout is not None:
                process.stdout.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                self._hear(line.rstrip("\n"))


class SmallUnixBoard(UnixBoard):
    """32 bits and the firmware frozen in: the heap is used as on a microcontroller, and is told (`heap_watch`)."""

    name = "unix, 32 bits, firmware frozen"
    path = ".frozen"
    entry = ("-m", "heap_watch")
