"""The fleet: for each connection of the site its devices' end of it."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from device_registry.connections import (
    CoapConnection,
    Connection,
    ModbusRtuConnection,
    ModbusRtuTcpConnection,
    ModbusTcpConnection,
    MqttConnection,
    OpcUaConnection,
    SerialLinkConnection,
)
from device_registry.devices import Site
from gengfu.errors import InputError, MissingError
from gengfu.simulate.board import Board
from gengfu.simulate.coap_board import CoapBoard
from gengfu.simulate.lines import SimulatedLine
from gengfu.simulate.link_boards import LinkBoard, LinkLine
from gengfu.simulate.modbus_ends import LineServer, RtuLine, Slaves, TcpServer
from gengfu.simulate.mqtt_boards import MqttBoards
from gengfu.simulate.pace import Pace, Tally
from gengfu.simulate.script import EventPart
from gengfu.simulate.slave import Slave
from gengfu.simulate.virtual import VirtualDevice

PUSHING = frozenset({"coap", "serial-link", "mqtt"})
"""Transports whose devices report by themselves."""


class Wish(NamedTuple):
    """``devices``: at most so many, in the order of the document. ``rate``: readings a second that the pushing devices
    send together, each at the period of its document where it is ``None``."""

    seed: int = 0
    devices: int | None = None
    rate: float | None = None
    script: tuple[EventPart, ...] = ()


class Fleet:
    """The devices of ``site``. `open` it, then `run` until cancelled, then `close`."""

    def __init__(self, site: Site, wish: Wish, pace: Pace) -> None:
        self.tally = Tally()
        self.devices: dict[str, VirtualDevice] = {}
        self._pace = pace
        self._seed = wish.seed
        self._stack = AsyncExitStack()
        self._working: list[Coroutine[Any, Any, None]] = []
        self._site = site
        for device in list(site.devices.values())[: wish.devices]:
            events = (one for one in wish.script if one.device == device.id)
            self.devices[device.id] = VirtualDevice(device, wish.seed, events)
        self.tally.devices = len(self.devices)
        if wish.rate is not None:
            self._hurry(wish.rate)

    def _hurry(self, rate: float) -> None:
        pushing = [one for one in self.devices.values() if self._transport(one) in PUSHING]
        for one in pushing:
            one.period_s = len(pushing) * self._pace.speed / rate

    def _transport(self, device: VirtualDevice) -> str:
        return self._site.connections[device.part.connection].transport

    async def open(self) -> None:
        """Open the servers and lines. Raises `InputError`, `MissingError` for an address in use."""
        for connection in self._site.connections.values():
            devices = [one for one in self.devices.values() if one.part.connection == connection.id]
            if devices:
                await self._open(connection, devices)

    async def _open(self, connection: Connection, devices: Sequence[VirtualDevice]) -> None:
        match connection:
            case CoapConnection():
                self._boards_on_coap(connection, devices)
            case ModbusTcpConnection():
                slaves = self._slaves(devices)
                await self._serve(connection.host, connection.port, lambda: TcpServer(slaves))
            case ModbusRtuTcpConnection():
                slaves = self._slaves(devices)
                await self._serve(connection.host, connection.port, lambda: LineServer(slaves))
            case ModbusRtuConnection():
                self._line(connection.port, RtuLine(self._slaves(devices)).answers)
            case SerialLinkConnection():
                self._link(connection, devices)
            case MqttConnection():
                pairs = [(self._site.devices[one.id], self._board(one)) for one in devices]
                self._working.append(MqttBoards(connection, pairs, self._pace).run())
            case OpcUaConnection():
                await self._nodes(connection, devices)
            case _:
                raise InputError(
                    f"connection[{connection.id}]: {connection.transport} is not simulated; leave its devices out"
                )

    def _boards_on_coap(self, connection: CoapConnection, devices: Sequence[VirtualDevice]) -> None:
        host, _, port = connection.listen.rpartition(":")
        for device in devices:
            if device.part.oscore is not None:
                raise InputError(f"device[{device.id}].oscore: a virtual board speaks plain CoAP: remove it")
            chance = random.Random(f"{self._seed}/{device.id}")  # noqa: S311 - time-outs, not secrets
            self._working.append(CoapBoard(self._board(device), chance).run((host.strip("[]"), int(port))))

    def _link(self, connection: SerialLinkConnection, devices: Sequence[VirtualDevice]) -> None:
        boards = [LinkBoard(self._board(device), device.part.unit or 0) for device in devices]
        line = LinkLine(boards)
        self._line(connection.port, lambda data: line.answers(time.monotonic_ns() // 1_000_000, data))
        self._working += [one.board.measure() for one in boards]

    async def _nodes(self, connection: OpcUaConnection, devices: Sequence[VirtualDevice]) -> None:
        from gengfu.simulate.opcua_server import OpcUaServer  # noqa: PLC0415 - asyncua takes seconds to import

        server = OpcUaServer(connection, devices, self._pace, self.tally)
        await server.open()
        self._stack.push_async_callback(server.close)
        self._working.append(server.run())

    def _board(self, device: VirtualDevice) -> Board:
        return Board(device, list(self.devices).index(device.id), self._pace, self.tally)

    def _slaves(self, devices: Sequence[VirtualDevice]) -> Slaves:
        by_unit: Mapping[int, Slave] = {one.part.unit or 0: Slave(one) for one in devices}
        return Slaves(by_unit, self._pace, self.tally)

    async def _serve(self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        try:
            server = await asyncio.get_running_loop().create_server(protocol, host, port)
        except OSError as error:
            raise MissingError(
                f"cannot listen on {host}:{port}: {error.strerror}; is a fleet running already?"
            ) from None
        self._stack.callback(server.close)

    def _line(self, port: str, answers: Callable[[bytes], bytes]) -> None:
        line = SimulatedLine(Path(port), answers)
        line.open()
        self._stack.callback(line.close)

    async def run(self) -> None:
        """Let every device that reports by itself report, until cancelled."""
        working, self._working = self._working, []
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait())
            for work in working:
                group.create_task(work)

    async def close(self) -> None:
        """Let go of servers and lines."""
        for work in self._working:
            work.close()
        await self._stack.aclose()
