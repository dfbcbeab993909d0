"""Readers: connections to one file that only read, lent to whichever thread asks."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.errors import JournalClosed, translate
from journal.file import connect, connect_sealed


class Readers:
    """As many connections as threads ever read at once, none of them idle after `retire`: a sealed file is seldom read,
    and need not stay open. After `close` every loan raises `JournalClosed`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False
        self._keeps = True

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """A connection for one query; SQLite's errors leave as `JournalError`."""
        connection = None
        try:
            connection = self._take()
            yield connection
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._is_closed:
                raise JournalClosed(f"{self._path}: the journal is closed; open it again")
            if self._idle:
                return self._idle.pop()
        connection = connect(self._path) if self._keeps else connect_sealed(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._keeps and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def retire(self) -> None:
        """The file is sealed; from now on each loan has a connection of its own."""
        with self._lock:
            self._keeps = False
        self._close_idle()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
