"""Onlooker: reads a journal's folder in another process than the one that writes to it, and changes nothing."""

import json
import sqlite3
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from journal.entry import Entry, Stored
from journal.errors import is_damage, translate
from journal.file import connect, connect_sealed, position_of

_ENTRIES = (
    "SELECT position, kind, id, partition, at, body FROM entry"
    " WHERE position > ? AND partition IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?"
)


class Found(NamedTuple):
    """``position``: up to here everything that was asked for is in ``stored``, or was never there. ``lost``: files that
    could not be read, damaged; what stood in them is left out."""

    stored: list[Stored]
    position: int
    lost: tuple[Path, ...] = ()


class Onlooker:
    """Every method blocks on the disk and raises `JournalError`. Files may go while it reads: retention takes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def since(self, at: int) -> int:
        """As `journal.sqlite.SqliteJournal.since`; 0 for a journal that has no files."""
        paths = self._paths()
        for path in paths[:-1]:
            try:
                sealed = self._ask(path, False, "SELECT sealed FROM span", ())
            except _Lost:
                return position_of(path) or 0
            if sealed and (sealed[0][0] is None or sealed[0][0] >= at):
                return position_of(path) or 0
        return (position_of(paths[-1]) or 0) if paths else 0

    def read(self, partitions: Iterable[int], after: int, limit: int) -> Found:
        """Up to ``limit`` entries of the partitions beyond a position, in order of position over all of them."""
        wanted = json.dumps(sorted(partitions))
        found: list[Stored] = []
        lost: list[Path] = []
        reached = after
        for path, following in self._overlapping(after):
            # asked first: what comes while the rows are read is beyond it
            top = self._top(path) if following is None else following - 1
            try:
                rows = self._ask(path, following is None, _ENTRIES, (after, wanted, limit - len(found)))
            except _Lost:
                lost.append(path)
                rows = []
            found += [Stored(row[0], Entry._make(row[1:])) for row in rows]
            if len(found) == limit:
                return Found(found, found[-1].position, tuple(lost))
            reached = max(reached, top)
        return Found(found, reached, tuple(lost))

    def _paths(self) -> list[Path]:
        """Oldest first; the last is written to."""
        there = [path for path in self._folder.glob("journal*.sqlite") if position_of(path) is not None]
        return sorted(there, key=lambda path: position_of(path) or 0)

    def _overlapping(self, after: int) -> list[tuple[Path, int | None]]:
        """Files that may hold what is beyond ``after``, each with the position with which the next begins."""
        paths = self._paths()
        pairs: list[tuple[Path, int | None]] = [(one, position_of(following)) for one, following in pairwise(paths)]
        pairs += [(path, None) for path in paths[-1:]]
        return [(path, following) for path, following in pairs if following is None or following > after + 1]

    def _top(self, path: Path) -> int:
        rows = self._ask(path, True, "SELECT max(position) FROM entry", ())
        return (rows[0][0] if rows else None) or 0

    def _ask(self, path: Path, is_active: bool, sql: str, parameters: tuple[object, ...]) -> list[tuple[int, ...]]:
        """None of a file that is gone, or that is being begun. Raises `_Lost` for one that is damaged."""
        try:
            connection = connect(path) if is_active else connect_sealed(path)
            try:
                connection.execute("PRAGMA query_only = ON")
                if not connection.execute("PRAGMA user_version").fetchone()[0]:
                    return []
                return connection.execute(sql, parameters).fetchall()
            finally:
                connection.close()
        except sqlite3.Error as error:
            if not path.exists():
                return []
            if not is_active and is_damage(error):
                raise _Lost from error
            raise translate(error, path) from error


class _Lost(Exception):
    """A file that nobody writes to is damaged."""
