"""From the journal to a real InfluxDB through a proxy that fails in each way a network or a server does.

In each of them: what the journal holds is stored once, none is set aside, and nobody lends a hand. Times are shortened
(`timeout_s`, back-off); docs/influxdb.md tells a run with outages of 30 s and 150 s.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from journal.consumer import Backoff, Consumer
from journal.entry import Entry
from journal.sqlite import SqliteJournal
from protocols.reading import encode_reading
from telemetry.errors import StoreUnavailable
from telemetry.influx import InfluxWriter
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from tests.fixtures.http_faults import Fault, FaultProxy
from tests.fixtures.http_peer import Reply
from tests.fixtures.influx import Influxd
from tests.fixtures.influx_v2_shim import ORG, TOKEN, InfluxV2Shim
from tests.fixtures.waiting import wait_for, wait_for_async
from tests.telemetry.readings import SECOND, T0, reading, series_of

pytestmark = pytest.mark.server
SHORT_S = 0.3
MakeProxy = Callable[[str], FaultProxy]


@pytest.fixture(params=["v1", "v2"])
def make_proxy(request: pytest.FixtureRequest) -> Iterator[MakeProxy]:
    """Proxies before a server, or before a shim of 2.7 before it."""
    opened: list[FaultProxy | InfluxV2Shim] = []

    def make(upstream: str) -> FaultProxy:
        if request.param == "v2":
            opened.append(InfluxV2Shim(upstream))
        proxy = FaultProxy(opened[-1].url if opened else upstream)
        opened.append(proxy)
        return proxy

    yield make
    for one in reversed(opened):
        one.close()


class Site:
    """A journal, the consumer of it, and the store behind the proxy."""

    def __init__(self, proxy: FaultProxy, server: Influxd, folder: Path, timeout_s: float) -> None:
        self.proxy = proxy
        self.server = server
        self.database = server.database()
        self.journal = SqliteJournal.open(folder / "journal", now=T0)
        self.reads = 0
        settings = InfluxSettings(
            url=proxy.url, database=self.database, org=ORG, token=TOKEN, timeout_s=timeout_s, compress=True
        )
        self.sink = InfluxSink(settings, series_of, folder / "influx.db")
        self.consumer = Consumer(
            "influxdb",
            self,
            self.sink.consume,
            {},
            flush_s=0.01,
            retry_on=(StoreUnavailable,),
            backoff=Backoff(0.0, 0.02),
        )
        self._count = 0
        self.count, self.subscribe = self.journal.count, self.journal.subscribe

    def rows(self, *arguments: Any) -> Any:
        """Of the journal, counted."""
        self.reads += 1
        return self.journal.rows(*arguments)

    async def append(self, readings: int) -> None:
        numbers = range(self._count, self._count + readings)
        self._count += readings
        await self.journal.append(
            [
                Entry("reading", f"r{n}", n % 5, n, encode_reading(reading(T0 + n * SECOND, float(n), None, f"{n}")))
                for n in numbers
            ]
        )

    async def taken(self) -> None:
        await wait_for_async(lambda: self.consumer.lag() == 0, 60, "the consumer to take everything")

    async def refused(self, times: int = 2) -> None:
        hits = self.proxy.hits + times
        await wait_for_async(lambda: self.proxy.hits >= hits, 60, "the fault to be met")
        await wait_for_async(lambda: self.consumer.last_refusal is not None, 60, "the consumer to notice")

    def check(self) -> None:
        """Everything is in the store, each once, and nothing was set aside."""
        rows = self.server.query('SELECT "methane", "note" FROM "gas_alarm"', self.database)
        assert [(row["methane"], row["note"]) for row in rows] == [(n, f"{n}") for n in range(self._count)]
        assert self.sink.dead_letter_count() == 0

    async def close(self) -> None:
        self.proxy.heal()
        await self.consumer.stop()
        await self.journal.close()
        self.sink.close()


@pytest.fixture
async def make_site(tmp_path: Path, make_proxy: MakeProxy) -> AsyncIterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(server: Influxd, timeout_s: float = SHORT_S) -> Site:
        made.append(Site(make_proxy(server.url), server, tmp_path, timeout_s))
        made[-1].consumer.start()
        return made[-1]

    yield make
    for site in made:
        await site.close()


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        ("silent", None),
        ("mute", None),
        ("cut", None),
        ("reset", None),
        ("refuse", Reply(500, {}, b'{"error":"timeout"}')),
        ("refuse", Reply(503, {"Retry-After": "0"})),
        ("refuse", Reply(429, {}, b'{"code":"too many requests","message":"over quota"}')),
        ("refuse", Reply(204, cut_at=10)),
        ("refuse", Reply(400, {}, b'{"error":"partial write: field type conflict dropped=1"}', cut_at=-9)),
    ],
    ids=["silent", "mute", "cut", "reset", "500", "503", "429", "cut before storing", "400 cut"],
)
async def test_what_came_before_in_and_after_a_fault_is_stored_once(
    influxd: Influxd, make_site: Callable[..., Site], fault: Fault, reply: Reply | None
) -> None:
    site = make_site(influxd)
    await site.append(40)
    await site.taken()
    site.proxy.begin(fault, reply)
    await site.append(40)
    await site.refused()
    assert isinstance(site.consumer.last_refusal, StoreUnavailable)
    await site.append(40)
    site.proxy.heal()
    await site.taken()
    assert site.consumer.last_refusal is None
    site.check()


async def test_a_server_killed_while_written_to_gets_everything_when_it_is_back(
    influxd_own: Influxd, make_site: Callable[..., Site]
) -> None:
    site = make_site(influxd_own, 5.0)
    for _ in range(3):
        await site.append(200)
        await asyncio.to_thread(influxd_own.kill)
        await site.append(200)
        await wait_for_async(lambda: site.consumer.last_refusal is not None, 60, "the consumer to notice")
        await asyncio.to_thread(influxd_own.start)
        await site.taken()
    site.check()


async def test_slow_answers_are_waited_for_and_it_gets_on(influxd: Influxd, make_site: Callable[..., Site]) -> None:
    site = make_site(influxd, 20.0)
    site.proxy.begin("slow", delay_s=0.2)
    for _ in range(3):
        await site.append(20)
        await wait_for_async(lambda: site.sink.waits_s() > 0.05, what="an answer that is waited for")
        await site.taken()
        assert site.sink.waits_s() == 0
    assert site.consumer.last_refusal is None
    site.check()


async def test_an_outage_is_kept_in_the_journal_and_not_in_memory(
    influxd: Influxd, make_site: Callable[..., Site]
) -> None:
    site = make_site(influxd)
    site.proxy.begin("refuse", Reply(503))
    await site.append(10)
    await site.refused()
    reads = site.reads
    for _ in range(20):
        await site.append(500)
    await site.refused()
    assert site.reads == reads
    site.proxy.heal()
    await site.taken()
    site.check()


async def test_a_connection_that_fell_silent_is_not_used_again(
    influxd: Influxd, make_site: Callable[..., Site]
) -> None:
    site = make_site(influxd)
    await site.append(5)
    await site.taken()
    before = site.proxy.connections
    site.proxy.begin("mute")
    await site.append(5)
    await site.refused(3)
    assert site.proxy.connections >= before + 2
    site.proxy.heal()
    await site.taken()
    site.check()


def test_another_thread_may_break_off_the_waiting(influxd: Influxd, make_proxy: MakeProxy) -> None:
    proxy, database = make_proxy(influxd.url), influxd.database()
    writer = InfluxWriter(InfluxSettings(url=proxy.url, database=database, org=ORG, token=TOKEN, timeout_s=60.0))
    proxy.begin("mute")
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(writer.write, ["m v=1.0 1"])
        wait_for(lambda: proxy.hits, 10, "the request")
        writer.interrupt()
        with pytest.raises(StoreUnavailable):
            writing.result(20)
    proxy.heal()
    assert writer.write(["m v=2.0 2"]) == []
    writer.close()


def lines_in(body: bytes) -> int:
    return gzip.decompress(body).count(b"\n") + 1


def test_a_server_that_takes_no_more_bytes_is_given_up(influxd: Influxd, make_proxy: MakeProxy) -> None:
    """More than the buffers of both ends hold: the sending stands still, not the waiting for an answer."""
    proxy = make_proxy(influxd.url)
    settings = InfluxSettings(url=proxy.url, database="x", write_api="v1", timeout_s=SHORT_S, compress=False)
    writer = InfluxWriter(settings)
    proxy.begin("silent")
    lines = [f'm v="{"x" * 60_000}" {number}' for number in range(500)]
    with pytest.raises(StoreUnavailable, match=r"within timeout_s, 0\.3 s"):
        writer.write(lines)
    writer.close()


def test_after_time_outs_requests_are_smaller_and_grow_again(influxd: Influxd, make_proxy: MakeProxy) -> None:
    proxy, database = make_proxy(influxd.url), influxd.database()
    settings = InfluxSettings(
        url=proxy.url, database=database, org=ORG, token=TOKEN, timeout_s=2.0, batch_lines=1000, compress=True
    )
    writer = InfluxWriter(settings)
    lines = [f"m v={number}.0 {number}" for number in range(1000)]
    assert writer.write(lines) == []
    proxy.begin("mute")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            writer.write(lines)
    proxy.heal()
    proxy.requests.clear()

    def sent() -> list[int]:
        assert writer.write(lines) == []
        return [lines_in(request.body) for request in proxy.requests if "write" in request.path]

    assert sent()[0] == 250
    wait_for(lambda: sorted(sent())[-1] > 250, 60, "a quick answer to a full request")
    writer.close()
