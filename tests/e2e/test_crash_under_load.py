"""`kill -9` under load, and InfluxDB away: what a device was told is stored is in both stores, once.

The devices' readings count as LIVE, in the folder of a site, over loopback.
"""

import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.coap_fleet import Fleet
from tests.e2e.program_run import Program
from tests.e2e.stores import in_duckdb, in_influx, points_in_influx
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import unused_port
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.e2e, pytest.mark.server]

KILLS = 10
BINS = {f"load:bin:{number:02d}": "fill" for number in range(24)}
ALARMS = {f"load:gas:{number:02d}": "co" for number in range(8)}
FLEET = BINS | ALARMS
DATABASE = "crash"
MEASUREMENTS = {"smart_bin": "fill", "gas_alarm": "co"}

SITE = """
[site]
id = "load"
title = { zh = "负载", en = "Load" }
[[area]]
id = "street"
title = { zh = "街", en = "Street" }
kind = "street"
[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:%d"
"""
DEVICE = """
[[device]]
id = "%s"
profile = "gengfu/%s"
title = { zh = "设备", en = "Device" }
area = "street"
connection = "coap"
"""
SETTINGS = """
data = "%(folder)s/data"
site = "%(folder)s/site.toml"
[http]
port = %(http)d
[telemetry]
flush_s = 0.3
influx = { url = "%(influx)s", database = "%(database)s", timeout_s = 2 }
"""


class Site:
    """A site in a folder of its own, with the fleet registered; started and killed at will."""

    def __init__(self, folder: Path, influxd: Influxd) -> None:
        self.influxd = influxd
        self.database = influxd.database(f"{DATABASE}_{folder.name}")
        self.data = folder / "data"
        self.settings = folder / "gengfu.toml"
        self.http, self.coap = unused_port(), unused_port(socket.SOCK_DGRAM)
        devices = [DEVICE % (name, "smart-bin" if name in BINS else "gas-alarm") for name in FLEET]
        (folder / "site.toml").write_text(SITE % self.coap + "".join(devices))
        self.settings.write_text(
            SETTINGS % {"folder": folder, "http": self.http, "influx": influxd.url, "database": self.database}
        )

    def start(self) -> Program:
        """``gengfu up``."""
        return Program("up", "-c", self.settings)

    def metric(self, name: str) -> float:
        """A sample of /metrics, summed over its labels."""
        text = httpx.get(f"http://127.0.0.1:{self.http}/metrics", trust_env=False).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def points_in_influx(self) -> int:
        """Points of the whole fleet."""
        return sum(
            points_in_influx(self.influxd, self.database, field, measurement)
            for measurement, field in MEASUREMENTS.items()
        )


@asynccontextmanager
async def fleet_of(site: Site) -> AsyncIterator[Fleet]:
    fleet = Fleet(FLEET, site.coap)
    try:
        yield fleet
    finally:
        await fleet.abandon()


def assert_each_exactly_once(site: Site, fleet: Fleet) -> None:
    sent, acknowledged = fleet.ids("sent"), fleet.ids("acknowledged")
    assert acknowledged == sent
    duck = in_duckdb(site.data)
    influx = sum((in_influx(site.influxd, site.database, name) for name in MEASUREMENTS), start=type(duck)())
    assert (set(duck) - sent, set(influx) - sent) == (set(), set()), "stored under a time nobody sent"
    assert (acknowledged - set(duck), acknowledged - set(influx)) == (set(), set()), "acknowledged, and lost"
    assert set(duck.values()) == set(influx.values()) == {1}
    assert site.points_in_influx() == len(influx)


@pytest.mark.timeout(180)
async def test_ten_kills_under_load_lose_and_double_nothing(tmp_path: Path, influxd: Influxd) -> None:
    site = Site(tmp_path, influxd)
    chance = random.Random(time.time_ns())
    async with fleet_of(site) as fleet:
        for _ in range(KILLS):
            with site.start() as program:
                until = fleet.acknowledged + chance.randrange(1, 600)
                await wait_for_async(lambda until=until: fleet.acknowledged >= until, 30, "acknowledgements")
                program.kill()
        with site.start() as program:
            await fleet.settle()
            # At its end the program gives both stores what is durable by then.
            assert program.interrupt(5) == 0
    assert fleet.acknowledged > KILLS * 100
    assert_each_exactly_once(site, fleet)


async def test_influxdb_away_under_load_loses_nothing_and_no_device_waits_for_it(
    tmp_path: Path, influxd_own: Influxd
) -> None:
    site = Site(tmp_path, influxd_own)
    async with fleet_of(site) as fleet:
        with site.start() as program:
            await wait_for_async(lambda: site.points_in_influx() > 100, 20, "points in InfluxDB")
            influxd_own.stop()
            during = fleet.acknowledged + 1000
            await wait_for_async(lambda: fleet.acknowledged >= during, 20, "acknowledgements while InfluxDB is away")
            influxd_own.start()
            await fleet.settle()
            total = fleet.acknowledged
            await wait_for_async(lambda: site.points_in_influx() >= total, 30, f"{total} points in InfluxDB")
            assert site.metric("gengfu_readings_total") == total
            assert program.interrupt(5) == 0
        assert "Traceback" not in program.text
    assert_each_exactly_once(site, fleet)
