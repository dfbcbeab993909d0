"""A blocking sink behind a real journal."""

import asyncio
import random
import sqlite3
import threading

import pytest

from journal.consumer import LEAST, Backoff, Consumer
from journal.entry import PARTITIONS


class Unreachable(Exception):
    """What the sink of these tests declares as worth trying again."""


class Table:
    """A sink as the writers are: rows and cursor in one transaction. ``refuse``: that many refusals first."""

    def __init__(self, refuse=0):
        self.batches = []
        self.refuse = refuse
        self.changed = threading.Semaphore(0)
        self._file = sqlite3.connect(":memory:", check_same_thread=False)
        self._file.execute("CREATE TABLE row (position INTEGER, partition INTEGER, kind TEXT, body BLOB)")

    def __call__(self, rows):
        try:
            if self.refuse:
                self.refuse -= 1
                raise Unreachable("try again")
            with self._file:
                self._file.executemany("INSERT INTO row VALUES (?, ?, ?, ?)", rows)
            self.batches.append(len(rows))
        finally:
            self.changed.release()

    def bodies(self):
        return [body for (body,) in self._file.execute("SELECT body FROM row")]

    def cursor(self):
        return dict(self._file.execute("SELECT partition, max(position) FROM row GROUP BY partition"))

    def close(self):
        self._file.close()


@pytest.fixture
def table():
    tables = []

    def make(refuse=0):
        tables.append(Table(refuse))
        return tables[-1]

    yield make
    for one in tables:
        one.close()


@pytest.fixture
async def consume():
    """Makes consumers, and ends their threads also when a test fails."""
    made = []

    def make(*arguments, **options):
        made.append(Consumer("test", *arguments, **options))
        return made[-1]

    yield make
    await asyncio.gather(*(one.stop() for one in made), return_exceptions=True)


async def test_what_is_already_there_is_read_at_once_and_in_batches(
    open_journal, entry, table, consume, wait_for_async
):
    journal, sink = await open_journal(), table()
    entries = [entry(number, number % 5) for number in range(25)]
    await journal.append(entries)
    consumer = consume(journal, sink, {}, batch=10, flush_s=3600.0)
    assert consumer.lag() == 25
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    assert sink.batches == [10, 10, 5]
    assert sink.bodies() == [one.body for one in entries]
    assert consumer.cursor() == sink.cursor()
    await consumer.stop()


async def test_a_full_batch_does_not_wait_for_the_interval(open_journal, entry, table, consume, wait_for_async):
    journal, sink = await open_journal(), table()
    await journal.append([entry(0)])
    consumer = consume(journal, sink, {}, batch=10, flush_s=3600.0)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    await journal.append([entry(number) for number in range(1, 11)])
    await wait_for_async(lambda: consumer.lag() == 0)
    assert sink.batches == [1, 10]
    await consumer.stop()


async def test_less_than_a_batch_waits_for_the_interval_and_stop_does_not(
    open_journal, entry, table, consume, wait_for_async
):
    journal, sink = await open_journal(), table()
    await journal.append([entry(0)])
    consumer = consume(journal, sink, {}, batch=10, flush_s=3600.0)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    for number in range(1, 6):
        await journal.append([entry(number)])
    assert consumer.lag() == 5
    await consumer.stop()
    assert sink.batches == [1, 5]


async def test_the_interval_ends_the_wait_of_less_than_a_batch(open_journal, entry, table, consume, wait_for_async):
    journal, sink = await open_journal(), table()
    consumer = consume(journal, sink, {}, batch=10, flush_s=0.001)
    consumer.start()
    await journal.append([entry(0)])
    await wait_for_async(lambda: sink.batches == [1])
    await consumer.stop()


async def test_a_refused_batch_comes_again_until_it_is_taken(open_journal, entry, table, consume, wait_for_async):
    journal, sink = await open_journal(), table(refuse=3)
    await journal.append([entry(number) for number in range(5)])
    backoff = Backoff(first_s=0.001, last_s=0.002)
    consumer = consume(journal, sink, {}, retry_on=(Unreachable,), backoff=backoff)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    assert sink.bodies() == [entry(number).body for number in range(5)]
    assert consumer.last_refusal is None
    await consumer.stop()


