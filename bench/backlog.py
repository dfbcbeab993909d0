"""A journal that no store has read: how long a new segment takes, and how soon the journal takes data after a restart.

    python -m bench.backlog [--gb 5] [--folder DIR]

Entries of 1 KB fill segments of the size that the program seals them at. Then the journal is opened as at a start
and one entry appended. CPU seconds are of the whole process.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from bench.rows import Row, print_rows
from gengfu.housekeeping import SEGMENT_BYTES
from journal.entry import PARTITIONS, Entry
from journal.sqlite import SqliteJournal
from journal.writer import Limit

BODY = 1000
STATES = 5_000
"""Keys of the alarms and interlocks of a large site; each new segment begins with a copy of them."""
MOST_BYTES = 1 << 40


def _batch(number: int) -> list[Entry]:
    return [Entry("reading", f"{number}.{n}", n % PARTITIONS, time.time_ns(), os.urandom(BODY)) for n in range(1000)]


async def _fill(folder: Path, gigabytes: float) -> list[float]:
    """The seconds that each new segment took."""
    journal = SqliteJournal.open(folder, now=time.time_ns(), max_bytes=MOST_BYTES)
    await journal.append([], {f"state/{number}": bytes(200) for number in range(STATES)})
    limit = Limit(SEGMENT_BYTES, 10**18)
    took: list[float] = []
    number = 0
    while journal.used_bytes < gigabytes * 1e9:
        await asyncio.gather(*(journal.append(_batch(number + one)) for one in range(10)))
        number += 10
        began = time.perf_counter()
        if await journal.seal(time.time_ns(), limit):
            took.append(time.perf_counter() - began)
    await journal.close()
    return took


async def _open(folder: Path) -> tuple[float, float]:
    """Seconds until the journal is open, and until one more entry is durable in it."""
    began = time.perf_counter()
    journal = SqliteJournal.open(folder, now=time.time_ns(), max_bytes=MOST_BYTES)
    opened = time.perf_counter() - began
    await journal.append(_batch(0)[:1])
    durable = time.perf_counter() - began
    await journal.close()
    return opened, durable


def measure(folder: Path, gigabytes: float = 5.0) -> list[Row]:
    """All rows; writes ``gigabytes`` below ``folder``."""
    run: Callable[..., list[float]] = uvloop.run
    with tempfile.TemporaryDirectory(dir=folder) as place:
        took = sorted(run(_fill(Path(place), gigabytes)))
        opened, durable = run(_open(Path(place)))
    name = f"{gigabytes:g} GB that no store has read"
    return [
        Row(f"{name}: journal open", opened, "s"),
        Row(f"{name}: open and an entry durable", durable, "s"),
        Row(f"a new segment behind 64 MB and {STATES} states: median of {len(took)}", took[len(took) // 2] * 1e3, "ms"),
        Row("a new segment: longest", took[-1] * 1e3, "ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    print_rows(measure(given.folder, given.gb))


if __name__ == "__main__":
    main()
