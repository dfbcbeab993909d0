"""The least that polling costs on this machine just now: the bare work on uvloop, without our code.

Two kinds. Closed: each connection asks again as soon as it is answered, and unpacks ten registers. Polled: every unit
is asked once a second on a common grid, its values scaled; what came in a second is one msgpack row in SQLite (WAL,
synchronous=FULL) and one post of line protocol to InfluxDB. No time-outs, no checks, no qualities, no rules.
"""

import asyncio
import http.client
import itertools
import struct
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import uvloop

from bench.floors.durable import opened
from bench.processes import alone, beside, cpu_s, given

REGISTERS = 10
REQUEST = b"\0\1\0\0\0\6%c\4\0\0\0\x0a"
"""Transaction 1, a unit, read input registers 0 to 9 (function 4)."""
ANSWER_AT = 9
"""Where the registers stand in the answer."""
SHAPE = struct.Struct(">10h")
LINE = "floor,device=%d.%d " + ",".join(f"p{at}=%.1f" for at in range(REGISTERS)) + " %d"
GRID_S = 0.1
"""That of our own pollers. Wake-ups are much of the cost; the prototype of the quoted figures had 10 ms."""
FLUSH_S = 1.0
WARM_UP_S = 2.0
DATABASE = "floor"

Polled = tuple[int, int, int, tuple[float, ...]]
"""Connection, unit, UTC ns, values."""


class Spent(NamedTuple):
    """What polling took: CPU seconds and seconds, for so many values."""

    cpu_s: float
    wall_s: float
    values: int

    @property
    def per_1k(self) -> float:
        """CPU seconds."""
        return self.cpu_s / self.values * 1e3

    @property
    def share(self) -> float:
        """Percent of a core."""
        return self.cpu_s / self.wall_s * 100


class _Closed(asyncio.Protocol):
    reads = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(REQUEST % 1)

    def data_received(self, data: bytes) -> None:
        SHAPE.unpack_from(data, ANSWER_AT)
        self.reads += 1
        self._transport.write(REQUEST % 1)


def closed(told: Connection, port: int, connections: int, seconds: float) -> None:
    """Tells the reads per CPU second."""
    told.send(uvloop.run(_closed(port, connections, seconds)))


async def _closed(port: int, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    ends = [(await loop.create_connection(_Closed, "127.0.0.1", port))[1] for _ in range(connections)]
    await asyncio.sleep(1.0)
    cpu, reads = cpu_s(), sum(end.reads for end in ends)
    await asyncio.sleep(seconds)
    return (sum(end.reads for end in ends) - reads) / (cpu_s() - cpu)


def bare_reads(answering: Callable[..., None], connections: int = 50, seconds: float = 2.0) -> float:
    """Reads per CPU second, from a simulator of its own. ``answering``: works beside it and tells its port."""
    with beside(answering) as simulator:
        rate: float = alone(closed, simulator.recv(), connections, seconds)
        return rate


class _Grid(asyncio.Protocol):
    """One connection; its units one after the other."""

    def __init__(self, number: int, units: int, batch: list[Polled]) -> None:
        self._number = number
        self._units = units
        self._unit = 1
        self._batch = batch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self) -> None:
        """All units, from the first."""
        self._unit = 1
        self._transport.write(REQUEST % 1)

    def data_received(self, data: bytes) -> None:
        values = tuple([raw * 0.1 for raw in SHAPE.unpack_from(data, ANSWER_AT)])
        self._batch.append((self._number, self._unit, time.time_ns(), values))
        if self._unit < self._units:
            self._unit += 1
            self._transport.write(REQUEST % self._unit)


class _Stores:
    """SQLite and InfluxDB. ``taken``: reads on their way there or stored."""

    def __init__(self, folder: Path, influx_port: int) -> None:
        self._journal = opened(folder)
        self._influx = http.client.HTTPConnection("127.0.0.1", influx_port, timeout=10)
        self.taken = 0

    def flush(self, batch: list[Polled]) -> None:
        """One commit, one post."""
        self._journal.execute("INSERT INTO entry VALUES (?)", (msgspec.msgpack.encode(batch),))
        lines = [LINE % (number, unit, *values, at) for number, unit, at, values in batch]
        self._influx.request("POST", f"/write?db={DATABASE}&precision=ns", "\n".join(lines).encode())
        answer = self._influx.getresponse()
        answer.read()
        assert answer.status == 204, f"InfluxDB answered {answer.status}"

    def close(self) -> None:
        """Let go of both."""
        self._influx.close()
        self._journal.close()


class Work(NamedTuple):
    """What is polled: ``units`` behind each of the connections, for so long."""

    connections: int
    units: int
    seconds: float


def polled(told: Connection, port: int, folder: str, influx_port: int, work: Work) -> None:
    """Tells a `Spent`. `DATABASE` must be there; each post must have been taken."""
    told.send(uvloop.run(_polled(port, _Stores(Path(folder), influx_port), work)))


async def _polled(port: int, stores: _Stores, work: Work) -> Spent:
    loop = asyncio.get_running_loop()
    batch: list[Polled] = []
    ends = [_Grid(number, work.units, batch) for number in range(work.connections)]
    for end in ends:
        await loop.create_connection(given(end), "127.0.0.1", port)
    tasks = (loop.create_task(_ask(ends)), loop.create_task(_store(stores, batch)))
    await asyncio.sleep(WARM_UP_S)
    cpu, wall, reads = cpu_s(), time.perf_counter(), stores.taken + len(batch)
    await asyncio.sleep(work.seconds)
    reads = stores.taken + len(batch) - reads
    spent = Spent(cpu_s() - cpu, time.perf_counter() - wall, reads * REGISTERS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    stores.close()
    return spent


async def _ask(ends: Sequence[_Grid]) -> None:
    slots = round(1 / GRID_S)
    due = [(at * GRID_S, ends[at::slots]) for at in range(min(slots, len(ends)))]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for second in itertools.count():
        for at, share in due:
            await asyncio.sleep(began + second + at - loop.time())
            for end in share:
                end.ask()


async def _store(stores: _Stores, batch: list[Polled]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for second in itertools.count(1):
        await asyncio.sleep(began + (second - 0.5) * FLUSH_S - loop.time())
        taken = batch[:]
        stores.taken += len(taken)
        batch.clear()
        await loop.run_in_executor(None, stores.flush, taken)
