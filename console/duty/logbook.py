"""The logbook of the desk: who did what when and why, in lines that are written once and never changed.

Every line carries the digest of the one before, so that a line that was changed, taken out or put in between shows
wherever it is read; SQLite refuses to change one at all. Who can replace the whole file can replace the whole chain:
what was signed is exported where that matters. Every call blocks on the database.
"""

import hashlib
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Db

from console.database import open_database
from console.errors import LogbookUnusable
from console.tables import LogbookLine

Body = Mapping[str, Any]


class Entry(NamedTuple):
    """What is to be written. ``at``: UTC ns; ``subject``: what it is about (the id of an alarm); ``body``: JSON."""

    at: int
    kind: str
    subject: str
    who: str
    why: str
    body: Body


class Line(NamedTuple):
    """What stands in the book. ``is_intact``: it is what was written, and follows on the line before."""

    number: int
    entry: Entry
    digest: str
    is_intact: bool


class Logbook:
    """One book; thread-safe. Raises `LogbookUnusable`, and on opening what `console.database.open_database` does."""

    def __init__(self, url: str) -> None:
        self._engine, self._db = open_database(url)
        self._guard = threading.Lock()

    def close(self) -> None:
        """Release the files."""
        self._engine.dispose()

    def write(self, entry: Entry) -> Line:
        """Write one line; it is on the disk when this returns."""
        body = json.dumps(entry.body, ensure_ascii=False, sort_keys=True)
        with self._guard:
            try:
                with self._db.begin() as db:
                    last = db.scalars(select(LogbookLine).order_by(LogbookLine.number.desc()).limit(1)).first()
                    row = LogbookLine(
                        number=1 if last is None else last.number + 1,
                        at=entry.at,
                        kind=entry.kind,
                        subject=entry.subject,
                        who=entry.who,
                        why=entry.why,
                        body=body,
                        previous="" if last is None else last.digest,
                    )
                    row.digest = _digest(row)
                    db.add(row)
            except DBAPIError as error:
                raise _unusable(error) from error
        return Line(row.number, entry._replace(body=json.loads(body)), row.digest, is_intact=True)

    def newest(self, kinds: Collection[str], most: int) -> list[Line]:
        """The last ``most`` lines of these kinds, oldest first."""
        chosen = select(LogbookLine).where(LogbookLine.kind.in_(kinds))
        return self._read(chosen.order_by(LogbookLine.number.desc()).limit(most))[::-1]

    def since(self, kinds: Collection[str], number: int) -> list[Line]:
        """The lines of these kinds from a number on, oldest first; the oldest 1000 of them."""
        chosen = select(LogbookLine).where(LogbookLine.kind.in_(kinds), LogbookLine.number >= number)
        return self._read(chosen.order_by(LogbookLine.number).limit(1000))

    def page(self, most: int, before: int | None = None) -> list[Line]:
        """Lines of every kind before a number, the newest first."""
        chosen = select(LogbookLine)
        if before is not None:
            chosen = chosen.where(LogbookLine.number < before)
        return self._read(chosen.order_by(LogbookLine.number.desc()).limit(most))

    def _read(self, query: Any) -> list[Line]:
        try:
            with self._db() as db:
                rows = db.scalars(query).all()
                before = _digests(db, [row.number - 1 for row in rows])
        except DBAPIError as error:
            raise _unusable(error) from error
        return [_line(row, before.get(row.number - 1, "")) for row in rows]


def _digests(db: Db, numbers: Sequence[int]) -> dict[int, str]:
    """Of the lines of these numbers that are there."""
    chosen = select(LogbookLine.number, LogbookLine.digest)
    found: dict[int, str] = {}
    for at in range(0, len(numbers), 500):  # SQLite takes so many names in a list, and not many more
        part = db.execute(chosen.where(LogbookLine.number.in_(numbers[at : at + 500])))
        found.update((number, digest) for number, digest in part)
    return found


def _line(row: LogbookLine, before: str) -> Line:
    entry = Entry(row.at, row.kind, row.subject, row.who, row.why, json.loads(row.body))
    return Line(row.number, entry, row.digest, is_intact=row.previous == before and row.digest == _digest(row))


def _digest(row: LogbookLine) -> str:
    written = [row.number, row.at, row.kind, row.subject, row.who, row.why, row.body, row.previous]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _unusable(error: DBAPIError) -> LogbookUnusable:
    return LogbookUnusable(f"the logbook of the desk: {error.orig}; look at the disk of the data folder")
