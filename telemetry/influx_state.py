"""The small SQLite file beside an InfluxDB: the consumer's cursor, the dead letters, and what waits to be rolled up.

The letters are bounded (`MOST_LETTERS`, `MOST_BYTES`). What comes beyond is only counted, and said in the log: the
journal has it until its retention.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from telemetry.errors import KEEP, StoreDamaged, StoreNewer, StoreUnavailable
from telemetry.influx_rollup_windows import MOST_WINDOWS, Piece, Touched, Window, Windows
from telemetry.influx_schema import SCHEMA_VERSION, migration
from telemetry.letters import MOST_BYTES, MOST_LETTERS, Aside, Letter, Refusal, that_fit
from telemetry.owner import OwnerLock

log = logging.getLogger("gengfu.telemetry")

_COLUMNS = "id, partition, position, reason, kind, data, set_aside_at"
_IDS_OF_ONE_STATEMENT = 500


class InfluxState:
    """Cursor, dead letters and windows on disk. Thread-safe; what a call changed is durable when it returns."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], int | None] = lambda: None,
        most_letters: int = MOST_LETTERS,
        most_bytes: int = MOST_BYTES,
        most_windows: int = MOST_WINDOWS,
    ) -> None:
        """``now``: UTC ns, or ``None`` where nobody knows: then no window is named. Raises `StoreLocked`, `StoreNewer`,
        `StoreDamaged` or `StoreUnavailable`."""
        self._path = path
        self._now = now
        self._most_letters = most_letters
        self._most_bytes = most_bytes
        self._most_windows = most_windows
        self._count = self._bytes = self._dropped = 0
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

    def advance(self, cursor: Mapping[int, int], dead: Sequence[Aside], lines: Touched = MappingProxyType({})) -> None:
        """Move the cursor of the given partitions, keep the letters and name the windows that the lines touched, in one
        durable transaction."""
        now = self._now()
        with self._guard, self._faults():
            windows = [] if now is None else self._windows.fresh(lines)
            kept = list(that_fit(dead, self._most_letters - self._count, self._most_bytes - self._bytes))
            over = len(dead) - len(kept)
            with self._transaction():
                self._database.executemany(
                    "INSERT INTO dead_letter (partition, position, reason, kind, data, set_aside_at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    ((*one, now) for one in kept),
                )
                if over:
                    self._database.execute("UPDATE dropped SET letters = letters + ?", [over])
                self._database.executemany(
                    "INSERT INTO cursor VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                    cursor.items(),
                )
                more = self._windows.insert(windows, now or 0)
            self._windows.keep(windows, more)
            self._count += len(kept)
            self._bytes += sum(len(one.data) for one in kept)
            before, self._dropped = self._dropped, self._dropped + over
        self._tell(before)

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""
        with self._guard, self._faults():
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM dead_letter WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - a constant
                [after, limit],
            ).fetchall()
        return [Letter(*row) for row in rows]

    def some_letters(self, ids: Sequence[int]) -> list[Letter]:
        """Those of the ids that are there, oldest first."""
        found: list[Letter] = []
        with self._guard, self._faults():
            for first in range(0, len(ids), _IDS_OF_ONE_STATEMENT):
                few = ids[first : first + _IDS_OF_ONE_STATEMENT]
                marks = ", ".join("?" * len(few))
                found += map(
                    Letter._make,
                    self._database.execute(
                        f"SELECT {_COLUMNS} FROM dead_letter WHERE id IN ({marks})",  # noqa: S608 - question marks
                        few,
                    ),
                )
        return sorted(found)

    def settle(self, stored: Sequence[int], refused: Sequence[Refusal]) -> None:
        """Second tries: remove the letters that the store has now, and write down why the others were refused."""
        with self._guard, self._faults():
            with self._transaction():
                sizes = [size for one in stored for size in self._remove(one)]
                self._database.executemany(
                    "UPDATE dead_letter SET reason = ?, set_aside_at = ? WHERE id = ?",
                    [(one.reason, self._now(), one.id) for one in refused],
                )
            self._count -= len(sizes)
            self._bytes -= sum(sizes)

    def dead_letter_count(self) -> int:
        """How many letters are set aside; asks memory, not the file."""
        return self._count

    def take(self, now: int) -> Piece | None:
        """Windows that are due at ``now``, UTC ns, to be rolled up; they wait until they are `rolled`."""
        with self._guard, self._faults():
            return self._windows.take(now)

    def rolled(self, windows: Sequence[Window]) -> None:
        """They wait no more, but for those that were named again since they were taken."""
        with self._guard, self._faults():
            with self._transaction():
                less = self._windows.remove(windows)
            self._windows.count -= less

    def put_off(self, windows: Sequence[Window], until: int) -> None:
        """They are due at ``until``, UTC ns."""
        with self._guard, self._faults(), self._transaction():
            self._windows.put_off(windows, until)

    def windows_waiting(self) -> int:
        """How many minutes and hours wait to be rolled up; asks memory, not the file."""
        return self._windows.count

    @property
    def dropped_letters(self) -> int:
        """How many were refused while there was no room for them, since the file was made."""
        return self._dropped

    def close(self) -> None:
        """Release the file."""
        with self._guard:
            self._database.close()
            self._owner.release()

    def _remove(self, letter: int) -> list[int]:
        """The sizes of what was removed: one, or none."""
        sizes = self._database.execute("SELECT length(data) FROM dead_letter WHERE id = ?", [letter]).fetchall()
        self._database.execute("DELETE FROM dead_letter WHERE id = ?", [letter])
        return [size for (size,) in sizes]

    def _tell(self, before: int) -> None:
        """At 1, 2, 4, 8 ...: a store that refuses everything must not fill the log as well."""
        if self._dropped.bit_length() > before.bit_length():
            log.error(
                "%s: the dead letters are full (%d, %d bytes): %d more were refused and are only counted; the journal "
                "has them until its retention. Mend the cause, then replay or delete letters",
                self._path,
                self._count,
                self._bytes,
                self._dropped,
            )

    def _weigh(self) -> None:
        self._count, self._bytes = self._database.execute(
            "SELECT count(*), coalesce(sum(length(data)), 0) FROM dead_letter"
        ).fetchone()
        (self._dropped,) = self._database.execute("SELECT letters FROM dropped").fetchone()

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
                with self._transaction():
                    for statement in migration(version):
                        self._database.execute(statement)
                self._weigh()
                self._windows = Windows(self._database, self._most_windows)
        except BaseException:
            self._database.close()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"{self._path}: {error}. {KEEP}") from error
