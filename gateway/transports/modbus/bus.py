"""What every Modbus bus does: one request in flight, actuator writes before queued polls, back-off, counting.

A bus connects when it is asked and leaves a dead peer alone in growing pauses; an urgent request tries at once.
Nothing but reads and the declared writes of the units' profiles leaves it (`WriteGate`, safety rule S2).
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent, TransportError
from gateway.slots import Handle, Timer
from protocols.modbus.writes import WriteGate, WriteRefused
from protocols.profile.model import Profile
from protocols.wire.modbus_pdu import READS, ExceptionReply, PduError, parse_response

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
"""Also the bound of safety rule S23 for units with life-safety points."""

A_MOMENT_S = 1e-6
"""A timer called exactly in time is not early, however its time is rounded."""


class Pauses(NamedTuple):
    """What slow slaves, adapters and radio modems need. Nothing is broadcast, so no broadcast needs a pause.

    ``silence_s``: least quiet time on an RTU line before a request, counted from the last byte of anybody (a serial
    line keeps the 3.5 characters of the specification anyway). ``turnaround_s``: least time from the end of an answer
    to the next request, while a slave or converter turns from sending to listening.
    """

    silence_s: float = 0.0
    turnaround_s: float = 0.0


NO_PAUSES = Pauses()


@dataclass(slots=True)
class BusCounters:
    """What happened on one bus since the start. ``resyncs``: how often it was first made sure whose answer is next."""

    requests: int = 0
    replies: int = 0
    timeouts: int = 0
    exceptions: int = 0
    bad_crc: int = 0
    noise_bytes: int = 0
    stale_bytes: int = 0
    wrong_unit: int = 0
    wrong_transaction: int = 0
    late_replies: int = 0
    resyncs: int = 0
    bad_replies: int = 0
    refused_writes: int = 0
    connects: int = 0
    failed_connects: int = 0


OnAnswer = Callable[[bytes | TransportError], None]


class Job(msgspec.Struct):
    """One request, and who is told its answer (``on_answer``; ``None``: nobody waits any more)."""

    unit: int
    pdu: bytes
    timeout_s: float
    on_answer: OnAnswer | None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits."""
        return self.on_answer is not None

    def tell(self, outcome: bytes | TransportError) -> None:
        """Tell it, if anybody still waits."""
        on_answer, self.on_answer = self.on_answer, None
        if on_answer is not None:
            on_answer(outcome)

    def withdraw(self) -> None:
        """Nobody waits for the answer any more."""
        self.on_answer = None


