"""Writer: what the commit thread does with the one writing connection. Every method blocks on the disk.

A batch is one transaction, and mostly one statement (see `journal.batch`) that is its own transaction: SQLite begins,
commits and syncs it within one call, which does not hold the interpreter lock.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from journal.ballast import Ballast
from journal.batch import Content, Statement, Submission, gather, stored
from journal.entry import PARTITIONS, Stored
from journal.errors import JournalError, JournalFull, JournalUnusable, translate, translate_os
from journal.file import Begin, begin_segment, remove
from journal.positions import PositionIndex
from journal.segments import Sealed, Segment, Segments, seal
from journal.turn import Turn

_MEASURE_EVERY = 256 * 1024
_KEEP_TAIL_EVERY = 16_384
"""Entries between two records of the partitions' tails: so many are read at most at the next start."""
CLOCK_AHEAD_NS = 86_400 * 10**9
"""A segment sealed further ahead than this was sealed by a wrong clock, and must not stay until that day comes."""
_BAD_DATA = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)

_USED = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
"""One statement, not three: each takes the interpreter lock several times."""

FLOORS = "CASE partition " + " ".join(f"WHEN {number} THEN ?" for number in range(PARTITIONS)) + " END"
"""SQL for «the given position of this row's partition», 64 parameters."""


class Bound(NamedTuple):
    """``max_bytes`` for everything, then ``reserve_bytes`` more for what is not bulk."""

    max_bytes: int
    reserve_bytes: int


class Limit(NamedTuple):
    """When a segment is sealed: bytes in use, and age in ns."""

    size: int
    age_ns: int


