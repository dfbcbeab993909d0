"""SqliteJournal: the embedded journal, segment files of SQLite (WAL, synchronous=FULL) and one commit thread.

Group commit: a commit begins when the previous one is done and (128 entries wait or the oldest waits
``window_s``, up to `BUSY_WINDOWS` as long where the loop is busy, a patient one `PATIENCE_S`); all that wait share its
fsync. What is acknowledged survives `kill -9`; at power loss it is as safe as the disk's answer to fsync is true.

This class is the loop's side and holds no disk access of its own: the files are `journal.segments`, the commit
thread's work is `journal.writer`, the threads that read use `journal.readers`.
"""

import asyncio
import concurrent.futures
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from journal.batch import Submission, is_bulk, stored_of
from journal.entry import PARTITIONS, Done, Entry, Row, Stored
from journal.errors import JournalClosed, JournalError, JournalFull, translate, translate_os
from journal.file import SetAside
from journal.lock import FolderLock
from journal.segments import Segments, open_folder
from journal.survey import ENTRIES, Survey, count, floors_of, to_stored
from journal.turn import Turn
from journal.writer import FLOORS, Bound, Limit, Writer

GROUP = 128
"""Entries that are not made to wait for the window."""
TOLD_AT_ONCE = 16
BUSY = 48
"""Readings that somebody waits for in one commit, in the usual window some 10,000 a second, that show a loop too busy
for the commit thread to get its turn by itself. At less the loop does not stand aside: a leak would only wait."""
BUSY_WINDOWS = 4
"""After such a commit the next one waits so many windows, or for `GROUP`, what comes first: fewer commits give their
time back to those who wait. That goes on while `GROUP` comes first."""

PATIENCE_S = 0.05
"""So long readings that nobody waits for may wait for others to share their commit: one for each instant at which
polls go out, not one in each window. A crash loses at most that of readings that nobody acknowledged."""

_ROWS = "SELECT position, partition, kind, body FROM entry"
_ALL = "WHERE position >= ? AND position < ? ORDER BY position LIMIT ?"
_SOME = f"WHERE position >= ? AND position < ? AND position > {FLOORS} ORDER BY position LIMIT ?"
_TAIL = f"{ENTRIES} WHERE position < ? ORDER BY position DESC LIMIT ?"

Listener = Callable[[Sequence[Stored]], None]


