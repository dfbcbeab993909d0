"""What the embedded store reads row by row: SQL over one connection, keys already looked up."""

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from protocols.reading import Origin
from telemetry.duck_latest import Row
from telemetry.errors import QueryRefused
from telemetry.sink import TIME_MAX

_WHERE = """device = $device AND point = $point AND origin = $origin
    AND taken_at >= make_timestamp_ns($start) AND taken_at < make_timestamp_ns($end)"""

# Each table is cut by its own time column: then DuckDB leaves out the blocks that are newer than the first `limit` rows
# that it found.
_SAMPLES = """
(SELECT epoch_ns(taken_at) AS ns, value AS number, NULL AS text, quality FROM number WHERE {where}
 ORDER BY taken_at LIMIT $limit)
UNION ALL
(SELECT epoch_ns(taken_at), NULL, value, quality FROM text WHERE {where} ORDER BY taken_at LIMIT $limit)
ORDER BY ns LIMIT $limit
"""


class Where(NamedTuple):
    """One point of one device: keys, and start <= time < end in UTC ns."""

    device: int
    point: int
    origin: Origin
    start: int
    end: int

    def parameters(self) -> dict[str, int]:
        """For SQL; ends beyond what a store can hold are cut to it."""
        start, end = (max(-TIME_MAX, min(edge, TIME_MAX)) for edge in (self.start, self.end))
        return {"device": self.device, "point": self.point, "origin": int(self.origin), "start": start, "end": end}


def samples(connection: DuckDBPyConnection, where: Where, limit: int) -> list[Row]:
    """Oldest first."""
    if limit < 0:
        raise QueryRefused(f"limit {limit}: must not be negative")
    rows = connection.execute(_SAMPLES.format(where=_WHERE), {**where.parameters(), "limit": limit}).fetchall()
    return [Row(at, number if text is None else text, quality) for at, number, text, quality in rows]


def cursor(connection: DuckDBPyConnection) -> dict[int, int]:
    """partition -> position."""
    return dict(connection.execute("SELECT partition, position FROM cursor").fetchall())
