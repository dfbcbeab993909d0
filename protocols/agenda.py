"""Agenda: when each of many things wants to be looked at next, on the monotonic clock. It reads no clock itself."""

import heapq

MOST_OVERTAKEN = 64
"""Times that were overtaken and are kept all the same, beyond one for each key that waits."""


class Agenda:
    """One time per key: the earliest that was asked for since the key was last taken.

    Whoever takes a key asks again for whatever still waits, so that asking often costs no memory.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._next: dict[str, int] = {}

    def __len__(self) -> int:
        """What is kept, overtaken times included."""
        return len(self._heap)

    def at(self, key: str, mono: int) -> None:
        """Look at ``key`` at ``mono`` (ns) at the latest."""
        known = self._next.get(key)
        if known is None or mono < known:
            self._next[key] = mono
            heapq.heappush(self._heap, (mono, key))
            if len(self._heap) > 2 * len(self._next) + MOST_OVERTAKEN:
                self._heap = [(at, one) for one, at in self._next.items()]
                heapq.heapify(self._heap)

    def due(self) -> int | None:
        """The earliest time of all keys; ``None`` when nothing waits."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, mono: int) -> list[str]:
        """The keys whose time has come at ``mono``, in order of time; each waits for nothing any more."""
        heap, times, taken = self._heap, self._next, []
        while heap and heap[0][0] <= mono:
            at, key = heapq.heappop(heap)
            if times.get(key) == at:
                del times[key]
                taken.append(key)
        return taken
