"""Appends until it is killed; prints each id only when the journal said that it is durable.

Arguments: folder, number of the round. Six devices, each submitting its next entry when the last is durable; beside
them one segment is sealed after the other.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from journal.entry import Entry, partition_of
from journal.sqlite import SqliteJournal
from journal.writer import Limit


async def _device(journal: SqliteJournal, name: str, turn: int) -> None:
    number = 0
    while True:
        number += 1
        entry = Entry("reading", f"{name}~0#{turn}.{number}", partition_of(name), number, os.urandom(200))
        await journal.append([entry], {name: f"{turn}.{number}".encode()})
        os.write(1, f"{entry.id}\n".encode())


async def _seal(journal: SqliteJournal) -> None:
    while True:
        await journal.seal(time.time_ns(), Limit(0, 10**18))
        await asyncio.sleep(0.005)


async def main(folder: Path, turn: int) -> None:
    journal = SqliteJournal.open(folder, now=time.time_ns())
    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(_device(journal, f"kill:gas:{number}", turn))
        group.create_task(_seal(journal))


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
