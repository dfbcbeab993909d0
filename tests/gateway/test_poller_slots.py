"""Callbacks of one slot share a timer, come in order, never early, and not at all once cancelled."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.slots import AT_ONCE, SLOT_S, SlotTimer


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time the test sets; it only keeps what it is asked to call."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 10.0
        self.asked: list[tuple[float, Callable[..., Any], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        self.asked.append((when, callback, args))

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        self.asked.append((self.now, callback, args))

    def run_due(self) -> None:
        asked, self.asked = self.asked, []
        for when, callback, args in asked:
            self.now = max(self.now, when)
            callback(*args)


def timer() -> tuple[SlotTimer, Loop]:
    loop = Loop()
    loop.close()
    return SlotTimer(loop), loop


def test_callbacks_of_one_slot_share_one_timer_of_the_loop() -> None:
    slots, loop = timer()
    called: list[int] = []
    for number in range(5):
        slots.call_at(11.0 - number * 0.001, lambda number=number: called.append(number))
    assert len(loop.asked) == 1
    loop.run_due()
    assert (called, loop.now) == ([0, 1, 2, 3, 4], 11.0)


def test_no_callback_comes_early_or_more_than_a_slot_late() -> None:
    slots, loop = timer()
    late: list[float] = []
    for step in range(200):
        when = 10.0 + step * 0.0037
        slots.call_at(when, lambda when=when: late.append(loop.now - when))
    loop.run_due()
    assert len(late) == 200
    assert -1e-6 <= min(late) <= max(late) <= SLOT_S


def test_cancelled_callback_is_not_called() -> None:
    slots, loop = timer()
    called: list[str] = []
    slots.call_at(11.0, lambda: called.append("kept"))
    slots.call_at(11.0, lambda: called.append("cancelled")).cancel()
    loop.run_due()
    assert called == ["kept"]


def test_slot_can_be_used_again_while_it_runs() -> None:
    slots, loop = timer()
    called: list[int] = []

    def again() -> None:
        called.append(1)
        slots.call_at(11.0, lambda: called.append(2))

    slots.call_at(11.0, again)
    loop.run_due()
    assert called == [1]
    loop.run_due()
    assert called == [1, 2]


def test_a_full_slot_lets_the_loop_do_something_else_in_between() -> None:
    slots, loop = timer()
    called: list[int] = []
    for number in range(2 * AT_ONCE + 1):
        slots.call_at(11.0, lambda number=number: called.append(number))
    turns = []
    while loop.asked:
        loop.run_due()
        turns.append(len(called))
    assert turns == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
    assert called == sorted(called)


def test_callback_that_raises_does_not_keep_the_others_of_its_slot() -> None:
    slots, loop = timer()
    called: list[str] = []
    slots.call_at(11.0, lambda: called.append("before"))
    slots.call_at(11.0, lambda: called.remove("nothing"))
    slots.call_at(11.0, lambda: called.append("after"))
    with pytest.raises(ValueError, match="not in list"):
        loop.run_due()
    loop.run_due()
    assert called == ["before", "after"]
