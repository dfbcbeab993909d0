"""A real InfluxDB for a benchmark, and what feeds it from a gateway's journal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bench.missing import tell_missing
from bench.parts import Gateway
from device_registry.devices import Site
from gengfu.stores import StoreFeed, series_of
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import Program
from tools.test_servers import environment, locate

DATABASE = "bench"
FLUSH_S = 1.0


@contextmanager
def influxd(folder: Path) -> Iterator[Influxd | None]:
    """A real InfluxDB, or ``None`` where there is none (``make servers`` fetches it)."""
    path = locate("influxd")
    if path is None:
        tell_missing("influxd", "servers")
        yield None
        return
    server = Influxd(Program(path, environment()), folder / "influxd")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def fed(server: Influxd, ours: Gateway, site: Site, folder: Path) -> AsyncIterator[None]:
    """The consumer as the program has it, to `DATABASE`; at the end it takes what the journal holds."""
    sink = InfluxSink(InfluxSettings(url=server.url, database=DATABASE), series_of(site).get, folder / "influx.db")
    feed = StoreFeed("influxdb", ours.journal, sink, FLUSH_S)
    feeding = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        await feed.stop()
        await feeding
        sink.close()


def points_in(server: Influxd, field: str, measurement: str) -> int:
    """How many values of a field InfluxDB holds."""
    found = server.query(f"SELECT count({field}) AS points FROM {measurement}", DATABASE)
    return int(found[0]["points"]) if found else 0
