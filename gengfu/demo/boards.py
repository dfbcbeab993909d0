"""The demo's boards: one real MicroPython process each, running the project's own firmware.

A board's standard input is both its life line (it exits when the pipe closes, so no board outlives the demo,
not even a killed one) and its stimulus: what a person or the air does to it.
"""

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gengfu import places
from gengfu.errors import InputError

log = logging.getLogger("gengfu.demo.boards")

RESTART_PAUSE_S = 1.0
KEPT_LINES = 200


@dataclass
class Board:
    """One board. ``arguments`` are those of the firmware's `main.py`; ``events`` its last lines."""

    device: str
    arguments: tuple[str, ...]
    log_file: Path
    starts: int = 0
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
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=places.board_environment(),
        )
        self._process = process
        self.starts += 1
        try:
            await self._listen(process)
        finally:
            await _end(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log_file.open("ab") as kept:
            while line := await process.stdout.readline():
                kept.write(line)
                kept.flush()
                try:
                    event = json.loads(line)
                except ValueError:
                    log.warning("board %s: %s", self.device, line.decode(errors="replace").rstrip())
                    continue
                self.events.append(event)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the life line; a board that does not end within a second is killed by its pid."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), 1.0)
    except TimeoutError:
        process.kill()
        await process.wait()
