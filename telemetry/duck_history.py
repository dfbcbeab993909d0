"""History of another system, into the embedded store of a site that does not run.

History is looked at and never judged. It stands among the values (`number`, `text`, `reading`) and goes into the
roll-ups like them, but `latest` is not made from it: after the next start no imported value is shown as the present
one. Each value is looked up before it is written, so the same file can be imported again; what a device of this site
measured itself stays as it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from protocols.reading import Reading
from telemetry import duck_latest
from telemetry.duck_arrays import show
from telemetry.duck_batch import Columns, reading_columns, value_columns
from telemetry.duck_dimensions import Bound, Dimensions
from telemetry.duck_file import connect, faults_of
from telemetry.duck_rollup import mark
from telemetry.errors import QueryRefused
from telemetry.owner import OwnerLock
from telemetry.sink import NOT_REGISTERED, SeriesOf, refusal

# The bounds let DuckDB skip every block of rows that is newer or older than the batch.
_UNKNOWN = """NOT EXISTS (SELECT 1 FROM {table} AS n
    WHERE n.taken_at >= make_timestamp_ns($oldest) AND n.taken_at <= make_timestamp_ns($newest)
      AND n.device = b.device AND n.origin = b.origin AND n.taken_at = b.taken_at{same})"""
_NEW_VALUE = " AND ".join(_UNKNOWN.format(table=table, same=" AND n.point = b.point") for table in ("number", "text"))
_NEW_READING = _UNKNOWN.format(table="reading", same="")
_APPEND = "INSERT INTO {table} SELECT *, $batch FROM batch AS b WHERE {new}"
_INTO = {
    "number": _APPEND.format(table="number", new=_NEW_VALUE),
    "text": _APPEND.format(table="text", new=_NEW_VALUE),
    "reading": _APPEND.format(table="reading", new=_NEW_READING),
}
# Or a reading that a device sends again later, with a time that history has, would not be looked up.
_NEWEST = """
MERGE INTO newest USING (SELECT device, origin, max(taken_at) AS taken_at FROM batch GROUP BY device, origin) AS b
ON newest.device = b.device AND newest.origin = b.origin
WHEN MATCHED AND b.taken_at > newest.taken_at THEN UPDATE SET taken_at = b.taken_at
WHEN NOT MATCHED THEN INSERT VALUES (b.device, b.origin, b.taken_at)
"""


class HistoryStore:
    """The file of a stopped site, for `write`. Use `open_history`.

    ``raw_from``: UTC ns; whether older values were here already cannot be told, because they are removed after a time
    (``None``: nothing was). They would be counted twice in the roll-ups.
    """

    def __init__(self, database: DuckDBPyConnection, path: Path, series_of: SeriesOf) -> None:
        self._database = database
        self._path = path
        self._series_of = series_of
        with faults_of(path):
            self._dimensions = Dimensions(database)
            self._batch, _ = duck_latest.last_batch(database)
            self.raw_from = mark(database).raw_from

    def write(self, readings: Sequence[Reading]) -> int:
        """Store what is not there yet, in one transaction; the number of new values.

        No two readings share device, origin and time. Raises `QueryRefused` for a reading that does not fit its
        device's series or is older than ``raw_from``, `StoreUnavailable`; nothing of the batch is stored then.
        """
        rows = [(self._bound(reading), reading) for reading in readings]
        if not rows:
            return 0
        with faults_of(self._path):
            self._dimensions.save()
        stamps = [reading.at for reading in readings]
        if self.raw_from is not None and min(stamps) < self.raw_from:
            raise QueryRefused(f"a reading of {min(stamps)} ns: values are kept from {self.raw_from} ns on")
        bounds = {"oldest": min(stamps), "newest": max(stamps), "batch": self._batch + 1}
        whole = reading_columns(rows)
        numbers, texts = value_columns(rows, whole)
        with faults_of(self._path), _transaction(self._database):
            duck_latest.settle(self._database, self._batch)
            stored = sum(
                self._append(_INTO[table], columns, bounds)
                for table, columns in (("number", numbers), ("text", texts))
                if len(columns["value"])
            )
            self._append(_INTO["reading"], whole, bounds)
            self._database.execute(_NEWEST)
            # settled without having been looked at: `latest` is made from later batches only
            self._database.execute("UPDATE settled SET batch = ?", [bounds["batch"]])
        self._batch += 1
        return stored

    def _bound(self, reading: Reading) -> Bound:
        series = self._series_of(reading.device)
        reason = NOT_REGISTERED if series is None else refusal(reading, series)
        if series is None or reason:
            raise QueryRefused(f"device {reading.device!r}: {reason}")
        with faults_of(self._path):
            return self._dimensions.bind(reading.device, series)

    def _append(self, sql: str, columns: Columns, bounds: dict[str, int]) -> int:
        show(self._database, "batch", dict(columns))
        (count,) = self._database.execute(sql, bounds).fetchone() or (0,)
        return int(count)


@contextmanager
def open_history(path: Path, series_of: SeriesOf, memory_limit: str = "512MB") -> Iterator[HistoryStore]:
    """Open the file, or create it, and own it until the end of the block.

    Raises `StoreLocked`, `StoreNewer`, `StoreDamaged` or `StoreUnavailable`; the file is untouched then.
    """
    owner = OwnerLock(path)
    try:
        database = connect(path, memory_limit)
        try:
            yield HistoryStore(database, path, series_of)
            with faults_of(path):
                database.execute("CHECKPOINT")
        finally:
            database.close()
    finally:
        owner.release()


@contextmanager
def _transaction(database: DuckDBPyConnection) -> Iterator[None]:
    database.execute("BEGIN")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # A failed COMMIT has rolled back by itself, and a fatal error leaves nothing to roll back.
        with suppress(duckdb.TransactionException, duckdb.FatalException):
            database.execute("ROLLBACK")
        raise
