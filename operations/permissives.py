"""The sensor verdicts of one run: its steps, its area's detectors, and what its alarms say of those (S16)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from alarms.engine import START_GRACE_NS
from alarms.states import AlarmState
from operations.conditions import Fact, Sensors, Verdict, judge
from operations.course import RunRecord
from operations.plan import Sensor
from operations.states import StepState
from operations.store import KnownAlarm
from protocols.moment import SECOND, Moment

START_GRACE_S = START_GRACE_NS / SECOND
WATCHED = (StepState.HELD, StepState.RELEASABLE, StepState.OPEN, StepState.STARTED, StepState.SUSPENDED)

MAY_LOSE = (StepState.RELEASABLE, StepState.OPEN, StepState.STARTED)
"""States in which a condition has held until now."""


class Judged(NamedTuple):
    """What the sensors say of one step now."""

    verdict: Verdict
    facts: tuple[Fact, ...]


def is_watched(run: RunRecord) -> bool:
    """Whether a sensor can change anything in this run now."""
    return run.state.running and bool(_watched(run))


def judge_run(run: RunRecord, alarms: Sequence[KnownAlarm], sensors: Sensors, now: Moment) -> dict[str, Judged]:
    """By step. Steps that people are at are left out for `START_GRACE_S` after a start: nobody can tell yet (S10)."""
    return {name: judged for name in _watched(run) if (judged := _judge(run, name, alarms, sensors, now)) is not None}


def stirs(run: RunRecord, judged: Mapping[str, Judged]) -> bool:
    """Whether what the sensors say changes a step of the run: only then has anybody to write."""
    return any(one.verdict.fulfilled != (run.steps[name].state in MAY_LOSE) for name, one in judged.items())


def _watched(run: RunRecord) -> list[str]:
    return [name for name, step in run.plan.steps.items() if step.permissive and run.steps[name].state in WATCHED]


def _judge(run: RunRecord, name: str, alarms: Sequence[KnownAlarm], sensors: Sensors, now: Moment) -> Judged | None:
    sensor = run.plan.steps[name].permissive
    assert sensor is not None
    for_s = _held_for_s(sensor)
    if run.steps[name].state.at_work:
        # What was released before a restart is kept when it holds from the first fresh readings on (S10).
        known_s = sensors.watching_s(now) - START_GRACE_S
        if known_s <= 0:
            return None
        for_s = min(for_s, known_s)
    rules = run.plan.plan.over_range_rules
    latched = {one.device for one in alarms if one.rule in rules and one.state is not AlarmState.NORMAL}
    out_of_service = {(one.device, one.point) for one in alarms if one.state is AlarmState.OUT_OF_SERVICE}
    facts = tuple(sensors.facts(run.area, sensor, run.origin, now))
    return Judged(judge(facts, for_s, latched, out_of_service), facts)


def _held_for_s(sensor: Sensor) -> float:
    assert sensor.for_min is not None
    return sensor.for_min * 60.0
