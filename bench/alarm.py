"""Alarm latency: from the last byte of a leak's frame read to the write of the command that closes the valve.

    python -m bench.alarm [--alarms 600] [--traffic 2000]

In our process: the whole gateway with every shipped rule and interlock, in a data folder stamped ``demo`` (the
readings are LIVE, over loopback only), with DuckDB and InfluxDB fed from the journal. Beside it:
gas alarms of which one leaks every 40 ms or so, by chance, each in a kitchen of its own, that take the command and
report the valve closed; and other readings at a steady rate. The clock runs inside our process, so the network is not
in it; at more traffic than the process can take, frames wait or are lost before they are read, and the boards repeat
them.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import uvloop
from prometheus_client import CollectorRegistry

from alarms.rule import AlarmRule
from bench.parts import TEXT, counted, gateway, make_site, percentile
from bench.processes import beside, end_on_sigterm, given
from bench.program import as_the_program
from bench.rows import Row, print_rows
from bench.servers import DATABASE, influxd, points_in
from device_registry.devices import Site
from gateway.transports.coap import door as transport
from gateway.watch import ALARM as ALARM_ENTRY
from gengfu import stores
from gengfu.folder import DataFolder
from gengfu.rules import shipped
from gengfu.settings import TelemetryPart
from gengfu.supervisor import Supervisor
from journal.entry import Stored
from protocols.profile.loader import shipped_profiles
from protocols.wire import coap
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

LEAK_EVERY_S = 0.04
TRAFFIC_EVERY_S = 0.01
SEED = 4
"""A leak falls at any instant between two bursts of the other readings, at the same ones in each run."""
ACK_TIMEOUT_S = 2.0
FEW = 1000
"""Entries: commands without a proof are sent again all the while, so that a little is always under way."""
SETTLE_S = 20.0
"""Without traffic every frame that was lost gets through within a few repeats."""
BINS = 200
ENDPOINTS = 20
OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e"))
ALARM = b'[{"bn":"a:%d/","n":"boot","v":1},{"n":"seq","v":%d},{"n":"methane","v":%d},{"n":"valve","v":%d}]'
BIN = b'[{"bn":"b:%d/","n":"boot","v":1},{"n":"seq","v":%d},{"n":"fill","v":40},{"n":"temperature","v":%d}]'
COOL, WARM = 20, 40
FLOOD = AlarmRule.model_validate(
    {
        "id": "XX-1",
        "title": TEXT,
        "areas": ("street",),
        "class": "process",
        "priority": "low",
        "any": ({"kind": "high", "role": "fire-temperature", "limit": 30.0, "unit": "Cel"},),
        "cause": TEXT,
        "consequence": TEXT,
        "response": ("R9",),
        "respond_within_s": 3600.0,
        "source": ({"what": "30 degrees", "source": "for this measurement", "verified": False},),
    }
)
"""Raised by each warm report of a bin, gone with the next cool one."""
OPEN, CLOSED = 1, 2
DONE = "done"


class TimedDoor(transport.CoapDoor):
    """The door, with a clock at both ends. A leaking board sends nothing between its leak and the command.

    ``took``: milliseconds by peer, of the first command alone (one that is not acknowledged is sent again).
    """

    heard: dict[Any, int]
    took: dict[Any, float]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by the loop."""
        self.heard[addr] = time.perf_counter_ns()
        super().datagram_received(data, addr)

    def _send(self, datagram: bytes | None, addr: Any) -> None:
        super()._send(datagram, addr)
        if datagram is not None and datagram[1] == coap.PUT:
            self.took.setdefault(addr, (time.perf_counter_ns() - self.heard[addr]) / 1e6)


