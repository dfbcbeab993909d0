"""The read path of the embedded store: SQL over one connection, keys already looked up."""

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from protocols.reading import Origin
from telemetry.duck_latest import Row
from telemetry.errors import QueryRefused
from telemetry.sink import TIME_MAX, DeadLetter
from telemetry.store import Aggregate, Bucket

BUCKETS_MAX = 100_000
"""Most buckets of one answer: 69 days of minutes, 11 years of hours. Beyond it only memory is lost."""

_BAD = 0x80

_WHERE = """device = $device AND point = $point AND origin = $origin
    AND taken_at >= make_timestamp_ns($start) AND taken_at < make_timestamp_ns($end)"""

_SAMPLES = """
SELECT epoch_ns(taken_at) AS ns, value AS number, NULL AS text, quality FROM number WHERE {where}
UNION ALL
SELECT epoch_ns(taken_at), NULL, value, quality FROM text WHERE {where}
ORDER BY ns LIMIT $limit
"""

_HOW: dict[Aggregate, str] = {
    "mean": "avg(value)",
    "min": "min(value)",
    "max": "max(value)",
    "count": "count(value)",
    "sum": "sum(value)",
    "first": "min_by(value, taken_at)",
    "last": "max_by(value, taken_at)",
}

# The remainder of a time before 1970 is negative: adding `every` brings it into [0, every).
_AGGREGATE = """
SELECT epoch_ns(taken_at) - (epoch_ns(taken_at) % $every + $every) % $every AS bucket, {how}, count(value)
FROM number WHERE {where} AND value IS NOT NULL AND quality < $bad
GROUP BY bucket
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


def buckets(start: int, end: int, every: int) -> range:
    """The starts of the buckets that [start, end) touches. Raises `QueryRefused`."""
    if every <= 0:
        raise QueryRefused(f"every {every} ns: must be above 0")
    starts = range(start - start % every, end, every) if end > start else range(0)
    if len(starts) > BUCKETS_MAX:
        raise QueryRefused(f"{len(starts)} buckets: at most {BUCKETS_MAX}. Ask for longer buckets or a shorter range")
    return starts


def aggregate(connection: DuckDBPyConnection, where: Where, every: int, how: Aggregate) -> dict[int, Bucket]:
    """The buckets that hold something, by their start."""
    sql = _AGGREGATE.format(how=_HOW[how], where=_WHERE)
    rows = connection.execute(sql, {**where.parameters(), "every": every, "bad": _BAD}).fetchall()
    return {at: Bucket(at, float(value), count) for at, value, count in rows}


def cursor(connection: DuckDBPyConnection) -> dict[int, int]:
    """partition -> position."""
    return dict(connection.execute("SELECT partition, position FROM cursor").fetchall())


def dead_letters(connection: DuckDBPyConnection, limit: int) -> list[DeadLetter]:
    """In the order in which they were set aside."""
    rows = connection.execute(
        "SELECT partition, position, reason, data FROM dead_letter ORDER BY rowid LIMIT ?", [limit]
    ).fetchall()
    return [DeadLetter(*row) for row in rows]


def dead_letter_count(connection: DuckDBPyConnection) -> int:
    """How many there are."""
    row = connection.execute("SELECT count(*) FROM dead_letter").fetchone()
    return int(row[0]) if row else 0
