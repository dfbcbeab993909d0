"""A stop does not wait for a store that has fallen silent."""

import asyncio
from pathlib import Path

import pytest

from bench.parts import gas_alarms
from gengfu import clock
from gengfu.stores import StoreFeed, series_of
from journal.entry import PARTITIONS, Entry, partition_of
from journal.sqlite import SqliteJournal
from protocols.reading import Origin, Reading, encode_reading
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from tests.fixtures.http_faults import FaultProxy
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

DEVICE = "gas:1"
NEVER_S = 300.0


def reading(at: int) -> Entry:
    one = Reading(DEVICE, "gengfu/gas-alarm", at, at, Origin.LIVE, (1.0,), (0,))
    return Entry("reading", one.identity, partition_of(DEVICE), at, encode_reading(one))


@pytest.mark.server
async def test_what_a_silent_server_was_sent_stays_in_the_journal(influxd: Influxd, tmp_path: Path) -> None:
    site = gas_alarms({"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}, [DEVICE])
    proxy, journal = FaultProxy(influxd.url), SqliteJournal.open(tmp_path / "journal", now=clock.wall())
    settings = InfluxSettings(url=proxy.url, database=influxd.database(), timeout_s=NEVER_S)
    sink = InfluxSink(settings, series_of(site).get, tmp_path / "influx.db")
    feed = StoreFeed("influxdb", journal, sink, flush_s=0.1)
    running = asyncio.create_task(feed.run())
    proxy.begin("mute")
    await journal.append([reading(clock.wall())])
    await wait_for_async(lambda: proxy.hits, 10, "the request")
    await asyncio.wait_for(feed.stop(), 30)
    await running
    assert journal.count(range(PARTITIONS), sink.cursor()) == 1
    proxy.heal()
    proxy.close()
    sink.close()
    await journal.close()
