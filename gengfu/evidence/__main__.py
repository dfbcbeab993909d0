"""The process that copies: ``python -m gengfu.evidence EVIDENCE JOURNAL REQUESTS FRAMES``, begun by `CopyProcess`.

Orders come on the standard input, which is a socket, and answers go back over it. It gives way to every other process.
"""

import logging
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from gateway.frame_files import FrameFiles
from gengfu.evidence.copier import Copier, Sources
from gengfu.evidence.copying import Answer, Folders
from gengfu.evidence.order import Order
from journal.errors import JournalError, translate_os
from journal.lock import FolderLock
from journal.onlooker import Onlooker

NICE = 10


class Gathered(logging.Handler):
    """What is to be told, for the process that asked to tell it."""

    def __init__(self) -> None:
        super().__init__()
        self._told: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        self._told.append((record.levelno, record.getMessage()))

    def take(self) -> list[tuple[int, str]]:
        """Levels and texts since the last call."""
        told, self._told = self._told, []
        return told


def main() -> int:
    """Carry out orders until the line is closed."""
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    parent = os.getppid()
    folders = Folders(*map(Path, sys.argv[1:]))
    gathered = Gathered()
    logging.basicConfig(handlers=[gathered], level=logging.INFO)
    sources = Sources(Onlooker(folders.journal), Onlooker(folders.requests), FrameFiles(folders.frames))
    copier = Copier(folders.evidence, sources, lambda: os.getppid() != parent)
    line: Connection[bytes, bytes] = Connection(sys.stdin.fileno())
    lock: FolderLock | None = None
    while (order := _next_order(line)) is not None:
        try:
            # one that was left behind by a gateway that was killed may end its slice yet
            lock = lock or _lock(folders.evidence)
            answer = Answer(copier.run(order), "", gathered.take())
        except JournalError as error:
            answer = Answer(None, str(error), gathered.take())
        line.send_bytes(msgspec.msgpack.encode(answer))
    return 0


def _lock(folder: Path) -> FolderLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os(error, folder) from error
    return FolderLock(folder)


def _next_order(line: "Connection[bytes, bytes]") -> Order | None:
    try:
        return msgspec.msgpack.decode(line.recv_bytes(), type=Order)
    except EOFError:
        return None


if __name__ == "__main__":
    sys.exit(main())
