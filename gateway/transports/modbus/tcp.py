"""Modbus TCP: one connection to a host, behind which one or more units answer."""

from functools import lru_cache

from gateway.diagnostics import Diagnosis
from gateway.errors import BadReply, BusDown
from gateway.slots import Timer
from gateway.transports.modbus.bus import LONGEST_PAUSE_S, NO_PAUSES, Job, ModbusBus, Pauses
from gateway.transports.tcp_line import TcpLine
from protocols.wire import modbus_tcp
from protocols.wire.modbus_pdu import READS, FrameError, response_size

NOTHING = b""
"""No answer begins so."""


@lru_cache(maxsize=8192)
def _after_the_number(unit: int, pdu: bytes) -> tuple[bytes, bytes]:
    """The frame of a request behind its transaction number, and how the good answer to a read begins there: the rest of
    the header, function and byte count; nothing for a write."""
    size = response_size(pdu) - 2 if pdu[0] in READS else 0
    good = modbus_tcp.frame(0, unit, bytes((pdu[0], size)) + bytes(size))[2:9] if size else NOTHING
    return modbus_tcp.frame(0, unit, pdu)[2:], good


class ModbusTcpBus(ModbusBus):
    """``host``:``port`` speaks Modbus TCP. An answer counts only with its request's transaction and unit."""

    __slots__ = ("_frames", "_good", "_line", "_transaction")

    def __init__(
        self,
        host: str,
        port: int = 502,
        *,
        pauses: Pauses = NO_PAUSES,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        super().__init__(f"modbus tcp {host}:{port}", pauses, longest_pause_s, timer, diagnosis)
        self._line = TcpLine(self.name, host, port, self._received, self._lost)
        self._frames = modbus_tcp.MbapFrames()
        self._transaction = 0
        self._good = NOTHING

    def _connect(self) -> None:
        self._line.open(self._opened)

    def _opened(self, error: BusDown | None) -> None:
        self._frames = modbus_tcp.MbapFrames()
        self._connected_or(error)

    def _send(self, job: Job) -> None:
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._sent()
        number = self._transaction.to_bytes(2, "big")
        request, good = _after_the_number(job.unit, job.pdu)
        frame = number + request
        self._good = number + good if good else NOTHING
        self._diagnosis.sent(frame)
        self._line.write(frame)

    def _received(self, data: bytes) -> None:
        self._diagnosis.received(data)
        frames, good = self._frames, self._good
        # Nearly always one whole good answer comes alone: one comparison then says all that is checked below.
        if self._due and data[:9] == good and len(data) == 9 + good[8] and frames.is_empty:
            if self._retry_at:
                self._proved()
            self._answered_well(data[9:])
            return
        frames.feed(data)
        try:
            # What is left of a connection that was dropped meanwhile is nobody's.
            while frames is self._frames and (frame := frames.next()) is not None:
                self._take(*frame)
        except FrameError as error:
            self.counters.bad_replies += 1
            self._diagnosis.failed("bad-frame")
            self._drop()
            self._lost(f"{self.name}: {error}")

    def _take(self, transaction: int, unit: int, pdu: bytes) -> None:
        job = self._active
        if job is None or transaction != self._transaction or not self._due:
            self.counters.wrong_transaction += 1
            self._diagnosis.failed("wrong-transaction")
        elif unit != job.unit:
            self.counters.wrong_unit += 1
            self._diagnosis.failed("wrong-unit")
            self._finish(BadReply(f"{self.name}: unit {unit} answered for unit {job.unit}; refused"))
        else:
            self._proved()
            self._answered(pdu)

    def _timed_out(self) -> None:
        if self._line.missed():
            self._renew()
        super()._timed_out()

    def _drop(self) -> None:
        self._frames = modbus_tcp.MbapFrames()
        self._line.drop()

    async def _shut(self) -> None:
        self._connected = False
        await self._line.close()