async def test_stop_does_not_wait_for_a_sink_that_refuses(open_journal, entry, table, consume, wait_for_async):
    journal, sink = await open_journal(), table(refuse=1000)
    await journal.append([entry(1)])
    consumer = consume(journal, sink, {}, retry_on=(Unreachable,), backoff=Backoff(first_s=3600.0))
    consumer.start()
    await wait_for_async(lambda: consumer.last_refusal is not None)
    await consumer.stop()
    assert consumer.lag() == 1
    assert consumer.cursor() == {}


async def test_stop_does_not_wait_for_a_backlog(open_journal, entry, table, consume, monkeypatch):
    monkeypatch.setattr("journal.consumer.AT_END", 5)
    journal, sink, is_going_on = await open_journal(), table(), threading.Event()
    await journal.append([entry(number) for number in range(100)])

    def slow(rows):
        sink(rows)
        is_going_on.wait(10)

    one = consume(journal, slow, {}, batch=20)
    one.start()
    await asyncio.to_thread(sink.changed.acquire)
    stopping = asyncio.create_task(one.stop())
    await asyncio.sleep(0)  # it knows now that it is to end
    is_going_on.set()
    await stopping
    assert sink.batches == [20, 5]


async def test_an_error_nobody_declared_ends_the_consumer_and_is_raised(open_journal, entry, table, consume):
    journal, sink = await open_journal(), table(refuse=1)
    await journal.append([entry(1)])
    consumer = consume(journal, sink, {})
    consumer.start()
    with pytest.raises(Unreachable):
        await consumer.wait()
    with pytest.raises(Unreachable):
        await consumer.stop()


async def test_the_next_consumer_goes_on_where_the_sink_stands(open_journal, entry, table, consume):
    journal, sink = await open_journal(), table()
    for start in (0, 10):
        await journal.append([entry(number, number % 3) for number in range(start, start + 10)])
        consumer = consume(journal, sink, sink.cursor())
        consumer.start()
        await consumer.stop()
    assert sink.bodies() == [entry(number, number % 3).body for number in range(20)]


async def test_what_was_taken_does_not_come_again_after_a_flush_of_other_partitions(
    open_journal, entry, table, consume, wait_for_async
):
    journal, sink = await open_journal(), table()
    consumer = consume(journal, sink, {}, flush_s=0.001)
    consumer.start()
    for number in range(3):
        await journal.append([entry(number, number)])
        await wait_for_async(lambda: consumer.lag() == 0)
    await consumer.stop()
    assert sink.bodies() == [entry(number, number).body for number in range(3)]
    assert consumer.cursor() == sink.cursor()


async def test_a_consumer_of_some_partitions_sees_no_others(open_journal, entry, table, consume):
    journal, sink = await open_journal(), table()
    await journal.append([entry(number, number) for number in range(PARTITIONS)])
    consumer = consume(journal, sink, {}, partitions=[3, 4])
    assert consumer.lag() == 2
    consumer.start()
    await consumer.stop()
    assert sink.bodies() == [entry(3, 3).body, entry(4, 4).body]


class Counted:
    """A journal that counts how often it is read."""

    def __init__(self, journal):
        self.reads = 0
        self.count = journal.count
        self.subscribe = journal.subscribe
        self._rows = journal.rows

    def rows(self, partitions, after, limit):
        self.reads += 1
        return self._rows(partitions, after, limit)


async def test_an_idle_consumer_does_not_read(open_journal, entry, table, consume, wait_for_async):
    journal, sink = await open_journal(), table()
    counted = Counted(journal)
    await journal.append([entry(0, 1)])
    consumer = consume(counted, sink, {}, partitions=[1], flush_s=0.0)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    for number in range(20):
        await journal.append([entry(number, 2)])
    assert counted.reads == 1
    await consumer.stop()
    # One when it wakes, one that makes sure that nothing came since.
    assert counted.reads == 3


