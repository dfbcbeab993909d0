"""The watch is woken for its next due time, on a common grid, and by nothing else."""

import asyncio

import pytest

from gengfu import wakeup
from gengfu.wakeup import GRID_NS, Wakeup
from protocols.moment import Moment


class Clock:
    """A clock and a loop's timers that the test moves. Takes the place of `gengfu.clock` and of the loop."""

    def __init__(self):
        self.mono = 0
        self.timers = []

    def now(self):
        return Moment(0, self.mono)

    def get_running_loop(self):
        return self

    def call_later(self, delay_s, call):
        timer = _Timer(self.mono + round(delay_s * 1e9), call)
        self.timers.append(timer)
        return timer

    def move_to(self, mono):
        while True:
            due = [timer for timer in self.timers if timer.at <= mono]
            if not due:
                break
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.mono = max(self.mono, first.at)
            if not first.cancelled:
                first.call()
        self.mono = mono

    @property
    def set(self):
        return [timer.at for timer in self.timers if not timer.cancelled]


class _Timer:
    def __init__(self, at, call):
        self.at, self.call, self.cancelled = at, call, False

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(wakeup, "clock", clock)
    monkeypatch.setattr(wakeup.asyncio, "get_running_loop", clock.get_running_loop)
    yield clock
    monkeypatch.undo()
    assert asyncio.get_running_loop is not clock.get_running_loop


class Due:
    """Due times; a tick takes those that have come."""

    def __init__(self, clock, *times):
        self.times, self.ticks, self._clock = list(times), [], clock

    def next(self):
        return min(self.times, default=None)

    def tick(self):
        self.ticks.append(self._clock.mono)
        self.times = [time for time in self.times if time > self._clock.mono]


def test_nothing_due_sets_no_timer(clock):
    due = Due(clock)
    Wakeup(due.next, due.tick).again()
    assert clock.set == []


def test_due_times_of_one_grid_step_share_one_wake_up_and_none_is_early(clock):
    due = Due(clock, GRID_NS - 5, GRID_NS - 1, GRID_NS, 3 * GRID_NS + 1)
    Wakeup(due.next, due.tick).again()
    clock.move_to(10 * GRID_NS)
    assert due.ticks == [GRID_NS, 4 * GRID_NS]
    assert (due.times, clock.set) == ([], [])


def test_an_earlier_due_time_moves_the_timer_and_a_later_one_does_not(clock):
    due = Due(clock, 10 * GRID_NS)
    wake = Wakeup(due.next, due.tick)
    wake.again()
    wake.again()
    assert clock.set == [10 * GRID_NS]
    due.times.append(2 * GRID_NS)
    wake.again()
    assert clock.set == [2 * GRID_NS]
    clock.move_to(20 * GRID_NS)
    assert due.ticks == [2 * GRID_NS, 10 * GRID_NS]


def test_what_is_overdue_is_looked_at_at_once(clock):
    clock.mono = 100 * GRID_NS
    due = Due(clock, GRID_NS)
    Wakeup(due.next, due.tick).again()
    assert clock.set == [clock.mono]


def test_after_close_nothing_is_woken(clock):
    due = Due(clock, GRID_NS)
    wake = Wakeup(due.next, due.tick)
    wake.again()
    wake.close()
    clock.move_to(10 * GRID_NS)
    assert due.ticks == []


@pytest.mark.parametrize("is_set", [True, False])
def test_what_is_heard_while_the_connections_are_being_closed_wakes_nothing_any_more(clock, is_set):
    due = Due(clock, 2 * GRID_NS)
    wake = Wakeup(due.next, due.tick)
    if is_set:
        wake.again()
    wake.close()
    due.times.append(GRID_NS)
    wake.again()
    assert clock.set == []
    clock.move_to(10 * GRID_NS)
    assert due.ticks == []
