"""Three dead units of 30 on a shared line: how many values of the others are lost.

    python -m bench.modbus_line [--seconds 40]

A simulated serial server (a process of its own) answers RTU for all but the dead units, each answer `ANSWER_S` after
its request, as 10 registers take at about 19200 baud: the living alone keep the line busy for half of each period.
Every unit has ten registers and a period of 1 s; counted from the start, the finding out included. The points are
life-safety points, whose pauses are at most 10 s: the harder case. A second row has no dead unit.
"""

import asyncio
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import uvloop

from bench import modbus
from bench.processes import beside
from bench.program import as_the_program
from bench.rows import Row, run_alone
from gateway.poller import Poller
from gateway.slots import SlotTimer
from gateway.transports.modbus.rtu_tcp import ModbusRtuTcpBus
from gateway.turns import PolledUnit
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import read_response

UNITS = 30
DEAD = 3
PERIOD_S = 1.0
TIMEOUT_S = 0.3
ANSWER_S = 0.017


class SerialServer(asyncio.Protocol):
    """A line with one slave for each unit that is not dead."""

    def __init__(self, dead: int) -> None:
        self._dead = dead
        self._requests = modbus_rtu.RtuRequests()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for unit, pdu in self._requests.feed(data):
            if unit > self._dead:
                frame = modbus_rtu.frame(unit, read_response(pdu[0], modbus.ANSWER[2 : 2 + 2 * pdu[4]]))
                asyncio.get_running_loop().call_later(ANSWER_S, self._transport.write, frame)


async def _simulate(told: Connection, dead: int) -> None:
    server = await asyncio.get_running_loop().create_server(partial(SerialServer, dead), "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def simulate_dead(told: Connection) -> None:
    """The serial server's process, units 1 to `DEAD` of it silent."""
    uvloop.run(_simulate(told, DEAD))


def simulate_well(told: Connection) -> None:
    """The same with all units alive."""
    uvloop.run(_simulate(told, 0))


async def _poll(port: int, seconds: float) -> tuple[dict[str, int], Poller]:
    taken: dict[str, int] = {}

    def on_values(*sample: Any) -> None:
        taken[sample[0]] = taken.get(sample[0], 0) + 1

    one = modbus.profile(PERIOD_S, life_safety=True)
    timer = SlotTimer(asyncio.get_running_loop())
    bus = ModbusRtuTcpBus("127.0.0.1", port, timer=timer)
    units = [PolledUnit(f"bench:{unit}", unit, one, PERIOD_S, TIMEOUT_S) for unit in range(1, UNITS + 1)]
    poller = Poller(bus, units, on_values=on_values, on_lost=lambda *_: None, now_ns=time.time_ns, timer=timer)
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bus.close()
    return taken, poller


def _lost_percent(port: int, seconds: float, dead: int) -> float:
    """Share of the polls of the living that gave no values."""
    taken, poller = uvloop.run(_poll(port, seconds))
    living = [f"bench:{unit}" for unit in range(dead + 1, UNITS + 1)]
    assert len(poller.lost) == dead, f"{poller.lost} are lost, not the dead"
    wanted = len(living) * int(seconds / PERIOD_S)
    return max(0.0, 100 * (1 - sum(taken[name] for name in living) / wanted))


def measure(_folder: Path, seconds: float = 40.0) -> list[Row]:
    """Both rows."""
    as_the_program()
    rows = []
    for dead, simulate in ((DEAD, simulate_dead), (0, simulate_well)):
        with beside(simulate) as simulator:
            lost = _lost_percent(simulator.recv(), seconds if dead else seconds / 4, dead)
        rows.append(Row(f"shared line, {dead} dead of {UNITS}: values of the others lost", lost, "% lost"))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure, 40.0)
