"""How much the journal takes: durable appends of one small entry each from 200 concurrent submitters.

Run: python -m bench.journal [--submitters 200] [--appends 40000] [--folder DIR]
Prints rows of (name, value, unit). CPU seconds are of the whole process, commit thread and kernel included; the
wall rate depends on the disk. `peak` in the text is what one loop of submitters without any other work reaches.
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
from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal

BODY = bytes(80)
"""As large as a gas alarm's reading in msgpack, about."""


async def _submitter(journal: SqliteJournal, number: int, appends: int) -> None:
    device = f"bench:gas:{number:04d}"
    partition = partition_of(device)
    for sequence in range(appends):
        await journal.append([Entry("reading", f"{device}~0#1.{sequence}", partition, time.time_ns(), BODY)])


async def _append_all(folder: Path, submitters: int, appends: int) -> list[Row]:
    journal = SqliteJournal.open(folder, now=time.time_ns())
    each = appends // submitters
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(submitters):
            group.create_task(_submitter(journal, number, each))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await journal.close()
    total = each * submitters
    return [
        Row("append: CPU per 1k", cpu / total * 1e3, "s"),
        Row("append: per CPU second", total / cpu, "1/s"),
        Row("append: per second", total / wall, "1/s"),
    ]


async def _submit_batches(folder: Path, entries: int) -> list[Row]:
    """As a poller does: one submit of 100 readings, told by callback."""
    journal = SqliteJournal.open(folder, now=time.time_ns())
    batch = [Entry("reading", f"bench:meter:{n:04d}~0@1", n % 64, time.time_ns(), BODY) for n in range(100)]
    cpu = time.process_time()
    for _ in range(entries // 1000):
        for _ in range(9):
            journal.submit(batch)
        await journal.append(batch)
    cpu = time.process_time() - cpu
    await journal.close()
    return [Row("submit of 100: per CPU second", entries / cpu, "1/s")]


async def _read_back(folder: Path) -> list[Row]:
    journal = SqliteJournal.open(folder, now=time.time_ns())
    after: dict[int, int] = {}
    count, cpu = 0, time.process_time()
    while batch := journal.read(range(64), after, 5000):
        after.update((stored.entry.partition, stored.position) for stored in batch)
        count += len(batch)
    cpu = time.process_time() - cpu
    await journal.close()
    return [Row("read: per CPU second", count / cpu, "1/s")]


def measure(folder: Path, submitters: int = 200, appends: int = 40_000) -> list[Row]:
    """All rows; uses a new folder below ``folder``, which should be on the disk to be judged."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        run: Callable[..., list[Row]] = uvloop.run
        rows = run(_append_all(Path(place), submitters, appends))
        rows += run(_submit_batches(Path(place), appends))
        return rows + run(_read_back(Path(place)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submitters", type=int, default=200)
    parser.add_argument("--appends", type=int, default=40_000)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, {options.submitters} submitters, {options.appends} appends of one entry")
    print_rows(measure(options.folder, options.submitters, options.appends))


if __name__ == "__main__":
    main()
