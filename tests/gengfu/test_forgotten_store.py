"""A store that never comes back: the journal fills, a person forgets it, and what it missed is told when it is back."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from console.errors import ForgetRefused, NoSuchConsumer
from console.present import iso
from gengfu import clock, housekeeping
from gengfu.consumers import Consumers
from gengfu.stores import StoreFeed
from journal.entry import PARTITIONS, Entry
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from journal.writer import Bound
from protocols.reading import encode_reading
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import duck_sink
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async
from tests.telemetry.readings import SECOND, T0, reading, series_of

MAX_BYTES = 1 << 20
PACK = 200
PARTITION = 9
LOG = "gengfu.journal"
DATABASE = "site"


class Rig:
    """A small journal before DuckDB and an InfluxDB, kept in order as in service but for the times."""

    def __init__(self, folder: Path, url: str, journal: SqliteJournal) -> None:
        self.journal = journal
        self.duck = DuckStore.open(folder / "telemetry.duckdb", series_of)
        settings = InfluxSettings(url=url, database=DATABASE)
        self.influx = InfluxSink(settings, series_of, folder / "influx.db")
        self.feeds = [
            StoreFeed("duckdb", journal, duck_sink(self.duck), 0.02),
            StoreFeed("influxdb", journal, self.influx, 0.02),
        ]
        self.consumers = Consumers(journal, MAX_BYTES, self.feeds)
        self.rounds = 0
        self.sent = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        keeping = housekeeping.keep_house(self.journal, MAX_BYTES, [*self.feeds, self], 1000.0, self.consumers)
        self._tasks = [asyncio.create_task(one) for one in (*(feed.run() for feed in self.feeds), keeping)]

    def cursor(self) -> dict[int, int]:
        """Of somebody who takes everything at once: counts the rounds of the housekeeping."""
        self.rounds += 1
        return dict.fromkeys(range(PARTITIONS), self.journal._index.next - 1)

    async def send(self) -> None:
        """As many readings as a device sends in a while. Raises `JournalFull`."""
        readings = [reading(T0 + (self.sent + n) * SECOND, 1.0, 2.0) for n in range(PACK)]
        entries = [Entry("reading", one.identity, PARTITION, one.at, encode_reading(one)) for one in readings]
        await self.journal.append(entries)
        self.sent += PACK

    async def fill(self) -> None:
        """Until the journal refuses readings; DuckDB takes them meanwhile."""
        try:
            for _ in range(2 * MAX_BYTES // (PACK * 100)):
                await self.send()
                await self.more_rounds()
        except JournalFull:
            return
        pytest.fail("the journal never refused a reading")

    async def more_rounds(self) -> None:
        seen = self.rounds
        await wait_for_async(lambda: self.rounds > seen + 2, what="rounds of the housekeeping")

    async def until_taken(self, number: int) -> None:
        feed = self.feeds[number]
        await wait_for_async(lambda: feed.lag() == 0, 40, f"{feed.name} to take what is there")

    def kept(self) -> int:
        return self.journal.count(range(PARTITIONS), {})

    async def end(self) -> None:
        self._tasks[-1].cancel()
        for feed in self.feeds:
            await feed.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.duck.close()
        self.influx.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.005)
    monkeypatch.setattr(housekeeping, "KEPT_WHEN_CROWDED_NS", 0)


@asynccontextmanager
async def running(folder: Path, url: str) -> AsyncIterator[Rig]:
    journal = SqliteJournal.open(folder / "journal", now=clock.wall(), max_bytes=MAX_BYTES)
    rig = Rig(folder, url, journal)
    rig.start()
    try:
        await wait_for_async(
            lambda: "is not being fed" not in [feed.problem() for feed in rig.feeds], what="the stores"
        )
        yield rig
    finally:
        await rig.end()
        await journal.close()


@pytest.fixture
async def rig(tmp_path: Path, free_port: int, quick: None) -> AsyncIterator[Rig]:
    """Nobody listens where its InfluxDB should be."""
    async with running(tmp_path, f"http://127.0.0.1:{free_port}") as made:
        yield made


def in_influx(server: Influxd) -> int:
    return int(server.query('SELECT count("methane") AS n FROM "gas_alarm"', DATABASE)[0]["n"])


def missed(consumers: Consumers) -> float | None:
    metrics = CollectorRegistry()
    metrics.register(consumers)
    return metrics.get_sample_value("gengfu_store_missed_entries_total", {"store": "influxdb"})


async def influx(rig: Rig) -> dict[str, Any]:
    """What is told of InfluxDB."""
    found: dict[str, Any] = (await rig.consumers.status())["consumers"][1]
    return found


@pytest.mark.server
async def test_readings_are_taken_again_once_a_dead_store_is_forgotten_and_its_gap_is_told_when_it_is_back(
    tmp_path: Path, influxd_own: Influxd, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    influxd_own.database(DATABASE)
    influxd_own.stop()
    async with running(tmp_path, influxd_own.url) as rig:
        await rig.fill()
        await rig.until_taken(0)
        await rig.more_rounds()
        assert rig.kept() == rig.sent, "nothing goes that InfluxDB has not taken"
        dead = await influx(rig)
        assert (dead["lag"], dead["problem"], dead["forgotten"]) == (rig.sent, "takes no data: StoreUnavailable", None)

        caplog.set_level(logging.WARNING, LOG)
        forgotten = await rig.consumers.forget("influxdb", "li")
        assert (forgotten["forgotten"]["by"], forgotten["forgotten"]["untaken"]) == ("li", rig.sent)
        assert f"li forgot the store influxdb, which had not taken {rig.sent} entries" in caplog.text
        await wait_for_async(lambda: rig.kept() < rig.sent, what="room")
        await rig.send()
        gap = (await influx(rig))["missing"]
        assert (gap["first_at"], gap["told_at"]) == (iso(T0), None)
        assert missed(rig.consumers) == 0

        influxd_own.start()
        await rig.until_taken(1)
        await rig.until_taken(0)
        told = await influx(rig)
        assert told["missing"]["told_at"] is not None
        assert in_influx(influxd_own) == rig.sent - told["missing"]["entries"] > 0
        assert missed(rig.consumers) == told["missing"]["entries"] > 0
        loud = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
        assert len(loud) == 1
        assert f"influxdb reads on, but {told['missing']['entries']} entries from" in loud[0]
        assert len(rig.duck.samples("t:gas:1", "methane", T0, T0 + rig.sent * SECOND)) == rig.sent
        assert told["forgotten"] is not None, "only a person remembers it"


@pytest.mark.server
async def test_a_gap_of_an_earlier_run_is_told_once_and_counted_on(
    tmp_path: Path, influxd_own: Influxd, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    influxd_own.database(DATABASE)
    influxd_own.stop()
    async with running(tmp_path, influxd_own.url) as rig:
        await rig.fill()
        await rig.until_taken(0)
        await rig.consumers.forget("influxdb", "li")
        await wait_for_async(lambda: rig.kept() < rig.sent, what="room")
        await rig.more_rounds()
        gap = (await influx(rig))["missing"]
    influxd_own.start()
    for told in (1, 1):
        async with running(tmp_path, influxd_own.url) as rig:
            rig.sent = 100_000
            assert (await influx(rig))["forgotten"]["by"] == "li"
            await rig.send()
            await rig.until_taken(1)
            known = await influx(rig)
            assert known["missing"]["told_at"] is not None
            assert missed(rig.consumers) == known["missing"]["entries"] == gap["entries"]
            await rig.more_rounds()
        loud = [one for one in caplog.records if one.name == LOG and one.levelno == logging.ERROR]
        assert len(loud) == told


async def test_what_is_not_taken_is_kept_again_when_the_store_is_remembered(rig: Rig, tmp_path: Path) -> None:
    await rig.fill()
    await rig.until_taken(0)
    await rig.consumers.forget("influxdb", "li")
    await wait_for_async(lambda: rig.kept() < rig.sent, what="room")
    assert (await rig.consumers.remember("influxdb", "wang"))["forgotten"] is None
    assert (await rig.consumers.remember("influxdb", "wang"))["forgotten"] is None
    await rig.more_rounds()
    kept, sent = rig.kept(), rig.sent
    await rig.fill()
    await rig.until_taken(0)
    await rig.more_rounds()
    assert rig.kept() - kept == rig.sent - sent
    assert (await influx(rig))["missing"] is not None


async def test_nothing_goes_after_the_store_is_remembered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []

    async def remember() -> None:
        await rig.consumers.remember("influxdb", "li")
        kept.append(rig.kept())

    deciding: list[asyncio.Task[None]] = []
    prunable = rig.journal.prunable

    async def interrupted(*arguments: Any) -> int:
        """Somebody remembers the store just when its segments were found to be removable."""
        below = await prunable(*arguments)
        if below and not deciding:
            deciding.append(asyncio.create_task(remember()))
            await asyncio.wait(deciding, timeout=0.2)
        return below

    await rig.fill()
    await rig.until_taken(0)
    monkeypatch.setattr(rig.journal, "prunable", interrupted)
    await rig.consumers.forget("influxdb", "li")
    await wait_for_async(lambda: kept, what="the store to be remembered")
    await rig.more_rounds()
    assert [rig.kept()] == kept


async def test_a_store_is_forgotten_once(rig: Rig) -> None:
    await rig.send()
    first = await rig.consumers.forget("influxdb", "li")
    again = await rig.consumers.forget("influxdb", "wang")
    assert (
        first["forgotten"] == again["forgotten"] == {"by": "li", "untaken": PACK, "since": first["forgotten"]["since"]}
    )


async def test_forgetting_that_makes_no_sense_is_refused(rig: Rig) -> None:
    await rig.send()
    with pytest.raises(NoSuchConsumer, match="duckdb, influxdb"):
        await rig.consumers.forget("nobody", "li")
    await rig.until_taken(0)
    with pytest.raises(ForgetRefused, match="duckdb has taken everything"):
        await rig.consumers.forget("duckdb", "li")
    await rig.consumers.forget("influxdb", "li")
    with pytest.raises(ForgetRefused, match="the only store"):
        await rig.consumers.forget("duckdb", "li")
    await rig.more_rounds()
    assert rig.consumers.waits_for(rig.feeds[0])


async def test_a_store_is_forgotten_where_the_journal_has_no_room_for_the_decision(
    tmp_path: Path, free_port: int, quick: None
) -> None:
    async with running(tmp_path, f"http://127.0.0.1:{free_port}") as rig:
        rig.journal._writer._bound = Bound(MAX_BYTES, 0)
        await rig.fill()
        await rig.until_taken(0)
        await rig.consumers.forget("influxdb", "li")
        await wait_for_async(lambda: rig.kept() < rig.sent, what="room")
        await rig.more_rounds()
        assert set(rig.journal.load_state("consumer/")) == {"consumer/influxdb"}
    async with running(tmp_path, f"http://127.0.0.1:{free_port}") as rig:
        assert (await influx(rig))["forgotten"]["by"] == "li"
