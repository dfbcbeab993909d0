"""Agenda: when each of many things wants to be looked at next, on the monotonic clock. It reads no clock itself.

Keys whose times are near each other stand in one row, in no order: thousands of devices ask for a look every few
seconds, and nearly all of them at a time when the others of the row are looked at too.
"""

import heapq

MOST_OVERTAKEN = 64
"""Times that were overtaken and are kept all the same, beyond one for each key that waits."""

ROW_BITS = 24
"""A row holds the times of 2**24 ns, about 17 ms."""
NEVER = -1
"""Before every time."""


class Agenda:
    """One time per key: the earliest that was asked for since the key was last taken.

    Whoever takes a key asks again for whatever still waits, so that asking often costs no memory.
    """

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._rows: dict[int, list[str]] = {}
        self._numbers: list[int] = []
        self._kept = 0
        self._due: int | None = None

    def __len__(self) -> int:
        """What is kept, overtaken times included."""
        return self._kept

    def at(self, key: str, mono: int) -> None:
        """Look at ``key`` at ``mono`` (ns) at the latest."""
        known = self._times.get(key)
        if known is None or mono < known:
            self._times[key] = mono
            self._put(key, mono)
            if self._due is not None and mono < self._due:
                self._due = mono
            if self._kept > 2 * len(self._times) + MOST_OVERTAKEN:
                self._tidy()

    def due(self) -> int | None:
        """The earliest time of all keys; ``None`` when nothing waits."""
        if self._due is None:
            self._due = self._earliest()
        return self._due

    def take(self, mono: int) -> list[str]:
        """The keys whose time has come at ``mono``, in order of time; each waits for nothing any more."""
        if self._due is not None and mono < self._due:
            return []
        numbers, times, last = self._numbers, self._times, mono >> ROW_BITS
        taken: list[tuple[int, str]] = []
        later: list[tuple[int, str]] = []
        while numbers and numbers[0] <= last:
            number = numbers[0]
            for key in self._drop_first():
                at = times.get(key, NEVER)
                if at >> ROW_BITS == number:  # else overtaken
                    del times[key]
                    (taken if at <= mono else later).append((at, key))
        self._due = None
        for at, key in later:
            self.at(key, at)
        taken.sort()
        return [key for _, key in taken]

    def _put(self, key: str, mono: int) -> None:
        number = mono >> ROW_BITS
        row = self._rows.get(number)
        if row is None:
            self._rows[number] = [key]
            heapq.heappush(self._numbers, number)
        else:
            row.append(key)
        self._kept += 1

    def _drop_first(self) -> list[str]:
        row = self._rows.pop(heapq.heappop(self._numbers))
        self._kept -= len(row)
        return row

    def _earliest(self) -> int | None:
        times = self._times
        while self._numbers:
            number = self._numbers[0]
            waiting = [at for key in self._rows[number] if (at := times.get(key, NEVER)) >> ROW_BITS == number]
            if waiting:
                return min(waiting)
            self._drop_first()
        return None

    def _tidy(self) -> None:
        """Keep nothing that was overtaken."""
        self._rows, self._numbers, self._kept = {}, [], 0
        for key, at in self._times.items():
            self._put(key, at)
