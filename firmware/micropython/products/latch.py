"""What must outlive a reset, in flash: trip, over-range lock, level, blindness, exposure, who closed the valve (S21).

Record «latch» (the store adds a CRC), one byte each: flags, gas level (0 to 2), cause of the valve (code of the
profile), the three carbon monoxide timers in eighths. It is written in the step that changes it, after the outputs have
moved; an alarm costs a handful of writes, gas that comes and goes below it two a minute at most, a quiet day none. A
record that cannot be read counts as a trip in gas, over the range, with carbon monoxide: all that only a person, or
clean air that is seen, ends. A needless visit costs less than a leak. One that was never written is that of a new
board.
"""

from products.co_exposure import STEPS
from products.gas_channel import LEVEL_2
from products.record import Record
from products.valve import BY_CO, BY_TRIP, FAULT, MOVING

TRIP = 1
OVER_RANGE = 2
LEVEL = 4
BLIND = 8
CO = 16
CLOSING = 32
ELEVATED = 64
_ALL = 127


class Latch:
    """``flags``, ``level``, ``cause``, ``steps`` as they stood at the start; `keep` writes what changed."""

    def __init__(self, store):
        self._record = Record(store, "latch")
        held = self._record.value
        if held is None:
            held = b"" if self._record.corrupt else bytes(6)
        held = _upgraded(held)
        if not _is_sound(held):
            held = bytes((TRIP | OVER_RANGE | CO | ELEVATED, 0, BY_TRIP, 0, 0, 0))
        self.flags, self.level, self.cause = held[:3]
        self.steps = tuple(held[3:])

    @property
    def refused(self) -> bool:
        """The flash does not take what stands: a reset would forget it."""
        return self._record.refused

    def has(self, flag: int) -> bool:
        """Whether a flag stood at the start."""
        return bool(self.flags & flag)

    def keep(self, now: int, flags: int, level: int, cause: int, steps: tuple) -> None:
        """Write it if it changed. A flash that refuses is tried again each second."""
        self._record.keep(bytes((flags, level, cause)) + bytes(steps), now)


def _is_sound(record: bytes) -> bool:
    if len(record) != 6 or record[0] & ~_ALL or record[1] > LEVEL_2 or record[2] > BY_CO:
        return False
    return max(record[3:]) <= STEPS


def _upgraded(record: bytes) -> bytes:
    """The record of firmware before 0.2 (flags, state and cause of the valve) in today's form."""
    if len(record) != 3 or record[0] > 15 or record[1] > FAULT or record[2] > BY_CO:
        return record
    flags, state, cause = record
    level = 1 if flags & LEVEL else 0
    closing = CLOSING if state == MOVING else 0
    return bytes((flags & ~LEVEL | closing, level, cause, 0, 0, 0))
