"""What the stores hold, counted by (device, time stamp in UTC ns)."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import duckdb

from tests.fixtures.influx import Influxd

Counted: TypeAlias = Counter[tuple[str, int]]


def in_duckdb(data: Path) -> Counted:
    """Rows of the embedded store of a data folder that no program has open."""
    with closing(duckdb.connect(str(data / "telemetry.duckdb"), read_only=True)) as database:
        rows = database.execute("SELECT id, epoch_ns(taken_at) FROM reading JOIN device ON key = device").fetchall()
    return Counter((device, at) for device, at in rows)


def in_influx(server: Influxd, database: str, measurement: str) -> Counted:
    """Points of a measurement, over all its series."""
    rows = server.query(f'SELECT * FROM "{measurement}"', database)
    return Counter((row["device"], row["time"]) for row in rows)


def points_in_influx(server: Influxd, database: str, field: str, measurement: str) -> int:
    """How many points have this field."""
    rows = server.query(f'SELECT count("{field}") AS points FROM "{measurement}"', database)
    return int(rows[0]["points"]) if rows else 0
