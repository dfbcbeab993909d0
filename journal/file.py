"""One segment file of a `SqliteJournal`: name, schema and its version, check, setting aside what is damaged.

FOLDER/journal-NNNNNNNNNNNNNNNNNNNN.sqlite   entries from position N on, and state (SQLite 3, WAL; -wal and -shm beside
                                             it while it is open); the highest is written to, the others are sealed
FOLDER/journal.sqlite                        the first one where schema 1 began it, when there was one file only
FOLDER/NAME.corrupt-YYYYMMDDTHHMMSSZ         a damaged file, kept for a person to look at
"""

import os
import re
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from journal.errors import JournalError, JournalNewer, is_damage, translate

OLD_NAME = "journal.sqlite"
VERSION = 2
"""Of the schema, in PRAGMA user_version."""

CHECK_BYTES = 256 * 1024 * 1024
"""Up to this size the whole file is checked at start (about 1 s); of a larger one only the newest entries."""

_NAME = re.compile(r"journal-(\d{20})\.sqlite")
_ENTRY = (
    "CREATE TABLE entry (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
    " partition INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL)"
)
_STATE = "CREATE TABLE state (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID"
_TAIL = "CREATE TABLE tail (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL)"
_SPAN = "CREATE TABLE span (begun INTEGER NOT NULL, sealed INTEGER)"
"""One row: when the segment was begun and sealed, UTC ns; ``sealed`` is NULL while it is written to."""

_BEGUN = "INSERT INTO span VALUES (?, NULL)"

_TABLES = {"entry", "state", "tail", "span"}
_SINCE = {"span": 2}
"""Tables that came with a later version of the schema."""


class SetAside(NamedTuple):
    """A damaged file that was kept under another name. To be announced loudly: its entries are not read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path}: the journal was damaged ({self.reason}); it was set aside and a new one begun. "
            "What no consumer had read yet is in that file: keep it and have it looked at"
        )


class Begin(NamedTuple):
    """What a new segment begins with: ``state``, and the newest position of each partition before it."""

    position: int
    now: int
    state: Mapping[str, bytes]
    tail: Mapping[int, int]


class _Damaged(Exception):
    pass


def path_of(folder: Path, position: int) -> Path:
    """Of the segment that begins with ``position``."""
    return folder / f"journal-{position:020d}.sqlite"


def position_of(path: Path) -> int | None:
    """The lowest position that the file may hold; ``None`` for a file that is no segment."""
    if path.name == OLD_NAME:
        return 0
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else None


def connect(path: Path, options: str = "mode=rw") -> sqlite3.Connection:
    """A connection in autocommit mode that any thread may use (one at a time)."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
    )


def connect_sealed(path: Path) -> sqlite3.Connection:
    """To read a file that nobody writes to. It makes no file beside it: on a full disk it could not."""
    has_log = path.with_name(f"{path.name}-wal").exists()
    return connect(path, "mode=rw" if has_log else "mode=ro&immutable=1")


def is_begun(path: Path) -> bool:
    """Whether the file is more than what a crash or a full disk left of one that was being begun. Damage is not looked
    for. Raises `JournalNewer`, and `JournalError` for a file that is no journal."""
    connection = connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = _tables(connection)
    except sqlite3.Error as error:
        if is_damage(error):
            return True
        raise translate(error, path) from error
    finally:
        connection.close()
    if version > VERSION:
        raise JournalNewer(
            f"{path}: written by a newer program (schema {version}, this program knows {VERSION}); "
            "start the newer program or choose another data folder"
        )
    if version == 0 and tables:
        raise JournalError(f"{path}: not a journal (tables {sorted(tables)}); choose another data folder")
    return bool(version)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def inspect(path: Path, now: int, *, whole: bool) -> SetAside | None:
    """Set the file aside if it is damaged. ``whole``: look at all of it, not only at what is needed to open it."""
    connection = connect(path)
    # The file is renamed before its connection closes: closing writes the log into it and removes the log.
    try:
        _check(connection, path, whole=whole)
    except _Damaged as damage:
        return set_aside(path, str(damage), now)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise translate(error, path) from error
        return set_aside(path, str(error), now)
    finally:
        connection.close()
    return None


def _check(connection: sqlite3.Connection, path: Path, *, whole: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    needed = {name for name in _TABLES if version >= _SINCE.get(name, 1)}
    if missing := needed - _tables(connection):
        raise _Damaged(f"tables are missing: {sorted(missing)}")
    for name in needed - {"entry", "state"}:
        connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - a constant
    if not whole:
        return
    if path.stat().st_size <= CHECK_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _Damaged(found)
    else:
        connection.execute("SELECT * FROM entry ORDER BY position DESC LIMIT 10000").fetchall()


def set_aside(path: Path, reason: str, now: int) -> SetAside:
    """Keep a damaged file, and what stands beside it, under a name of its own."""
    moment = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.corrupt-{moment}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.corrupt-{moment}-{number}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return SetAside(target, reason)


def remove(path: Path) -> None:
    """With what stands beside it. The file itself goes last: as long as it is there, its log belongs to it."""
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def open_segment(path: Path, now: int) -> sqlite3.Connection:
    """The connection that writes to a segment that is there, its schema brought to `VERSION`."""
    connection = connect(path)
    try:
        _set_up(connection)
        if connection.execute("PRAGMA user_version").fetchone()[0] == 1:
            _together(connection, (_SPAN,), {_BEGUN: [(now,)]})
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def begin_segment(folder: Path, begin: Begin) -> tuple[Path, sqlite3.Connection]:
    """A new file and the connection that writes to it. Durable when this returns; a file that a crash or a full disk
    left half made has no version and holds nothing."""
    path = path_of(folder, begin.position)
    connection = connect(path, "mode=rwc")
    try:
        _set_up(connection)
        rows: dict[str, Iterable[tuple[object, ...]]] = {
            "INSERT INTO state VALUES (?, ?)": begin.state.items(),
            "INSERT INTO tail VALUES (?, ?)": begin.tail.items(),
            _BEGUN: [(begin.now,)],
        }
        _together(connection, (_ENTRY, _STATE, _TAIL, _SPAN), rows)
        _sync_folder(folder)
    except (sqlite3.Error, OSError):
        connection.close()
        remove(path)
        raise
    return path, connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 16777216")


def _together(
    connection: sqlite3.Connection, tables: Iterable[str], rows: Mapping[str, Iterable[tuple[object, ...]]]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in tables:
        connection.execute(table)
    for sql, values in rows.items():
        connection.executemany(sql, values)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _sync_folder(folder: Path) -> None:
    """The name of a new file is durable only when its folder is."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
