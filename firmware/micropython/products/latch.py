"""What must outlive a reset, in flash: trip, over-range lock, level, blindness, exposure, who closed the valve (S21).

Record «latch» (the store adds a CRC), one byte each: flags, gas level (0 to 2), cause of the valve (code of the
profile), the three carbon monoxide timers in eighths. It is written in the step that changes it, after the outputs have
moved; an alarm costs a handful of writes, a quiet day none. A record that cannot be read counts as a trip: a needless
visit costs less than a leak. One that was never written is that of a new board.
"""

import kv

from products.co_exposure import STEPS
from products.gas_channel import LEVEL_2
from products.valve import BY_TRIP, CAUSES, MOVING, STATES

TRIP = 1
OVER_RANGE = 2
LEVEL = 4
BLIND = 8
CO = 16
CLOSING = 32
_ALL = 63


class Latch:
    """``flags``, ``level``, ``cause``, ``steps`` as they stood at the start; `keep` writes what changed."""

    def __init__(self, store):
        self._store = store
        self.store_errors = 0
        try:
            record = store.get("latch")
        except kv.Corrupt:
            record = b""
        self._kept = record
        record = bytes(6) if record is None else _upgraded(record)
        if not _is_sound(record):
            record = bytes((TRIP, 0, BY_TRIP, 0, 0, 0))
        self.flags, self.level, self.cause = record[:3]
        self.steps = tuple(record[3:])

    def has(self, flag: int) -> bool:
        """Whether a flag stood at the start."""
        return bool(self.flags & flag)

    def keep(self, flags: int, level: int, cause: int, steps: tuple) -> None:
        """Write it if it changed. A flash that refuses is tried again at the next sample."""
        record = bytes((flags, level, cause)) + bytes(steps)
        if record == self._kept:
            return
        try:
            self._store.put("latch", record)
            self._kept = record
        except OSError:
            self.store_errors += 1


def _is_sound(record: bytes) -> bool:
    if len(record) != 6 or record[0] & ~_ALL or record[1] > LEVEL_2 or record[2] not in CAUSES:
        return False
    return max(record[3:]) <= STEPS


def _upgraded(record: bytes) -> bytes:
    """The record of firmware before 0.2 (flags, state and cause of the valve) in today's form."""
    if len(record) != 3 or record[0] > 15 or record[1] not in STATES or record[2] not in CAUSES:
        return record
    flags, state, cause = record
    level = 1 if flags & LEVEL else 0
    closing = CLOSING if state == MOVING else 0
    return bytes((flags & ~LEVEL | closing, level, cause, 0, 0, 0))