class ModbusBus(ABC):
    """What RTU and TCP share: the queue, the order, the clock of the one request in flight, pauses, the back-off."""

    __slots__ = (
        "_active", "_asked_at", "_backoff", "_closed", "_connected", "_connecting", "_device_of", "_diagnosis",
        "_due", "_free_at", "_gate", "_looking", "_looks_at", "_loop", "_pause", "_queued", "_retry_at",
        "_timers", "_turnaround_s", "_urgent", "counters", "name",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        pauses: Pauses = NO_PAUSES,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self.name = name
        self._diagnosis = diagnosis or Diagnosis(name, "modbus", (), time.time_ns)
        self._device_of: dict[int, str] = {}
        self._asked_at = 0.0
        self._due = 0.0
        self._looks_at = 0.0
        self._looking: Handle | None = None
        self._turnaround_s = pauses.turnaround_s
        self._free_at = 0.0
        self.counters = BusCounters()
        self._loop = asyncio.get_running_loop()
        self._timers: Timer = timer or self._loop
        self._gate = WriteGate()
        self._backoff = Backoff(FIRST_PAUSE_S, longest_pause_s)
        self._retry_at = 0.0
        self._urgent: deque[Job] = deque()
        self._queued: deque[Job] = deque()
        self._active: Job | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._connected = False
        self._connecting = False
        self._closed = False

    def allow(self, unit: int, profile: Profile, device: str = "") -> None:
        """Let the declared writes of ``profile`` pass to ``unit``; raises `protocols.errors.ProfileError`.

        ``device``: its id, under which the diagnosis shows it.
        """
        self._device_of[unit] = device
        self._gate.allow(unit, profile)

    async def request(self, unit: int, pdu: bytes, timeout_s: float, *, urgent: bool = False) -> bytes:
        """As `ask`; gives the data of the answer, or raises a `TransportError` or `WriteRefused`."""
        answer: asyncio.Future[bytes] = self._loop.create_future()

        def told(outcome: bytes | TransportError) -> None:
            if answer.done():
                return  # cancelled in this very moment
            if isinstance(outcome, TransportError):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        job = self.ask(unit, pdu, timeout_s, told, urgent=urgent)
        try:
            return await answer
        finally:
            job.withdraw()

    def ask(self, unit: int, pdu: bytes, timeout_s: float, on_answer: OnAnswer, *, urgent: bool = False) -> Job:
        """Send ``pdu``; ``on_answer`` is told the data of the answer (registers or packed bits; nothing for a write),
        or why there is none: once, after this has returned, and not any more when the job is withdrawn.

        ``timeout_s`` counts from the last byte sent. Writes are urgent by nature; ``urgent`` reads (a read-back)
        go before queued ones too. Raises `BusDown`, or `WriteRefused` before anything is sent.
        """
        try:
            self._gate.check(unit, pdu)
        except WriteRefused:
            self.counters.refused_writes += 1
            self._diagnosis.failed("refused-write", self._device_of.get(unit, ""))
            raise
        urgent = urgent or pdu[0] not in READS
        if not self._connected:
            self._refuse_while_down(urgent)
        job = Job(unit, pdu, timeout_s, on_answer)
        if self._active is None and self._connected and not (self._urgent or self._queued):
            self._active = job
            self._begin(job)
            return job
        (self._urgent if urgent else self._queued).append(job)
        if self._active is None:
            self._next()
        return job

    async def close(self) -> None:
        """Let go of the connection; whatever waits fails with `BusDown`."""
        self._closed = True
        self._fail_all(BusDown(f"{self.name} is closed"))
        self._stop_looking()
        await self._shut()

    def _refuse_while_down(self, urgent: bool) -> None:
        if self._closed:
            raise BusDown(f"{self.name} is closed")
        wait_s = self._retry_at - self._loop.time()
        if not self._connecting and not urgent and wait_s > 0:
            raise BusDown(f"{self.name} does not answer; next try in {wait_s:.1f} s", wait_s)

    def _next(self) -> None:
        """Start the next job, or connect first."""
        while self._urgent or self._queued:
            if not self._connected:
                if not self._connecting:
                    self._connecting = True
                    self._connect()
                return
            job = (self._urgent or self._queued).popleft()
            if job.is_wanted:
                self._active = job
                self._begin(job)
                return

    def _begin(self, job: Job) -> None:
        """Send the active job as soon as the pauses allow."""
        if self._free_at and (wait_s := self._free_at - self._loop.time()) > 0:
            self._pause = self._loop.call_later(wait_s, self._send, job)
        else:
            self._send(job)

    def _keep_quiet(self, pause_s: float) -> None:
        """Begin no request within ``pause_s`` from now."""
        self._free_at = max(self._free_at, self._loop.time() + pause_s)

    def _sent(self, extra_s: float = 0.0) -> None:
        """The request of the active job is on its way; ``extra_s`` is what the line itself takes."""
        assert self._active is not None
        self.counters.requests += 1
        self._asked_at = time.perf_counter()  # uvloop's time has whole milliseconds
        self._due = self._timers.time() + self._active.timeout_s + extra_s
        if not self._looks_at or self._due < self._looks_at:
            self._look_at(self._due)

    def _look_at(self, when: float) -> None:
        """Look at the clock of the request in flight. One look serves all requests that are answered before it."""
        self._stop_looking()
        self._looks_at = when
        self._looking = self._timers.call_at(when, self._look)

    def _stop_looking(self) -> None:
        looking, self._looking, self._looks_at = self._looking, None, 0.0
        if looking is not None:
            looking.cancel()

    def _look(self) -> None:
        self._looking, self._looks_at = None, 0.0
        # uvloop's timers have whole milliseconds: they may come too early.
        if self._due > self._timers.time() + A_MOMENT_S:
            self._look_at(self._due)
        elif self._due:
            self._timed_out()

    def _answered(self, pdu: bytes) -> None:
        """The active job's answer came."""
        job = self._active
        assert job is not None
        try:
            data = parse_response(job.pdu, pdu)
        except ExceptionReply as error:
            self.counters.exceptions += 1
            self._arrived(DeviceRefused(f"{self.name} unit {job.unit}: {error}", error.code))
        except PduError as error:
            self.counters.bad_replies += 1
            self._arrived(BadReply(f"{self.name} unit {job.unit}: {error}"))
        else:
            self._arrived(data)

    def _answered_well(self, data: bytes) -> None:
        """As `_arrived`, for what nearly always comes: the data of a good answer to the request that was sent."""
        job, self._active = self._active, None
        assert job is not None
        self._due = 0.0
        if self._turnaround_s:
            self._keep_quiet(self._turnaround_s)
        try:
            self._diagnosis.exchanged(self._device_of.get(job.unit, ""), time.perf_counter() - self._asked_at)
            on_answer, job.on_answer = job.on_answer, None
            if on_answer is not None:
                self.counters.replies += 1
                on_answer(data)
        finally:
            if self._active is None and (self._urgent or self._queued):  # who was told may have asked again
                self._next()

    def _arrived(self, outcome: bytes | TransportError) -> None:
        """The answer, good or bad, is in; the next request keeps its distance."""
        if self._turnaround_s:
            self._keep_quiet(self._turnaround_s)
        self._finish(outcome)

    def _finish(self, outcome: bytes | TransportError) -> None:
        """End the active job and start the next."""
        job, self._active = self._active, None
        was_sent = self._due > 0
        self._stop_clock()
        try:
            if job is not None:
                self._tell(job, outcome, was_sent)
        finally:
            if self._active is None:  # who was told may have asked again
                self._next()

    def _tell(self, job: Job, outcome: bytes | TransportError, was_sent: bool) -> None:
        device = self._device_of.get(job.unit, "")
        if isinstance(outcome, TransportError):
            self._diagnosis.failed(outcome.kind, device)
            if was_sent:
                self._diagnosis.exchanged(device, self._took_s(), answered=False)
            self._loop.call_soon(job.tell, outcome)
        else:
            self._diagnosis.exchanged(device, self._took_s())
            self.counters.replies += job.is_wanted
            job.tell(outcome)

    def _took_s(self) -> float:
        return time.perf_counter() - self._asked_at

    def _stop_clock(self) -> None:
        """Neither a time-out nor the end of a pause shall come for the active job."""
        self._due = 0.0
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _timed_out(self) -> None:
        job = self._active
        assert job is not None
        self.counters.timeouts += 1
        self._finish(DeviceSilent(f"{self.name} unit {job.unit} did not answer within {job.timeout_s:g} s"))

    def _connected_or(self, error: BusDown | None) -> None:
        """How `_connect` ended."""
        self._connecting, self._connected = False, error is None
        if error is None:
            self.counters.connects += 1
            self._diagnosis.up()
            self._next()
            return
        self.counters.failed_connects += 1
        error.retry_after_s = self._backoff.failed()
        self._diagnosis.failed("connect")
        self._diagnosis.down(str(error), error.retry_after_s)
        self._retry_at = self._loop.time() + error.retry_after_s
        self._fail_all(error)

    def _proved(self) -> None:
        """The peer speaks Modbus: only now is the back-off over (an accepting port alone proves nothing)."""
        if self._retry_at:
            self._backoff.succeeded()
            self._retry_at = 0.0

    def _lost(self, reason: str) -> None:
        """The connection broke."""
        if not self._connected:
            return
        self._connected = False
        pause_s = self._backoff.failed()
        self._retry_at = self._loop.time() + pause_s
        self._diagnosis.failed("hang-up")
        self._diagnosis.down(reason, pause_s)
        self._fail_all(BusDown(reason, pause_s))

    def _fail_all(self, error: BusDown) -> None:
        waiting = [*self._urgent, *self._queued]
        self._urgent.clear()
        self._queued.clear()
        for job in waiting:
            self._loop.call_soon(job.tell, error)
        if self._active is not None:
            self._finish(error)

    def _renew(self) -> None:
        """Make the connection anew at once; whatever is queued waits for it."""
        self._drop()
        self._connected = False
        if self._active is None:
            self._next()

    @abstractmethod
    def _connect(self) -> None:
        """Begin to connect; ends in `_connected_or`."""

    @abstractmethod
    def _send(self, job: Job) -> None:
        """Put the request on the wire; ends in `_sent` or `_lost`."""

    @abstractmethod
    def _drop(self) -> None:
        """Let go of the connection that stands, without telling anybody."""

    @abstractmethod
    async def _shut(self) -> None:
        """Let go of the connection."""
