"""Polls the units of one Modbus bus when they are due (`gateway.turns`), so that a dead one costs the others little.

Nothing ticks: the poller sleeps until the next unit is due.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceRefused, TransportError
from gateway.slots import SLOT_S, Handle, Timer
from gateway.turns import LOST_AFTER, PolledUnit, Turn, Turns
from protocols.modbus.plan import ReadBlock, decode_blocks, plan_point
from protocols.modbus.writes import encode_command
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.quality import Quality
from protocols.reading import Value
from protocols.wire.modbus_pdu import ILLEGAL_ADDRESS

OnValues = Callable[[str, Profile, int, int, tuple[Value, ...], tuple[int, ...]], None]
OnLost = Callable[[str, int, str], None]


OnAnswer = Callable[[bytes | TransportError], None]


class Question(Protocol):
    """What was asked and is not answered yet."""

    def withdraw(self) -> None:
        """Nobody waits for the answer any more."""


class Bus(Protocol):
    """What a poller needs of a bus (`gateway.transports.modbus.bus.ModbusBus`)."""

    def ask(self, unit: int, pdu: bytes, timeout_s: float, on_answer: OnAnswer) -> Question:
        """``on_answer`` is called once, with the data of the answer or why there is none. Raises `BusDown`."""


class Master(Protocol):
    """What a single read or write needs of a bus."""

    async def request(self, unit: int, pdu: bytes, timeout_s: float, *, urgent: bool = False) -> bytes:
        """The data of the answer; raises `TransportError`."""


class Poller:
    """Asks the units of one bus while `run` runs.

    ``on_values(device, profile, at_ns, received_ns, values, quality)`` for every complete poll: ``at_ns`` is when the
    first answer came, ``received_ns`` the last. ``on_lost(device, at_ns, reason)`` once per loss; the next
    ``on_values`` of the device ends it. ``now_ns``: UTC. Raises `ProfileError` for a profile that cannot be polled.

    The bus calls back, and no task wakes up for an answer: that would be a sixth of the cost of a poll.
    """

    __slots__ = (
        "_at", "_bus", "_data", "_diagnosis", "_ended", "_now_ns", "_on_lost", "_on_values", "_question",
        "_sleep", "_timer", "_turn", "_turns",
    )  # fmt: skip

    def __init__(
        self,
        bus: Bus,
        units: Sequence[PolledUnit],
        *,
        on_values: OnValues,
        on_lost: OnLost,
        now_ns: Callable[[], int],
        timer: Timer,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self._bus = bus
        self._diagnosis = diagnosis or Diagnosis("", "", (), now_ns)
        self._on_values = on_values
        self._on_lost = on_lost
        self._now_ns = now_ns
        self._timer = timer
        self._turns = Turns(units, self._slot())
        self._turn: Turn | None = None
        self._data: list[bytes] = []
        self._at = 0
        self._question: Question | None = None
        self._sleep: Handle | None = None
        self._ended: asyncio.Future[None] | None = None

    @property
    def skipped(self) -> int:
        """Polls that were left out because the bus was too slow for the periods asked of it."""
        return sum(turn.skipped for turn in self._turns.all)

    @property
    def lost(self) -> tuple[str, ...]:
        """The devices that do not answer."""
        return tuple(turn.unit.device for turn in self._turns.all if turn.failures >= LOST_AFTER)

    async def run(self) -> None:
        """Poll for ever; cancel the task to end. An answer under way is then thrown away by the bus.

        Raises what ``on_values`` or ``on_lost`` raises; may be run again then.
        """
        if not self._turns.all:
            return
        self._ended = asyncio.get_running_loop().create_future()
        try:
            self._go_on()
            await self._ended
        finally:
            self._ended = None
            self._turn, self._data, self._at = None, [], 0
            if self._question is not None:
                self._question.withdraw()
            if self._sleep is not None:
                self._sleep.cancel()

    def _go_on(self, outcome: bytes | TransportError | None = None) -> None:
        """Take an answer, if one came; then ask who is due, or sleep until somebody is. Called by bus and timer.

        What goes wrong ends `run` and is told there: raised here, it would also break the bus's connection.
        """
        ended = self._ended
        if ended is None or ended.done():
            return
        try:
            slot = self._slot()
            if outcome is not None:
                self._take(outcome, slot)
            while not self._has_asked(slot):
                slot = self._slot()
        except Exception as error:  # handed to the task of `run`: raised into the bus it would break the connection
            if ended.done():  # cancelled in this very moment: nobody is told any more
                raise
            ended.set_exception(error)

    def _has_asked(self, slot: int) -> bool:
        """Whether all is under way, or nobody is due; else there is more to do at once."""
        turn = self._turn
        if turn is None:
            turn = self._turns.first(slot)
            if turn.due > slot:
                self._sleep = self._timer.call_at(turn.due * SLOT_S, self._go_on)
                return True
            self._turn = turn
        unit = turn.unit
        try:
            block = turn.blocks[len(self._data)]
            self._question = self._bus.ask(unit.unit, block.request, unit.timeout_s, self._go_on)
        except TransportError as error:
            self._fail(turn, error, slot)
            return False
        return True

    def _take(self, outcome: bytes | TransportError, slot: int) -> None:
        turn = self._turn
        assert turn is not None
        if isinstance(outcome, TransportError):
            self._fail(turn, outcome, slot)
            return
        received = self._now_ns()
        at = self._at = self._at or received
        self._data.append(outcome)
        if len(self._data) == len(turn.blocks):
            self._complete(turn, at, received, slot)

    def _complete(self, turn: Turn, at: int, received: int, slot: int) -> None:
        unit = turn.unit
        values, quality = decode_blocks(unit.profile, turn.blocks, self._data)
        skipped = turn.answered(slot)
        self._end(slot)
        if skipped:
            self._diagnosis.skipped(unit.device, skipped)
        self._on_values(unit.device, unit.profile, at, received, values, quality)

    def _fail(self, turn: Turn, error: TransportError, slot: int) -> None:
        unit, block = turn.unit, turn.blocks[len(self._data)]
        pause_s = turn.failed(slot, error.retry_after_s if isinstance(error, BusDown) else None)
        self._end(slot)
        self._diagnosis.waits(unit.device, pause_s)
        if turn.failures == LOST_AFTER:
            self._on_lost(unit.device, self._now_ns(), _reason(error, unit.profile, block))

    def _end(self, slot: int) -> None:
        """The poll is over, well or not."""
        self._turns.put_back(slot)
        self._turn = None
        self._data = []
        self._at = 0

    def _slot(self) -> int:
        # The epsilon keeps a wake-up exactly at a slot's start from falling into the slot before.
        return int(self._timer.time() / SLOT_S + 1e-6)


def _reason(error: TransportError, profile: Profile, block: ReadBlock) -> str:
    """Why a device is lost, and what to do where the refusal itself does not tell."""
    if not isinstance(error, DeviceRefused) or error.code != ILLEGAL_ADDRESS:
        return str(error)
    last = block.address + block.count - 1
    return (
        f"{error} (illegal data address): it does not have all of {block.table} {block.address} to {last}, which "
        f"{profile.id} reads; update its firmware, or give the device the profile that fits it"
    )


async def write_command(bus: Master, unit: int, profile: Profile, command: CommandPart, timeout_s: float = 1.0) -> None:
    """Send one command of ``profile`` before anything queued. The slave's confirmation is no proof: read back.

    Raises `TransportError`, `protocols.errors.ProfileError`, or `protocols.modbus.writes.WriteRefused`.
    """
    await bus.request(unit, encode_command(profile, command), timeout_s, urgent=True)


async def read_point(
    bus: Master, unit: int, profile: Profile, name: str, timeout_s: float = 1.0
) -> tuple[Value, Quality]:
    """Read one point at once, before queued polls, for the proof that a command had its effect."""
    block = plan_point(profile, name)
    values, quality = decode_blocks(profile, [block], [await bus.request(unit, block.request, timeout_s, urgent=True)])
    index = profile.by_name[name].index
    return values[index], Quality(quality[index])
