"""Segments: the files of a journal, oldest first; the last is written to, the others are sealed and go as a whole.

A file that is removed costs nothing; rows that are deleted cost as much as they did to write, and give no space back
to the disk. What is damaged in one file is lost alone.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from journal.errors import JournalClosed, JournalUnusable, is_damage, translate, translate_os
from journal.file import (
    Begin,
    SetAside,
    begin_segment,
    connect,
    inspect,
    is_begun,
    open_segment,
    position_of,
    remove,
    set_aside,
)
from journal.readers import Readers

log = logging.getLogger("gengfu.journal")

COUNTS = "segment/counts"
"""Key in the state of a sealed segment, whose own state went on to the next one: `Sealed.counts`."""
_COUNT = "SELECT partition, count(*) FROM entry GROUP BY partition"
_counts = msgspec.msgpack.Decoder(dict[int, int])


class Sealed(NamedTuple):
    """What a sealed segment leaves: the newest position of each partition in it, when it was sealed (UTC ns), bytes,
    and how many entries of each partition it has (``None``: nobody has counted them)."""

    tail: Mapping[int, int]
    at: int
    size: int
    counts: Mapping[int, int] | None = None


class Segment:
    """One file. ``base``: the lowest position it may hold; ``sealed`` is ``None`` while it is written to."""

    def __init__(self, path: Path, base: int, sealed: Sealed | None = None) -> None:
        self.path = path
        self.base = base
        self.sealed = sealed
        self.is_gone = False
        self.readers = Readers(path)
        if sealed is not None:
            self.readers.retire()

    def ends_before(self, end: int) -> bool:
        """Whether all its entries stand below a position."""
        return self.sealed is not None and all(last < end for last in self.sealed.tail.values())

    def is_passed(self, floors: Sequence[int]) -> bool:
        """Whether none of its entries is beyond the ``floors`` of the partitions."""
        return self.sealed is not None and all(floors[part] >= last for part, last in self.sealed.tail.items())


def _nobody(_start: int, _end: int) -> None:
    """Is told."""


class Segments:
    """Opened with `open_folder`. The list is changed by whoever holds the lock, and never in place. ``on_lost`` is told
    the positions [start, end) of a segment that was lost, on the thread that found out."""

    def __init__(self, folder: Path, segments: Iterable[Segment], warnings: Iterable[SetAside]) -> None:
        self.folder = folder
        self.all = tuple(segments)
        self.warnings = tuple(warnings)
        self.on_lost: Callable[[int, int], None] = _nobody
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def active(self) -> Segment:
        """The one that is written to."""
        return self.all[-1]

    @property
    def sealed_bytes(self) -> int:
        """Of all files but the active one."""
        return sum(one.sealed.size for one in self.all if one.sealed is not None)

    def overlapping(self, start: int, end: int) -> Iterator[Segment]:
        """Those that may hold positions in [``start``, ``end``), oldest first."""
        segments = self.all
        for number, one in enumerate(segments):
            last = number + 1 == len(segments)
            if one.base < end and (last or segments[number + 1].base > start):
                yield one

    def since(self, at: int) -> int:
        """See `journal.sqlite.SqliteJournal.since`."""
        return next(one.base for one in self.all if one.sealed is None or one.sealed.at >= at)

    def query(self, segment: Segment, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows; none of a segment that was removed meanwhile. One that turns out to be damaged is set aside, and
        the others are read on. Raises `JournalError`."""
        try:
            with segment.readers.lend() as connection:
                return connection.execute(sql, parameters).fetchall()
        except JournalClosed:
            if not segment.is_gone:
                raise
        except JournalUnusable as error:
            if segment.is_gone:
                return []
            if segment.sealed is None or not (is_damage(error.__cause__) or not segment.path.exists()):
                raise
            self._lose(segment, str(error))
        return []

    def counts(self, segment: Segment) -> Mapping[int, int]:
        """How many entries of each partition a sealed segment has. Reads all of it, once, where nobody has counted: it
        was sealed by an earlier program, or begun in an earlier run."""
        sealed = segment.sealed
        assert sealed is not None
        if sealed.counts is None:
            sealed = sealed._replace(counts=dict(self.query(segment, _COUNT, ())))
            segment.sealed = sealed
        return sealed.counts or {}

    def check_open(self) -> None:
        """Raises `JournalClosed`."""
        if self._is_closed:
            raise JournalClosed(f"{self.folder}: the journal is closed; open it again")

    def roll(self, active: Segment, sealed: Sealed) -> None:
        """``active`` is written to from now on; the one before it is sealed."""
        with self._lock:
            before = self.active
            before.sealed = sealed
            self.all = (*self.all, active)
        before.readers.retire()

    def drop(self, segment: Segment) -> None:
        """Remove a sealed segment."""
        if self._leave_out(segment):
            remove(segment.path)

    def close(self) -> None:
        self._is_closed = True
        for one in self.all:
            one.readers.close()

    def _leave_out(self, segment: Segment) -> int:
        """The position behind its last; 0 if it was left out before."""
        with self._lock:
            if segment.is_gone:
                return 0
            segment.is_gone = True
            end = self.all[self.all.index(segment) + 1].base
            self.all = tuple(one for one in self.all if one is not segment)
        segment.readers.close()
        return end

    def _lose(self, segment: Segment, reason: str) -> None:
        end = self._leave_out(segment)
        if not end:
            return
        self.on_lost(segment.base, end)
        if segment.path.exists():
            assert segment.sealed is not None
            log.error("%s", set_aside(segment.path, reason, segment.sealed.at))
        else:
            log.error(
                "%s: this part of the journal is gone; what no consumer had read yet is lost. Look who removed it",
                segment.path,
            )


