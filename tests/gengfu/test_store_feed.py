"""A store that refuses for good is tried again by the supervisor, and never keeps a process from stopping."""

import asyncio
import time

import pytest

from gengfu.stores import SILENT_S, StoreFeed
from journal.entry import Entry
from journal.sqlite import SqliteJournal
from protocols.reading import encode_reading
from telemetry.errors import StoreRefused
from telemetry.sink import Consumed
from tests.fixtures.stories import at, gas_reading


class RefusingSink:
    """Refuses until it is mended."""

    def __init__(self):
        self.mended, self.offered, self.position, self.waited_s = False, 0, {}, 0.0

    def cursor(self):
        return dict(self.position)

    def waits_s(self):
        return self.waited_s

    def consume(self, items):
        batch = list(items)
        self.offered += 1
        if not self.mended:
            raise StoreRefused("401: check username and password_file")
        self.position |= {partition: position for position, partition, _, _ in batch}
        return Consumed(len(batch), 0, 0)


@pytest.fixture
async def journal(tmp_path):
    opened = SqliteJournal.open(tmp_path, now=time.time_ns())
    yield opened
    await opened.close()


async def test_each_life_of_the_feed_tries_once_and_what_waited_is_taken_when_the_store_is_mended(journal):
    sink = RefusingSink()
    feed = StoreFeed("influxdb", journal, sink, 0.01)
    await journal.append([Entry("reading", "a", 7, 1, b"x")])
    for life in (1, 2):
        with pytest.raises(StoreRefused):
            await feed.run()
        assert sink.offered == life
    sink.mended = True
    task = asyncio.create_task(feed.run())
    await journal.append([Entry("reading", "b", 7, 2, b"y")])
    while feed.lag() or not sink.position:
        await asyncio.sleep(0)
    await feed.stop()
    await task
    assert sink.cursor() == {7: feed_position(journal)}


def feed_position(journal):
    """Of the newest entry."""
    return journal.tail(1)[0].position


async def test_a_dead_feed_can_be_stopped(journal):
    feed = StoreFeed("influxdb", journal, RefusingSink(), 0.01)
    await journal.append([Entry("reading", "a", 7, 1, b"x")])
    with pytest.raises(StoreRefused):
        await feed.run()
    await feed.stop()


async def test_a_store_that_owes_an_answer_is_told_of_before_its_time_out_is_over(journal):
    sink = RefusingSink()
    sink.mended = True
    feed = StoreFeed("influxdb", journal, sink, 0.01)
    assert feed.problem() == "is not being fed"
    task = asyncio.create_task(feed.run())
    await journal.append([Entry("reading", "a", 7, 1, b"x")])
    while not sink.position:
        await asyncio.sleep(0)
    told = []
    for sink.waited_s in (0.0, SILENT_S, SILENT_S + 0.1, 0.0):
        told.append(feed.problem())
    assert told == [None, None, "has not answered for 10 s and more", None]
    await feed.stop()
    await task


async def test_the_oldest_entry_is_as_old_as_its_arrival_whatever_its_device_says_of_its_time(journal):
    feed = StoreFeed("influxdb", journal, RefusingSink(), 0.01)
    assert feed.oldest_at() is None
    kept = encode_reading(gas_reading(-3600, heard=5))
    for kind, when, body in (("reading", -3600, kept), ("reading", 6, b"none"), ("alarm", 7, kept)):
        await journal.append([Entry(kind, f"{when}", 7, at(when).wall, body)])
    found = []
    for _ in range(3):
        found.append(feed.oldest_at())
        (oldest,) = journal.read([7], feed.cursor(), 1)
        feed._taken[7] = oldest.position
    assert found == [at(5).wall, at(6).wall, at(7).wall]
    assert feed.oldest_at() is None
