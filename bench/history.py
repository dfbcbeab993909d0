"""Charts of a day out of 100 million values: 500 devices x 10 points every 10 s, 56 hours, in one DuckDB file.

    python -m bench.history [--millions 100] [--keep] [--folder DIR]

The file is made by SQL in the store's own tables, in the order in which a site's readings come, rolled up in the steps
in which the store does it: two minutes and 1 GB (`--keep` leaves it in the folder for the next time). The questions are
the store's own, about another device and point each time. «Cold» is the first one after the file was opened, with
nothing of it in the memory of the system: the disk's time counts. «Chart» is what the page asks for 24 hours: the mean
and the highest of every 5 minutes.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from bench.parts import percentile
from bench.processes import cpu_s, end_on_sigterm, resident_mb
from bench.rows import Row, print_rows
from bench.telemetry import DEVICES, POINTS, SECOND, START, VALUES_PER_FLUSH, series
from telemetry import duck_file, duck_latest, duck_rollup
from telemetry.buckets import DAY
from telemetry.duck import DuckStore
from telemetry.duck_session import SETTLE_AFTER

NAME = "history.duckdb"
PERIOD = 10 * SECOND
TIMES = 20
STEP = SETTLE_AFTER // VALUES_PER_FLUSH
"""Batches between two settlings."""

Ask: TypeAlias = Callable[[DuckStore, str, str], int]
"""Asks about a device and a point; how many answers there were."""

_DEVICES = "INSERT INTO device SELECT n, format('bench:meter:{{:04d}}', n), {names} FROM range({devices}) AS t(n)"
_POINTS = "INSERT INTO point SELECT n, format('point_{{}}', n) FROM range({points}) AS t(n)"
_READINGS = f"""
INSERT INTO reading
SELECT n % {DEVICES}, 0, make_timestamp_ns(ns), make_timestamp_ns(ns + 2000000), NULL, n // {DEVICES} + 1
FROM (SELECT n, {START} + n // {DEVICES} * {PERIOD} + n % {DEVICES} * 1000 AS ns
      FROM range($first * {DEVICES}, $last * {DEVICES}) AS t(n))
"""
_NUMBERS = f"""
INSERT INTO number
SELECT d, p, 0, make_timestamp_ns({START} + b * {PERIOD} + d * 1000), round(20 + 10 * sin(b / 6.0 + d + p), 2), 0, b + 1
FROM (SELECT n // {VALUES_PER_FLUSH} AS b, n % {VALUES_PER_FLUSH} // {POINTS} AS d, n % {POINTS} AS p
      FROM range($first * {VALUES_PER_FLUSH}, $last * {VALUES_PER_FLUSH}) AS t(n))
"""
_DAYS = "INSERT INTO received_day SELECT DISTINCT epoch_ns(received_at) // 86400000000000 FROM reading"


def make(path: Path, batches: int) -> None:
    """The file, as ``batches`` flushes of the whole fleet would leave it."""
    one = series(POINTS)
    names = ", ".join(f"'{name}'" for name in (one.profile, one.kind, one.site, one.area))
    with duck_file.connect(path, "512MB") as database:
        database.execute(_DEVICES.format(names=names, devices=DEVICES))
        database.execute(_POINTS.format(points=POINTS))
        for first in range(0, batches, STEP):
            upto = {"first": first, "last": min(first + STEP, batches)}
            database.execute("BEGIN")
            database.execute(_READINGS, upto)
            database.execute(_NUMBERS, upto)
            duck_latest.settle(database, upto["last"])
            duck_rollup.roll_minutes(database, upto["last"])
            if duck_rollup.hours_are_due(database):
                duck_rollup.roll_hours(database)
            database.execute("COMMIT")
        database.execute(_DAYS)
        database.execute("CHECKPOINT")


def _forget(path: Path) -> None:
    """The system keeps nothing of the file in memory."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _asked(path: Path, what: str, ask: Ask, expected: int) -> list[Row]:
    chosen = series(POINTS)
    _forget(path)
    store = DuckStore.open(path, lambda _: chosen)
    spent: list[float] = []
    cpu = 0.0
    for number in range(TIMES + 1):
        if number == 1:
            cpu = cpu_s()
        began = time.perf_counter()
        found = ask(store, f"bench:meter:{number * 97 % DEVICES:04d}", f"point_{number % POINTS}")
        spent.append((time.perf_counter() - began) * 1e3)
        assert found == expected, f"{what}: {found} answers, not {expected}"
    cold, *warm = spent
    rows = [
        Row(f"{what}, p50", percentile(warm, 0.5), "ms"),
        Row(f"{what}, p95", percentile(warm, 0.95), "ms"),
        Row(f"{what}, CPU", (cpu_s() - cpu) / TIMES * 1e3, "ms"),
        Row(f"{what}, cold", cold, "ms"),
        Row(f"{what}, resident memory of the process then", resident_mb(), "MB"),
    ]
    store.close()
    return rows


def ask_all(path: Path, batches: int) -> list[Row]:
    """All rows, out of a file of `make`."""
    end = START + batches * PERIOD
    end -= end % (300 * SECOND)
    start = end - DAY

    def chart(store: DuckStore, device: str, point: str) -> int:
        highest = store.aggregate(device, point, start, end, 300 * SECOND, "max")
        return len(store.aggregate(device, point, start, end, 300 * SECOND, "mean")) + len(highest)

    def minutes(store: DuckStore, device: str, point: str) -> int:
        return len(store.aggregate(device, point, start, end, 60 * SECOND, "mean"))

    def from_raw(store: DuckStore, device: str, point: str) -> int:
        return len(store.aggregate(device, point, start, end, 30 * SECOND, "mean"))

    def page(store: DuckStore, device: str, point: str) -> int:
        return len(store.samples(device, point, start, end, limit=1_001))

    def day(store: DuckStore, device: str, point: str) -> int:
        return len(store.samples(device, point, start, end))

    head = f"{batches * VALUES_PER_FLUSH / 1e6:.0f} M values, a day of a device:"
    asked: tuple[tuple[str, Ask, int], ...] = (
        ("chart, mean and highest by 5 min", chart, 2 * 288),
        ("mean by minute", minutes, 1_440),
        ("mean by 30 s: from the raw values, as without roll-ups", from_raw, 2_880),
        ("the first 1,000 raw values", page, 1_001),
        ("all 8,640 raw values", day, 8_640),
    )
    return [row for what, ask, expected in asked for row in _asked(path, f"{head} {what}", ask, expected)]


def measure(folder: Path, millions: int = 100, *, keep: bool = False) -> list[Row]:
    """All rows; needs 10 MB for each million of values below ``folder``."""
    batches = millions * 1_000_000 // VALUES_PER_FLUSH
    assert batches * PERIOD > DAY + 300 * SECOND, "less than a day"
    kept = folder / NAME
    if kept.exists():
        return ask_all(kept, batches)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / NAME
        make(path, batches)
        if keep:
            path = path.rename(kept)
        rows = ask_all(path, batches)
        return [*rows, Row("file with roll-ups, per value", path.stat().st_size / batches / VALUES_PER_FLUSH, "B")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, default=100, help="of values")
    parser.add_argument("--keep", action="store_true", help="leave the file in the folder, for the next time")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.millions, keep=given.keep))


if __name__ == "__main__":
    main()
