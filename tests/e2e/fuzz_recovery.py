"""Devices that do nothing wrong, in the place of those that did: the virtual ones of `gengfu simulate`."""

import asyncio
import os
import time
from collections.abc import Callable

from device_registry.devices import Site
from gateway.transports.line import PtyEnd
from gengfu.simulate.board import Board
from gengfu.simulate.link_boards import LinkBoard, LinkLine
from gengfu.simulate.modbus_ends import RtuLine, Slaves, TcpServer
from gengfu.simulate.pace import Pace, Tally
from gengfu.simulate.slave import Slave
from gengfu.simulate.virtual import VirtualDevice

POLLED = ("plc", "rtu", "link")
"""Connections whose devices are asked."""


class GoodDevices:
    """One device on each of `POLLED`."""

    def __init__(self, site: Site) -> None:
        self._tallies = {name: Tally() for name in POLLED}
        self._devices = {
            one.connection: VirtualDevice(one, 1) for one in site.devices.values() if one.connection in POLLED
        }
        self._pace = Pace()
        self._board = Board(self._devices["link"], 1, self._pace, self._tallies["link"])
        self._ends: list[PtyEnd] = []
        self._measuring: asyncio.Task[None] | None = None

    async def open(self, tcp: int, rtu: PtyEnd, link: PtyEnd) -> None:
        """Answer from now on."""
        slaves = self._slaves("plc")
        self._server = await asyncio.get_running_loop().create_server(lambda: TcpServer(slaves), "127.0.0.1", tcp)
        self._answer(rtu, RtuLine(self._slaves("rtu")).answers)
        line = LinkLine([LinkBoard(self._board, 1)])
        self._answer(link, lambda data: line.answers(time.monotonic_ns() // 1_000_000, data))
        self._measuring = asyncio.create_task(self._board.measure())

    def _slaves(self, name: str) -> Slaves:
        return Slaves({1: Slave(self._devices[name])}, self._pace, self._tallies[name])

    def _answer(self, end: PtyEnd, answers: Callable[[bytes], bytes]) -> None:
        def readable() -> None:
            os.write(end.fd, answers(os.read(end.fd, 4096)))

        self._ends.append(end)
        asyncio.get_running_loop().add_reader(end.fd, readable)

    def were_asked(self) -> bool:
        """Whether each was asked, and a reading of the board on the link is durable."""
        polled = all(self._tallies[name].polled > 0 for name in ("plc", "rtu"))
        return polled and self._tallies["link"].acknowledged > 0

    def close(self) -> None:
        """Say nothing more."""
        if self._measuring is not None:
            self._measuring.cancel()
        self._server.close()
        for end in self._ends:
            asyncio.get_running_loop().remove_reader(end.fd)
