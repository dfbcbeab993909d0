"""A listener that begins late: everything beyond where it stands, in order, nothing twice."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from journal.entry import PARTITIONS, Stored
from journal.follow import follow
from journal.sqlite import SqliteJournal
from tests.journal.three_segments import MakeEntry, three


class Heard:
    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, batch: Sequence[Stored]) -> None:
        assert batch, "told of nothing"
        self.numbers += [one.entry.at for one in batch]


async def test_it_hears_what_was_stored_since_and_what_comes(tmp_path: Path, entry: MakeEntry, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    first, second, third = await three(journal, entry, now)
    heard = {position: Heard() for position in (0, first, first + 3, second, third)}
    for position, one in heard.items():
        follow(journal, position, one)
    await journal.append([entry(30), entry(31)])
    await asyncio.sleep(0)
    assert [one.numbers for one in heard.values()] == [list(range(at, 32)) for at in (0, 10, 13, 20, 30)]
    await journal.close()


async def test_what_is_on_the_disk_and_was_not_told_yet_is_told_once(
    tmp_path: Path, entry: MakeEntry, now: int
) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    journal.submit([entry(1)])
    deadline = time.monotonic() + 10
    await asyncio.sleep(0.006)
    while not journal.read(range(PARTITIONS), {}, 1):
        assert time.monotonic() < deadline
    heard = Heard()
    follow(journal, 0, heard)
    assert heard.numbers == [1]
    await journal.append([entry(2)])
    await asyncio.sleep(0)
    assert heard.numbers == [1, 2]
    await journal.close()


async def test_the_way_out(tmp_path: Path, entry: MakeEntry, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    heard = Heard()
    leave = follow(journal, 0, heard)
    leave()
    await journal.append([entry(1)])
    await asyncio.sleep(0)
    assert heard.numbers == []
    await journal.close()
