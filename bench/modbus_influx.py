"""Modbus TCP to InfluxDB: CPU seconds of our process per 1000 values, from the poll to the point in the database.

    python -m bench.modbus_influx [--connections 500] [--units 1] [--seconds 20]

500 connections x 10 registers x 1 s. Our process is the gateway as it is wired in the program (buses, pollers,
pipeline with every shipped rule, journal) and the InfluxDB consumer; simulator and influxd are processes of their
own and not counted. «1k values» counts values. A poll that was left out because its period was over, or that failed, is
a value not read again in its period; what was polled is held against the wall clock as well: the edges of the window
make that a little more or less than all. At the end InfluxDB must hold what the journal took. The floor comes
right after it, against the same simulator and server.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench import modbus
from bench.floors import modbus as floor
from bench.parts import Gateway, counted, gateway, make_site
from bench.processes import alone, beside, end_on_sigterm
from bench.program import as_the_program
from bench.rows import Row, print_rows
from bench.servers import fed, influxd, points_in
from device_registry.devices import Site
from gengfu.rules import shipped
from tests.fixtures.influx import Influxd

WARM_UP_S = 5.0
WINDOW_S = 0.005
"""Of the journal as the program opens it."""
FLOOR_S = 4.0


class Size(NamedTuple):
    """``units`` behind each of the connections."""

    connections: int = 500
    units: int = 1


DEFAULT = Size()


class Polls(NamedTuple):
    """Polls since the start: answered and stored, and not answered in their period."""

    stored: float
    missed: int


def _polls(ours: Gateway) -> Polls:
    devices = [one for connection in ours.diagnoses().values() for one in connection.devices.values()]
    return Polls(counted(ours, "modbus"), sum(one.skipped + sum(one.errors.values()) for one in devices))


def _site(port: int, size: Size) -> Site:
    profile = modbus.profile(1.0)
    names = [f"m{number}" for number in range(size.connections)]
    return make_site(
        {profile.id: profile},
        {"hall": "other"},
        [{"id": name, "transport": "modbus-tcp", "host": "127.0.0.1", "port": port} for name in names],
        [
            {"id": f"bench:{name}.{unit}", "profile": profile.id, "area": "hall", "connection": name, "unit": unit}
            for name in names
            for unit in range(1, size.units + 1)
        ],
    )


async def _measure(
    folder: Path, server: Influxd, port: int, size: Size, seconds: float, window_s: float, name: str
) -> list[Row]:
    site = _site(port, size)
    async with gateway(folder, site, shipped(), window_s) as ours, fed(server, ours, site, folder):
        await ours.start({})
        await asyncio.sleep(WARM_UP_S)
        cpu, before, wall = time.process_time(), _polls(ours), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, after = time.process_time() - cpu, _polls(ours)
        wall = time.perf_counter() - wall
        await ours.stop()
        stored = counted(ours, "modbus")
    readings, missed = after.stored - before.stored, after.missed - before.missed
    values, wanted = readings * modbus.REGISTERS, size.connections * size.units * modbus.REGISTERS * wall
    points = points_in(server, "p0", "bench")
    assert points >= stored, f"InfluxDB holds {points} of {stored:.0f} readings"
    return [
        Row(f"{name}: CPU per 1k values", cpu / values * 1e3, "s"),
        Row(f"{name}: values read again in their period", readings / (readings + missed) * 100, "%"),
        Row(f"{name}: values by the wall clock", values / wanted * 100, "%"),
        Row(f"{name}: share of one core", cpu / wall * 100, "% of a core"),
    ]


def measure(
    folder: Path,
    size: Size = DEFAULT,
    seconds: float = 12.0,
    window_s: float = WINDOW_S,
    name: str = "poll to InfluxDB",
) -> list[Row]:
    """All rows; none where there is no influxd. ``window_s``: of the journal's group commit."""
    as_the_program()
    with tempfile.TemporaryDirectory(dir=folder) as place, influxd(Path(place)) as server:
        if server is None:
            return []
        with beside(modbus.simulate) as simulator:
            port = simulator.recv()
            rows = uvloop.run(_measure(Path(place), server, port, size, seconds, window_s, name))
            return _with_floors(rows, Path(place), server, port, size)


def _with_floors(rows: list[Row], folder: Path, server: Influxd, port: int, size: Size) -> list[Row]:
    server.database(floor.DATABASE)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        bare: floor.Spent = alone(floor.polled, port, place, server.port, floor.Work(*size, FLOOR_S))
    wanted = size.connections * size.units * modbus.REGISTERS * bare.wall_s
    assert bare.values > 0.9 * wanted, f"the floor had {bare.values} of {wanted:.0f} values"
    cost, *shares, share_of_core = rows
    return [cost._replace(floor=bare.per_1k), *shares, share_of_core._replace(floor=bare.share)]


def scale(folder: Path) -> list[Row]:
    """Other sizes: many connections, many units behind few, and one device alone."""
    return [
        *measure(folder, Size(2000), 10.0, name="2000 connections, poll to InfluxDB"),
        *measure(folder, Size(10, 100), 10.0, name="10 connections x 100 units, poll to InfluxDB"),
        *measure(folder, Size(1), 12.0, name="1 device, poll to InfluxDB"),
        modbus.closed(),
    ]


def decoded(connections: int = 500, seconds: float = 6.0) -> list[Row]:
    """The polling part alone: buses, pollers, decoding to values and quality."""
    as_the_program()
    found = modbus.measure(connections, seconds)
    return [Row("decoded values: CPU per 1k values", found["CPU seconds per 1k values"], "s")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--units", type=int, default=1, help="behind each connection")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--window", type=float, default=WINDOW_S, help="of the journal's group commit, in seconds")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    size = Size(given.connections, given.units)
    print_rows(measure(given.folder, size, given.seconds, given.window))


if __name__ == "__main__":
    main()
