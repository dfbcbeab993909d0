"""Agenda: when each of many things wants to be looked at next, on the monotonic clock. It reads no clock itself."""

import heapq


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

    def due(self) -> int | None:
        """The earliest time of all keys; ``None`` when nothing waits."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, mono: int) -> list[str]:
        """The keys whose time has come at ``mono``, in order of time; each waits for nothing any more."""
        taken = []
        while (due := self.due()) is not None and due <= mono:
            key = heapq.heappop(self._heap)[1]
            del self._next[key]
            taken.append(key)
        return taken
