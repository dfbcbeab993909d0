"""What is done once a minute: segments are sealed, and those that every store has taken go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from gengfu import clock, housekeeping
from gengfu.stores import StoreFeed
from journal.entry import PARTITIONS, Entry
from journal.sqlite import SqliteJournal
from tests.fixtures.waiting import wait_for_async

MAX_BYTES = 1 << 20
DAYS = 1.0


class Feed:
    """A store that has taken everything up to ``taken``."""

    def __init__(self) -> None:
        self.taken = 0

    def cursor(self) -> dict[int, int]:
        return {0: self.taken}


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = SqliteJournal.open(tmp_path, now=clock.wall(), max_bytes=MAX_BYTES)
    yield opened
    await opened.close()


def count(journal: SqliteJournal) -> int:
    return journal.count(range(PARTITIONS), {})


async def append(journal: SqliteJournal, entries: int, size: int) -> int:
    return await journal.append([Entry("reading", str(number), 0, 0, bytes(size)) for number in range(entries)])


async def test_what_a_store_has_not_taken_stays_however_old_it_is(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.001)
    monkeypatch.setattr(housekeeping, "SEGMENT_AGE_NS", -1)
    looked: list[int] = []
    feed = Feed()

    def taken() -> dict[int, int]:
        looked.append(count(journal))
        return {0: feed.taken}

    monkeypatch.setattr(feed, "cursor", taken)
    last = await append(journal, 10, 100)
    keeping = asyncio.create_task(housekeeping.keep_house(journal, MAX_BYTES, [cast(StoreFeed, feed)], 0.0))
    await wait_for_async(lambda: len(looked) > 3)
    assert set(looked) == {10}
    feed.taken = last
    await wait_for_async(lambda: count(journal) == 0)
    keeping.cancel()


async def test_a_large_segment_is_sealed_and_an_hour_is_kept_when_the_journal_is_crowded(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.001)
    feed = Feed()
    keeping = asyncio.create_task(housekeeping.keep_house(journal, MAX_BYTES, [cast(StoreFeed, feed)], DAYS))
    first = await append(journal, 90, 1000)
    segments = journal._segments
    await wait_for_async(lambda: len(segments.all) == 2, what="a second segment")
    feed.taken = await append(journal, 10, 10)
    assert feed.taken > first
    now = clock.wall()
    monkeypatch.setattr(clock, "wall", lambda: now + housekeeping.KEPT_WHEN_CROWDED_NS + 10**9)
    await asyncio.sleep(0.05)
    assert count(journal) == 100
    await append(journal, 900, 800)
    await wait_for_async(lambda: count(journal) == 910, what="room")
    keeping.cancel()
