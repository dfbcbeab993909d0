"""The write path of the embedded store: one open database, one transaction for each batch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from protocols.reading import Reading, encode_reading
from telemetry import duck_latest, duck_query, duck_rollup
from telemetry.duck_batch import Columns, reading_columns, value_columns
from telemetry.duck_dimensions import Bound, Dimensions
from telemetry.duck_keep import Retention
from telemetry.keep import Keep
from telemetry.sink import NOT_REGISTERED, DeadLetter, SeriesOf, refusal

_Row: TypeAlias = tuple[Bound, Reading]

SETTLE_AFTER = 250_000
"""Values written between two updates of `latest`, `newest` and the roll-ups: what a start after a crash reads, in
about 50 ms, and what a query adds to the roll-ups."""

_APPEND = {
    "reading": "INSERT INTO reading SELECT *, ? FROM batch",
    "number": "INSERT INTO number SELECT *, ? FROM batch",
    "text": "INSERT INTO text SELECT *, ? FROM batch",
}

_CURSOR = """
MERGE INTO cursor USING batch_cursor AS b ON cursor.partition = b.partition
WHEN MATCHED THEN UPDATE SET position = b.position
WHEN NOT MATCHED THEN INSERT VALUES (b.partition, b.position)
"""

# The bounds let DuckDB skip every block of rows that is newer or older than the suspects.
_KNOWN = """
SELECT s.number FROM suspect AS s WHERE EXISTS (
    SELECT 1 FROM reading AS r
    WHERE r.taken_at >= make_timestamp_ns($oldest) AND r.taken_at <= make_timestamp_ns($newest)
      AND r.device = s.device AND r.origin = s.origin AND r.taken_at = s.taken_at)
"""


class Session:
    """An open database as its one writing thread knows it. Raises DuckDB's own errors."""

    def __init__(self, root: DuckDBPyConnection, series_of: SeriesOf, keep: Keep) -> None:
        self.root = root
        self._series_of = series_of
        self._writer = root.cursor()
        self.dimensions = Dimensions(self._writer)
        self._newest = duck_latest.newest(self._writer)
        self.dead_letters = duck_query.dead_letter_count(self._writer)
        self._batch, self._unsettled = duck_latest.last_batch(self._writer)
        self._rolled_up = duck_rollup.mark(self._writer).minute_batch >= duck_latest.settled(self._writer)
        self._retention = Retention(self._writer, keep)

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int], dead: Sequence[DeadLetter]) -> int:
        """As `telemetry.duck.DuckStore.write`. After an error the session is of no use: what the file holds
        is not known, and `_newest` may not say so."""
        if self._unsettled >= SETTLE_AFTER or not self._rolled_up:
            self._settle()
        elif self._retention.is_due:
            self._remove_a_day()
        rows, refused = self._admit(readings)
        rows = self._without_known(rows)
        self._commit(rows, cursor, [*dead, *refused])
        for bound, reading in rows:
            key = bound.key, int(reading.origin)
            self._newest[key] = max(reading.at, self._newest.get(key, reading.at))
        return len(rows)

    def checkpoint(self) -> None:
        """Settle, and bring the write-ahead log into the file. A reader at work postpones that to a later one."""
        self._settle()
        with suppress(duckdb.TransactionException):
            self._writer.execute("CHECKPOINT")

    def close(self) -> None:
        """Close every connection of the session."""
        self._writer.close()
        self.root.close()

    def _admit(self, readings: Sequence[Reading]) -> tuple[list[_Row], list[DeadLetter]]:
        rows: list[_Row] = []
        refused: list[DeadLetter] = []
        for reading in readings:
            series = self._series_of(reading.device)
            reason = NOT_REGISTERED if series is None else refusal(reading, series) or self._too_old(reading)
            if series is None or reason:
                refused.append(DeadLetter(None, None, reason, encode_reading(reading)))
            else:
                rows.append((self.dimensions.bind(reading.device, series), reading))
        return rows, refused

    def _too_old(self, reading: Reading) -> str:
        begin = self._retention.raw_from
        if begin is None or reading.at >= begin:
            return ""
        return (
            f"taken at {reading.at} ns, before {begin} ns, from when on values are kept: nothing tells it from a double"
        )

    def _without_known(self, rows: list[_Row]) -> list[_Row]:
        """Drop what the batch holds twice and what the file has; only rows that are not newer are looked up."""
        newest: dict[tuple[int, int], int] = {}
        seen: set[tuple[int, int, int]] = set()
        fresh: list[_Row] = []
        suspects: list[int] = []
        for row in rows:
            bound, reading = row
            key = bound.key, int(reading.origin)
            if (*key, reading.at) in seen:
                continue
            seen.add((*key, reading.at))
            if reading.at <= newest.setdefault(key, self._newest.get(key, reading.at - 1)):
                suspects.append(len(fresh))
            fresh.append(row)
        if not suspects:
            return fresh
        known = self._known([fresh[number] for number in suspects], suspects)
        return [row for number, row in enumerate(fresh) if number not in known]

    def _known(self, rows: list[_Row], numbers: list[int]) -> set[int]:
        stamps = [reading.at for _, reading in rows]
        self._writer.register("suspect", {**reading_columns(rows), "number": np.array(numbers, dtype=np.int64)})
        bounds = {"oldest": min(stamps), "newest": max(stamps)}
        found = self._writer.execute(_KNOWN, bounds).fetchall()
        return {number for (number,) in found}

    def _commit(self, rows: list[_Row], cursor: Mapping[int, int], dead: Sequence[DeadLetter]) -> None:
        numbers, texts = value_columns(rows)
        with self._transaction():
            if rows:
                self._batch += 1
                columns = reading_columns(rows)
                self._append("reading", columns)
                self._retention.see(columns["received_at"])
            if len(numbers["value"]):
                self._append("number", numbers)
            if len(texts["value"]):
                self._append("text", texts)
            if dead:
                self._writer.executemany("INSERT INTO dead_letter VALUES (?, ?, ?, ?)", dead)
            if cursor:
                self._writer.register("batch_cursor", dict(_cursor_columns(cursor)))
                self._writer.execute(_CURSOR)
        self._unsettled += len(numbers["value"])
        self.dead_letters += len(dead)

    def _append(self, table: Literal["reading", "number", "text"], columns: Columns) -> None:
        self._writer.register("batch", dict(columns))
        self._writer.execute(_APPEND[table], [self._batch])

    def _settle(self) -> None:
        with self._transaction():
            duck_latest.settle(self._writer, self._batch)
            self._rolled_up = duck_rollup.roll_minutes(self._writer, self._batch)
            if duck_rollup.hours_are_due(self._writer):
                duck_rollup.roll_hours(self._writer)
        self._unsettled = 0

    def _remove_a_day(self) -> None:
        self._settle()
        if not self._rolled_up:
            return
        with self._transaction():
            duck_rollup.roll_hours(self._writer)
            self._retention.remove_a_day()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN")
        try:
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # A failed COMMIT has rolled back by itself, and a fatal error leaves nothing to roll back.
        with suppress(duckdb.TransactionException, duckdb.FatalException):
            self._writer.execute("ROLLBACK")


def _cursor_columns(cursor: Mapping[int, int]) -> Columns:
    return {
        "partition": np.array(list(cursor), dtype=np.int32),
        "position": np.array(list(cursor.values()), dtype=np.int64),
    }
