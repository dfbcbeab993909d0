"""The embedded telemetry store: DuckDB in one file, owned by one process.

One thread writes, one transaction for each batch: rows, dead letters and the consumer's cursor. Any thread reads, and
may see to the dead letters: a batch of them waits for a write, and a write for it.
The caller decides when to flush: one batch a second, or of 5,000 values and more, costs a seventh of many small ones.
Times are UTC nanoseconds.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from protocols.reading import Origin, Reading
from telemetry import buckets, duck_aggregate, duck_latest, duck_letters, duck_query
from telemetry.duck_file import connect, faults_of
from telemetry.duck_rollup import mark
from telemetry.duck_session import Session
from telemetry.errors import StoreUnavailable
from telemetry.keep import FOR_EVER, Keep
from telemetry.letters import MOST_AT_ONCE, Letter, Replayed, Tried, replay_beyond, replay_some
from telemetry.owner import OwnerLock
from telemetry.sink import DeadLetter, SeriesOf
from telemetry.store import Aggregate, Bucket, Every, Fill, Question, Sample


class DuckStore:
    """`telemetry.store.Store` in one DuckDB file, with dead letters beside the rows."""

    def __init__(
        self, path: Path, series_of: SeriesOf, memory_limit: str, keep: Keep, now: Callable[[], int | None]
    ) -> None:
        """Use `open`."""
        self._path = path
        self._series_of = series_of
        self._memory_limit = memory_limit
        self._keep = keep
        self._now = now
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._replaying = threading.Lock()
        self._session: Session | None = None
        self._owner: OwnerLock | None = OwnerLock(path)

    @classmethod
    def open(
        cls,
        path: Path,
        series_of: SeriesOf,
        memory_limit: str = "512MB",
        keep: Keep = FOR_EVER,
        now: Callable[[], int | None] = lambda: None,
    ) -> "DuckStore":
        """Open the file, or create it, and own it until `close`. ``keep``: what is older is removed by later writes.
        ``now``: UTC ns, for the dead letters; ``None`` where nobody knows.

        ``series_of`` says what the readings of a device id are; it is asked for each reading, so a new site
        configuration takes effect at once. Raises `StoreLocked`, `StoreNewer`, `StoreDamaged` or
        `StoreUnavailable`; the file is untouched then.
        """
        store = cls(path, series_of, memory_limit, keep, now)
        try:
            store._opened()
        except BaseException:
            store._release()
            raise
        return store

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int], dead: Sequence[DeadLetter] = ()) -> int:
        """As `telemetry.store.Store.write`. ``cursor`` may name some partitions only; the others stay.

        A reading that does not fit its device's series, or has none, or was taken before what is kept, becomes a dead
        letter of this transaction.
        Raises `StoreUnavailable`: call again with the same arguments, nothing is counted twice.
        """
        with self._writer() as session:
            return session.write(readings, cursor, dead)

    def cursor(self) -> dict[int, int]:
        """As `telemetry.store.Store.cursor`."""
        with self.reader() as (_, connection):
            return duck_query.cursor(connection)

    def latest(self) -> list[Sample]:
        """As `telemetry.store.Store.latest`: all origins, in no order. Costs the number of points, not of rows, and
        at most `duck_session.SETTLE_AFTER` rows more."""
        with self.reader() as (session, connection):
            rows = duck_latest.latest(connection)
            devices = {key: device for device, key in list(session.dimensions.devices.items())}
            points = {key: point for point, key in list(session.dimensions.points.items())}
        return [
            Sample(devices[device], Origin(origin), points[point], row.at, row.value, row.quality)
            for device, point, origin, row in rows
        ]

    def samples(
        self, device: str, point: str, start: int, end: int, origin: Origin = Origin.LIVE, limit: int = 10_000
    ) -> list[Sample]:
        """As `telemetry.store.Store.samples`. A value is ``None`` where only the quality is known."""
        with self.reader() as (session, connection):
            where = _where(session, device, point, start, end, origin)
            rows = duck_query.samples(connection, where, limit) if where else []
        return [Sample(device, origin, point, *row) for row in rows]

    def aggregate(
        self,
        device: str,
        point: str,
        start: int,
        end: int,
        every: Every,
        how: Aggregate,
        origin: Origin = Origin.LIVE,
        fill: Fill = "null",
    ) -> list[Bucket]:
        """As `telemetry.store.Reader.aggregate`."""
        return self.grouped(Question(point, start, end, every, how, device, origin=origin, fill=fill))[""]

    def grouped(self, question: Question) -> dict[str, list[Bucket]]:
        """As `telemetry.store.Reader.grouped`. A device's profile, site and area are those it has now."""
        buckets.check(question)
        at = buckets.starts(question.start, question.end, question.every)
        with self.reader() as (session, connection):
            keys = _keys(session, question)
            found: list[buckets.Cell] = []
            if keys is not None:
                # In one transaction, so that nothing is rolled up or removed between the mark and the rows.
                connection.begin()
                found = duck_aggregate.cells(connection, question, keys, at, mark(connection))
        return buckets.answer(question, at, found)

    def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """What was set aside, oldest first."""
        return [letter.dead for letter in self.letters(limit=limit)]

    def dead_letter_count(self) -> int:
        """How many letters are set aside; asks memory, not the file."""
        return self._opened().letters.count

    def refused_count(self) -> int:
        """As `telemetry.sink.LetterStore.refused_count`; begins anew when the file is opened."""
        return self._opened().letters.refused

    @property
    def dropped_letters(self) -> int:
        """How many were refused while there was no room for letters; they are in the journal until its retention."""
        return self._opened().letters.dropped

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""
        with self.reader() as (_, connection):
            return duck_letters.letters(connection, after, limit)

    def some_letters(self, ids: Sequence[int]) -> list[Letter]:
        """Those of the ids that are there, oldest first."""
        with self.reader() as (_, connection):
            return duck_letters.some_letters(connection, ids)

    def delete_letter(self, letter: int) -> Letter | None:
        """What was deleted; ``None`` for an id that names none."""
        with self._replaying:
            found = self.some_letters([letter])
            if found:
                with self._writer() as session:
                    session.delete(letter)
        return found[0] if found else None

    def replay(self, ids: Sequence[int]) -> Replayed:
        """Try these letters again with the site as it is now: what fits is stored, and is no letter any more, in one
        transaction for each batch of them. Raises `StoreUnavailable`; what was not stored is kept."""
        with self._replaying:
            return replay_some(self, ids, self._retry)

    def replay_beyond(self, after: int, most: int = MOST_AT_ONCE) -> Replayed:
        """Try up to ``most`` letters beyond an id again, oldest first. As `replay`."""
        with self._replaying:
            return replay_beyond(self, after, most, self._retry)

    def close(self) -> None:
        """Bring everything into the one file and give it up. A second call does nothing."""
        with self._writing, self._guard:
            session, self._session = self._session, None
            try:
                if session is not None:
                    with faults_of(self._path), closing(session):
                        session.checkpoint()
            finally:
                self._release()

    def _release(self) -> None:
        if self._owner is not None:
            self._owner.release()
            self._owner = None

    def _opened(self) -> Session:
        with self._guard:
            if self._owner is None:
                raise StoreUnavailable(f"{self._path}: this store is closed")
            if self._session is None:
                self._session = self._start()
            return self._session

    def _start(self) -> Session:
        root = connect(self._path, self._memory_limit)
        try:
            with faults_of(self._path):
                return Session(root, self._series_of, self._keep, self._now)
        except BaseException:
            root.close()
            raise

    def _retry(self, letters: Sequence[Letter]) -> Tried:
        with self._writer() as session:
            return session.retry(letters)

    @contextmanager
    def _writer(self) -> Iterator[Session]:
        """The session, for one change of the file."""
        with self._writing:
            session = self._opened()
            try:
                with faults_of(self._path):
                    yield session
            except BaseException:
                # A failed commit may be in the file or not: only the file says which, so it is opened anew.
                self._forget(session)
                raise

    def _forget(self, session: Session) -> None:
        with self._guard:
            if self._session is session:
                self._session = None
                session.close()

    @contextmanager
    def reader(self) -> Iterator[tuple[Session, DuckDBPyConnection]]:
        """A connection of the caller's own, beside the one that writes. Raises `telemetry.errors.StoreError`."""
        session = self._opened()
        with faults_of(self._path):
            connection = session.root.cursor()
            try:
                yield session, connection
            finally:
                connection.close()


def _where(session: Session, device: str, point: str, start: int, end: int, origin: Origin) -> duck_query.Where | None:
    keys = session.dimensions.devices.get(device), session.dimensions.points.get(point)
    if keys[0] is None or keys[1] is None:
        return None
    return duck_query.Where(keys[0], keys[1], origin, start, end)


def _keys(session: Session, question: Question) -> duck_aggregate.Keys | None:
    point = session.dimensions.points.get(question.point)
    device = None if question.device is None else session.dimensions.devices.get(question.device)
    if point is None or (device is None and question.device is not None):
        return None
    return duck_aggregate.Keys(point, device)