async def test_each_refusal_after_a_success_waits_the_shortest_again(
    open_journal, entry, table, consume, wait_for_async
):
    class Recorded(Backoff):
        def next_s(self):
            waits.append(super().next_s())
            return 0.0

    waits: list[float] = []
    journal, sink = await open_journal(), table(refuse=4)
    await journal.append([entry(0)])
    backoff = Recorded(first_s=1.0, last_s=1000.0, chance=Largest())
    consumer = consume(journal, sink, {}, flush_s=0.0, retry_on=(Unreachable,), backoff=backoff)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    sink.refuse = 1
    await journal.append([entry(1)])
    await wait_for_async(lambda: consumer.lag() == 0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 1.0]


class Largest(random.Random):
    """Chance that always takes all there is."""

    def random(self):
        return 1.0


def test_the_bound_of_the_back_off_doubles_up_to_its_last():
    backoff = Backoff(first_s=1.0, last_s=8.0, chance=Largest())
    assert [backoff.next_s() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_the_back_off_is_anything_up_to_its_bound_by_chance():
    waits = []
    for seed in range(300):
        backoff = Backoff(chance=random.Random(seed))
        waits.append([backoff.next_s() for _ in range(9)])
    for whole, drawn in zip([1, 2, 4, 8, 16, 30, 30, 30, 30], zip(*waits, strict=True), strict=True):
        assert 0.0 <= min(drawn) < whole / 20
        assert whole * 0.95 < max(drawn) <= whole


class Asked(Unreachable):
    """A refusal with the time that the server asked for."""

    retry_after_s = 1800.0


async def test_what_the_server_asked_for_is_waited_and_stop_does_not_wait_for_it(
    open_journal, entry, consume, wait_for_async
):
    waits, attempts = [], []
    journal = await open_journal()
    await journal.append([entry(0)])

    def sink(rows):
        attempts.append(len(rows))
        raise Asked

    consumer = consume(journal, sink, {}, retry_on=(Unreachable,), backoff=Backoff(0.0, 0.0))
    stopped = consumer._stop
    wait = stopped.wait
    stopped.wait = lambda wait_s: waits.append(wait_s) or wait(wait_s)
    consumer.start()
    await wait_for_async(lambda: waits)
    await consumer.stop()
    assert (waits, attempts) == ([1800.0], [1])


async def test_a_sink_that_takes_a_part_in_each_attempt_gets_on(open_journal, entry, consume, wait_for_async):
    """As a server with a quota of lines does: the whole batch would begin anew each time."""
    given, taken = [], []
    journal = await open_journal()
    entries = [entry(number, number % 7) for number in range(6 * LEAST)]
    await journal.append(entries)

    def sink(rows):
        given.append(len(rows))
        if len(rows) > 2 * LEAST:
            raise Unreachable
        taken.extend(body for _, _, _, body in rows)

    consumer = consume(journal, sink, {}, retry_on=(Unreachable,), backoff=Backoff(0.0, 0.0), batch=4 * LEAST)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    await consumer.stop()
    assert taken == [one.body for one in entries]
    assert given == [4 * LEAST, 2 * LEAST, 4 * LEAST, 2 * LEAST, 2 * LEAST]


async def test_the_half_that_a_refusal_left_over_does_not_wait_for_new_entries(
    open_journal, entry, consume, wait_for_async
):
    given = []
    journal = await open_journal()
    await journal.append([entry(number) for number in range(2 * LEAST)])

    def sink(rows):
        given.append(len(rows))
        if len(rows) > LEAST:
            raise Unreachable

    consumer = consume(journal, sink, {}, retry_on=(Unreachable,), backoff=Backoff(0.0, 0.0), batch=9 * LEAST)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    assert given == [2 * LEAST, LEAST, LEAST]


async def test_no_less_than_the_least_is_given_and_the_batch_grows_back(
    open_journal, entry, table, consume, wait_for_async
):
    journal, sink = await open_journal(), table(refuse=8)
    await journal.append([entry(number) for number in range(20 * LEAST)])
    given = []

    def watched(rows):
        given.append(len(rows))
        sink(rows)

    consumer = consume(journal, watched, {}, retry_on=(Unreachable,), backoff=Backoff(0.0, 0.0), batch=8 * LEAST)
    consumer.start()
    await wait_for_async(lambda: consumer.lag() == 0)
    await consumer.stop()
    multiples = [number // LEAST for number in given]
    assert multiples == [8, 4, 2, *[1] * 6, 2, 4, 8, 5]
    assert len(sink.bodies()) == 20 * LEAST
