"""A site whose devices are a fleet of this machine: its files, the program on it, and what its stores hold in the end.

The devices' readings count as LIVE, in the folder of a site, over loopback.
"""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.e2e.coap_fleet import PAUSE_S, Fleet
from tests.e2e.program_run import Program
from tests.e2e.stores import in_duckdb, in_influx, points_in_influx
from tests.fixtures.influx import Influxd
from tests.fixtures.ports import unused_port

POINTS = {"smart-bin": "fill", "gas-alarm": "co"}
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


def fleet_names(bins: int, alarms: int) -> dict[str, str]:
    """So many bins and gas alarms: device id -> model."""
    return {f"load:bin:{number:02d}": "smart-bin" for number in range(bins)} | {
        f"load:gas:{number:02d}": "gas-alarm" for number in range(alarms)
    }


class FleetSite:
    """A site in a folder of its own, with the fleet registered; started and killed at will."""

    def __init__(self, folder: Path, influxd: Influxd, models: Mapping[str, str], database: str) -> None:
        """``models``: device id -> model."""
        self.influxd = influxd
        self.database = influxd.database(database)
        self.models = models
        self.data = folder / "data"
        self.settings = folder / "gengfu.toml"
        self.http, self.coap = unused_port(), unused_port(socket.SOCK_DGRAM)
        devices = [DEVICE % one for one in models.items()]
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
    async def fleet(self, pause_s: float = PAUSE_S) -> AsyncIterator[Fleet]:
        """The fleet at work; given up at the end."""
        fleet = Fleet({name: POINTS[model] for name, model in self.models.items()}, self.coap, pause_s)
        try:
            yield fleet
        finally:
            await fleet.abandon()


def assert_each_exactly_once(site: FleetSite, fleet: Fleet) -> None:
    """Whatever was acknowledged is in both stores once, and nothing else is."""
    sent, acknowledged = fleet.ids("sent"), fleet.ids("acknowledged")
    assert acknowledged == sent
    duck = in_duckdb(site.data)
    influx = sum((in_influx(site.influxd, site.database, name) for name in MEASUREMENTS), start=type(duck)())
    assert (set(duck) - sent, set(influx) - sent) == (set(), set()), "stored under a time nobody sent"
    assert (acknowledged - set(duck), acknowledged - set(influx)) == (set(), set()), "acknowledged, and lost"
    assert set(duck.values()) == set(influx.values()) == {1}
    assert site.points_in_influx() == len(influx)
