"""The files of a `SqliteJournal`: lock, schema version, check at start, setting aside what is damaged.

FOLDER/journal.sqlite          entries and state (SQLite 3, WAL; -wal and -shm beside it while open)
FOLDER/journal.lock            held by the one process that owns the folder; its pid inside
FOLDER/journal.sqlite.corrupt-YYYYMMDDTHHMMSSZ   a damaged file, kept for a person to look at
"""

import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from journal.errors import JournalError, JournalLocked, JournalNewer, primary_code, translate, translate_os

FILE = "journal.sqlite"
LOCK = "journal.lock"
VERSION = 1
"""Of the schema, in PRAGMA user_version."""

CHECK_BYTES = 256 * 1024 * 1024
"""Up to this size the whole file is checked at start (about 1 s); of a larger one only the newest entries."""

_SCHEMA = (
    "CREATE TABLE entry (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
    " partition INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE state (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE tail (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
    f"PRAGMA user_version = {VERSION}",
)
_TABLES = {"entry", "state", "tail"}
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SetAside(NamedTuple):
    """A damaged file that was kept under another name. To be announced loudly: its entries are not read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path}: the journal was damaged ({self.reason}); it was set aside and a new one begun. "
            "What no consumer had read yet is in that file: keep it and have it looked at"
        )


class _Damaged(Exception):
    pass


class FolderLock:
    """One process per folder. Raises `JournalLocked`; released by `release` or by the end of the process."""

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise translate_os(error, path) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise JournalLocked(
                f"{folder}: process {owner} already uses this journal; stop it or choose another data folder"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that any thread may use (one at a time)."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)


def open_file(folder: Path, now: int) -> tuple[sqlite3.Connection, tuple[SetAside, ...]]:
    """The writing connection, checked and of the current schema; damaged files were set aside.

    Raises `JournalNewer`, `JournalFull`, `JournalUnusable` or `JournalError`.
    """
    path = folder / FILE
    try:
        aside = _inspect(path, now) if path.exists() else ()
        return _prepare(path), aside
    except sqlite3.Error as error:
        raise translate(error, path) from error


def _inspect(path: Path, now: int) -> tuple[SetAside, ...]:
    connection = connect(path)
    # The file is renamed before its connection closes: closing writes the log into it and removes the log.
    try:
        _check(connection, path)
    except _Damaged as damage:
        return (_set_aside(path, str(damage), now),)
    except sqlite3.Error as error:
        if primary_code(error) not in _DAMAGE:
            raise
        return (_set_aside(path, str(error), now),)
    finally:
        connection.close()
    return ()


def _check(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > VERSION:
        raise JournalNewer(
            f"{path}: written by a newer program (schema {version}, this program knows {VERSION}); "
            "start the newer program or choose another data folder"
        )
    if version == 0 and tables:
        raise JournalError(f"{path}: not a journal (tables {sorted(tables)}); choose another data folder")
    if version == VERSION and not tables >= _TABLES:
        raise _Damaged(f"tables are missing: {sorted(_TABLES - tables)}")
    if path.stat().st_size <= CHECK_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _Damaged(found)
    elif version:
        connection.execute("SELECT * FROM entry ORDER BY position DESC LIMIT 10000").fetchall()


def _set_aside(path: Path, reason: str, now: int) -> SetAside:
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


def _prepare(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
