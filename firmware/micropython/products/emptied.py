"""How often a bin was emptied (S17: a fall of more than 30 points, not tilted, lid closed, no fault).

A level counts when two bursts in a row saw it. The level before the fall is kept in flash together with the count, in
one record: a bin that was emptied while the board slept or was off is counted when it wakes, and no cut of the power
counts one emptying twice.
"""

import struct

from products.record import Record

FALL = 30
# Waste that sinks by itself takes longer than a crew: a peak that old follows the level down. Chosen by us.
PEAK_MS = 3600000

_FORMAT = "<IB"


class Emptied:
    """``count``: emptyings so far; 0 again if the flash has lost the record. ``settled``: two bursts agreed."""

    def __init__(self, store, now: int):
        self._record = Record(store, "emptied")
        held = self._record.value
        whole = held is not None and len(held) == struct.calcsize(_FORMAT)
        self.count, self._peak = struct.unpack(_FORMAT, held) if whole else (0, None)
        self._peak_at = now
        self._before = None
        self.settled = True

    @property
    def store_errors(self) -> int:
        """Writes that the flash refused."""
        return self._record.errors

    @property
    def refused(self) -> bool:
        """The flash does not hold the count."""
        return self._record.refused

    def observe(self, now: int, level: float) -> None:
        """Take the level (%) of a burst in which nothing was out of order."""
        before = level if self._before is None else self._before
        first = self._before is None
        self._before = level
        low, high = min(before, level), max(before, level)
        self.settled = not first and high - low <= FALL / 3
        if first:
            return
        if self._peak is not None and self._peak - high > FALL:
            self.count += 1
            self._move(now, high)
        elif self._peak is None or low >= self._peak:
            self._move(now, low)
        elif now - self._peak_at >= PEAK_MS:
            self._move(now, min(high, self._peak))
        self._record.keep(struct.pack(_FORMAT, self.count, self._peak), now)

    def interrupt(self) -> None:
        """Lid open, tilted or a fault: the bursts before and after it are none in a row."""
        self._before = None
        self.settled = True

    def _move(self, now: int, level: float) -> None:
        # Whole points: a level that creeps up writes a hundred small records between two emptyings.
        self._peak = int(level)
        self._peak_at = now