def open_folder(folder: Path, now: int) -> tuple[Segments, sqlite3.Connection]:
    """The segments of a folder, and the connection that writes to the last. Begins a first one.

    Raises `JournalNewer`, `JournalFull`, `JournalUnusable`, `JournalError`.
    """
    try:
        return _open_folder(folder, now)
    except sqlite3.Error as error:
        raise translate(error, folder) from error
    except OSError as error:
        raise translate_os(error, folder) from error


def _open_folder(folder: Path, now: int) -> tuple[Segments, sqlite3.Connection]:
    there = sorted((path for path in folder.iterdir() if position_of(path) is not None), key=_position)
    begun = {path: is_begun(path) for path in there}
    for path in there:
        if not begun[path]:
            remove(path)
    paths = [path for path in there if begun[path]]
    warnings = {path: inspect(path, now, whole=path == paths[-1]) for path in paths}
    good = [path for path in paths if warnings[path] is None]
    sealed = [_sealed(path, now) for path in good[:-1]]
    last, connection = _open_last(folder, good[-1] if good else None, now)
    if last is not None:
        sealed.append(last)
    path = _path_of(connection)
    return Segments(folder, [*sealed, Segment(path, _position(path))], filter(None, warnings.values())), connection


def _position(path: Path) -> int:
    return position_of(path) or 0


def _path_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def _open_last(folder: Path, path: Path | None, now: int) -> tuple[Segment | None, sqlite3.Connection]:
    """The connection that writes, and the segment before it where a new one had to be begun."""
    if path is None:
        return None, begin_segment(folder, Begin(now // 1000, now, {}, {}))[1]
    connection = open_segment(path, now)
    if not _is_sealed(connection):
        return None, connection
    # The newest was lost or set aside. What stood in the state before it is old, but to forget a trip is worse.
    state = dict(connection.execute("SELECT key, body FROM state WHERE key != ?", (COUNTS,)))
    tail = dict(connection.execute("SELECT partition, position FROM tail"))
    connection.close()
    position = max(max(tail.values(), default=0) + 1, now // 1000)
    return load_sealed(path), begin_segment(folder, Begin(position, now, state, tail))[1]


def _is_sealed(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT sealed FROM span").fetchone()[0] is not None


def _sealed(path: Path, now: int) -> Segment:
    """One that is followed by another. It is sealed now, where a crash came between the two."""
    connection = open_segment(path, now)
    try:
        if not _is_sealed(connection):
            tail = dict(connection.execute("SELECT partition, max(position) FROM entry GROUP BY partition"))
            seal(connection, tail, now, dict(connection.execute(_COUNT)))
    finally:
        connection.close()
    return load_sealed(path)


def seal(
    connection: sqlite3.Connection, tail: Mapping[int, int], now: int, counts: Mapping[int, int] | None = None
) -> None:
    """Nothing more comes into this segment. ``tail``: newest position of each partition; ``counts``: see `Sealed`."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR REPLACE INTO tail VALUES (?, ?)", list(tail.items()))
    if counts is not None:
        connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (COUNTS, msgspec.msgpack.encode(counts)))
    connection.execute("UPDATE span SET sealed = ?", (now,))
    connection.execute("COMMIT")


def load_sealed(path: Path) -> Segment:
    """Of a file that is sealed."""
    base = _position(path)
    connection = connect(path)
    try:
        tail = dict(connection.execute("SELECT partition, position FROM tail WHERE position >= ?", (base,)))
        at = connection.execute("SELECT sealed FROM span").fetchone()[0]
        counted = connection.execute("SELECT body FROM state WHERE key = ?", (COUNTS,)).fetchone()
    finally:
        connection.close()
    counts = None if counted is None else _counts.decode(counted[0])
    return Segment(path, base, Sealed(tail, at, path.stat().st_size, counts))
