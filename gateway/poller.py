"""Polls the units of one Modbus bus, each on its own fixed grid, so that a dead one costs the others little.

A unit is `lost` after two failures in a row: one damaged answer alone must not look like a blind detector. A lost
unit is probed in growing pauses: at most 10 s for units with life-safety points (safety rule S23), else 60 s.
Nothing ticks: the poller sleeps until the next unit is due.
"""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceRefused, TransportError
from gateway.slots import SLOT_S, Timer
from protocols.modbus.plan import ReadBlock, decode_blocks, plan_point, plan_reads
from protocols.modbus.writes import encode_command
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.quality import Quality
from protocols.reading import Value
from protocols.wire.modbus_pdu import ILLEGAL_ADDRESS

LOST_AFTER = 2
LONGEST_PAUSE_S = 60.0
LONGEST_LIFE_SAFETY_PAUSE_S = 10.0

LONG_PERIOD = 50
PHASE_STEP = 2
"""In slots: units with a period of 1 s or more are asked in every other slot only, so that more of them share a wake-up
(measured: a fifth of the CPU of polling 500 units)."""

OnValues = Callable[[str, Profile, int, int, tuple[Value, ...], tuple[int, ...]], None]
OnLost = Callable[[str, int, str], None]


class Bus(Protocol):
    """What a poller needs of a bus (`gateway.transports.modbus.bus.ModbusBus`)."""

    async def request(self, unit: int, pdu: bytes, timeout_s: float, *, urgent: bool = False) -> bytes:
        """The data of the answer; raises `TransportError`."""


@dataclass(frozen=True, slots=True)
class PolledUnit:
    """One device on a bus. ``timeout_s``: how long one answer may take."""

    device: str
    unit: int
    profile: Profile
    period_s: float
    timeout_s: float = 1.0


