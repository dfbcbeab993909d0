"""Bulk reading out of the embedded store, a slice at a time, while it is being written to.

A slice is a stretch of time with at most `ROWS_MAX` rows, however long the whole is: memory is bounded, and no
transaction stays open between two slices. What is stored late, into a stretch that has been read, is not in it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import pairwise
from pathlib import Path

from duckdb import DuckDBPyConnection

from telemetry.duck import DuckStore
from telemetry.duck_file import connect, faults_of
from telemetry.errors import ExtractBusy, StoreUnavailable
from telemetry.extract import Extract, ExtractRow, Slices
from telemetry.owner import OwnerLock
from telemetry.sink import TIME_MAX

ROWS_MAX = 5_000
"""Rows of a slice: some 0.7 MB as text."""
FETCH = 500
"""Rows turned into objects at a time: the interpreter is not held longer by one call."""
AT_ONCE = 2
"""Extracts that may be read at the same time: the watch has the same processor."""

_WINDOW = "taken_at >= make_timestamp_ns($start) AND taken_at < make_timestamp_ns($end)"
_FOUND = """(
    SELECT taken_at, device, point, origin, value AS number, NULL::VARCHAR AS text, quality FROM number WHERE {where}
    UNION ALL
    SELECT taken_at, device, point, origin, NULL::DOUBLE, value, quality FROM text WHERE {where})
"""
_WHERE = """{window} AND list_contains($origins, origin)
    AND (len($devices) = 0 OR device IN (SELECT key FROM device WHERE list_contains($devices, id)))
    AND (len($points) = 0 OR point IN (SELECT key FROM point WHERE list_contains($points, name)))"""
_BOUNDS = "SELECT epoch_ns(min(taken_at)), epoch_ns(max(taken_at)) FROM {found}"
_COUNT = "SELECT count(*) FROM {found}"
_ROWS = """
SELECT epoch_ns(v.taken_at), d.id, d.profile, d.kind, d.area, p.name, v.origin, v.number, v.text, v.quality,
       epoch_ns(r.received_at)
FROM {found} AS v JOIN device AS d ON d.key = v.device JOIN point AS p ON p.key = v.point
LEFT JOIN (SELECT device, origin, taken_at, received_at FROM reading WHERE {window}) AS r
    ON r.device = v.device AND r.origin = v.origin AND r.taken_at = v.taken_at
ORDER BY v.taken_at, d.id, p.name, v.origin
"""
_KNOWN = "SELECT id FROM device UNION ALL SELECT name FROM point"


def _sql(template: str) -> str:
    return template.format(window=_WINDOW, found=_FOUND.format(where=_WHERE.format(window=_WINDOW)))


Connected = Callable[[], AbstractContextManager[DuckDBPyConnection]]


class _Slices:
    def __init__(self, connected: Connected, extract: Extract, ended: Callable[[], None]) -> None:
        self._connected = connected
        self._extract = extract
        self._ended: Callable[[], None] | None = ended
        self._windows: list[tuple[int, int]] | None = None

    def next(self) -> list[ExtractRow]:
        with self._connected() as connection:
            windows = self._bounds(connection) if self._windows is None else list(self._windows)
            rows: list[ExtractRow] = []
            while windows and not rows:
                rows = self._look(connection, windows)
            self._windows = windows
        return rows

    def close(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()

    def _bounds(self, connection: DuckDBPyConnection) -> list[tuple[int, int]]:
        whole = self._extract.start, self._extract.end
        first, last = connection.execute(_sql(_BOUNDS), self._parameters(*whole)).fetchone() or (None, None)
        return [] if first is None else [(first, last + 1)]

    def _look(self, connection: DuckDBPyConnection, windows: list[tuple[int, int]]) -> list[ExtractRow]:
        """The rows of the first window; none where it is empty, or too full and split."""
        start, end = windows.pop()
        window = self._parameters(start, end)
        (count,) = connection.execute(_sql(_COUNT), window).fetchone() or (0,)
        if count <= ROWS_MAX or end - start <= 1:
            return list(_fetched(connection.execute(_sql(_ROWS), window))) if count else []
        parts = min(2 * count // ROWS_MAX + 1, end - start, 1_000)
        edges = [start + (end - start) * part // parts for part in range(parts + 1)]
        windows.extend(reversed(list(pairwise(edges))))
        return []

    def _parameters(self, start: int, end: int) -> dict[str, object]:
        return {
            "start": max(-TIME_MAX, min(start, TIME_MAX)),
            "end": max(-TIME_MAX, min(end, TIME_MAX)),
            "origins": [int(one) for one in self._extract.origins],
            "devices": list(self._extract.devices),
            "points": list(self._extract.points),
        }


def _fetched(result: DuckDBPyConnection) -> Iterator[ExtractRow]:
    while rows := result.fetchmany(FETCH):
        yield from map(ExtractRow._make, rows)


class DuckExtracts:
    """`telemetry.extract.Extracts` of an embedded store."""

    def __init__(self, connected: Connected) -> None:
        """``connected`` lends a connection for one slice. See `of_store` and `of_file`."""
        self._connected = connected
        self._free = threading.Semaphore(AT_ONCE)

    def unknown(self, extract: Extract) -> tuple[str, ...]:
        """As `telemetry.extract.Extracts.unknown`."""
        with self._connected() as connection:
            known = {name for (name,) in connection.execute(_KNOWN).fetchall()}
        return tuple(name for name in (*extract.devices, *extract.points) if name not in known)

    def begin(self, extract: Extract) -> Slices:
        """As `telemetry.extract.Extracts.begin`."""
        if not self._free.acquire(blocking=False):
            raise ExtractBusy(f"{AT_ONCE} extracts are being read already; ask again when one has ended")
        return _Slices(self._connected, extract, self._free.release)


def of_store(store: DuckStore) -> DuckExtracts:
    """Out of the store that this process has open, and goes on writing to."""

    @contextmanager
    def connected() -> Iterator[DuckDBPyConnection]:
        with store.reader() as (_, connection):
            yield connection

    return DuckExtracts(connected)


@contextmanager
def of_file(path: Path, memory_limit: str = "512MB") -> Iterator[DuckExtracts]:
    """Out of the file of a site that does not run; owns it until the end of the block.

    Raises `StoreLocked`, `StoreNewer`, `StoreDamaged`, and `StoreUnavailable` where there is no such file.
    """
    if not path.is_file():
        raise StoreUnavailable(f"{path}: no such file. Name the data folder of a site that has run")
    owner = OwnerLock(path)
    try:
        with closing(connect(path, memory_limit)) as database:

            @contextmanager
            def connected() -> Iterator[DuckDBPyConnection]:
                with faults_of(path), closing(database.cursor()) as connection:
                    yield connection

            yield DuckExtracts(connected)
    finally:
        owner.release()
