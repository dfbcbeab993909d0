"""Modbus buses: RTU over a serial line, and TCP."""

import asyncio
from typing import cast

from gateway.errors import BadReply, BusDown
from gateway.slots import Timer
from gateway.transports.line import SerialLine
from gateway.transports.modbus_bus import LONGEST_PAUSE_S, Job, ModbusBus
from protocols.wire import modbus_rtu, modbus_tcp
from protocols.wire.modbus_pdu import FrameError, response_size

CONNECT_S = 3.0
SILENT_REPLIES = 3
"""After so many time-outs in a row without a byte a TCP connection is taken for half open and made anew."""


class ModbusRtuBus(ModbusBus):
    """Modbus RTU over one serial line. ``pause_s``: least silence before a request where slaves need a longer one."""

    def __init__(
        self,
        line: SerialLine,
        *,
        pause_s: float = 0.0,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
    ) -> None:
        super().__init__(f"serial line {line.port}", longest_pause_s, timer)
        self._line = line
        self._silence_s = max(line.silence_s, pause_s)
        self._quiet_at = 0.0
        self._reply: modbus_rtu.RtuReply | None = None
        self._sending: asyncio.TimerHandle | None = None

    def _connect(self) -> None:
        try:
            self._line.open(self._received, self._lost)
        except BusDown as error:
            self._connect_failed(error)
        else:
            self._connect_done()

    def _send(self, job: Job) -> None:
        wait_s = self._quiet_at - self._loop.time()
        if wait_s > 0:
            self._sending = self._loop.call_later(wait_s, self._transmit, job)
        else:
            self._transmit(job)

    def _transmit(self, job: Job) -> None:
        self._sending = None
        self.counters.stale_bytes += self._line.discard()
        self._reply = modbus_rtu.RtuReply(job.unit, job.pdu)
        frame = modbus_rtu.frame(job.unit, job.pdu)
        try:
            self._line.write(frame)
        except BusDown:
            return  # the line has told `_lost` already
        self._sent((len(frame) + 3 + response_size(job.pdu)) * self._line.char_s)
        self._quiet_at = self._loop.time() + len(frame) * self._line.char_s + self._silence_s

    def _received(self, data: bytes) -> None:
        self._quiet_at = self._loop.time() + self._silence_s
        if self._reply is None:
            self.counters.stale_bytes += len(data)
            return
        pdu = self._reply.feed(data)
        if pdu is not None:
            self._end_reply()
            self._proved()
            self._answered(pdu)

    def _timed_out(self) -> None:
        pdu = self._reply.finish() if self._reply is not None else None
        self._end_reply()
        if pdu is None:
            super()._timed_out()
        else:
            self._answered(pdu)

    def _end_reply(self) -> None:
        if self._reply is not None:
            self.counters.bad_crc += self._reply.bad_crc
            self.counters.noise_bytes += self._reply.noise
            self.counters.wrong_unit += self._reply.wrong_unit
            self._reply = None

    def _lost(self, reason: str) -> None:
        self._end_reply()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        super()._lost(reason)

    async def _shut(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._end_reply()
        self._connected = False
        self._line.close()


class _Connection(asyncio.Protocol):
    """One TCP connection of a bus. The bus may have given it up already when its end is told."""

    def __init__(self, bus: "ModbusTcpBus") -> None:
        self.frames = modbus_tcp.MbapFrames()
        self.transport: asyncio.Transport
        self.ended = asyncio.Event()
        self._bus = bus

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclass of asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.frames.feed(data)
        self._bus.received(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self._bus.ended(self, exc)


class ModbusTcpBus(ModbusBus):
    """Modbus TCP to one ``host``:``port``, behind which one or more units answer."""

    def __init__(
        self,
        host: str,
        port: int = 502,
        *,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
    ) -> None:
        super().__init__(f"modbus tcp {host}:{port}", longest_pause_s, timer)
        self._host = host
        self._port = port
        self._connection: _Connection | None = None
        self._transaction = 0
        self._silent = 0
        self._opening: asyncio.Task[None] | None = None

    def _connect(self) -> None:
        self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await self._loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except (OSError, TimeoutError) as error:
            why = error or "no answer"
            self._connect_failed(BusDown(f"{self.name} cannot be reached: {why}; check address, port and network"))
        else:
            self._silent = 0
            if connection.ended.is_set():
                self._connect_failed(BusDown(f"{self.name} hung up at once; check that it speaks Modbus TCP"))
            else:
                self._connection = connection
                self._connect_done()

    def _send(self, job: Job) -> None:
        assert self._connection is not None
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._sent()
        self._connection.transport.write(modbus_tcp.frame(self._transaction, job.unit, job.pdu))

    def received(self, connection: _Connection) -> None:
        """Bytes came over ``connection``: take what is whole."""
        self._silent = 0
        try:
            while connection is self._connection and (frame := connection.frames.next()) is not None:
                self._take(*frame)
        except FrameError as error:
            self.counters.bad_replies += 1
            self._hang_up(f"{self.name}: {error}")

    def ended(self, connection: _Connection, error: Exception | None) -> None:
        """The peer closed ``connection``, or we did."""
        if connection is self._connection:
            self._connection = None
            self._lost(f"{self.name} closed the connection: {error or 'end of stream'}")

    def _take(self, transaction: int, unit: int, pdu: bytes) -> None:
        job = self._active
        if job is None or transaction != self._transaction:
            self.counters.wrong_transaction += 1
        elif unit != job.unit:
            self.counters.wrong_unit += 1
            self._finish(BadReply(f"{self.name}: unit {unit} answered for unit {job.unit}; refused"))
        else:
            self._proved()
            self._answered(pdu)

    def _timed_out(self) -> None:
        self._silent += 1
        if self._silent < SILENT_REPLIES:
            super()._timed_out()
            return
        self.counters.timeouts += 1
        self._hang_up(f"{self.name} is silent after {self._silent} requests; connecting again")

    def _hang_up(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.transport.abort()
        self._lost(reason)

    async def _shut(self) -> None:
        self._connected = False
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._connection is not None:
            self._connection.transport.abort()
            await self._connection.ended.wait()