class _Turn:
    """When one unit is asked next. Units due in one slot are asked in one wake-up: wake-ups are what costs."""

    def __init__(self, unit: PolledUnit, now_slot: int) -> None:
        self.unit = unit
        self.blocks: tuple[ReadBlock, ...] = plan_reads(unit.profile)
        self.failures = 0
        self.skipped = 0
        self._period = max(1, round(unit.period_s / SLOT_S))
        # The device's name spreads the phases over all buses of a gateway, and the same way after a restart.
        step = PHASE_STEP if self._period >= LONG_PERIOD else 1
        self._phase = zlib.crc32(unit.device.encode()) % (self._period // step) * step
        self.due = self._slot_after(now_slot - 1)
        life_safety = any(point.life_safety for point in unit.profile.points)
        longest_s = LONGEST_LIFE_SAFETY_PAUSE_S if life_safety else LONGEST_PAUSE_S
        self._backoff = Backoff(max(unit.timeout_s, unit.period_s), longest_s)

    def _slot_after(self, slot: int) -> int:
        """The unit's first own slot after ``slot``."""
        return slot + 1 + (self._phase - slot - 1) % self._period

    def answered(self, slot: int) -> int:
        """Polls whose slots have gone by meanwhile are not made up for, but counted; gives how many they are."""
        due = self._slot_after(slot)
        skipped = 0 if self.failures else (due - self.due) // self._period - 1
        self.skipped += skipped
        self.failures = 0
        self._backoff.succeeded()
        self.due = due
        return skipped

    def failed(self, slot: int, retry_after_s: float | None) -> float:
        """``retry_after_s``: when the bus itself tries again; ``None`` when only this unit is silent. Gives the
        seconds until the unit is asked again."""
        self.failures += 1
        # The second try waits a time-out, so that an answer that is merely late is over by then.
        pause_s = self.unit.timeout_s if self.failures < LOST_AFTER else self._backoff.failed()
        if retry_after_s is not None:
            pause_s = min(pause_s, retry_after_s)
        # One slot more, or a bus that is down would be asked just before it tries again itself.
        self.due = slot + 2 + int(pause_s / SLOT_S)
        return (self.due - slot) * SLOT_S


class Poller:
    """Asks the units of one bus until its task is cancelled.

    ``on_values(device, profile, at_ns, received_ns, values, quality)`` for every complete poll: ``at_ns`` is when the
    first answer came, ``received_ns`` the last. ``on_lost(device, at_ns, reason)`` once per loss; the next
    ``on_values`` of the device ends it. ``now_ns``: UTC. Raises `ProfileError` for a profile that cannot be polled.
    """

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
        self._turns = [_Turn(unit, self._slot()) for unit in units]

    @property
    def skipped(self) -> int:
        """Polls that were left out because the bus was too slow for the periods asked of it."""
        return sum(turn.skipped for turn in self._turns)

    @property
    def lost(self) -> tuple[str, ...]:
        """The devices that do not answer."""
        return tuple(turn.unit.device for turn in self._turns if turn.failures >= LOST_AFTER)

    async def run(self) -> None:
        """Poll for ever; cancel the task to end. An answer under way is then thrown away by the bus."""
        if not self._turns:
            return
        while True:
            turn = min(self._turns, key=lambda one: one.due)
            if turn.due > self._slot():
                await self._sleep_until(turn.due)
            else:
                await self._poll(turn)

    async def _poll(self, turn: _Turn) -> None:
        unit = turn.unit
        data = []
        at = received = 0
        try:
            for block in turn.blocks:
                data.append(await self._bus.request(unit.unit, block.request, unit.timeout_s))
                received = self._now_ns()
                at = at or received
        except TransportError as error:
            pause_s = turn.failed(self._slot(), error.retry_after_s if isinstance(error, BusDown) else None)
            self._diagnosis.waits(unit.device, pause_s)
            if turn.failures == LOST_AFTER:
                self._on_lost(unit.device, self._now_ns(), _reason(error, unit.profile, turn.blocks[len(data)]))
            return
        values, quality = decode_blocks(unit.profile, turn.blocks, data)
        skipped = turn.answered(self._slot())
        if skipped:
            self._diagnosis.skipped(unit.device, skipped)
        self._on_values(unit.device, unit.profile, at, received, values, quality)

    def _slot(self) -> int:
        # The epsilon keeps a wake-up exactly at a slot's start from falling into the slot before.
        return int(self._timer.time() / SLOT_S + 1e-6)

    async def _sleep_until(self, slot: int) -> None:
        awake = asyncio.get_running_loop().create_future()
        self._timer.call_at(slot * SLOT_S, lambda: None if awake.done() else awake.set_result(None))
        await awake


def _reason(error: TransportError, profile: Profile, block: ReadBlock) -> str:
    """Why a device is lost, and what to do where the refusal itself does not tell."""
    if not isinstance(error, DeviceRefused) or error.code != ILLEGAL_ADDRESS:
        return str(error)
    last = block.address + block.count - 1
    return (
        f"{error} (illegal data address): it does not have all of {block.table} {block.address} to {last}, which "
        f"{profile.id} reads; update its firmware, or give the device the profile that fits it"
    )


async def write_command(bus: Bus, unit: int, profile: Profile, command: CommandPart, timeout_s: float = 1.0) -> None:
    """Send one command of ``profile`` before anything queued. The slave's confirmation is no proof: read back.

    Raises `TransportError`, `protocols.errors.ProfileError`, or `protocols.modbus.writes.WriteRefused`.
    """
    await bus.request(unit, encode_command(profile, command), timeout_s, urgent=True)


async def read_point(bus: Bus, unit: int, profile: Profile, name: str, timeout_s: float = 1.0) -> tuple[Value, Quality]:
    """Read one point at once, before queued polls, for the proof that a command had its effect."""
    block = plan_point(profile, name)
    values, quality = decode_blocks(profile, [block], [await bus.request(unit, block.request, timeout_s, urgent=True)])
    index = profile.by_name[name].index
    return values[index], Quality(quality[index])
