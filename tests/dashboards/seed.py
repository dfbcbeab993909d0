"""Fills InfluxDB with the town, by the path of the gateway: readings and events through the journal's consumer."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gengfu.annotations import Annotator
from gengfu.rules import shipped
from operations.plan_files import shipped_plans
from protocols.reading import Origin, encode_reading
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from tests.dashboards.happened import Happening, happenings
from tests.dashboards.health_told import ORIGINS, health_of
from tests.dashboards.measured import HOUR, MINUTE, readings
from tests.dashboards.town import Town, build
from tests.fixtures.influx import Influxd

AHEAD = 5 * MINUTE
"""The data ends later than the server's clock says, so that «the last five minutes» of a rule hold some, however long
the tests before it take."""


class Seeded(NamedTuple):
    """Names of databases: all that a city has, and of each origin alone. ``now``: UTC ns, when they end."""

    city: str
    alone: dict[Origin, str]
    now: int


def seed(server: Influxd, folder: Path) -> Seeded:
    """Databases of their own."""
    town, now = build(), off_the_hour(time.time_ns() + AHEAD)
    made = Seeded(server.database(), {origin: server.database() for origin in Origin}, now)
    for site in town.sites:
        told = {origin: list(_entries(town, site, origin, now)) for origin in Origin}
        fill(server, folder / f"{site}-all.db", made.city, town, site, [one for part in told.values() for one in part])
        for origin, database in made.alone.items():
            fill(server, folder / f"{site}-{origin}.db", database, town, site, told[origin])
    return made


def off_the_hour(now: int) -> int:
    """A little later, if it is nearly a full hour: then an hour is one bucket of an hour, between which and another no
    difference is."""
    edge = (now + AHEAD) % HOUR
    return now + 2 * AHEAD - edge if edge < 2 * AHEAD else now


def fill(server: Influxd, state: Path, database: str, town: Town, site: str, entries: list[Happening]) -> None:
    """A journal of one site into one database. Fails when anything of it is skipped or becomes a dead letter."""
    annotate = Annotator(town.sites[site], shipped(), shipped_plans())
    settings = InfluxSettings(url=server.url, database=database)
    with closing(InfluxSink(settings, town.series[site].get, state, annotate)) as sink:
        done = sink.consume((number, 0, kind, body) for number, (kind, body) in enumerate(entries))
        assert (done.skipped, done.dead) == (0, 0), (done, sink.dead_letters(3))
        assert done.stored >= len(entries), done


def _entries(town: Town, site: str, origin: Origin, now: int) -> Iterator[Happening]:
    for device in town.devices:
        if device.site == site:
            yield from (Happening("reading", encode_reading(one)) for one in readings(device, origin, now))
    yield from happenings(town, site, origin, now)
    if origin in ORIGINS:
        yield from health_of(town, site, origin, now)
