"""PositionIndex: where the next entry of each partition stands, kept in memory.

An index in the file would cost three times the CPU and ten times the bytes written of an append (measured:
2.2 against 6-8 µs and 0.4 against 2.6-4.6 KB a row, 128 rows a commit), because each row would touch the page
of its partition. Instead one byte per entry stored since the start says its partition; `bytearray.find`
answers at memory speed. Of what is older only the last position of each partition is known.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from journal.entry import PARTITIONS

WINDOW = 4_000_000
"""Bytes kept: at least this many newest entries are indexed, at most twice as many."""

_NOBODYS = PARTITIONS
"""In the place of a partition."""


class Plan(NamedTuple):
    """How to read: positions in [``start``, ``end``); ``exact``: every entry among them is wanted.

    What a commit just put beyond ``end`` is not known yet: a cursor on it would look like that of another file.
    """

    start: int
    end: int
    exact: bool


class Count(NamedTuple):
    """Entries in the window, and the range [start, end) of the file that is to be counted in addition."""

    known: int
    start: int
    end: int


class PositionIndex:
    """Positions of a process's run are contiguous: entry ``base + i`` is of partition ``window[i]``."""

    def __init__(self, first: int, base: int, last: Sequence[int], window: int = WINDOW) -> None:
        """``first``: lowest position in the file; ``base``: the next to be given; ``last``: newest position of
        each partition, all below ``base``, 0 where it has none."""
        self._lock = threading.RLock()
        self._first = first
        self._base = base
        self._before = list(last)
        self._last = list(last)
        self._window = bytearray()
        self._size = window

    @property
    def next(self) -> int:
        """The position that the next entry gets."""
        with self._lock:
            return self._base + len(self._window)

    @property
    def last(self) -> list[int]:
        """Newest position of each partition."""
        with self._lock:
            return list(self._last)

    def note(self, partitions: bytes) -> None:
        """Entries were stored at `next` and on; ``partitions`` has one byte for each."""
        with self._lock:
            last = self._last
            for position, partition in enumerate(partitions, self._base + len(self._window)):
                last[partition] = position
            self._window += partitions
            if len(self._window) > 2 * self._size:
                self._shorten(len(self._window) - self._size)

    def _shorten(self, cut: int) -> None:
        for partition in range(PARTITIONS):
            found = self._window.rfind(partition, 0, cut)
            if found >= 0:
                self._before[partition] = self._base + found
        del self._window[:cut]
        self._base += cut

    def pruned(self, first: int) -> None:
        """Nothing below ``first`` is in the file any more."""
        with self._lock:
            self._first = first

    def lost(self, start: int, end: int) -> None:
        """Positions in [``start``, ``end``) cannot be read any more."""
        with self._lock:
            begin, stop = max(start - self._base, 0), min(end - self._base, len(self._window))
            if begin < stop:
                self._window[begin:stop] = bytes((_NOBODYS,)) * (stop - begin)

    def own(self, after: Mapping[int, int]) -> dict[int, int]:
        """``after`` without positions that were never given here: such a cursor was kept from another file
        (this one is new, or an older copy), and everything in this one is new to its consumer."""
        end = self.next
        return {partition: position for partition, position in after.items() if position < end}

    def plan(self, partitions: Iterable[int], after: Mapping[int, int]) -> Plan | None:
        """Where to read on; ``None`` when there is nothing beyond ``after``."""
        with self._lock:
            wanted = {partition: after.get(partition, 0) for partition in partitions}
            starts = [self._first_after(*one) for one in wanted.items() if self._is_behind(*one)]
            if not starts:
                return None
            start = max(min(starts), self._first)
            return Plan(start, self.next, len(wanted) == PARTITIONS and max(wanted.values()) < start)

    def count(self, partitions: Iterable[int], after: Mapping[int, int]) -> Count:
        """How many entries are beyond ``after``; what was pruned behind the first entry left is still counted."""
        with self._lock:
            known, start = 0, self._base
            for partition in set(partitions):
                position = after.get(partition, 0)
                if self._is_behind(partition, position):
                    known += self._window.count(partition, max(position + 1, self._first, self._base) - self._base)
                    start = min(start, max(self._first_after(partition, position), self._first))
            return Count(known, start, self._base)

    def counts(self, start: int) -> dict[int, int] | None:
        """How many entries of each partition stand from ``start`` on; ``None`` where that is before the window."""
        with self._lock:
            if start < self._base:
                return None
            found = {one: self._window.count(one, start - self._base) for one in range(PARTITIONS)}
        return {partition: count for partition, count in found.items() if count}

    def _is_behind(self, partition: int, position: int) -> bool:
        return self._last[partition] > position and self._last[partition] >= self._first

    def _first_after(self, partition: int, position: int) -> int:
        """A position not above the first one of ``partition`` beyond ``position``; exact inside the window."""
        before = self._before[partition]
        if position < before and before >= self._first:
            return position + 1
        return self._base + self._window.find(partition, max(position + 1 - self._base, 0))
