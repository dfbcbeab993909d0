"""`kill -9` under load, and InfluxDB away: what a device was told is stored is in both stores, once."""

import random
import time
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.coap_fleet import Fleet
from tests.e2e.fleet_site import FleetSite, assert_each_exactly_once, fleet_names
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.e2e, pytest.mark.server]

KILLS = 10


def reached(fleet: Fleet, acknowledged: int) -> bool:
    return fleet.acknowledged >= acknowledged


def site_in(folder: Path, influxd: Influxd) -> FleetSite:
    return FleetSite(folder, influxd, fleet_names(24, 8), f"crash_{folder.name}")


@pytest.mark.timeout(180)
async def test_ten_kills_under_load_lose_and_double_nothing(tmp_path: Path, influxd: Influxd) -> None:
    site = site_in(tmp_path, influxd)
    chance = random.Random(time.time_ns())
    async with site.fleet() as fleet:
        for _ in range(KILLS):
            with site.start() as program:
                until = fleet.acknowledged + chance.randrange(1, 600)
                await wait_for_async(partial(reached, fleet, until), 30, "acknowledgements")
                program.kill()
        with site.start() as program:
            await fleet.settle()
            # Devices are answered before the start is over. Only after it does Ctrl-C end the program in order.
            program.says("Ctrl-C stops")
            # At its end the program gives both stores what is durable by then.
            assert program.interrupt(5) == 0
    assert fleet.acknowledged > KILLS * 100
    assert_each_exactly_once(site, fleet)


async def test_influxdb_away_under_load_loses_nothing_and_no_device_waits_for_it(
    tmp_path: Path, influxd_own: Influxd
) -> None:
    site = site_in(tmp_path, influxd_own)
    async with site.fleet() as fleet:
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
