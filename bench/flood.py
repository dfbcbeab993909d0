"""A device that floods, and the alarm of another: how fast may the flood be until the alarm comes 50 ms late (S9)?

    python -m bench.flood [--alarms 60]

In our process: the whole gateway with every shipped rule and interlock, in a data folder stamped ``demo`` (the readings
are LIVE, over loopback only). In another process: gas alarms that leak one after the other, each in a kitchen of its
own. In a third: one device whose readings are right and come from one address, as fast as it is told, whether they are
answered or not. What it sends beyond the connection's ``peer_rate`` is judged and not stored.

Timed at the board, from the report of the leak to the arrival of the command that closes the valve: the queue of the
socket is in it. The lateness is the p99 at a rate less the p99 without a flood.
"""

import argparse
import asyncio
import itertools
import socket
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop

from bench.alarm import BIN, COOL, LEAK_EVERY_S, OPEN, OPTIONS, Board, kitchens
from bench.parts import gateway, percentile
from bench.processes import beside, given
from bench.program import as_the_program
from bench.rows import Row, print_rows
from gateway.transports.coap import door as transport
from gengfu.folder import DataFolder
from gengfu.rules import shipped
from protocols.wire import coap

RATES = (1000, 2000, 3000, 4000, 5000, 6000, 8000, 10000, 12000, 16000, 24000, 32000)
BOUND_MS = 50.0
HEAD_START_S = 1.0
SETTLE_S = 10.0
TURN_S = 0.002
"""The flood comes in small bursts at this distance."""


class TimedBoard(Board):
    """``took_ms``: from the first report of the leak to the first command; ``None`` before it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.leaked_at = 0.0
        self.took_ms: float | None = None

    def leak(self) -> None:
        """Gas is there now."""
        self.leaked_at = time.perf_counter()
        self.report(60, OPEN)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by the loop."""
        if data[1] == coap.PUT and self.took_ms is None:
            self.took_ms = (time.perf_counter() - self.leaked_at) * 1e3
        super().datagram_received(data, addr)


def leak(told: Connection, port: int, first: int, count: int) -> None:
    """The process of the gas alarms: tells how long each waited."""
    as_the_program()
    uvloop.run(_leak(told, port, range(first, first + count)))


async def _leak(told: Connection, port: int, numbers: range) -> None:
    loop = asyncio.get_running_loop()
    boards = [TimedBoard(number) for number in numbers]
    for one in boards:
        await loop.create_datagram_endpoint(given(one), remote_addr=("127.0.0.1", port))
        one.report(0, OPEN)
    await asyncio.sleep(HEAD_START_S)
    for board in boards:
        board.leak()
        await asyncio.sleep(LEAK_EVERY_S)
    until = loop.time() + SETTLE_S
    while loop.time() < until and any(board.took_ms is None for board in boards):
        await asyncio.sleep(0.05)
    told.send([board.took_ms for board in boards])


def flood(told: Connection, port: int, rate: float) -> None:
    """The process of the device that floods, until it is told to end; then it tells how many a second it sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.connect(("127.0.0.1", port))
        door.setblocking(False)
        began, sent = time.perf_counter(), 0
        # numbers that no flood before has used: repeated readings would not be stored
        numbers = itertools.count(int(rate) * 1_000_000)
        while not told.poll(TURN_S):
            due = int((time.perf_counter() - began) * rate)
            for _ in range(due - sent):
                _post(door, next(numbers))
            sent = due
        told.send(sent / (time.perf_counter() - began))


def _post(door: socket.socket, number: int) -> None:
    pack = BIN % (0, number, COOL)
    try:
        door.send(coap.encode(coap.CON, coap.POST, number & 0xFFFF, b"", OPTIONS, payload=pack))
    except (BlockingIOError, ConnectionError):
        return


async def _wait(took_from: Connection) -> list[float]:
    took: list[float | None] = await asyncio.get_running_loop().run_in_executor(None, took_from.recv)
    return [SETTLE_S * 1e3 if one is None else one for one in took]


async def _at_rate(port: int, rate: float, first: int, count: int) -> tuple[float, list[float]]:
    """(messages a second that were sent, how long the alarms took in ms)."""
    loop = asyncio.get_running_loop()
    with beside(flood, port, rate) as flooding, beside(leak, port, first, count) as leaking:
        took = await _wait(leaking)
        flooding.send("end")
        return await loop.run_in_executor(None, flooding.recv), took


async def _measure(folder: Path, alarms: int) -> list[Row]:
    site = kitchens(alarms * (len(RATES) + 1))
    rows: list[Row] = []
    stood = 0.0
    async with gateway(folder, site, shipped()) as ours:
        door = transport.bind("127.0.0.1", 0)
        port = door.getsockname()[1]
        await ours.start({"coap": door})
        with beside(leak, port, 0, alarms) as leaking:
            calm = await _wait(leaking)
        quiet = percentile(calm, 0.99)
        assert quiet < BOUND_MS, f"without a flood an alarm takes {quiet:.0f} ms: nothing can be said of one with it"
        rows.append(Row("no flood: leak reported to command at the board, p99", quiet, "ms"))
        for number, rate in enumerate(RATES, 1):
            sent, took = await _at_rate(port, rate, number * alarms, alarms)
            late = percentile(took, 0.99) - quiet
            rows.append(Row(f"flood of {rate} readings/s: another's alarm later by, p99", late, "ms"))
            rows.append(Row(f"flood of {rate} readings/s: slowest alarm", max(took), "ms"))
            if late > BOUND_MS or sent < 0.9 * rate:
                break
            stood = sent
    return [Row("flood of one device up to which another's alarm is at most 50 ms later", stood, "1/s"), *rows]


def measure(folder: Path, alarms: int = 60) -> list[Row]:
    """All rows."""
    as_the_program()
    with tempfile.TemporaryDirectory(dir=folder) as place, DataFolder(Path(place) / "data", "demo") as data:
        return uvloop.run(_measure(data.path, alarms))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alarms", type=int, default=60, help="at each rate (%(default)s)")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    print_rows(measure(given.folder, given.alarms))


if __name__ == "__main__":
    main()
