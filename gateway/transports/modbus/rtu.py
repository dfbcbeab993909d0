"""Modbus RTU: what a serial line and RTU over TCP share, and the bus of a serial line.

No answer names its request. The bus therefore knows what its units may still answer (`modbus_owed`) and never takes
that for the answer to a later request; it reads a marker first where the two would look alike. Writes go out at once:
the answer to a write repeats it, and proves nothing anyway.
"""

from abc import abstractmethod

from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown
from gateway.slots import Timer
from gateway.transports.line import SerialLine
from gateway.transports.modbus.bus import LONGEST_PAUSE_S, NO_PAUSES, Job, ModbusBus, Pauses
from gateway.transports.modbus.owed import Owed
from protocols.wire import modbus_rtu
from protocols.wire.modbus_pdu import ERROR_BIT, READS, response_size
from protocols.wire.modbus_reply import RtuReply


class RtuBus(ModbusBus):
    """Frames by length and CRC, silence by time-out. ``silence_s``: least quiet time before a request."""

    def __init__(
        self,
        name: str,
        silence_s: float,
        pauses: Pauses,
        longest_pause_s: float,
        timer: Timer | None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        super().__init__(name, pauses, longest_pause_s, timer, diagnosis)
        self._silence_s = silence_s
        self._owed = Owed()
        self._asking = b""
        self._reply: RtuReply | None = None

    def _send(self, job: Job) -> None:
        if job.pdu[0] not in READS or not self._owed.holds(job.unit, job.pdu):
            self._ask(job, job.pdu)
            return
        self.counters.resyncs += 1
        marker = self._owed.marker(job.unit, job.pdu)
        if marker is None:
            self._resynchronise(job)
        else:
            self._ask(job, marker)

    def _ask(self, job: Job, pdu: bytes) -> None:
        """Put the job's request, or a marker before it, on the line."""
        self._asking = pdu
        self._reply = RtuReply(job.unit, pdu, self._owed.all())
        frame = modbus_rtu.frame(job.unit, pdu)
        self._diagnosis.sent(frame)
        self._put(frame)

    def _received(self, data: bytes) -> None:
        self._diagnosis.received(data)
        if self._silence_s:
            self._keep_quiet(self._silence_s)
        if self._reply is None:
            self.counters.stale_bytes += len(data)
            return
        pdu = self._reply.feed(data)
        while pdu is not None and not self._took(pdu):
            pdu = self._reply.feed(b"")

    def _took(self, pdu: bytes) -> bool:
        """Whether the active job's request or marker is answered by this; the next is under way then."""
        job, asked = self._active, self._asking
        assert job is not None
        refused = bool(pdu[0] & ERROR_BIT)
        if asked[0] not in READS and not refused and pdu != asked[:5] and self._owed.holds(job.unit, asked):
            self.counters.late_replies += 1
            return False
        self._end_reply()
        self._proved()
        if not refused:
            self._owed.settle(job.unit, asked)
        elif self._owed.refusal_is_open(job.unit, asked):
            self._owed.add(job.unit, asked)
        if asked is job.pdu:
            self._answered(pdu)
        else:
            self._marked(job, refused)
        return True

    def _marked(self, job: Job, refused: bool) -> None:
        """The marker is answered: the job's own request is next."""
        self._diagnosis.exchanged(self._device_of.get(job.unit, ""), self._took_s())
        self._stop_clock()
        if refused:
            self._resynchronise(job)
        else:
            self._keep_quiet(self._turnaround_s)
            self._begin(job)

    def _timed_out(self) -> None:
        pdu = self._reply.finish() if self._reply is not None else None
        while pdu is not None and self._reply is not None:
            if self._took(pdu):
                return
            pdu = self._reply.finish()
        self._end_reply()
        self._give_up()
        super()._timed_out()

    def _give_up(self) -> None:
        """The active request has no answer, and may get one still."""
        job = self._active
        if job is not None:
            self._owed.add(job.unit, self._asking, marker=self._asking is not job.pdu)

    def _end_reply(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            self.counters.bad_crc += reply.bad_crc
            self.counters.noise_bytes += reply.noise
            self.counters.wrong_unit += reply.wrong_unit
            self.counters.late_replies += reply.late
            if reply.bad_crc or reply.noise or reply.wrong_unit or reply.late:
                self._tell_wrong(reply)

    def _tell_wrong(self, reply: RtuReply) -> None:
        wrong = {"crc": reply.bad_crc, "noise": reply.noise, "wrong-unit": reply.wrong_unit, "late": reply.late}
        for kind, times in wrong.items():
            if times:
                self._diagnosis.failed(kind, times=times)

    @abstractmethod
    def _put(self, frame: bytes) -> None:
        """Write the frame; ends in `_sent` or `_lost`."""

    @abstractmethod
    def _resynchronise(self, job: Job) -> None:
        """No marker helps: make sure by other means that nothing is owed, then send the active job."""


class ModbusRtuBus(RtuBus):
    """Modbus RTU over one serial line, with at least 3.5 characters of silence before each request."""

    def __init__(
        self,
        line: SerialLine,
        *,
        pauses: Pauses = NO_PAUSES,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        silence_s = max(line.silence_s, pauses.silence_s)
        super().__init__(f"serial line {line.port}", silence_s, pauses, longest_pause_s, timer, diagnosis)
        self._line = line
        self._gave_up_at: dict[int, float] = {}

    def _connect(self) -> None:
        try:
            self._line.open(self._received, self._lost)
        except BusDown as error:
            self._connected_or(error)
        else:
            self._connected_or(None)

    def _put(self, frame: bytes) -> None:
        self.counters.stale_bytes += self._line.discard()
        try:
            self._line.write(frame)
        except BusDown:
            return  # the line has told `_lost` already
        self._sent((len(frame) + 3 + response_size(self._asking)) * self._line.char_s)
        self._keep_quiet(len(frame) * self._line.char_s + self._silence_s)

    def _give_up(self) -> None:
        super()._give_up()
        if self._active is not None:
            self._gave_up_at[self._active.unit] = self._loop.time()

    def _resynchronise(self, job: Job) -> None:
        """On a wire nothing is stored: an answer that is a whole time-out late is not coming."""
        self._owed.forget(job.unit)
        since_s = self._loop.time() - self._gave_up_at.get(job.unit, 0.0)
        self._keep_quiet(max(0.0, job.timeout_s - since_s))
        self._begin(job)

    def _lost(self, reason: str) -> None:
        self._end_reply()
        self._owed.clear()
        super()._lost(reason)

    def _drop(self) -> None:
        self._line.close()

    async def _shut(self) -> None:
        self._end_reply()
        self._connected = False
        self._line.close()