class Writer:
    """Owns the writing connection; all calls from one thread at a time. ``refusal``: why the disk takes no bulk;
    ``None`` while it does."""

    def __init__(self, connection: sqlite3.Connection, segments: Segments, bound: Bound, now: int) -> None:
        self._connection = connection
        self._segments = segments
        self._path = segments.active.path
        self._bound = bound
        self._appended = 0
        self._kept_tail = 0
        self._ballast = Ballast(segments.folder)
        self.refusal: JournalError | None = None
        self.index = self._load_index(now)
        self.used_bytes = self._measure()

    def _load_index(self, now: int) -> PositionIndex:
        query = self._connection.execute
        tail: dict[int, int] = dict(query("SELECT partition, position FROM tail"))
        high = max(tail.values(), default=0)
        for position, partition in query("SELECT position, partition FROM entry WHERE position > ?", (high,)):
            tail[partition] = high = position
        first = self._segments.all[0].base
        # Positions follow the clock in microseconds at each start, so that they grow even when the file was
        # lost or replaced by an older copy, and no consumer's cursor stands beyond them.
        base = max(high + 1, now // 1000)
        return PositionIndex(first, base, [tail.get(p, 0) for p in range(PARTITIONS)])

    def store(self, batch: Sequence[Submission], wants_stored: bool, turn: Turn | None = None) -> list[Stored]:
        """Commit the batch; each submission then carries its error or position. Returns what was stored
        (nothing unless ``wants_stored``). ``turn`` is told when SQLite takes over."""
        first = self.index.next
        if self.used_bytes >= self._bound.max_bytes:
            self.used_bytes = self._measure()
        has_room = self._ballast.hold()
        admitted = [one for one in batch if self._admit(one, has_room)]
        try:
            self._transact(admitted, turn)
            if admitted and has_room:
                self.refusal = None
        except JournalError as error:
            self._settle_failed(admitted, error)
        if len(admitted) < len(batch):
            self._settle_barriers(batch)
        return stored(batch, first) if wants_stored else []

    def _admit(self, one: Submission, has_room: bool) -> bool:
        if one.error is not None or one.is_barrier:
            return False
        if one.bulk and not has_room:
            one.error = self.refusal
            return False
        if self.used_bytes < self._bound.max_bytes:
            return True
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
        if is_full or isinstance(error, JournalUnusable):
            self.refusal = error
        for one in batch:
            one.error = error
            if (is_data and len(batch) > 1) or (is_full and not one.bulk):
                one.error = self._once_more(one)

    def _once_more(self, one: Submission) -> JournalError | None:
        """Store it by itself, on a full disk in the room that the ballast gives up; what is in the way. Whenever that
        has given up any, there is a `refusal`."""
        while True:
            try:
                self._transact([one])
            except JournalFull as error:
                if one.bulk or not self._ballast.give_way():
                    return error
            except JournalError as error:
                return error
            else:
                return None

    def _settle_barriers(self, batch: Sequence[Submission]) -> None:
        """A barrier promises that what stood before it is durable: it shares the error of what is not."""
        error: JournalError | None = None
        for one in batch:
            error = one.error or error
            if one.is_barrier:
                one.error, one.position = error, self.index.next - 1

    def _transact(self, batch: Sequence[Submission], turn: Turn | None = None) -> None:
        if not batch:
            return
        try:
            content = gather(batch, self.index.next)
            self._execute(content.statements, turn)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        except (OverflowError, TypeError, ValueError) as error:
            raise JournalError(f"an entry cannot be stored: {error}; nothing of that call was kept") from error
        finally:
            self._roll_back()
        self.index.note(content.partitions)
        self._account(content)

    def _execute(self, statements: Sequence[Statement], turn: Turn | None) -> None:
        """All or nothing."""
        is_alone = len(statements) == 1
        if turn is not None:
            turn.begun(self._connection if is_alone else None)
        if not is_alone:
            self._connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            # `execute` would take the interpreter lock once more, to ask for the last row's number.
            self._connection.executemany(statement.sql, (statement.parameters,))
        self._connection.commit()

    def _account(self, content: Content) -> None:
        self.used_bytes += content.entry_bytes
        self._appended += content.entry_bytes + content.state_bytes
        self._kept_tail += len(content.partitions)
        if self._appended >= _MEASURE_EVERY:
            self.used_bytes = self._measure()
        if self._kept_tail >= _KEEP_TAIL_EVERY:
            self._keep_tail()

    def _measure(self) -> int:
        self._appended = 0
        return self._segments.sealed_bytes + int(self._connection.execute(_USED).fetchone()[0])

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

    def seal(self, now: int, limit: Limit) -> bool:
        """Begin a new segment if the present one is large or old enough; whether one was begun."""
        if not self._is_due(now, limit):
            return False
        try:
            self._roll(now)
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        except OSError as error:
            raise translate_os(error, self._path) from error
        finally:
            self._roll_back()
        self.used_bytes = self._measure()
        return True

    def _is_due(self, now: int, limit: Limit) -> bool:
        query = self._connection.execute
        if query("SELECT 1 FROM entry LIMIT 1").fetchone() is None:
            return False
        (begun,) = query("SELECT begun FROM span").fetchone()
        # A clock that was far ahead at the beginning would keep the segment until that day.
        is_old = not now - limit.age_ns < begun <= now + limit.age_ns
        return is_old or int(query(_USED).fetchone()[0]) >= limit.size

    def _roll(self, now: int) -> None:
        state = dict(self._connection.execute("SELECT key, body FROM state"))
        tail = {partition: last for partition, last in enumerate(self.index.last) if last}
        begin = Begin(self.index.next, now, state, tail)
        counts = self.index.counts(self._segments.active.base)
        path, connection = begin_segment(self._segments.folder, begin)
        before, active = self._connection, self._segments.active
        try:
            seal(before, tail, now, counts)
        except sqlite3.Error:
            connection.close()
            remove(path)
            raise
        self._connection, self._path = connection, path
        with contextlib.suppress(sqlite3.Error):  # what stays in the log is read from there
            before.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the others would wait for readers
        before.close()
        own = {partition: last for partition, last in tail.items() if last >= active.base}
        self._segments.roll(Segment(path, begin.position), Sealed(own, now, active.path.stat().st_size, counts))

    def removable(self, now: int, keep_ns: int, floors: Sequence[int]) -> list[Segment]:
        """The oldest sealed segments, up to the first that was sealed less than ``keep_ns`` ago or that some cursor has
        not passed (``floors``: by partition)."""
        found = []
        for one in self._segments.all[:-1]:
            assert one.sealed is not None
            if now - keep_ns <= one.sealed.at <= now + CLOCK_AHEAD_NS or not one.is_passed(floors):
                break
            found.append(one)
        return found

    def removable_below(self, now: int, keep_ns: int, floors: Sequence[int]) -> int:
        """The position below which all that is `removable` stands; 0 where nothing is."""
        going = len(self.removable(now, keep_ns, floors))
        return self._segments.all[going].base if going else 0

    def drop(self, now: int, keep_ns: int, floors: Sequence[int]) -> int:
        """Remove what is `removable`; returns how many segments."""
        going = self.removable(now, keep_ns, floors)
        for one in going:
            self._segments.drop(one)
        if going:
            self.index.pruned(self._segments.all[0].base)
            self.used_bytes = self._measure()
        return len(going)

    def close(self) -> None:
        """Record the tails, fold the log into the file, close it."""
        self._keep_tail()
        self._connection.close()
        self._ballast.close()
