"""What pages and scripts are shown of plans and runs: plain frozen records, texts in both languages, times in UTC ns.

A time of 0 means that it did not happen; ``None`` means that there is none.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from operations.actions import VERBS, applies, roles_for
from operations.conditions import Fact
from operations.course import MAY_GO_BACK, Part, RunRecord
from operations.course import VERBS as EVENTS
from operations.events import PlanEvent
from operations.permissives import Judged
from operations.plan import Evidence, Option, Plan, Step
from operations.states import STEPS, RunState
from protocols.document import Text


@dataclass(frozen=True)
class Area:
    """A place that plans are run for. ``kind`` chooses the plans."""

    id: str
    kind: str
    title: Text


@dataclass(frozen=True)
class ActorView:
    """Who acts; ``id`` is what `Operations.act` takes as ``role``."""

    id: str
    title: Text


@dataclass(frozen=True)
class EvidenceView:
    """One thing to write down (`operations.plan.Evidence`). ``at``: ``release`` or ``finish``; ``given``: what was
    written, or empty."""

    id: str
    kind: str
    title: Text
    at: str
    at_least: int | None
    unit: str | None
    options: tuple[Option, ...]
    given: str


@dataclass(frozen=True)
class SensorView:
    """The sensor condition. ``judged`` is false for one that people judge: then the rest is empty.

    ``fulfilled`` alone opens nothing: ``release_by`` has to release the step (S16).
    """

    text: Text
    judged: bool
    verified: bool
    fulfilled: bool = False
    left_s: float = 0.0
    reasons: tuple[Text, ...] = ()
    facts: tuple[Fact, ...] = ()
    release_by: ActorView | None = None


@dataclass(frozen=True)
class DeadlineView:
    """``part``: ``start`` or ``done``. ``fired_at``: when it was missed, 0 where it was not."""

    part: Part
    title: Text | None
    due_at: int
    fired_at: int


@dataclass(frozen=True)
class StepView:
    """A step. ``state`` is a word; ``may``: what can be done to it now, with the roles that can."""

    id: str
    title: Text
    actors: tuple[ActorView, ...]
    after: tuple[str, ...]
    state: str
    mark: str
    verified: bool
    drill: str
    inside: bool
    evidence_after: bool
    evidence: tuple[EvidenceView, ...]
    sensor: SensorView | None
    otherwise: Text | None
    deadlines: tuple[DeadlineView, ...]
    overdue: bool
    ready_at: int
    released_at: int
    started_at: int
    ended_at: int
    who: str
    role: str
    why: str
    may: Mapping[str, tuple[ActorView, ...]]


@dataclass(frozen=True)
class RunView:
    """A run. ``stage``: ``verify`` or ``full``; ``state``: that, or ``completed``, ``closed``. ``mode``: ``live``.

    ``close_by``, ``close``: who may end it before the last step, with which evidence (S17).
    """

    id: str
    plan: str
    version: int
    title: Text
    notice: Text
    area: Area
    origin: str
    mode: str
    state: str
    opened_at: int
    ended_at: int
    ended_by: str
    ended_why: str
    rules: tuple[str, ...]
    steps: tuple[StepView, ...]
    close_by: tuple[ActorView, ...]
    close: tuple[EvidenceView, ...]
    events: tuple[PlanEvent, ...]


def view_run(run: RunRecord, area: Area, judged: Mapping[str, Judged], events: Collection[PlanEvent]) -> RunView:
    """Everything of one run. ``judged``: by step, for those with a permissive."""
    head = run.plan.plan
    return RunView(
        run.id, run.plan.id, head.version, head.title, head.notice, area, run.origin.name.lower(), "live",
        run.state.word, run.opened_at, run.ended_at, run.ended_by, run.ended_why, tuple(sorted(run.rules)),
        tuple(_step(run, step, judged.get(step.id)) for step in run.plan.step),
        _actors(run.plan, head.close_by), _evidence(head.close, {}, run.rules), tuple(events),
    )  # fmt: skip


def _step(run: RunRecord, step: Step, judged: Judged | None) -> StepView:
    record = run.steps[step.id]
    deadlines = tuple(
        DeadlineView(part, step.start_title if part == "start" else step.done_title, timer.due_at, timer.fired_at)
        for (name, part), timer in run.timers.items()
        if name == step.id
    )
    return StepView(
        step.id, step.title, _actors(run.plan, step.by), step.after, record.state.word, step.mark, step.verified,
        step.drill, step.inside, step.evidence_after, _evidence(step.evidence, record.evidence, run.rules),
        _sensor(run.plan, step, judged), step.otherwise.text if step.otherwise else None, deadlines,
        any(one.fired_at for one in deadlines) and not record.state.ended, record.ready_at, record.released_at,
        record.started_at, record.ended_at, record.who, record.role, record.why, _may(run, step),
    )  # fmt: skip


def _sensor(plan: Plan, step: Step, judged: Judged | None) -> SensorView | None:
    sensor = step.sensor
    if sensor is None:
        return None
    if judged is None or sensor.release_by is None:
        return SensorView(sensor.text, sensor.kind == "permissive", sensor.verified)
    return SensorView(
        sensor.text, True, sensor.verified, judged.verdict.fulfilled, judged.verdict.left_s,
        tuple(Text(zh=f"{one.device} {one.zh}".strip(), en=f"{one.device} {one.en}".strip())
              for one in judged.verdict.reasons),
        judged.facts, _actors(plan, (sensor.release_by,))[0],
    )  # fmt: skip


def _may(run: RunRecord, step: Step) -> dict[str, tuple[ActorView, ...]]:
    if not run.state.running:
        return {}
    state = run.steps[step.id].state
    back = bool(step.otherwise and step.otherwise.back_to) and state in MAY_GO_BACK
    able = {verb: STEPS[state, event] is not None for verb, event in EVENTS.items()}
    able |= {"back": back, "skip": able["skip"] and step.may_skip}
    return {verb: _actors(run.plan, sorted(roles_for(run.plan, step, verb))) for verb in VERBS if able[verb]}


def _actors(plan: Plan, names: Collection[str]) -> tuple[ActorView, ...]:
    return tuple(ActorView(name, plan.actors[name].title) for name in names)


def _evidence(items: Collection[Evidence], given: Mapping[str, str], rules: set[str]) -> tuple[EvidenceView, ...]:
    return tuple(
        EvidenceView(one.id, one.kind, one.title, one.at, one.at_least, one.unit, one.options, given.get(one.id, ""))
        for one in items
        if applies(one, rules)
    )


def seen_in(state: str | None) -> tuple[RunState, ...]:
    """The run states behind a filter: ``active``, the word of one state, or everything."""
    if state is None:
        return tuple(RunState)
    if state == "active":
        return tuple(one for one in RunState if one.running)
    return tuple(one for one in RunState if one.word == state)
