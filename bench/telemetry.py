"""How much the telemetry stores take: 500 devices x 10 points, flushed once a second.

Run: python -m bench.telemetry [--seconds 200] [--influx http://127.0.0.1:8086] [--folder DIR]
Prints rows of (name, value, unit). «1k values» counts numbers, not readings. CPU seconds are of the whole process,
DuckDB and kernel included, and not of the InfluxDB server; wall rates depend on the disk.
"""

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.rows import Row, print_rows
from protocols.reading import Origin, Reading, encode_reading
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.line_protocol import LineEncoder
from telemetry.sink import Sink, StoredItem, duck_sink
from telemetry.store import Series

DEVICES, POINTS = 500, 10
SECOND = 10**9
START = 1_790_000_000 * SECOND
VALUES_PER_FLUSH = DEVICES * POINTS


class Cost(NamedTuple):
    """CPU and wall seconds of a call."""

    cpu: float
    wall: float


def cost(call: Callable[[], object]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def series(points: int) -> Series:
    return Series("bench/meter", "meter", "bench", "street/bench", tuple(f"point_{n}" for n in range(points)))


def readings(second: int, points: int = POINTS) -> list[Reading]:
    """One second of the fleet; values wander like measured ones, with two decimals."""
    at = START + second * SECOND
    return [
        Reading(
            f"bench:meter:{n:04d}",
            "bench/meter",
            at + n * 1000,
            at + n * 1000 + 2_000_000,
            Origin.LIVE,
            tuple(round(20 + 10 * math.sin(second / 60 + n + k), 2) for k in range(points)),
            (0,) * points,
        )
        for n in range(DEVICES)
    ]


def entries(second: int) -> list[StoredItem]:
    """The same second as the journal hands it out."""
    return [(second, n % 64, "reading", encode_reading(one)) for n, one in enumerate(readings(second))]


def consume(sink: Sink, seconds: int, name: str) -> list[Row]:
    batches = [entries(second) for second in range(seconds)]
    spent = [cost(partial(sink.consume, batch)) for batch in batches]
    assert sink.cursor() == dict.fromkeys(range(64), seconds - 1)
    values = seconds * VALUES_PER_FLUSH
    cpu, wall = sum(one.cpu for one in spent), sum(one.wall for one in spent)
    flushes = sorted(one.wall for one in spent)
    return [
        Row(f"{name}: CPU per 1k values", cpu / values * 1e3, "s"),
        Row(f"{name}: values per second", values / wall, "1/s"),
        Row(f"{name}: flush of {VALUES_PER_FLUSH} values, p50", flushes[len(flushes) // 2] * 1e3, "ms"),
        Row(f"{name}: flush of {VALUES_PER_FLUSH} values, p99", flushes[len(flushes) * 99 // 100] * 1e3, "ms"),
    ]


def duck(folder: Path, seconds: int) -> list[Row]:
    path = folder / "telemetry.duckdb"
    chosen = series(POINTS)  # made once, as a site's are
    store = DuckStore.open(path, lambda _: chosen)
    rows = consume(duck_sink(store), seconds, "duck")
    assert store.dead_letter_count() == 0
    again = readings(seconds // 2)
    hour = START, START + 3600 * SECOND
    device, minute = "bench:meter:0100", 60 * SECOND
    rows += [
        Row("duck: latest of all devices", cost(store.latest).wall * 1e3, "ms"),
        Row("duck: one device, one hour", cost(lambda: store.samples(device, "point_3", *hour)).wall * 1e3, "ms"),
        Row(
            "duck: one device, minutes of an hour",
            cost(lambda: store.aggregate(device, "point_3", *hour, minute, "mean")).wall * 1e3,
            "ms",
        ),
        Row("duck: batch sent again", cost(lambda: store.write(again, {})).wall * 1e3, "ms"),
    ]
    store.close()
    rows.append(Row("duck: file per value", path.stat().st_size / (seconds * VALUES_PER_FLUSH), "B"))

    def start() -> None:
        with_latest = DuckStore.open(path, lambda _: chosen)
        with_latest.latest()
        with_latest.close()

    return [*rows, Row("duck: open, latest, close", cost(start).wall * 1e3, "ms")]


def lines(points: int, seconds: int) -> Row:
    chosen = series(points)
    encoder = LineEncoder(lambda _: chosen)
    batch = [one for second in range(seconds) for one in readings(second, points)]
    spent = cost(lambda: "\n".join(filter(None, map(encoder.line, batch))).encode())
    return Row(f"line protocol: lines of {points} values, with qualities", len(batch) / spent.cpu, "1/s")


def influx(folder: Path, seconds: int, url: str) -> list[Row]:
    settings = InfluxSettings(url=url, database="gengfu_bench")
    chosen = series(POINTS)
    sink = InfluxSink(settings, lambda _: chosen, folder / "influx.sqlite")
    try:
        return consume(sink, seconds, "influx")
    finally:
        sink.close()


def measure(folder: Path, seconds: int = 200, url: str | None = None) -> list[Row]:
    """All rows; uses a new folder below ``folder``, which should be on the disk to be judged."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        rows = [*duck(Path(place), seconds), lines(4, 20), lines(POINTS, 20)]
        return rows + (influx(Path(place), min(seconds, 60), url) if url else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=200)
    parser.add_argument("--influx", metavar="URL", help="also write to this InfluxDB, database gengfu_bench")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, {DEVICES} devices x {POINTS} points, {options.seconds} s of data")
    print_rows(measure(options.folder, options.seconds, options.influx))


if __name__ == "__main__":
    main()
