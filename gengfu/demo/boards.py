"""The demo's boards: one real MicroPython process each, running the project's own firmware.

A board's standard input is both its life line (it exits when the pipe closes, so no board outlives the demo,
not even a killed one) and its stimulus: what a person or the air does to it. The firmware's watchdog cannot find a
loop that never comes back: no signal reaches it. So the board says `alive`, and one that falls silent is reset here.
"""

import asyncio
import json
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gengfu import places
from gengfu.errors import InputError
from gengfu.precedence import without_precedence

log = logging.getLogger("gengfu.demo.boards")

RESTART_PAUSE_S = 1.0
KEPT_LINES = 200
ALIVE = "alive"
"""A board says so at least twice in the 8 s of its watchdog. It is not kept: it would push out what did happen."""
RESET_CAUSE = "reset"
"""Where a board finds why it starts: a file among its records (`hal.reset_marker` of the firmware)."""
SILENT_S = 4.0
SILENCES = 3
"""So many waits without a line in a row. One alone may be ours: a loop that was held finds its timers over first."""


@dataclass
class Board:
    """One board. ``arguments`` are those of the firmware's `main.py`, but for ``state``, its records; ``events`` its
    last lines.
    """

    device: str
    arguments: tuple[str, ...]
    state: Path
    log_file: Path
    starts: int = 0
    silent_s: float = SILENT_S
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    _process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the board runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def stimulate(self, line: str) -> None:
        """Send one stimulus line (``gas 60``). Raises `InputError` when the board is not running."""
        if self.pid is None or self._process is None or self._process.stdin is None:
            raise InputError(f"board {self.device} is not running; see {self.log_file}")
        self._process.stdin.write(line.encode() + b"\n")

    async def run(self) -> None:
        """Run the board; start it again when it ends, as its watchdog would."""
        while True:
            await self._run_once()
            log.warning("board %s ended; starting it again (%s)", self.device, self.log_file)
            await asyncio.sleep(RESTART_PAUSE_S)

    async def _run_once(self) -> None:
        process = await asyncio.create_subprocess_exec(
            str(places.micropython()),
            "-X",
            "heapsize=512k",
            str(places.firmware() / "main.py"),
            *self.arguments,
            "--state",
            str(self.state),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=places.board_environment(),
        )
        without_precedence(process.pid)
        self._process = process
        self.starts += 1
        try:
            await self._listen(process)
        finally:
            await _end(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log_file.open("ab") as kept:
            while line := await self._line(process.stdout):
                event = self._event(line)
                if event.get("event") == ALIVE:
                    continue
                kept.write(line)
                kept.flush()
                if event:
                    self.events.append(event)

    def _event(self, line: bytes) -> dict[str, Any]:
        """The event of a line; empty for one that is none, such as a line of a traceback."""
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                return event
        log.warning("board %s: %s", self.device, line.decode(errors="replace").rstrip())
        return {}

    async def _line(self, output: asyncio.StreamReader) -> bytes:
        """The next line, empty when the board has ended; a board that fell silent is reset, as a watchdog does it."""
        for _ in range(SILENCES):
            with suppress(TimeoutError):
                async with asyncio.timeout(self.silent_s):
                    return await output.readline()
        log.warning("board %s says nothing any more: it is reset by the watchdog", self.device)
        self.state.mkdir(exist_ok=True)
        (self.state / RESET_CAUSE).write_bytes(b"watchdog")
        assert self._process is not None
        self._process.kill()
        return b""


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the life line; a board that does not end within a second is killed by its pid."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 1.0)
    except TimeoutError:
        process.kill()
        await process.wait()
