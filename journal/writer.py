"""Writer: what the commit thread does with the one writing connection. Every method blocks on the disk.

A batch is one transaction. Rows go in by statements of up to 256 rows, not one by one: each step of SQLite
gives the interpreter lock away, and getting it back from a busy event loop can cost a whole switch interval.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from journal.entry import PARTITIONS, Done, Entry, Stored
from journal.errors import JournalError, JournalFull, translate
from journal.positions import PositionIndex

BULK_KINDS = frozenset({"reading"})
"""What is refused first when space runs out; everything else goes in up to the reserve."""

_STEPS = (256, 128, 64, 32, 16, 8, 4, 2, 1)
_INSERT = {rows: f"INSERT INTO entry VALUES {','.join(['(?,?,?,?,?,?)'] * rows)}" for rows in _STEPS}  # noqa: S608 - constants
_COLUMNS = 6
_ROW_OVERHEAD = 48
"""Bytes of a row beside its body, about; corrected by each exact measurement."""
_MEASURE_EVERY = 256 * 1024
_KEEP_TAIL_EVERY = 16_384
"""Entries between two records of the partitions' tails: so many are read at most at the next start."""
_PRUNE_ROWS = 5_000
_BAD_DATA = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)

FLOORS = "CASE partition " + " ".join(f"WHEN {number} THEN ?" for number in range(PARTITIONS)) + " END"
"""SQL for «the given position of this row's partition», 64 parameters."""


class Submission(msgspec.Struct):
    """One call of `submit`, and what became of it: ``error``, or ``position`` of its last entry."""

    entries: Sequence[Entry]
    state: Mapping[str, bytes | None] | None
    done: Done | None
    future: asyncio.Future[int] | None
    bulk: bool
    error: JournalError | None = None
    position: int = 0

    @property
    def is_barrier(self) -> bool:
        return not self.entries and not self.state

    def tell(self) -> None:
        """Tell whoever waits; on the event loop."""
        if self.done is not None:
            self.done(self.error)
        elif self.future is not None and not self.future.done():
            if self.error is None:
                self.future.set_result(self.position)
            else:
                self.future.set_exception(self.error)


class Bound(NamedTuple):
    """``max_bytes`` for everything, then ``reserve_bytes`` more for what is not bulk."""

    max_bytes: int
    reserve_bytes: int


