"""Extract: what is taken out of a journal and kept for good, in one SQLite file that explains itself.

It holds entries as they stood in the journal, and beside them what the journal does not know: the frames that the
entries were decoded from, why it was begun, and how to read the bodies. Whoever fills it says how far it has come in
the same transaction, so that it can be filled in steps, over ``kill -9``, without anything twice. It is one file,
without a log beside it (but for an instant, while a step is written): it may be copied as it is.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from journal.entry import Entry, Stored
from journal.errors import JournalError, JournalNewer, translate, translate_os
from journal.file import connect

VERSION = 1
"""Of the schema, in PRAGMA user_version. It came with the journal's schema 2."""
PAGE = 5000
"""Rows that are read at once: so long nothing can be written."""

_ENTRY = (
    "CREATE TABLE {} (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
    " partition INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL)"
)
_TABLES = (
    # one row; times are UTC ns; is_closed: nothing more comes
    "CREATE TABLE about (site TEXT NOT NULL, area TEXT NOT NULL, title TEXT NOT NULL, time_zone TEXT NOT NULL,"
    ' "begin" INTEGER NOT NULL, "end" INTEGER NOT NULL, is_closed INTEGER NOT NULL)',
    "CREATE TABLE alarm (alarm TEXT NOT NULL, at INTEGER NOT NULL, rule TEXT NOT NULL, device TEXT NOT NULL,"
    " raised_at INTEGER NOT NULL, PRIMARY KEY (alarm, at))",
    # points: JSON, name and unit of each value of its readings, in their order
    "CREATE TABLE device (device TEXT NOT NULL, profile TEXT NOT NULL, connection TEXT NOT NULL, points TEXT NOT NULL,"
    " PRIMARY KEY (device, profile))",
    _ENTRY.format("entry"),
    # of the journal in which people ask, whose positions are others
    _ENTRY.format("request"),
    "CREATE TABLE frame (at INTEGER NOT NULL, connection TEXT NOT NULL, outgoing INTEGER NOT NULL, peer TEXT NOT NULL,"
    " size INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE note (at INTEGER NOT NULL, text TEXT NOT NULL)",
    # one row: how far entries and frames are in
    "CREATE TABLE progress (position INTEGER NOT NULL, request INTEGER NOT NULL, file INTEGER NOT NULL,"
    " offset INTEGER NOT NULL)",
)
_STORED = "INSERT OR IGNORE INTO {} VALUES (?, ?, ?, ?, ?, ?)"

FrameRow: TypeAlias = tuple[int, str, bool, str, int, bytes]
"""(at UTC ns, connection, outgoing, peer, size on the wire, data)"""


class About(NamedTuple):
    """Of which area, and of which time (UTC ns, ``begin`` to ``end``). ``title``: the area's, for people."""

    site: str
    area: str
    title: str
    time_zone: str
    begin: int
    end: int
    is_closed: bool = False


class AlarmRow(NamedTuple):
    """Why it was begun, or goes on longer. ``at``: when it was decided, UTC ns."""

    alarm: str
    at: int
    rule: str
    device: str
    raised_at: int


class DeviceRow(NamedTuple):
    """``points``: JSON, ``[[name, unit], ...]`` in the order of the values of its readings."""

    device: str
    profile: str
    connection: str
    points: str


class NoteRow(NamedTuple):
    """Something that whoever reads it must know. ``at``: UTC ns."""

    at: int
    text: str


class Progress(NamedTuple):
    """How far it is filled: positions in the journal and in that of requests; file and offset of the frames."""

    position: int
    request: int
    file: int
    offset: int


class Step(NamedTuple):
    """What goes in together. ``end`` and ``is_closed``: the new ones of `About`, where they change."""

    progress: Progress
    entries: Sequence[Stored] = ()
    requests: Sequence[Stored] = ()
    frames: Sequence[FrameRow] = ()
    alarms: Sequence[AlarmRow] = ()
    devices: Sequence[DeviceRow] = ()
    notes: Sequence[NoteRow] = ()
    end: int | None = None
    is_closed: bool = False


