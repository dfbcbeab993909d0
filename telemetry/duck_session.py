"""The write path of the embedded store: one open database, one transaction for each batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from protocols.reading import Reading, decode_reading, encode_reading
from telemetry import duck_latest, duck_rollup
from telemetry.duck_arrays import Arrays, show
from telemetry.duck_batch import Columns, reading_columns, value_columns
from telemetry.duck_dimensions import Bound, Dimensions
from telemetry.duck_keep import Retention
from telemetry.duck_letters import LetterBox
from telemetry.keep import Keep
from telemetry.letters import Letter, Refusal, Tried
from telemetry.sink import NOT_REGISTERED, UNDECODABLE, DeadLetter, SeriesOf, is_ordinary, refusal

_Row: TypeAlias = tuple[Bound, Reading]

SETTLE_AFTER = 250_000
"""Values written between two updates of `latest`, `newest` and the roll-ups: what a start after a crash reads, in
about 50 ms, and what a query adds to the roll-ups."""

_APPEND = {
    "reading": "INSERT INTO reading BY NAME FROM batch_reading",
    "number": "INSERT INTO number BY NAME FROM batch_number",
    "text": "INSERT INTO text BY NAME FROM batch_text",
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

    def __init__(
        self, root: DuckDBPyConnection, series_of: SeriesOf, keep: Keep, now: Callable[[], int | None]
    ) -> None:
        self.root = root
        self._series_of = series_of
        self._writer = root.cursor()
        self._shown: dict[str, Arrays] = {}
        self.dimensions = Dimensions(self._writer)
        self._newest = duck_latest.newest(self._writer)
        self.letters = LetterBox(self._writer, now)
        self._batch, self._unsettled = duck_latest.last_batch(self._writer)
        self._rolled_up = duck_rollup.mark(self._writer).minute_batch >= duck_latest.settled(self._writer)
        self._retention = Retention(self._writer, keep)

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int], dead: Sequence[DeadLetter]) -> int:
        """As `telemetry.duck.DuckStore.write`. After an error the session is of no use: what the file holds
        is not known, and `_newest` may not say so."""
        self._keep_up()
        rows, refused = self._admit(readings)
        rows = self._without_known(rows)
        with self._transaction():
            self._store(rows)
            self.letters.add([*dead, *refused])
            if cursor:
                self._show("batch_cursor", _cursor_columns(cursor))
                self._writer.execute(_CURSOR)
        self._note(rows)
        return len(rows)

    def retry(self, letters: Sequence[Letter]) -> Tried:
        """Second tries, with the site as it is now: what can be stored is, and is no letter any more, in one
        transaction; the others say why they were refused this time. After an error as `write`."""
        self._keep_up()
        rows: list[_Row] = []
        refused: list[Refusal] = []
        for letter in letters:
            try:
                reading = decode_reading(letter.data)
            except UNDECODABLE as error:
                refused.append(Refusal(letter.id, f"not a reading: {error}"))
                continue
            fit, dead = self._admit((reading,))
            rows += fit
            refused += [Refusal(letter.id, one.reason) for one in dead]
        kept = {one.id for one in refused}
        tried = Tried([letter.id for letter in letters if letter.id not in kept], refused)
        rows = self._without_known(rows)
        with self._transaction():
            self._store(rows)
            self.letters.settle(*tried)
        self._note(rows)
        return tried

    def delete(self, letter: int) -> None:
        """Remove a letter for good. After an error as `write`."""
        with self._transaction():
            self.letters.settle([letter], [])

    def checkpoint(self) -> None:
        """Settle, and bring the write-ahead log into the file. A reader at work postpones that to a later one."""
        self._settle()
        with suppress(duckdb.TransactionException):
            self._writer.execute("CHECKPOINT")

    def close(self) -> None:
        """Close every connection of the session."""
        self._writer.close()
        self.root.close()

    def _keep_up(self) -> None:
        """What is due beside a write."""
        if self._unsettled >= SETTLE_AFTER or not self._rolled_up:
            self._settle()
        elif self._retention.is_due:
            self._remove_a_day()

    def _admit(self, readings: Iterable[Reading]) -> tuple[list[_Row], list[DeadLetter]]:
        rows: list[_Row] = []
        refused: list[DeadLetter] = []
        begin = self._retention.raw_from
        for reading in readings:
            series = self._series_of(reading.device)
            if series is None:
                reason = NOT_REGISTERED
            elif begin is not None and reading.at < begin:
                reason = refusal(reading, series) or _too_old(reading, begin)
            else:
                reason = "" if is_ordinary(reading, series) else refusal(reading, series)
            if series is None or reason:
                refused.append(DeadLetter(None, None, reason, encode_reading(reading)))
            else:
                rows.append((self.dimensions.bind(reading.device, series), reading))
        self.dimensions.save()
        return rows, refused

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
        self._show("suspect", {**reading_columns(rows), "number": np.array(numbers, dtype=np.int64)})
        bounds = {"oldest": min(stamps), "newest": max(stamps)}
        found = self._writer.execute(_KNOWN, bounds).fetchall()
        return {number for (number,) in found}

    def _store(self, rows: list[_Row]) -> None:
        if not rows:
            return
        self._batch += 1
        readings = reading_columns(rows)
        numbers, texts = value_columns(rows, readings)
        self._append("reading", readings)
        self._retention.see(readings["received_at"])
        if len(numbers["value"]):
            self._append("number", numbers)
        if len(texts["value"]):
            self._append("text", texts)
        self._unsettled += len(numbers["value"])

    def _note(self, rows: list[_Row]) -> None:
        for bound, reading in rows:
            key = bound.key, int(reading.origin)
            self._newest[key] = max(reading.at, self._newest.get(key, reading.at))

    def _append(self, table: Literal["reading", "number", "text"], columns: Columns) -> None:
        batch = np.full(len(columns["device"]), self._batch, dtype=np.int64)
        self._show(f"batch_{table}", {**columns, "batch": batch})
        self._writer.execute(_APPEND[table])

    def _show(self, name: str, columns: Columns) -> None:
        """Let SQL see the columns under a name. To register them anew each time would take a tenth of a write."""
        known = self._shown.get(name)
        if known is None:
            known = self._shown[name] = dict(columns)
            show(self._writer, name, known)
        known.update(columns)

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


def _too_old(reading: Reading, begin: int) -> str:
    return f"taken at {reading.at} ns, before {begin} ns, from when on values are kept: nothing tells it from a double"


def _cursor_columns(cursor: Mapping[int, int]) -> Columns:
    return {
        "partition": np.array(list(cursor), dtype=np.int32),
        "position": np.array(list(cursor.values()), dtype=np.int64),
    }
