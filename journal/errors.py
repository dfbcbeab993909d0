"""Errors of the package. A retry is decided by the type, never by the message.

JournalError
├── JournalFull       no space, or the bound is reached: nothing was stored, try again later
├── JournalUnusable   the disk or the file refuses (read-only, input/output error, damage): a person must act
├── JournalClosed     the journal was closed: stop
├── JournalLocked     another process owns the folder: stop one of the two
└── JournalNewer      the file was written by a newer program: use that one
"""

import errno
import sqlite3
from pathlib import Path


class JournalError(Exception):
    """The journal did not do what it was asked; nothing of that call is stored."""


class JournalFull(JournalError):
    """No space for this now. The caller refuses the device (5.03, no PUBACK) or tries again later."""


class JournalUnusable(JournalError):
    """The disk or the file refuses. Trying again helps only after somebody repaired it."""


class JournalClosed(JournalError):
    """Called after `close`."""


class JournalLocked(JournalError):
    """Another process owns the folder."""


class JournalNewer(JournalError):
    """The file's schema is newer than this program."""


_UNUSABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
}


def translate_os(error: OSError, path: Path) -> JournalError:
    """The error of our tree for one of the operating system's, from before SQLite is asked."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return JournalFull(f"{path}: {error.strerror}; free space on the disk")
    return JournalUnusable(f"{path}: {error.strerror}; choose a data folder that this user can write to")


DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file itself is damaged."""
    return isinstance(error, sqlite3.Error) and primary_code(error) in DAMAGE


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 where the error did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def translate(error: sqlite3.Error, path: Path) -> JournalError:
    """The error of our tree for one of SQLite's."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return JournalFull(f"{path}: the disk is full ({error}); free space on it, nothing was stored")
    if code in _UNUSABLE:
        return JournalUnusable(f"{path}: {error}; check the disk, its mount options and the folder's owner")
    return JournalError(f"{path}: {error}")