class Extract:
    """Begin one with `begin`, or open one with `open`. Every method blocks on the disk and raises `JournalError`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `begin` or `open`."""
        self.path = path
        self._connection = connection

    @classmethod
    def begin(cls, path: Path, about: About, first: Step) -> "Extract":
        """A new file. What a crash leaves of one that was not finished is no extract, and is replaced."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise translate_os(error, path) from error
        extract = cls(path, _connected(path, "mode=rwc"))
        try:
            with extract._transaction() as connection:
                for table in _TABLES:
                    connection.execute(table)
                connection.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?, ?, ?)", about)
                connection.execute("INSERT INTO progress VALUES (?, ?, ?, ?)", first.progress)
                _put(connection, first)
                connection.execute(f"PRAGMA user_version = {VERSION}")
        except JournalError:
            extract.close()
            path.unlink(missing_ok=True)
            raise
        return extract

    @classmethod
    def open(cls, path: Path, *, to_write: bool = False) -> "Extract | None":
        """One that is there; ``None`` for what a crash left of one that was never begun. Raises `JournalNewer`."""
        connection = _connected(path, "mode=rw" if to_write else "mode=ro")
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            connection.close()
            raise translate(error, path) from error
        if version == VERSION:
            return cls(path, connection)
        connection.close()
        if version:
            raise JournalNewer(f"{path}: written by a newer program (schema {version}, this program knows {VERSION})")
        return None

    def store(self, step: Step) -> None:
        """All of it or nothing. An entry that is in already stays as it is."""
        with self._transaction() as connection:
            _put(connection, step)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    @property
    def about(self) -> About:
        """Its first row."""
        row = self._rows('SELECT site, area, title, time_zone, "begin", "end", is_closed FROM about')[0]
        return About._make(row)._replace(is_closed=bool(row[-1]))

    @property
    def progress(self) -> Progress:
        """How far it is filled."""
        return Progress(*self._rows("SELECT position, request, file, offset FROM progress")[0])

    @property
    def frame_bytes(self) -> int:
        """Bytes of all frames."""
        return int(self._rows("SELECT coalesce(sum(length(data)), 0) FROM frame")[0][0])

    def alarms(self) -> list[AlarmRow]:
        """In order of time."""
        return [AlarmRow(*row) for row in self._rows("SELECT * FROM alarm ORDER BY at, alarm")]

    def devices(self) -> list[DeviceRow]:
        """By id; a device that was given another profile meanwhile has two."""
        return [DeviceRow(*row) for row in self._rows("SELECT * FROM device ORDER BY device, profile")]

    def notes(self) -> list[NoteRow]:
        """In order of time."""
        return [NoteRow(*row) for row in self._rows("SELECT * FROM note ORDER BY at, rowid")]

    def entries(self) -> Iterator[Stored]:
        """In the order of the journal."""
        return self._stored("entry")

    def requests(self) -> Iterator[Stored]:
        """What people asked, in order."""
        return self._stored("request")

    def frames(self) -> Iterator[FrameRow]:
        """In the order in which they were recorded."""
        for _, at, connection, outgoing, peer, size, data in self._pages("SELECT rowid, * FROM frame WHERE rowid"):
            yield at, connection, bool(outgoing), peer, size, data

    def _stored(self, table: str) -> Iterator[Stored]:
        for row in self._pages(f"SELECT * FROM {table} WHERE position"):  # noqa: S608 - a constant of this class
            yield Stored(row[0], Entry._make(row[1:]))

    def _pages(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Rows whose first column grows, a page at a time: while one is read nothing can be written."""
        last = -1
        while rows := self._rows(f"{query} > ? ORDER BY 1 LIMIT {PAGE}", last):
            yield from rows
            last = rows[-1][0]

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def close(self) -> None:
        """May be called again."""
        self._connection.close()


def _put(connection: sqlite3.Connection, step: Step) -> None:
    put = connection.executemany
    put(_STORED.format("entry"), ((one.position, *one.entry) for one in step.entries))
    put(_STORED.format("request"), ((one.position, *one.entry) for one in step.requests))
    put("INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?)", step.frames)
    put("INSERT OR IGNORE INTO alarm VALUES (?, ?, ?, ?, ?)", step.alarms)
    put("INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?)", step.devices)
    put("INSERT INTO note VALUES (?, ?)", step.notes)
    connection.execute("UPDATE progress SET position = ?, request = ?, file = ?, offset = ?", step.progress)
    if step.end is not None:
        connection.execute('UPDATE about SET "end" = ?', (step.end,))
    if step.is_closed:
        connection.execute("UPDATE about SET is_closed = 1")


def _connected(path: Path, options: str) -> sqlite3.Connection:
    try:
        return connect(path, options)
    except sqlite3.Error as error:
        raise translate(error, path) from error
