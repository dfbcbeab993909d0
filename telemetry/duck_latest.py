"""The newest value of each point and the newest stamp of each device, without scanning all rows.

Both are kept in small tables that hold everything up to batch `settled`; the batches since are read and added.
Bringing these tables up to date with every write would cost a third of the write.
"""

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from protocols.reading import Value

_SETTLE = (
    """
    MERGE INTO latest USING tail_latest AS b
    ON latest.device = b.device AND latest.point = b.point AND latest.origin = b.origin
    WHEN MATCHED AND b.taken_at > latest.taken_at THEN UPDATE SET
        taken_at = b.taken_at, number = b.top.number, text = b.top.text, quality = b.top.quality
    WHEN NOT MATCHED THEN INSERT VALUES (
        b.device, b.point, b.origin, b.taken_at, b.top.number, b.top.text, b.top.quality)
    """,
    """
    MERGE INTO newest USING tail_newest AS b ON newest.device = b.device AND newest.origin = b.origin
    WHEN MATCHED AND b.taken_at > newest.taken_at THEN UPDATE SET taken_at = b.taken_at
    WHEN NOT MATCHED THEN INSERT VALUES (b.device, b.origin, b.taken_at)
    """,
)

_LATEST = """
SELECT device, point, origin, epoch_ns(max(taken_at)), max_by(top, taken_at) FROM (
    SELECT device, point, origin, taken_at, {'number': number, 'text': text, 'quality': quality} AS top FROM latest
    UNION ALL SELECT * FROM tail_latest)
GROUP BY device, point, origin
"""

_NEWEST = """
SELECT device, origin, epoch_ns(max(taken_at)) FROM (SELECT * FROM newest UNION ALL SELECT * FROM tail_newest)
GROUP BY device, origin
"""

_LAST_BATCH = """
SELECT greatest((SELECT max(batch) FROM settled), (SELECT coalesce(max(batch), 0) FROM reading)),
       (SELECT count(*) FROM tail_value)
"""


class Row(NamedTuple):
    """A sample without the names the caller already has."""

    at: int
    value: Value
    quality: int


def latest(connection: DuckDBPyConnection) -> list[tuple[int, int, int, Row]]:
    """(device, point, origin, newest row)."""
    return [
        (device, point, origin, Row(at, top["number"] if top["text"] is None else top["text"], top["quality"]))
        for device, point, origin, at, top in connection.execute(_LATEST).fetchall()
    ]


def newest(connection: DuckDBPyConnection) -> dict[tuple[int, int], int]:
    """(device, origin) -> newest stamp, UTC ns."""
    return {(device, origin): at for device, origin, at in connection.execute(_NEWEST).fetchall()}


def last_batch(connection: DuckDBPyConnection) -> tuple[int, int]:
    """The number of the last batch, and how many values are not settled."""
    row = connection.execute(_LAST_BATCH).fetchone()
    return row or (0, 0)


def settled(connection: DuckDBPyConnection) -> int:
    """The batch up to which both tables are."""
    row = connection.execute("SELECT max(batch) FROM settled").fetchone()
    return int(row[0]) if row else 0


def settle(connection: DuckDBPyConnection, batch: int) -> None:
    """Bring both tables up to ``batch``, the last one; within the caller's transaction."""
    for statement in _SETTLE:
        connection.execute(statement)
    connection.execute("UPDATE settled SET batch = ?", [batch])
