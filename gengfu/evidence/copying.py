"""Copying in a process of its own: what it reads and sorts would hold the interpreter that the alarms need.

The process is begun when there is something to copy and ends when every file is whole. It ends by itself when we do.
"""

import logging
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec

from gengfu.evidence.order import Order, Report
from journal.errors import JournalError

log = logging.getLogger("gengfu.evidence")

END_S = 5.0
"""Until a process that was asked to end is made to."""


class Folders(NamedTuple):
    """Where evidence files, journal, requests and frame files are."""

    evidence: Path
    journal: Path
    requests: Path
    frames: Path


class Answer(msgspec.Struct, array_like=True):
    """``report``: ``None`` where ``error`` says why it failed. ``told``: levels and texts for the log."""

    report: Report | None
    error: str
    told: list[tuple[int, str]]


class CopyingEnded(Exception):
    """The process that copies ended; the next order begins another."""


class _Child(NamedTuple):
    process: "subprocess.Popen[bytes]"
    line: "Connection[bytes, bytes]"


class CopyProcess:
    """Implements `gengfu.evidence.order.Copies`; `run` raises `CopyingEnded` besides."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        child = self._child
        return child.process.pid if child is not None else None

    def run(self, order: Order) -> Report:
        """See `Copies.run`."""
        with self._lock:
            if self._closed.is_set():
                return Report()
            try:
                answer = self._ask(order)
            except (OSError, EOFError) as error:
                self._end()
                if self._closed.is_set():
                    return Report()
                raise CopyingEnded(f"the process that copies evidence ended: {error!r}") from error
            if answer.report is not None and not answer.report.standing:
                self._end()
        for level, text in answer.told:
            log.log(level, "%s", text)
        if answer.report is None:
            raise JournalError(answer.error)
        return answer.report

    def _ask(self, order: Order) -> Answer:
        if self._child is None:
            self._child = _begin(self._folders)
        if self._closed.is_set():  # while it was begun: who closes has not seen it
            self._child.process.terminate()
        line = self._child.line
        line.send_bytes(msgspec.msgpack.encode(order))
        return msgspec.msgpack.decode(line.recv_bytes(), type=Answer)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.line.close()
            try:
                child.process.wait(END_S)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def close(self) -> None:
        """Ends the process, within a step too: a step is one transaction, and is done again after the next start."""
        self._closed.set()
        child = self._child
        if child is not None:
            child.process.terminate()
        with self._lock:
            self._end()


def _begin(folders: Folders) -> _Child:
    ours, theirs = Pipe()
    # not of our terminal's group: Ctrl-C is for us, and we end it
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gengfu.evidence", *map(str, folders)],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return _Child(process, ours)
