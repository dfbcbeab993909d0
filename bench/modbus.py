"""Modbus TCP polling: CPU seconds of our side per 1000 values.

    python -m bench.modbus [--connections 500] [--seconds 20] [--period 1.0] [--asyncio]

A lean simulator runs in a process of its own and is not counted. Each connection is one unit with ten registers,
polled by its own bus and poller; decoding to values and quality is included, the journal is not. «1k points» counts
values. Peers: measured with the same load (500 connections x 10 registers x 1 s), on another day.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Callable, Coroutine, Sequence
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

from bench.floors import modbus as floor
from bench.processes import alone, beside, cpu_s, many_sockets
from bench.rows import Row
from gateway.errors import TransportError
from gateway.poller import Poller
from gateway.slots import SlotTimer
from gateway.transports.modbus.bus import Job
from gateway.transports.modbus.tcp import ModbusTcpBus
from gateway.turns import PolledUnit
from protocols.modbus.plan import decode_blocks, plan_reads
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import ProfileFile
from protocols.wire.modbus_tcp import frame

REGISTERS = 10
ANSWER = b"\x04" + bytes([2 * REGISTERS]) + b"".join((100 + at).to_bytes(2, "big") for at in range(REGISTERS))
PEERS = {
    "thingsboard-gateway 3.8.5 (Modbus to MQTT)": 0.135,
    "EMQX Neuron 2.15 (C, its timer fixed)": 0.036,
}
"""CPU seconds per 1k values."""

Start = Callable[[Coroutine[Any, Any, Any]], Any]


class Simulator(asyncio.Protocol):
    """Answers every 12-byte request with the same ten registers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for at in range(0, len(data), 12):
            self._transport.write(frame(data[at] << 8 | data[at + 1], data[at + 6], ANSWER))


async def _simulate(told: Connection, hosts: Sequence[str], port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Simulator, hosts, port, backlog=1024)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def simulate(told: Connection, hosts: Sequence[str] = ("127.0.0.1",), port: int = 0) -> None:
    """The simulator's process. Several hosts need a port of their own choice."""
    uvloop.run(_simulate(told, hosts, port))


def profile(period_s: float, *, life_safety: bool = False) -> Profile:
    """Ten scaled registers."""
    title = {"zh": "点", "en": "point"}
    points = [
        {
            "name": f"p{at}",
            "title": title,
            "range": [0, 1000],
            "life_safety": life_safety,
            "modbus": {"table": "input", "address": at, "type": "int16", "scale": 0.1, "missing": [-32768]},
        }
        for at in range(REGISTERS)
    ]
    head = {"vendor": "bench", "model": "ten", "kind": "bench", "title": title, "period_s": period_s}
    content = {"profile": head, "point": points, "golden": [{"name": "none", "values": {}}]}
    return compile_profile(ProfileFile.model_validate_json(json.dumps(content)))


async def poll(port: int, connections: int, seconds: float, period_s: float) -> dict[str, float]:
    """Poll until warm, then measure for ``seconds``."""
    one = profile(period_s)
    values = lost = 0

    def on_values(*sample: Any) -> None:
        nonlocal values
        values += len(sample[4])

    def on_lost(*_: Any) -> None:
        nonlocal lost
        lost += 1

    timer = SlotTimer(asyncio.get_running_loop())
    buses = [ModbusTcpBus("127.0.0.1", port, timer=timer) for _ in range(connections)]
    pollers = [
        Poller(
            bus,
            [PolledUnit(f"bench:{number}", 1, one, period_s)],
            on_values=on_values,
            on_lost=on_lost,
            now_ns=time.time_ns,
            timer=timer,
        )
        for number, bus in enumerate(buses)
    ]
    tasks = [asyncio.create_task(poller.run()) for poller in pollers]
    await asyncio.sleep(2 * period_s + 1)
    cpu, began, counted = cpu_s(), time.monotonic(), values
    await asyncio.sleep(seconds)
    cpu, wall_s, counted = cpu_s() - cpu, time.monotonic() - began, values - counted
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(bus.close() for bus in buses))
    return {
        "values per second": counted / wall_s,
        "wanted per second": connections * REGISTERS / period_s,
        "CPU seconds per 1k values": cpu / counted * 1000,
        "share of one core": cpu / wall_s,
        "skipped polls": sum(poller.skipped for poller in pollers),
        "lost units": lost,
        "resident MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def _read(port: int, connections: int, seconds: float) -> float:
    """Ask again as soon as the answer is decoded, on every connection, as a poller asks."""
    one = profile(1.0)
    timer = SlotTimer(asyncio.get_running_loop())
    readers = [Reader(ModbusTcpBus("127.0.0.1", port, timer=timer), one) for _ in range(connections)]
    for reader in readers:
        reader.ask()
    await asyncio.sleep(1.0)
    before, counted = cpu_s(), sum(reader.reads for reader in readers)
    await asyncio.sleep(seconds)
    rate = (sum(reader.reads for reader in readers) - counted) / (cpu_s() - before)
    for reader in readers:
        reader.job.withdraw()
    await asyncio.gather(*(reader.bus.close() for reader in readers))
    return rate


class Reader:
    """Reads one unit without a pause."""

    def __init__(self, bus: ModbusTcpBus, one: Profile) -> None:
        self.bus = bus
        self.reads = 0
        self.job: Job
        self._profile = one
        self._blocks = plan_reads(one)

    def ask(self) -> None:
        (block,) = self._blocks
        self.job = self.bus.ask(1, block.request, 1.0, self._answered)

    def _answered(self, outcome: bytes | TransportError) -> None:
        assert isinstance(outcome, bytes), outcome
        values, quality = decode_blocks(self._profile, self._blocks, (outcome,))
        assert len(values) == REGISTERS
        assert not any(quality)
        self.reads += 1
        self.ask()


def closed(connections: int = 50, seconds: float = 5.0) -> Row:
    """Decoded reads of ten registers, each connection asked as fast as it answers; the floor comes right after it."""
    with beside(simulate) as simulator:
        port = simulator.recv()
        rate = uvloop.run(_read(port, connections, seconds))
        bare = alone(floor.closed, port, connections, seconds)
    return Row(f"{connections} connections x 1, decoded: reads per CPU second", rate, "1/s", bare)


def measure(
    connections: int = 500, seconds: float = 20.0, period_s: float = 1.0, start: Start = uvloop.run
) -> dict[str, float]:
    """Start the simulator, measure, stop it."""
    with beside(simulate) as simulator:
        result: dict[str, float] = start(poll(simulator.recv(), connections, seconds, period_s))
        return result


def main() -> None:
    """Print the figures beside the peers'."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--period", type=float, default=1.0)
    parser.add_argument("--asyncio", action="store_true", help="the standard event loop instead of uvloop")
    given = parser.parse_args()
    many_sockets()
    figures = measure(given.connections, given.seconds, given.period, asyncio.run if given.asyncio else uvloop.run)
    for name, figure in figures.items():
        print(f"{name:<32}{figure:>12.4f}")
    for name, figure in PEERS.items():
        print(f"peer: {name:<42}{figure:>8.4f} CPU seconds per 1k values")


if __name__ == "__main__":
    main()
