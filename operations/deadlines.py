"""What a worker keeps in memory of the runs that go on. The rows alone say what has fired and how a run stands.

A timer is due when the wall clock says so or when its time has passed on the clock that never steps: a wall clock
that is set back makes it early, never late (S10). What fell due while nobody ran is due at once.
"""

from collections.abc import Iterable
from typing import NamedTuple

from operations.course import Course, RunRecord
from operations.permissives import is_watched
from operations.store import Deadline
from protocols.moment import SECOND, Moment

AGAIN_AFTER_NS = SECOND // 10
"""A run that another worker is busy with is asked for again after this."""


class _Timers(NamedTuple):
    """The unfired timers of a run, each with the mono ns when it is due. ``wall``, ``mono``: before these instants of
    the two clocks nothing is done about any of them."""

    due: dict[Deadline, int]
    wall: int
    mono: int


class Deadlines:
    """The unfired timers of all runs."""

    def __init__(self) -> None:
        self._runs: dict[str, _Timers] = {}

    def replace(self, run: RunRecord, now: Moment) -> None:
        """The unfired timers of a run are these now; those known before keep their time."""
        timers = run.timers.items() if run.state.running else ()
        known = self._runs[run.id].due if run.id in self._runs else {}
        unfired = [Deadline(run.id, step, part, timer.due_at) for (step, part), timer in timers if not timer.fired_at]
        due = {one: known.get(one, now.mono + max(0, one.due_at - now.wall)) for one in unfired}
        runs = {**self._runs}
        runs.pop(run.id, None)
        if due:
            runs[run.id] = _Timers(due, min(one.due_at for one in due), min(due.values()))
        self._runs = runs  # whole: `next` is asked from another thread

    def forget(self, run: str) -> None:
        """It goes on no more."""
        self._runs = {name: timers for name, timers in self._runs.items() if name != run}

    def put_off(self, run: str, now: Moment) -> None:
        """Another worker is busy with the run: its timers, if that one leaves them, are due a little later."""
        later = _Timers(self._runs[run].due, now.wall + AGAIN_AFTER_NS, now.mono + AGAIN_AFTER_NS)
        self._runs = {**self._runs, run: later}

    def due(self, now: Moment) -> dict[str, list[Deadline]]:
        """Those whose time has come, by run, the earliest first."""
        found = {
            run: sorted(
                (one for one, mono in timers.due.items() if mono <= now.mono or one.due_at <= now.wall),
                key=lambda one: (one.due_at, one),
            )
            for run, timers in self._runs.items()
            if timers.mono <= now.mono or timers.wall <= now.wall
        }
        return dict(sorted((one for one in found.items() if one[1]), key=lambda one: one[1][0].due_at))

    def next(self) -> int | None:
        """Mono ns of the next one; ``None`` when nothing waits. From any thread."""
        return min((timers.mono for timers in self._runs.values()), default=None)


def expire(deadlines: Iterable[Deadline], course: Course, now: int) -> None:
    """Tell those that are still deadlines of the run, and were not told. ``now``: wall ns."""
    for one in deadlines:
        timer = course.run.timers.get((one.step, one.part))
        if timer is not None and timer.due_at == one.due_at:
            course.expire(one.step, one.part, now)


class Running:
    """The runs that go on, as this worker knows them. ``watched``: those to which sensors matter, by id."""

    def __init__(self) -> None:
        self.deadlines = Deadlines()
        self.watched: dict[str, RunRecord] = {}
        self._numbers: dict[str, int] = {}

    def remember(self, run: RunRecord, now: Moment) -> None:
        """A run as it stands in the database."""
        self.deadlines.replace(run, now)
        self.watched.pop(run.id, None)
        if is_watched(run):
            self.watched[run.id] = run
        self._numbers.pop(run.id, None)
        if run.state.running:
            self._numbers[run.id] = run.number

    def changed(self, numbers: dict[str, int]) -> list[str]:
        """Runs that another worker changed, or opened. ``numbers``: how many events each has that goes on now. Those
        that are not there any more are forgotten."""
        for run in self._numbers.keys() - numbers.keys():
            self.deadlines.forget(run)
            self.watched.pop(run, None)
            del self._numbers[run]
        return [run for run, number in numbers.items() if self._numbers.get(run) != number]