class Writer:
    """Owns the writing connection; all calls from one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path, bound: Bound, now: int) -> None:
        self._connection = connection
        self._path = path
        self._bound = bound
        self._appended = 0
        self._kept_tail = 0
        self.index = self._load_index(now)
        self.used_bytes = self._measure()

    def _load_index(self, now: int) -> PositionIndex:
        query = self._connection.execute
        tail: dict[int, int] = dict(query("SELECT partition, position FROM tail"))
        high = max(tail.values(), default=0)
        for position, partition in query("SELECT position, partition FROM entry WHERE position > ?", (high,)):
            tail[partition] = high = position
        first = query("SELECT min(position) FROM entry").fetchone()[0]
        # Positions follow the clock in microseconds at each start, so that they grow even when the file was
        # lost or replaced by an older copy, and no consumer's cursor stands beyond them.
        base = max(high + 1, now // 1000)
        return PositionIndex(base if first is None else first, base, [tail.get(p, 0) for p in range(PARTITIONS)])

    def store(self, batch: Sequence[Submission], wants_stored: bool) -> list[Stored]:
        """Commit the batch; each submission then carries its error or position. Returns what was stored
        (nothing unless ``wants_stored``)."""
        first = self.index.next
        if self.used_bytes >= self._bound.max_bytes:
            self.used_bytes = self._measure()
        admitted = [one for one in batch if self._admit(one)]
        try:
            self._transact(admitted)
        except JournalError as error:
            self._settle_failed(admitted, error)
        self._settle_barriers(batch)
        return _stored(batch, first) if wants_stored else []

    def _admit(self, one: Submission) -> bool:
        if one.error is not None or one.is_barrier:
            return False
        limit = self._bound.max_bytes + (0 if one.bulk else self._bound.reserve_bytes)
        if self.used_bytes < limit:
            return True
        one.error = JournalFull(
            f"{self._path}: {self.used_bytes} bytes, the bound is {limit}; "
            "let the consumers catch up, forget one that never comes back, or raise the bound"
        )
        return False

    def _settle_failed(self, batch: Sequence[Submission], error: JournalError) -> None:
        """Nobody pays for another's fault: bad data fails alone, and what is not bulk gets one more try."""
        is_full = isinstance(error, JournalFull)
        is_data = isinstance(error.__cause__, _BAD_DATA)
        for one in batch:
            one.error = error
            if len(batch) == 1 or not (is_data or (is_full and not one.bulk)):
                continue
            one.error = None
            try:
                self._transact([one])
            except JournalError as own:
                one.error = own

    def _settle_barriers(self, batch: Sequence[Submission]) -> None:
        """A barrier promises that what stood before it is durable: it shares the error of what is not."""
        error: JournalError | None = None
        for one in batch:
            error = one.error or error
            if one.is_barrier:
                one.error, one.position = error, self.index.next - 1

    def _transact(self, batch: Sequence[Submission]) -> None:
        if not batch:
            return
        try:
            rows, partitions, size = _rows(batch, self.index.next)
            self._connection.execute("BEGIN IMMEDIATE")
            self._insert(rows)
            self._change_state(batch)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        except (OverflowError, TypeError, ValueError) as error:
            raise JournalError(f"an entry cannot be stored: {error}; nothing of that call was kept") from error
        finally:
            self._roll_back()
        self.index.note(partitions)
        self._account(size, len(partitions))

    def _insert(self, rows: list[object]) -> None:
        at, left = 0, len(rows) // _COLUMNS
        for step in _STEPS:
            while left >= step:
                end = at + step * _COLUMNS
                self._connection.execute(_INSERT[step], rows[at:end])
                at, left = end, left - step

    def _change_state(self, batch: Sequence[Submission]) -> None:
        for one in batch:
            for key, body in (one.state or {}).items():
                if body is None:
                    self._connection.execute("DELETE FROM state WHERE key = ?", (key,))
                else:
                    self._appended += len(body)
                    self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, body))

    def _account(self, size: int, rows: int) -> None:
        self.used_bytes += size
        self._appended += size
        self._kept_tail += rows
        if self._appended >= _MEASURE_EVERY:
            self.used_bytes = self._measure()
        if self._kept_tail >= _KEEP_TAIL_EVERY:
            self._keep_tail()

    def _measure(self) -> int:
        self._appended = 0
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _keep_tail(self) -> None:
        """Record the partitions' last positions. A failure costs only a longer start."""
        self._kept_tail = 0
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("BEGIN IMMEDIATE")
            self._write_tail()
            self._connection.execute("COMMIT")
        self._roll_back()

    def _write_tail(self) -> None:
        tail = [(partition, position) for partition, position in enumerate(self.index.last) if position]
        self._connection.executemany("INSERT OR REPLACE INTO tail VALUES (?, ?)", tail)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def prune(self, start: int, before: int, floors: Sequence[int]) -> tuple[int, int]:
        """Delete among the next 5000 entries from ``start`` those with at < ``before`` and position <= the
        floor of their partition. Returns how many, and where to go on (0: nothing more to do)."""
        try:
            end, rows = self._connection.execute(
                "SELECT max(position), count(*) FROM"
                " (SELECT position FROM entry WHERE position >= ? ORDER BY position LIMIT ?)",
                (start, _PRUNE_ROWS),
            ).fetchone()
            if not rows:
                return 0, 0
            deleted = self._delete(start, end, before, floors)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        finally:
            self._roll_back()
        return deleted, end + 1 if deleted and rows == _PRUNE_ROWS else 0

    def _delete(self, start: int, end: int, before: int, floors: Sequence[int]) -> int:
        self._connection.execute("BEGIN IMMEDIATE")
        # The tail record outlives its entries: without it positions could be given again.
        self._write_tail()
        deleted = self._connection.execute(
            f"DELETE FROM entry WHERE position BETWEEN ? AND ? AND at < ? AND position <= {FLOORS}",  # noqa: S608 - a constant
            (start, end, before, *floors),
        ).rowcount
        self._connection.execute("COMMIT")
        first = self._connection.execute("SELECT min(position) FROM entry").fetchone()[0]
        self.index.pruned(self.index.next if first is None else first)
        self.used_bytes = self._measure()
        return deleted

    def close(self) -> None:
        """Record the tails, fold the log into the file, close it."""
        self._keep_tail()
        self._connection.close()


def _rows(batch: Iterable[Submission], position: int) -> tuple[list[object], bytes, int]:
    """All parameters in a flat list, the partition of each row, the bytes they take. Sets the positions."""
    rows: list[object] = []
    partitions = bytearray()
    size = 0
    for one in batch:
        for entry in one.entries:
            rows.append(position)
            rows += entry
            partitions.append(entry.partition)
            size += len(entry.body) + len(entry.id)
            position += 1
        one.position = position - 1
    if partitions and max(partitions) >= PARTITIONS:
        raise ValueError(f"partition {max(partitions)} is not below {PARTITIONS}")
    return rows, bytes(partitions), size + _ROW_OVERHEAD * len(partitions)


def _stored(batch: Iterable[Submission], position: int) -> list[Stored]:
    """Positions are given in the order of the batch to those that went in."""
    entries = [entry for one in batch if one.error is None for entry in one.entries]
    return [Stored(position + number, entry) for number, entry in enumerate(entries)]