class SqliteJournal:
    """Implements `journal.entry.Journal`. Open with `open`, on the event loop; end with `close`.

    Listeners are called before the ``done`` callbacks of the same commit, so that whoever was acknowledged
    finds the entry in the live view. Entries come out of `read` in order of position over all partitions.
    """

    def __init__(
        self,
        writer: Writer,
        segments: Segments,
        lock: FolderLock,
        window_s: float,
        max_waiting: int,
    ) -> None:
        """Use `open`."""
        self._loop = asyncio.get_running_loop()
        self._folder = segments.folder
        self._segments = segments
        self._writer = writer
        self._index = writer.index
        self.survey = Survey(segments, writer.index)
        segments.on_lost = writer.index.lost
        self._turn: Turn | None = None
        self._lock = lock
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "journal")
        self._window_s = window_s
        self._windows = 1
        self._max_waiting = max_waiting
        self._waiting: list[Submission] = []
        self._untold: deque[Submission] = deque()
        self._untold_load = self._load = 0
        self._untold_error: JournalError | None = None
        self._entries = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_committing = False
        self._is_patient = False
        self._is_closed = False
        self._listeners: list[Listener] = []

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        now: int,
        window_s: float = 0.005,
        max_bytes: int = 4 * 1024**3,
        reserve_bytes: int = 256 * 1024**2,
        max_waiting: int = 100_000,
    ) -> "SqliteJournal":
        """Open or begin the journal in ``folder``; blocks on the disk. ``now``: UTC ns.

        ``max_bytes``: of the file, beyond it bulk kinds are refused; ``reserve_bytes``: beyond that for all
        others. ``max_waiting``: entries waiting for the disk, beyond it bulk kinds are refused at once.
        Damaged files are set aside and listed in ``warnings``: announce them. Raises `JournalLocked`,
        `JournalNewer`, `JournalFull`, `JournalUnusable`, `JournalError`.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translate_os(error, folder) from error
        lock = FolderLock(folder)
        try:
            segments, connection = open_folder(folder, now)
            writer = Writer(connection, segments, Bound(max_bytes, reserve_bytes), now)
        except JournalError:
            lock.release()
            raise
        except sqlite3.Error as error:
            lock.release()
            raise translate(error, folder) from error
        return cls(writer, segments, lock, window_s, max_waiting)

    @property
    def warnings(self) -> tuple[SetAside, ...]:
        """What was damaged when the folder was opened."""
        return self._segments.warnings

    @property
    def used_bytes(self) -> int:
        """Bytes in use, about; compare with ``max_bytes``."""
        return self._writer.used_bytes

    @property
    def refusal(self) -> JournalError | None:
        """Why the disk takes no readings, as of the last that were offered."""
        return self._writer.refusal

    def submit(
        self,
        entries: Sequence[Entry],
        done: Done | None = None,
        state: Mapping[str, bytes | None] | None = None,
        *,
        patient: bool = False,
    ) -> None:
        """See `Journal.submit`. Raises `JournalClosed`, and `JournalFull` when too many wait for the disk."""
        load = 1 if patient else len(entries) or 1
        self._queue(Submission(entries, state, done, None, is_bulk(entries, state), load), patient=patient)

    async def append(self, entries: Sequence[Entry], state: Mapping[str, bytes | None] | None = None) -> int:
        """See `Journal.append`."""
        future: asyncio.Future[int] = self._loop.create_future()
        self._queue(Submission(entries, state, None, future, is_bulk(entries, state)))
        return await future

    def _queue(self, one: Submission, *, patient: bool = False) -> None:
        if self._is_closed:
            raise JournalClosed(f"{self._folder}: the journal is closed; open it again")
        if one.bulk and self._entries + len(one.entries) > self._max_waiting:
            raise JournalFull(f"{self._folder}: {self._entries} entries wait for the disk; try again later")
        if self._turn is not None:
            self._turn.let_end()
        is_patient = patient and (one.bulk or one.is_barrier)
        is_sooner = not self._waiting or (self._is_patient and not is_patient)
        if is_sooner:
            self._is_patient = is_patient
            wait_s = max(self._window_s, PATIENCE_S) if self._is_patient else self._window_s * self._windows
            due = self._loop.time() + wait_s
            self._due = min(self._due, due) if self._waiting else due
        if one.is_barrier:
            one.error = self._untold_error
        self._waiting.append(one)
        self._entries += len(one.entries)
        self._load += one.load
        if not self._is_committing and (is_sooner or self._entries >= GROUP):
            self._commit_when_due()

    def _commit_when_due(self) -> None:
        self._stop_timer()
        wait_s = 0.0 if self._is_closed or self._entries >= GROUP else self._due - self._loop.time()
        if wait_s <= 0:
            self._commit()
        else:
            self._timer = self._loop.call_later(wait_s, self._commit)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _commit(self) -> None:
        self._stop_timer()
        batch, self._waiting, self._entries = self._waiting, [], 0
        self._is_committing = True
        is_busy = self._load >= min(BUSY * self._windows, GROUP)
        self._windows = BUSY_WINDOWS if is_busy else 1
        turn = self._turn = Turn() if is_busy else None
        self._load = 0
        work = self._thread.submit(self._writer.store, batch, bool(self._listeners), turn)
        work.add_done_callback(partial(self._hand_over, batch, turn))
        if turn is not None:
            turn.let_begin()

    def _hand_over(
        self, batch: list[Submission], turn: Turn | None, work: concurrent.futures.Future[list[Stored]]
    ) -> None:
        """On the commit thread. `run_in_executor` would take a second future and a second turn of the loop."""
        self._loop.call_soon_threadsafe(self._committed, batch, work)
        if turn is not None:
            turn.ended()

    def _committed(self, batch: list[Submission], work: concurrent.futures.Future[list[Stored]]) -> None:
        """After a commit, on the loop: the next one begins first, the disk need not wait for the callbacks."""
        self._is_committing = False
        fault = work.exception()
        if fault is not None:
            for one in batch:
                one.error = JournalError(f"{self._folder}: the commit thread failed: {fault!r}")
        self._warn_barriers(batch)
        if self._waiting:
            self._commit_when_due()
        if fault is None and self._listeners:
            # Who began to listen while the commit ran is told too: what it read before cannot have held these.
            stored = work.result() or stored_of(batch)
            for listener in self._listeners if stored else ():
                self._loop.call_soon(listener, stored)
        if not self._untold:
            self._loop.call_soon(self._tell)
        self._untold += batch
        self._untold_load += sum(one.load for one in batch)

    def _tell(self) -> None:
        """Some of those who wait, in order, then whatever else the loop has to do: a leak must not wait for hundreds of
        acknowledgements, and an acknowledgement not until its device sends again: a long queue tells more at a time.
        A callback that raises (the loop reports it) does not silence the rest."""
        left = max(TOLD_AT_ONCE, self._untold_load // 4)
        try:
            while left > 0 and self._untold:
                if self._turn is not None:
                    self._turn.let_end()
                one = self._untold.popleft()
                left -= one.load
                self._untold_load -= one.load
                one.tell()
        finally:
            if self._untold:
                self._loop.call_soon(self._tell)
            else:
                self._untold_error = None

    def _warn_barriers(self, batch: Iterable[Submission]) -> None:
        """A barrier that is submitted before everybody was told of a commit that failed shares its error: what stood
        before it is not durable."""
        error = next((one.error for one in batch if one.error is not None), None)
        if error is not None:
            self._untold_error = error
            for one in self._waiting:
                if one.is_barrier:
                    one.error = error

    def read(self, partitions: Sequence[int], after: Mapping[int, int], limit: int) -> list[Stored]:
        """See `Journal.read`. In order of position over all the partitions asked for.

        A position in ``after`` that this journal never gave counts as absent: the file was lost or replaced,
        and its entries must not be skipped.
        """
        return [to_stored(row) for row in self._select(ENTRIES, partitions, after, limit)]

    def rows(self, partitions: Sequence[int], after: Mapping[int, int], limit: int) -> list[Row]:
        """As `read`, for a consumer: neither ids nor times are read, and no object is made for an entry."""
        return self._select(_ROWS, partitions, after, limit)

    def _select(
        self, columns: str, partitions: Sequence[int], after: Mapping[int, int], limit: int
    ) -> list[tuple[Any, ...]]:
        self._segments.check_open()
        after = self._index.own(after)
        plan = self._index.plan(partitions, after)
        if plan is None:
            return []
        clause, floors = (_ALL, ()) if plan.exact else (_SOME, tuple(floors_of(partitions, after)))
        rows: list[tuple[Any, ...]] = []
        for segment in self._segments.overlapping(plan.start, plan.end):
            left = limit - len(rows)
            if not left:
                break
            rows += self._segments.query(segment, f"{columns} {clause}", (plan.start, plan.end, *floors, left))
        return rows

    def tail(self, limit: int) -> list[Stored]:
        """The newest ``limit`` entries of all partitions, oldest first. Thread-safe; blocks on the disk."""
        self._segments.check_open()
        end = self._index.next
        rows: list[tuple[Any, ...]] = []
        for segment in reversed(self._segments.all):
            rows += self._segments.query(segment, _TAIL, (end, limit - len(rows)))
            if len(rows) == limit:
                break
        return [to_stored(row) for row in reversed(rows)]

    def count(self, partitions: Sequence[int], after: Mapping[int, int]) -> int:
        """How many entries are beyond ``after``. Thread-safe; of the disk it reads mostly one segment, or none."""
        after = self._index.own(after)
        known, start, end = self._index.count(partitions, after)
        if start >= end:
            return known
        return known + count(self._segments, start, end, floors_of(partitions, after))

    def since(self, at: int) -> int:
        """The first position of the oldest segment that was written to at UTC ns ``at`` or later, by the clock of then:
        all that was stored since stands from there on."""
        return self._segments.since(at)

    def load_state(self, prefix: str) -> dict[str, bytes]:
        """See `Journal.load_state`. Blocks on the disk."""
        self._segments.check_open()
        wanted = "SELECT key, body FROM state WHERE substr(key, 1, ?) = ?"
        return dict(self._segments.query(self._segments.active, wanted, (len(prefix), prefix)))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """See `Journal.subscribe`. Called before the ``done`` callbacks of the commit."""
        self._listeners.append(listener)
        return partial(self._unsubscribe, listener)

    def _unsubscribe(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def seal(self, now: int, limit: Limit) -> bool:
        """Begin a new segment if the present one is over the ``limit``; whether one was begun. ``now``: UTC ns.

        Raises `JournalError`; then the present one is written to as before.
        """
        return await self._loop.run_in_executor(self._live(), self._writer.seal, now, limit)

    async def prune(self, now: int, keep_ns: int, cursors: Iterable[Mapping[int, int]]) -> int:
        """Remove the segments that were sealed before ``now - keep_ns`` and that every cursor has passed; returns how
        many. No cursors: nobody has read anything, nothing is removed."""
        floors = self._passed_by_all(cursors)
        return await self._loop.run_in_executor(self._live(), self._writer.drop, now, keep_ns, floors)

    async def prunable(self, now: int, keep_ns: int, cursors: Iterable[Mapping[int, int]]) -> int:
        """The position below which `prune` would remove everything; 0 where it would remove nothing."""
        floors = self._passed_by_all(cursors)
        return await self._loop.run_in_executor(self._live(), self._writer.removable_below, now, keep_ns, floors)

    def _passed_by_all(self, cursors: Iterable[Mapping[int, int]]) -> list[int]:
        known = [self._index.own(cursor) for cursor in cursors]
        return [min((cursor.get(partition, 0) for cursor in known), default=0) for partition in range(PARTITIONS)]

    def _live(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._is_closed:
            raise JournalClosed(f"{self._folder}: the journal is closed; open it again")
        return self._thread

    async def close(self) -> None:
        """Commit and tell everything submitted, then release the files. May be called again."""
        if self._is_closed:
            return
        barrier: asyncio.Future[int] = self._loop.create_future()
        self._queue(Submission((), None, None, barrier, False))
        self._is_closed = True
        if not self._is_committing:
            self._commit()
        # The error of a failed commit was told to those it concerns.
        await asyncio.wait([barrier])
        barrier.exception()
        await self._loop.run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()
        self._segments.close()
        self._lock.release()
