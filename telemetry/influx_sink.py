"""The consumer of the journal that fills InfluxDB, with its cursor and dead letters in a small SQLite file.

The cursor moves after the server's 204. A crash between the two sends the batch again, which changes nothing:
the same series and time are overwritten.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from protocols.reading import decode_reading
from telemetry.errors import KEEP, StoreDamaged, StoreNewer, StoreUnavailable
from telemetry.influx import InfluxWriter
from telemetry.influx_settings import InfluxSettings
from telemetry.line_protocol import LineEncoder, Unwritable
from telemetry.owner import OwnerLock
from telemetry.sink import UNDECODABLE, Consumed, DeadLetter, SeriesOf, StoredItem, cursor_behind, no_reading, set_aside

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letter (
    id INTEGER PRIMARY KEY, partition INTEGER, position INTEGER, reason TEXT NOT NULL, data BLOB NOT NULL);
"""


class InfluxState:
    """Cursor and dead letters on disk. Thread-safe; a commit is durable when `advance` returns."""

    def __init__(self, path: Path) -> None:
        """Raises `StoreLocked`, `StoreNewer`, `StoreDamaged` or `StoreUnavailable`."""
        self._path = path
        self._guard = threading.Lock()
        self._owner = OwnerLock(path)
        try:
            with self._faults():
                self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare()
        except BaseException:
            self._owner.release()
            raise

    def cursor(self) -> dict[int, int]:
        """partition -> position."""
        with self._guard, self._faults():
            return dict(self._database.execute("SELECT partition, position FROM cursor").fetchall())

    def advance(self, cursor: Mapping[int, int], dead: Sequence[DeadLetter]) -> None:
        """Move the cursor of the given partitions and keep the letters, in one durable transaction."""
        with self._guard, self._faults(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT INTO dead_letter (partition, position, reason, data) VALUES (?, ?, ?, ?)", dead
            )
            self._database.executemany(
                "INSERT INTO cursor VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                cursor.items(),
            )

    def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """What was set aside, oldest first."""
        with self._guard, self._faults():
            rows = self._database.execute(
                "SELECT partition, position, reason, data FROM dead_letter ORDER BY id LIMIT ?", [limit]
            ).fetchall()
        return [DeadLetter(*row) for row in rows]

    def dead_letter_count(self) -> int:
        """How many letters are set aside."""
        with self._guard, self._faults():
            return int(self._database.execute("SELECT count(*) FROM dead_letter").fetchone()[0])

    def close(self) -> None:
        """Release the file."""
        with self._guard:
            self._database.close()
            self._owner.release()

    def _prepare(self) -> None:
        try:
            with self._faults():
                (version,) = self._database.execute("PRAGMA user_version").fetchone()
                if version > SCHEMA_VERSION:
                    raise StoreNewer(
                        f"{self._path}: schema {version}, this version knows {SCHEMA_VERSION}. "
                        "Install the version that wrote it"
                    )
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.executescript(_SCHEMA)
                self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except BaseException:
            self._database.close()
            raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"{self._path}: {error}. {KEEP}") from error


class InfluxSink:
    """`telemetry.sink.Sink` for InfluxDB. One thread consumes; any thread may read the dead letters."""

    def __init__(self, settings: InfluxSettings, series_of: SeriesOf, state: Path) -> None:
        """``state``: the SQLite file. The server is not asked for anything yet."""
        self._batch_lines = settings.batch_lines
        self._encoder = LineEncoder(series_of)
        self._writer = InfluxWriter(settings)
        self._state = InfluxState(state)

    def cursor(self) -> dict[int, int]:
        """As `telemetry.sink.Sink.cursor`."""
        return self._state.cursor()

    def consume(self, items: Iterable[StoredItem]) -> Consumed:
        """As `telemetry.sink.Sink.consume`; ``stored`` counts the lines the server took.

        Raises `StoreUnavailable` (call again with the same batch) or `StoreRefused` (an operator must act first).
        """
        batch = list(items)
        if not batch:
            return Consumed(0, 0, 0)
        readings = [item for item in batch if item[2] == "reading"]
        dead: list[DeadLetter] = []
        stored = 0
        for first in range(0, len(readings), self._batch_lines):
            stored += self._write(readings[first : first + self._batch_lines], dead)
        self._state.advance(cursor_behind(batch), dead)
        return Consumed(stored, len(batch) - len(readings), len(dead))

    def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """Bodies that are no reading, readings that have no line, and lines the server refused; oldest first."""
        return self._state.dead_letters(limit)

    def dead_letter_count(self) -> int:
        """How many letters are set aside."""
        return self._state.dead_letter_count()

    def close(self) -> None:
        """Close the connection and the state file."""
        self._writer.close()
        self._state.close()

    def _write(self, items: list[StoredItem], dead: list[DeadLetter]) -> int:
        """How many lines the server took; what has no line, and what the server refused, goes to ``dead``.

        Each reading is gone before the next one comes: thousands at a time do not stay in the processor's cache.
        """
        lines: list[str] = []
        places: list[StoredItem] = []
        for item in items:
            try:
                line = self._encoder.line(decode_reading(item[3]))
            except UNDECODABLE as error:
                dead.append(no_reading(item, error))
            except Unwritable as error:
                dead.append(set_aside(item, str(error)))
            else:
                if line is not None:
                    lines.append(line)
                    places.append(item)
        refused = self._writer.write(lines)
        dead += [set_aside(places[one.line], one.reason, lines[one.line].encode()) for one in refused]
        return len(lines) - len(refused)
