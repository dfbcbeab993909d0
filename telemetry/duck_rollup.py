"""Roll-ups of the embedded store: what each minute and each hour brought, made from the batches since the last time.

Additive: a value goes in once, with the batch it came in, whenever it was taken. That is exact because a value is
stored once and never changed, and it stays so when the raw values of its minute are gone. Between two steps a query
adds the values that are not rolled up yet. BAD and absent values are left out, as in every aggregate.
"""

from typing import NamedTuple

from duckdb import DuckDBPyConnection

STEP_VALUES = 500_000
"""Values rolled up in one transaction, give or take a batch: half a second in which the store takes no data."""

MINUTES_BEFORE_HOURS = 60
"""Minutes per point between two steps to hours, on the average: about one row an hour, and few to add in a query."""

MINUTES_AT_LEAST = 50_000
"""Rows of minutes below which no step to hours is worth its while."""

_NEXT = "SELECT max(batch) FROM (SELECT batch FROM number WHERE batch > $after LIMIT $values)"

# `//` cuts towards zero; with the CASE it rounds down without leaving the 64 bits at either end of time.
_MINUTES = """
INSERT INTO by_minute
SELECT device, point, origin,
       CASE WHEN epoch_ns(taken_at) >= 0 THEN epoch_ns(taken_at) // 60000000000
            ELSE (epoch_ns(taken_at) + 1) // 60000000000 - 1 END AS minute,
       count(*), sum(value), min(value), max(value),
       min_by(value, taken_at), min(taken_at), max_by(value, taken_at), max(taken_at), $upto
FROM number WHERE batch > $after AND batch <= $upto AND value IS NOT NULL AND quality < 128
GROUP BY device, point, origin, minute ORDER BY device, point, origin, minute
"""

_HOURS = """
INSERT INTO by_hour
SELECT device, point, origin, CASE WHEN minute >= 0 THEN minute // 60 ELSE (minute + 1) // 60 - 1 END AS hour,
       sum(samples), sum(total), min(low), max(high),
       min_by(first, first_at), min(first_at), max_by(last, last_at), max(last_at)
FROM by_minute WHERE batch > (SELECT hour_batch FROM mark)
GROUP BY device, point, origin, hour ORDER BY device, point, origin, hour
"""

_WAITING = """
SELECT (SELECT count(*) FROM by_minute WHERE batch > (SELECT hour_batch FROM mark)),
       (SELECT count(*) FROM latest)
"""


class Mark(NamedTuple):
    """How far the roll-ups are, and from when (UTC ns) each class is kept; ``None``: nothing was removed."""

    minute_batch: int
    hour_batch: int
    raw_from: int | None
    minute_from: int | None
    hour_from: int | None


def mark(connection: DuckDBPyConnection) -> Mark:
    """As the file says."""
    row = connection.execute("SELECT minute_batch, hour_batch, raw_from, minute_from, hour_from FROM mark").fetchone()
    assert row is not None
    return Mark(*row)


def roll_minutes(connection: DuckDBPyConnection, batch: int) -> bool:
    """One step towards ``batch``, the last one of the file, within the caller's transaction; whether it is reached."""
    after = mark(connection).minute_batch
    row = connection.execute(_NEXT, {"after": after, "values": STEP_VALUES}).fetchone()
    upto = row[0] if row else None
    if upto is None:
        connection.execute("UPDATE mark SET minute_batch = ?", [batch])
        return True
    connection.execute(_MINUTES, {"after": after, "upto": upto})
    connection.execute("UPDATE mark SET minute_batch = ?", [upto])
    return bool(upto >= batch)


def hours_are_due(connection: DuckDBPyConnection) -> bool:
    """Whether enough minutes wait for a step to hours."""
    waiting, points = connection.execute(_WAITING).fetchone() or (0, 0)
    return bool(waiting >= max(MINUTES_AT_LEAST, MINUTES_BEFORE_HOURS * points))


def roll_hours(connection: DuckDBPyConnection) -> None:
    """Everything that is in minutes also goes into hours, within the caller's transaction."""
    connection.execute(_HOURS)
    connection.execute("UPDATE mark SET hour_batch = minute_batch")
