"""When the units of one bus are asked: each on its own fixed grid, and one that failed after growing pauses.

A unit is `lost` after two failures in a row: one damaged answer alone must not look like a blind detector. A lost
unit is probed in growing pauses: at most 10 s for units with life-safety points (safety rule S23), else about 60 s;
and when the bus has nothing better to do, if that is soon. Pure: slots in, turns out.
"""

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.backoff import Backoff
from gateway.slots import SLOT_S
from protocols.modbus.plan import ReadBlock, plan_reads
from protocols.profile.model import Profile

LOST_AFTER = 2
LONGEST_PAUSE_S = 60.0
LONGEST_LIFE_SAFETY_PAUSE_S = 9.0
"""With `PATIENCE_S` and the request that is under way then it stays below the 10 s of S23."""

PATIENCE_S = 0.5
"""So long a unit that failed lets those that answer go before it: the probe of a dead one costs a whole time-out. After
one that failed, the next dead unit lets them go first as long: however many are dead, the others are asked."""

FIRST_WITHIN_S = 0.2
"""At the start every unit is asked this soon, whatever its period: until then nothing is known of it."""
FIRST = round(FIRST_WITHIN_S / SLOT_S)

PATIENCE = round(PATIENCE_S / SLOT_S)

LONG_PERIOD = 50
PHASE_STEP = 5
"""In slots: units with a period of 1 s or more are asked in every fifth slot only, so that more of them share a wake-up
and a commit (measured at 500 units: every other slot takes a fifth less CPU than each, every fifth another fifth)."""


@dataclass(frozen=True, slots=True)
class PolledUnit:
    """One device on a bus. ``timeout_s``: how long one answer may take."""

    device: str
    unit: int
    profile: Profile
    period_s: float
    timeout_s: float = 1.0


class Turn:
    """When one unit is asked next. Units due in one slot are asked in one wake-up: wake-ups are what costs."""

    __slots__ = ("_backoff", "_period", "_phase", "blocks", "due", "failures", "skipped", "unit")

    def __init__(self, unit: PolledUnit, now_slot: int) -> None:
        self.unit = unit
        self.blocks: tuple[ReadBlock, ...] = plan_reads(unit.profile)
        self.failures = 0
        self.skipped = 0
        self._period = max(1, round(unit.period_s / SLOT_S))
        # The device's name spreads the phases over all buses of a gateway, and the same way after a restart.
        step = PHASE_STEP if self._period >= LONG_PERIOD else 1
        place = zlib.crc32(unit.device.encode())
        self._phase = place % (self._period // step) * step
        self.due = now_slot + place % FIRST
        life_safety = any(point.life_safety for point in unit.profile.points)
        longest_s = LONGEST_LIFE_SAFETY_PAUSE_S if life_safety else LONGEST_PAUSE_S
        self._backoff = Backoff(max(unit.timeout_s, unit.period_s), longest_s)

    def _slot_after(self, slot: int) -> int:
        """The unit's first own slot after ``slot``."""
        return slot + 1 + (self._phase - slot - 1) % self._period

    def answered(self, slot: int) -> int:
        """Polls whose slots have gone by meanwhile are not made up for, but counted; gives how many they are."""
        period = self._period
        due = slot + 1 + (self._phase - slot - 1) % period
        skipped = 0
        if self.failures:
            self.failures = 0
            self._backoff.succeeded()
        elif due > self.due + period:
            skipped = (due - self._slot_after(self.due)) // period
            self.skipped += skipped
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


_Queue = list[tuple[int, int, Turn]]
"""A heap: when a unit is due, its place among the units of the bus, and its turn."""


class Turns:
    """The units of one bus from ``now_slot`` on. Raises `ProfileError` for a profile that cannot be polled."""

    __slots__ = ("_asking", "_failing", "_spared_until", "_well", "all")

    def __init__(self, units: Sequence[PolledUnit], now_slot: int) -> None:
        self.all = [Turn(unit, now_slot) for unit in units]
        self._well: _Queue = [(turn.due, number, turn) for number, turn in enumerate(self.all)]
        self._failing: _Queue = []
        heapq.heapify(self._well)
        self._asking = self._well
        self._spared_until = now_slot

    def first(self, slot: int) -> Turn:
        """Who is asked next, now or when it is due; there must be units."""
        queue = self._asking = self._queue_of_the_next(slot) if self._failing else self._well
        return queue[0][2]

    def put_back(self, slot: int) -> None:
        """The poll of `first` is over in ``slot``: it `Turn.answered` or `Turn.failed`."""
        _, number, turn = self._asking[0]
        queue = self._failing if turn.failures else self._well
        if turn.failures:
            self._spared_until = slot + PATIENCE
        if queue is self._asking:
            heapq.heapreplace(queue, (turn.due, number, turn))
        else:
            heapq.heappop(self._asking)
            heapq.heappush(queue, (turn.due, number, turn))

    def _queue_of_the_next(self, slot: int) -> _Queue:
        well, failing = self._well, self._failing
        if not well or max(failing[0][0] + PATIENCE, self._spared_until) <= slot:
            return failing
        return well if well[0][0] <= max(slot, failing[0][0]) else failing
