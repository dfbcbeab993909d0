"""The virtual devices of one Modbus connection: a TCP server, or a slave line on a pseudo terminal or behind TCP."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gengfu.simulate.pace import Pace, Tally
from gengfu.simulate.slave import Slave
from protocols.wire import modbus_rtu, modbus_tcp
from protocols.wire.modbus_request import ERROR_BIT
from protocols.wire.modbus_rtu import RtuRequests
from protocols.wire.modbus_tcp import FrameError, MbapFrames


class Slaves:
    """All units of a connection, and what they answered together."""

    def __init__(self, slaves: Mapping[int, Slave], pace: Pace, tally: Tally) -> None:
        self._slaves = slaves
        self._pace = pace
        self._tally = tally

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """``None``: no such unit, or it is dead."""
        slave = self._slaves.get(unit)
        if slave is None:
            return None
        before = slave.device.commands
        answer = slave.answer(pdu, self._pace.seconds())
        self._tally.commands += slave.device.commands - before
        self._tally.polled += answer is not None and slave.device.commands == before and not answer[0] & ERROR_BIT
        return answer


class TcpServer(asyncio.Protocol):
    """One client of a Modbus TCP server."""

    def __init__(self, slaves: Slaves) -> None:
        self._slaves = slaves
        self._frames = MbapFrames()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._frames.feed(data)
        try:
            while (request := self._frames.next()) is not None:
                transaction, unit, pdu = request
                answer = self._slaves.answer(unit, pdu)
                if answer is not None:
                    self._transport.write(modbus_tcp.frame(transaction, unit, answer))
        except FrameError:
            self._transport.abort()


class LineServer(asyncio.Protocol):
    """One client of a serial server: the bytes of an RTU line over TCP."""

    def __init__(self, slaves: Slaves) -> None:
        self._line = RtuLine(slaves)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._transport.write(self._line.answers(data))


class RtuLine:
    """The slaves of one RTU line: bytes in, bytes out."""

    def __init__(self, slaves: Slaves) -> None:
        self._slaves = slaves
        self._requests = RtuRequests()

    def answers(self, data: bytes) -> bytes:
        """What they answer to what came now."""
        found = ((unit, self._slaves.answer(unit, pdu)) for unit, pdu in self._requests.feed(data))
        return b"".join(modbus_rtu.frame(unit, pdu) for unit, pdu in found if pdu is not None)
