"""Boards on a serial line, durable before each is acknowledged: cost at the gateway, and how well the line is used.

    python -m bench.link [--seconds 8]

Eight boards of a process beside ours hang on one pty and always have a whole report of a gas alarm to send, each in a
kitchen of its own, to the real side, pipeline and journal under every shipped rule. A pty carries bytes at once: the
boards therefore keep each answer back for as long as question and answer take at 115200 baud, or not at all. A last
row has boards without news. No store consumes the journal here.
"""

import asyncio
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from bench.coap_posts import REPORT
from bench.parts import counted, gateway, make_site
from bench.processes import beside
from bench.program import as_the_program
from bench.rows import Row, run_alone
from gateway.transports.line import READ_SIZE, PtyEnd
from gengfu.rules import shipped
from protocols.profile.loader import shipped_profiles
from protocols.wire.link_node import EMPTY, Node

BOARDS, BAUD = 8, 115200
BITS_PER_BYTE = 10
WARM_UP_S = 2.0
READ = "read"


class Line:
    """The boards' end. ``baud``: 0 for no keeping back; ``carried``: bytes of both directions."""

    def __init__(self, end: PtyEnd, baud: int, *, news: bool) -> None:
        self.carried = 0
        self._end = end
        self._baud = baud
        self._news = news
        self._nodes = {number: Node(number, _name(number).encode(), 1) for number in range(1, BOARDS + 1)}
        self._sequence = 0
        self._asked_at = 0.0
        self._asked = 0

    def readable(self) -> None:
        """A question, or a part of one."""
        loop = asyncio.get_running_loop()
        data = os.read(self._end.fd, READ_SIZE)
        if not self._asked:
            self._asked_at = loop.time()
        self._asked += len(data)
        now = int(loop.time() * 1000)
        for number, node in self._nodes.items():
            node.feed(now, data)
            if self._news and node.state == EMPTY:
                self._sequence += 1
                node.load(REPORT % {b"device": _name(number).encode(), b"number": self._sequence})
            answer = node.poll(now)
            if answer is not None:
                self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        bytes_of_both = self._asked + len(answer)
        self.carried += bytes_of_both
        self._asked = 0
        if not self._baud:
            os.write(self._end.fd, answer)
            return
        due = self._asked_at + bytes_of_both * BITS_PER_BYTE / self._baud
        asyncio.get_running_loop().call_at(due, os.write, self._end.fd, answer)


def _name(number: int) -> str:
    return f"b:{number}"


def serve(told: Connection, baud: int, news: bool) -> None:
    """The process beside ours. Whenever it is asked, it tells how many bytes were carried."""
    asyncio.run(_serve(told, baud, news))


async def _serve(told: Connection, baud: int, news: bool) -> None:
    loop = asyncio.get_running_loop()
    end = PtyEnd()
    line = Line(end, baud, news=news)
    loop.add_reader(end.fd, line.readable)
    told.send(end.path)
    while await loop.run_in_executor(None, told.recv) == READ:
        told.send(line.carried)


async def measure_one(folder: Path, path: str, boards: Connection, seconds: float) -> tuple[float, float, float, float]:
    """CPU seconds of ours, seconds, messages and bytes on the line."""
    loop = asyncio.get_running_loop()
    numbers = range(1, BOARDS + 1)
    site = make_site(
        shipped_profiles(),
        {f"kitchen-{number}": "commercial-kitchen" for number in numbers},
        [{"id": "line", "transport": "serial-link", "port": path, "baud": BAUD}],
        [
            {
                "id": _name(number),
                "profile": "gengfu/gas-alarm",
                "area": f"kitchen-{number}",
                "connection": "line",
                "unit": number,
            }
            for number in numbers
        ],
    )
    async with gateway(folder, site, shipped()) as ours:
        await ours.start({})
        await asyncio.sleep(WARM_UP_S)
        boards.send(READ)
        carried = await loop.run_in_executor(None, boards.recv)
        cpu, before, wall = time.process_time(), counted(ours, "serial-link"), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, messages = time.process_time() - cpu, counted(ours, "serial-link") - before
        wall = time.perf_counter() - wall
        boards.send(READ)
        carried = await loop.run_in_executor(None, boards.recv) - carried
    return cpu, wall, messages, carried


def measure(folder: Path, seconds: float = 8.0) -> list[Row]:
    """All rows."""
    as_the_program()
    rows: list[Row] = []
    for name, baud, news in (
        (f"{BOARDS} boards, {BAUD} baud", BAUD, True),
        (f"{BOARDS} boards, a line without a speed", 0, True),
        (f"{BOARDS} boards without news", BAUD, False),
    ):
        with tempfile.TemporaryDirectory(dir=folder) as place, beside(serve, baud, news) as boards:
            done = measure_one(Path(place), boards.recv(), boards, seconds)
            cpu, wall, messages, carried = uvloop.run(done)
        if not news:
            rows.append(Row(f"{name}: CPU", 100 * cpu / wall, "% of a core"))
            continue
        assert messages, "nothing was stored"
        rows.append(Row(f"{name}: messages per CPU second", messages / cpu, "1/s"))
        rows.append(Row(f"{name}: messages per second", messages / wall, "1/s"))
        if baud:
            used = 100 * carried * BITS_PER_BYTE / baud / wall
            rows.append(Row(f"{name}: time of the line used", used, "%"))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
