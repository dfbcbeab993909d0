"""Deadlines: which timers are due, on both clocks. Kept in memory beside the rows, which alone say what has fired.

A timer is due when the wall clock says so or when its time has passed on the clock that never steps: a wall clock
that is set back makes it early, never late (S10). What fell due while nobody ran is due at once.
"""

from collections.abc import Iterable

from operations.store import Deadline
from protocols.moment import Moment


class Deadlines:
    """The unfired timers of all runs."""

    def __init__(self) -> None:
        self._due: dict[Deadline, int] = {}

    def replace(self, run: str, timers: Iterable[Deadline], now: Moment) -> None:
        """The unfired timers of a run are these now; those known before keep their time."""
        due = {one: mono for one, mono in self._due.items() if one.run != run}
        for one in timers:
            due[one] = self._due.get(one, now.mono + max(0, one.due_at - now.wall))
        self._due = due  # whole: `next` is asked from another thread

    def due(self, now: Moment) -> list[Deadline]:
        """Those whose time has come, the earliest first."""
        return sorted(
            (one for one, mono in self._due.items() if mono <= now.mono or one.due_at <= now.wall),
            key=lambda one: (one.due_at, one),
        )

    def next(self) -> int | None:
        """Mono ns of the next one; ``None`` when nothing waits. From any thread."""
        return min(self._due.values(), default=None)