class Board(asyncio.DatagramProtocol):
    """A gas alarm at an endpoint of its own; what is not acknowledged within 2 s is sent again (RFC 7252, 4.2)."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._mids = itertools.count(1)
        self._waiting: dict[int, asyncio.TimerHandle] = {}
        self.commands = self.repeats = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def report(self, methane: int, valve: int) -> None:
        """Post one reading, until it is acknowledged."""
        mid = next(self._mids)
        pack = ALARM % (self._number, mid, methane, valve)
        self._send(mid, coap.encode(coap.CON, coap.POST, mid, b"", OPTIONS, payload=pack))

    def _send(self, mid: int, datagram: bytes) -> None:
        self._transport.sendto(datagram)
        self._waiting[mid] = asyncio.get_running_loop().call_later(ACK_TIMEOUT_S, self._again, mid, datagram)

    def _again(self, mid: int, datagram: bytes) -> None:
        self.repeats += 1
        self._send(mid, datagram)

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        _, code, mid, token, _, _ = coap.decode(data)
        if code == coap.PUT:
            self.commands += 1
            self._transport.sendto(coap.encode(coap.ACK, coap.CHANGED, mid, token))
            self.report(60, CLOSED)
        elif waiting := self._waiting.pop(mid, None):
            waiting.cancel()


class Traffic(asyncio.DatagramProtocol):
    """Bins at one endpoint. ``raising``: each is warm in every second of its reports, else none is."""

    def __init__(self, number: int, raising: bool) -> None:
        share = BINS // ENDPOINTS
        bins = range(number * share, (number + 1) * share)
        warmths = (COOL, WARM) if raising else (COOL,)
        self._reports = itertools.cycle([(one, warmth) for warmth in warmths for one in bins])
        self._mids = itertools.count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def post(self) -> None:
        """One reading of the next bin."""
        number = next(self._mids)
        one, warmth = next(self._reports)
        pack = BIN % (one, number, warmth)
        self._transport.sendto(coap.encode(coap.CON, coap.POST, number & 0xFFFF, b"", OPTIONS, payload=pack))


def leak(told: Connection, port: int, alarms: int, rate: float, raising: bool) -> None:
    """The process beside ours; it ends its story by telling how many boards were commanded."""
    as_the_program()
    uvloop.run(_leak(told, port, alarms, rate, raising))


async def _leak(told: Connection, port: int, alarms: int, rate: float, raising: bool) -> None:
    loop = asyncio.get_running_loop()
    gateway_at = ("127.0.0.1", port)
    boards = [Board(number) for number in range(alarms)]
    ends = [Traffic(number, raising) for number in range(ENDPOINTS)]
    for one in (*boards, *ends):
        await loop.create_datagram_endpoint(given(one), remote_addr=gateway_at)
    for board in boards:
        board.report(0, OPEN)
        await asyncio.sleep(0.002)
    traffic = asyncio.create_task(_traffic(ends, rate))
    await asyncio.sleep(1)
    chance = random.Random(SEED)
    for board in boards:
        board.report(60, OPEN)
        await asyncio.sleep(LEAK_EVERY_S * chance.uniform(0.5, 1.5))
    await asyncio.sleep(1)
    traffic.cancel()
    until = loop.time() + SETTLE_S
    while loop.time() < until and not all(board.commands for board in boards):
        await asyncio.sleep(0.1)
    told.send((sum(board.commands > 0 for board in boards), sum(board.repeats for board in boards)))


async def _traffic(ends: list[Traffic], rate: float) -> None:
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    turn = itertools.cycle(ends)
    while True:
        await asyncio.sleep(TRAFFIC_EVERY_S)
        due = int((loop.time() - began) * rate)
        for _ in range(due - sent):
            next(turn).post()
        sent = due


def kitchens(alarms: int) -> Site:
    """So many gas alarms, each in a kitchen of its own, and bins in a street."""
    gas = [f"a:{number}" for number in range(alarms)]
    devices = [
        # The boards are quiet between their first report and the leak, which must not make them lost.
        {
            "id": one,
            "profile": "gengfu/gas-alarm",
            "area": one.replace(":", "-"),
            "connection": "coap",
            "period_s": 600.0,
        }
        for one in gas
    ] + [
        {"id": f"b:{number}", "profile": "gengfu/smart-bin", "area": "street", "connection": "coap"}
        for number in range(BINS)
    ]
    areas = {one.replace(":", "-"): "commercial-kitchen" for one in gas}
    return make_site(
        shipped_profiles(),
        {**areas, "street": "street"},
        [{"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}],
        devices,
    )


async def _measure(folder: Path, server: Influxd, alarms: int, rate: float, flood: bool) -> list[Row]:
    TimedDoor.heard, TimedDoor.took = {}, {}
    site = kitchens(alarms)
    settings = TelemetryPart.model_validate({"influx": {"url": server.url, "database": DATABASE}})
    loop = asyncio.get_running_loop()
    book = shipped()
    book = book._replace(alarms={**book.alarms, FLOOD.id: FLOOD} if flood else book.alarms)
    async with gateway(folder, site, book) as ours, AsyncExitStack() as stack:
        supervisor = Supervisor(CollectorRegistry())
        opened = await stores.open_stores(stack, site, folder, book, ours.journal, settings)
        stores.start(stack, opened, supervisor)
        stack.push_async_callback(supervisor.stop)
        door = transport.bind("127.0.0.1", 0)
        await ours.start({"coap": door})
        changes = _Changes()
        stack.callback(ours.journal.subscribe(changes.take))
        with beside(leak, door.getsockname()[1], alarms, rate, flood) as other:
            began = time.perf_counter()
            commanded, repeats = await loop.run_in_executor(None, other.recv)
            stored, wall = counted(ours, "coap"), time.perf_counter() - began
        await _assert_both_took(opened, server, stored)
    took = list(TimedDoor.took.values())
    assert commanded == alarms, f"{alarms - commanded} valves were never told to close"
    name = f"{rate:g} other readings/s"
    if flood:
        name = f"{rate:g} other readings/s that raise {rate / 2:g} alarms/s"
    return [
        Row(f"{name}: frame read to command written, p50", percentile(took, 0.5), "ms"),
        Row(f"{name}: frame read to command written, p99", percentile(took, 0.99), "ms"),
        Row(f"{name}: frame read to command written, slowest", max(took), "ms"),
        Row(f"{name}: reports the boards had to repeat", repeats, "count"),
        Row(f"{name}: readings stored", stored / wall, "1/s"),
        Row(f"{name}: changes of alarms stored", changes.stored / wall, "1/s"),
    ]


class _Changes:
    """Counts what alarms did, as it is stored."""

    stored = 0

    def take(self, batch: Sequence[Stored]) -> None:
        self.stored += sum(one.entry.kind == ALARM_ENTRY for one in batch)


async def _assert_both_took(opened: stores.Stores, server: Influxd, readings: float) -> None:
    """That both stores were fed all the while, and hold what was stored."""
    assert [one.name for one in opened.feeds] == ["duckdb", "influxdb"]
    await wait_for_async(lambda: all(one.lag() < FEW for one in opened.feeds), SETTLE_S, "both stores to take it all")
    await wait_for_async(lambda: _points(server) >= readings, SETTLE_S, f"{readings:.0f} readings in InfluxDB")
    held = {one.device for one in opened.duck.latest()}
    assert len(held) > BINS, f"DuckDB holds {len(held)} devices only"


def _points(server: Influxd) -> int:
    return points_in(server, "methane", "gas_alarm") + points_in(server, "fill", "smart_bin")


def measure_all(folder: Path) -> list[Row]:
    """Beside 2000 other readings per second, the same with 1000 alarms per second, and beside 5000."""
    calm, flooded = measure(folder, 600, 2000.0), measure(folder, 600, 2000.0, flood=True)
    against = [
        Row(f"the same with 1000 alarms/s against without: frame read to command written, {name}", with_ / without, "x")
        for name, with_, without in zip(("p50", "p99"), _values(flooded), _values(calm), strict=False)
    ]
    return calm + flooded + against + measure(folder, 600, 5000.0)


def _values(rows: Sequence[Row]) -> list[float]:
    return [row.value for row in rows]


def measure(folder: Path, alarms: int = 600, rate: float = 2000.0, *, flood: bool = False) -> list[Row]:
    """All rows; none where there is no influxd."""
    as_the_program()
    before, transport.CoapDoor = transport.CoapDoor, TimedDoor  # type: ignore[misc]  # the clock goes in here
    try:
        with (
            tempfile.TemporaryDirectory(dir=folder) as place,
            contextlib.ExitStack() as stack,
            DataFolder(Path(place) / "data", "demo") as data,
        ):
            server = stack.enter_context(influxd(Path(place)))
            return uvloop.run(_measure(data.path, server, alarms, rate, flood)) if server else []
    finally:
        transport.CoapDoor = before  # type: ignore[misc]  # the clock comes out again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alarms", type=int, default=600)
    parser.add_argument("--traffic", type=float, default=2000.0, help="other readings per second")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.alarms, given.traffic))


if __name__ == "__main__":
    main()
