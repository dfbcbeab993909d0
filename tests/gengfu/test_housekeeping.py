"""What is done once a minute: segments are sealed, and those that every store has taken go."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count as numbers
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from alarms.errors import NoSuchAlarm
from gateway.downlink import REQUEST, Downlink
from gateway.pipeline import Verdict
from gateway.watch import Watch
from gengfu import clock, housekeeping
from gengfu.consumers import Consumers
from journal.entry import PARTITIONS, Entry
from journal.sqlite import SqliteJournal
from protocols.request import OperatorRequest, encode
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


async def keep_house(journal: SqliteJournal, feed: Feed, days: float) -> None:
    await housekeeping.keep_house(journal, MAX_BYTES, [feed], days, Consumers(journal, MAX_BYTES, []))


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
    keeping = asyncio.create_task(keep_house(journal, feed, 0.0))
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
    keeping = asyncio.create_task(keep_house(journal, feed, DAYS))
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


@pytest.fixture
async def downlink(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = SqliteJournal.open(tmp_path / "down", now=clock.wall(), max_bytes=MAX_BYTES)
    yield opened
    await opened.close()


def gateway(journal: SqliteJournal) -> Downlink:
    """One that knows no alarm: it answers each request, and stores how far it is with the answer."""

    def perform(action: object, now: object) -> Verdict:
        raise NoSuchAlarm("no such alarm")

    def store(verdict: Verdict) -> None:
        journal.submit(verdict.entries, None, verdict.state)

    return Downlink(cast(Watch, SimpleNamespace(perform=perform)), store, {})


async def request(downlink: SqliteJournal, name: str, partition: int) -> None:
    asked = OperatorRequest(name, "acknowledge", "t:gas:1~CK-01", "li", clock.wall(), 2**62)
    await downlink.append([Entry(REQUEST, name, partition, asked.asked_at, encode(asked))])


def requests(downlink: SqliteJournal) -> list[str]:
    return [one.entry.id for one in downlink.read(range(PARTITIONS), {}, 100)]


async def test_old_requests_go_and_one_that_was_not_carried_out_stays(
    journal: SqliteJournal, downlink: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.001)
    monkeypatch.setattr(housekeeping, "SEGMENT_AGE_NS", -1)
    at_the_gateway = gateway(journal)
    await request(downlink, "done", 3)
    at_the_gateway.take(downlink.read(range(PARTITIONS), {}, 100), clock.now())
    keeping = asyncio.create_task(housekeeping.keep_downlink(downlink, MAX_BYTES, journal, DAYS))
    await wait_for_async(lambda: downlink.survey.parts().files == 2, what="a sealed segment")
    assert requests(downlink) == ["done"]
    hours, began = numbers(), clock.wall()
    monkeypatch.setattr(clock, "wall", lambda: began + next(hours) * housekeeping.DAY_NS // 24)
    await request(downlink, "waiting", 5)
    await wait_for_async(lambda: requests(downlink) == ["waiting"], what="the request that was carried out to go")
    now = next(hours)
    await wait_for_async(lambda: clock.wall() > began + (now + 2000) * housekeeping.DAY_NS // 24, what="many days")
    assert (requests(downlink), downlink.survey.parts().files) == (["waiting"], 2)
    at_the_gateway.take(downlink.read(range(PARTITIONS), {}, 100), clock.now())
    await wait_for_async(lambda: requests(downlink) == [], what="the other request to go")
    assert [one.entry.id for one in journal.tail(10)] == ["done", "waiting"]
    keeping.cancel()
