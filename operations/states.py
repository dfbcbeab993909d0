"""The step and run state machines, each as one table `(state, event) -> state`; ``None`` is refused.

A step waits for all steps of its ``after``. Then it is open, or, where it has a sensor permissive (S16), held:
it becomes releasable when the condition has held for the whole time, and open only when a person releases it. A
condition that is lost holds it again; when people are at work already it suspends the step, which is a call to
withdraw. A missed deadline is no state: it is told once, and whatever could be done before can still be done.
"""

from enum import IntEnum


class _Word(IntEnum):
    @property
    def word(self) -> str:
        """The name as the API writes it, in kebab case."""
        return self.name.lower().replace("_", "-")


class StepState(_Word):
    """The codes are stored: never renumber."""

    WAITING = 0
    HELD = 1
    RELEASABLE = 2
    OPEN = 3
    STARTED = 4
    SUSPENDED = 5
    DONE = 6
    SKIPPED = 7

    @property
    def ended(self) -> bool:
        """Whether the steps after it may begin."""
        return self in (StepState.DONE, StepState.SKIPPED)

    @property
    def at_work(self) -> bool:
        """Whether people may be working on it now."""
        return self in (StepState.OPEN, StepState.STARTED)


class StepEvent(_Word):
    """What can happen to a step. ``READY``: all before it is finished (``READY_HELD``: and it has a permissive).
    ``HOLDS``, ``LOST``: what the sensors say. ``REOPEN``, ``REOPEN_HELD``: back to it. ``REWIND``: a step before it
    was opened again. ``PASS``: the stage leaves it out. The rest is what people do. Stored: never renumber."""

    READY = 0
    READY_HELD = 1
    HOLDS = 2
    LOST = 3
    RELEASE = 4
    START = 5
    FINISH = 6
    SKIP = 7
    PASS = 8
    REOPEN = 9
    REOPEN_HELD = 10
    REWIND = 11


_W, _H, _R, _O, _S, _X, _D, _K = StepState

# Columns in the order of StepEvent: ready, ready-held, holds, lost, release, start, finish, skip, pass, reopen,
# reopen-held, rewind.
_STEP_ROWS: dict[StepState, tuple[StepState | None, ...]] = {
    _W: (_O, _H, None, None, None, None, None, None, _K, None, None, _W),
    _H: (None, None, _R, _H, None, None, None, None, None, None, None, _W),
    _R: (None, None, _R, _H, _O, None, None, None, None, None, None, _W),
    _O: (None, None, _O, _X, None, _S, _D, _K, _K, None, None, _W),
    _S: (None, None, _S, _X, None, None, _D, None, _K, None, None, _W),
    _X: (None, None, _R, _X, None, None, None, None, None, None, None, _X),
    _D: (None, None, None, None, None, None, None, None, None, _O, _H, _W),
    _K: (None, None, None, None, None, None, None, None, None, None, None, _K),
}

STEPS: dict[tuple[StepState, StepEvent], StepState | None] = {
    (state, event): row[event] for state, row in _STEP_ROWS.items() for event in StepEvent
}


class RunState(_Word):
    """``COMPLETED``: its last step was finished. ``CLOSED``: a person ended it before, with a reason. Stored."""

    VERIFY = 0
    FULL = 1
    COMPLETED = 2
    CLOSED = 3

    @property
    def running(self) -> bool:
        """Whether it is going on."""
        return self in (RunState.VERIFY, RunState.FULL)


class RunEvent(_Word):
    """``ALARM``: one more alarm in its area (also one that came back). Nothing here ends a run but its last step or a
    person: an alarm that returns to normal is no event of a run (S17)."""

    ALARM = 0
    ESCALATE = 1
    COMPLETE = 2
    CLOSE = 3


_V, _F, _C, _L = RunState
_RUN_ROWS: dict[RunState, tuple[RunState | None, ...]] = {
    _V: (_V, _F, None, _L),
    _F: (_F, None, _C, _L),
    _C: (None, None, None, None),
    _L: (None, None, None, None),
}

RUNS: dict[tuple[RunState, RunEvent], RunState | None] = {
    (state, event): row[event] for state, row in _RUN_ROWS.items() for event in RunEvent
}

_REFUSALS: dict[StepState, tuple[str, str]] = {
    _W: ("the steps before it are not finished", "前面的步骤尚未完成"),
    _H: ("its sensor condition is not fulfilled; it waits for it", "传感器条件未满足"),
    _R: ("it has to be released first", "须先由负责人放行"),
    _O: ("it is open already", "该步骤已开放"),
    _S: ("it was started already", "该步骤已开始"),
    _X: ("it is suspended: withdraw; its sensor condition was lost", "已暂停:撤出,传感器条件已失去"),
    _D: ("it is done already", "该步骤已完成"),
    _K: ("it was skipped", "该步骤已跳过"),
}


def refusal(state: StepState) -> tuple[str, str]:
    """Why a step in ``state`` cannot do what was asked, in English and Chinese."""
    return _REFUSALS[state]
