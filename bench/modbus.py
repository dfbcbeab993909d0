"""Modbus TCP polling: CPU seconds of our side per 1000 values.

    python -m bench.modbus [--connections 500] [--seconds 20] [--period 1.0] [--asyncio]

A lean simulator runs in a process of its own and is not counted. Each connection is one unit with ten registers,
polled by its own bus and poller; decoding to values and quality is included, the journal is not. «1k points» counts
values. Peers: measured with the same load (500 connections x 10 registers x 1 s), on another day.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

from gateway.poller import PolledUnit, Poller
from gateway.slots import SlotTimer
from gateway.transports.modbus.tcp import ModbusTcpBus
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
    before, began, counted = _cpu_s(), time.monotonic(), values
    await asyncio.sleep(seconds)
    cpu_s, wall_s, counted = _cpu_s() - before, time.monotonic() - began, values - counted
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(bus.close() for bus in buses))
    return {
        "values per second": counted / wall_s,
        "wanted per second": connections * REGISTERS / period_s,
        "CPU seconds per 1k values": cpu_s / counted * 1000,
        "share of one core": cpu_s / wall_s,
        "skipped polls": sum(poller.skipped for poller in pollers),
        "lost units": lost,
        "resident MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def _read(port: int, connections: int, seconds: float) -> float:
    """Ask again as soon as the answer is decoded, on every connection."""
    one = profile(1.0)
    blocks = plan_reads(one)
    timer = SlotTimer(asyncio.get_running_loop())
    buses = [ModbusTcpBus("127.0.0.1", port, timer=timer) for _ in range(connections)]
    reads = 0

    async def ask(bus: ModbusTcpBus) -> None:
        nonlocal reads
        while True:
            data = [await bus.request(1, block.request, 1.0) for block in blocks]
            values, quality = decode_blocks(one, blocks, data)
            assert len(values) == REGISTERS
            assert not any(quality)
            reads += 1

    tasks = [asyncio.create_task(ask(bus)) for bus in buses]
    await asyncio.sleep(1.0)
    before, counted = _cpu_s(), reads
    await asyncio.sleep(seconds)
    rate = (reads - counted) / (_cpu_s() - before)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(bus.close() for bus in buses))
    return rate


def reads_per_cpu_second(connections: int = 50, seconds: float = 5.0) -> float:
    """Decoded reads of ten registers, each connection asked as fast as it answers."""
    with _simulator() as port:
        return uvloop.run(_read(port, connections, seconds))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(
    connections: int = 500, seconds: float = 20.0, period_s: float = 1.0, start: Start = uvloop.run
) -> dict[str, float]:
    """Start the simulator, measure, stop it."""
    with _simulator() as port:
        result: dict[str, float] = start(poll(port, connections, seconds, period_s))
        return result


@contextlib.contextmanager
def _simulator() -> Iterator[int]:
    """Its port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    simulator = context.Process(target=simulate, args=(there,), daemon=True)
    simulator.start()
    try:
        yield here.recv()
    finally:
        simulator.terminate()
        simulator.join()


def main() -> None:
    """Print the figures beside the peers'."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--period", type=float, default=1.0)
    parser.add_argument("--asyncio", action="store_true", help="the standard event loop instead of uvloop")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    figures = measure(given.connections, given.seconds, given.period, asyncio.run if given.asyncio else uvloop.run)
    for name, figure in figures.items():
        print(f"{name:<32}{figure:>12.4f}")
    for name, figure in PEERS.items():
        print(f"peer: {name:<42}{figure:>8.4f} CPU seconds per 1k values")


if __name__ == "__main__":
    main()
