"""The course of one run: pure. Alarms, deadlines, sensor verdicts and people's acts go in, events come out.

It does no I/O and reads no clock. What it changes stands in the `RunRecord`; what happened is in `Course.out`.
Whoever stores the record stores the events in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from operations.actions import Action, check_action, check_evidence, check_person, check_role
from operations.branches import left_out
from operations.conditions import Verdict
from operations.errors import ActionRefused, NoSuchRun
from operations.events import EventName, PlanEvent
from operations.plan import Plan, Stage, Step
from operations.states import RUNS, STEPS, RunEvent, RunState, StepEvent, StepState, refusal
from protocols.document import Text
from protocols.moment import SECOND
from protocols.reading import Origin

MINUTE = 60 * SECOND
Part = Literal["start", "done"]


@dataclass(slots=True)
class StepRecord:
    """One step of one run. Times are wall ns, 0 where it did not happen (in this round)."""

    id: str
    state: StepState = StepState.WAITING
    ready_at: int = 0
    released_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    who: str = ""
    role: str = ""
    why: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Timer:
    """A deadline. ``fired_at`` is 0 until it was missed and told; that happens once."""

    due_at: int
    fired_at: int = 0


@dataclass(slots=True)
class RunRecord:
    """One run with the plan it was opened with. ``rules``: of the alarms that belong to it; ``number``: its events."""

    id: str
    plan: Plan
    area: str
    origin: Origin
    opened_at: int
    state: RunState = RunState.VERIFY
    ended_at: int = 0
    ended_by: str = ""
    ended_why: str = ""
    number: int = 0
    rules: set[str] = field(default_factory=set)
    steps: dict[str, StepRecord] = field(default_factory=dict)
    timers: dict[tuple[str, Part], Timer] = field(default_factory=dict)


class Cause(NamedTuple):
    """Why a run opens or goes on to full: an alarm, or a person. ``late``: of an alarm too old to act on (S9)."""

    alarm: str = ""
    rule: str = ""
    late: bool = False
    who: str = ""
    role: str = ""
    why: str = ""


_TOLD: dict[StepEvent, EventName] = {
    StepEvent.READY: "step-open",
    StepEvent.READY_HELD: "step-held",
    StepEvent.HOLDS: "step-releasable",
    StepEvent.LOST: "step-held",
    StepEvent.RELEASE: "step-released",
    StepEvent.START: "step-started",
    StepEvent.FINISH: "step-done",
    StepEvent.SKIP: "step-skipped",
    StepEvent.PASS: "step-skipped",
    StepEvent.REOPEN: "step-reopened",
    StepEvent.REOPEN_HELD: "step-reopened",
    StepEvent.REWIND: "step-rewound",
}
MAY_GO_BACK = (StepState.HELD, StepState.RELEASABLE, StepState.OPEN, StepState.STARTED)
VERBS: dict[str, StepEvent] = {
    "start": StepEvent.START,
    "finish": StepEvent.FINISH,
    "skip": StepEvent.SKIP,
    "release": StepEvent.RELEASE,
}
_BEGINS = (StepEvent.READY, StepEvent.READY_HELD, StepEvent.REOPEN, StepEvent.REOPEN_HELD)


class Course:
    """Moves one run. ``now`` is wall ns throughout. ``out``: what happened, in order."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        self.out: list[PlanEvent] = []

    @classmethod
    def open(cls, run: RunRecord, stage: Stage, cause: Cause, now: int) -> "Course":
        """Begin a new run. In stage verify only the verify steps and what they need are opened (S14)."""
        course = cls(run)
        run.steps = {step.id: StepRecord(step.id) for step in run.plan.step}
        if cause.rule:
            run.rules.add(cause.rule)
        course._tell("opened", now, cause=cause, text=run.plan.plan.notice)
        if stage == "full":
            course._to_full(now, cause)
        else:
            course._advance(now)
        return course

    # -- what comes in ---------------------------------------------------------------------------------------

    def alarm(self, cause: Cause, stage: Stage | None, now: int) -> None:
        """A further life-safety alarm of the area: told, and perhaps a reason for stage full."""
        if RUNS[self.run.state, RunEvent.ALARM] is None:
            return
        self.run.rules.add(cause.rule)
        self._tell("alarm", now, cause=cause)
        if stage == "full" and self.run.state is RunState.VERIFY:
            self._to_full(now, cause)

    def escalate(self, cause: Cause, now: int) -> None:
        """A person takes the run to stage full. Raises `ActionRefused`."""
        check_person(cause.who, cause.why)
        check_role(self.run.plan, cause.role)
        if RUNS[self.run.state, RunEvent.ESCALATE] is None:
            raise ActionRefused(f"the run is {self.run.state.word}", "该响应已是全级或已结束")
        self._to_full(now, cause)

    def expire(self, step: str, part: Part, now: int) -> None:
        """The deadline was missed. It is told once, with what the plan says follows."""
        timer = self.run.timers.get((step, part))
        if timer is None or timer.fired_at or not self.run.state.running:
            return
        timer.fired_at = now
        otherwise = self.run.plan.steps[step].otherwise
        self._tell("step-overdue", now, step=step, part=part, text=otherwise.text if otherwise else None)
        if otherwise is None:
            return
        if otherwise.escalate and self.run.state is RunState.VERIFY:
            self._to_full(now, Cause(), Text(zh=f"{step} 无人应答", en=f"no answer to {step} in time"))
        elif otherwise.skip and part == "done" and self.run.steps[step].state is StepState.OPEN:
            self._apply(self.run.steps[step], StepEvent.SKIP, now, why=otherwise.text)
            self._advance(now)

    def sense(self, verdicts: Mapping[str, Verdict], now: int) -> None:
        """What the sensors say of each step with a permissive. Lost while people may be at work: withdraw."""
        for name, verdict in verdicts.items():
            record = self.run.steps[name]
            if verdict.fulfilled:
                if self._follows(name) and record.state in (StepState.HELD, StepState.SUSPENDED):
                    self._apply(record, StepEvent.HOLDS, now)
            elif record.state in (StepState.RELEASABLE, StepState.OPEN, StepState.STARTED):
                self._lose(record, now)

    def act(self, action: Action, verdict: Verdict | None, now: int) -> None:
        """A person's act, whole or not at all. ``verdict``: of the step's permissive. Raises `ActionRefused`."""
        step = self.run.plan.steps.get(action.step)
        if step is None:
            raise NoSuchRun(f"run {self.run.id} has no step {action.step!r}")
        if not self.run.state.running:
            raise ActionRefused(f"the run is {self.run.state.word}", "该响应已结束")
        record = self.run.steps[step.id]
        check_action(self.run.plan, step, action, record.evidence, self.run.rules, now)
        if action.verb == "back":
            self._send_back(record, action, now)
        else:
            if action.verb == "release":
                _check_verdict(verdict)
            self._apply(record, VERBS[action.verb], now, action)
            record.evidence |= action.evidence
        self._advance(now)

    def close(self, cause: Cause, evidence: Mapping[str, str], now: int) -> None:
        """A named person ends the run before its last step, with reason and evidence (S17). Raises `ActionRefused`."""
        plan = self.run.plan
        check_person(cause.who, cause.why)
        if not self.run.state.running:
            raise ActionRefused(f"the run is {self.run.state.word} already", "该响应已结束")
        if cause.role not in plan.plan.close_by:
            actors = [plan.actors[name].title for name in plan.plan.close_by]
            raise ActionRefused(
                f"{cause.role!r} may not close this run; only: {', '.join(one.en for one in actors)}",
                f"角色 {cause.role!r} 无权结束;仅限:{'、'.join(one.zh for one in actors)}",
            )
        if not cause.why.strip():
            raise ActionRefused("closing before the last step needs a reason", "提前结束须填写原因")
        check_evidence(plan.plan.close, evidence, {}, ("finish",), self.run.rules, now)
        self._end(RunEvent.CLOSE, cause, now)
        self._tell("closed", now, cause=cause, evidence=tuple(sorted(evidence.items())))

    # -- how it goes on --------------------------------------------------------------------------------------

    def _follows(self, step: str) -> bool:
        """Whether all steps before it are finished, and the stage lets it open."""
        run = self.run
        if run.state is RunState.VERIFY and step not in verify_steps(run.plan):
            return False
        return all(run.steps[name].state.ended for name in run.plan.steps[step].after)

    def _advance(self, now: int) -> None:
        """Open every step whose time has come; end the run after its last one."""
        run = self.run
        verify = [name for name, step in run.plan.steps.items() if step.stage == "verify"]
        if run.state is RunState.VERIFY and all(run.steps[name].state.ended for name in verify):
            self._to_full(now, Cause(), Text(zh="已核实", en="it was verified"))
            return
        while ready := [one for one in run.steps.values() if one.state is StepState.WAITING and self._follows(one.id)]:
            for record in ready:
                self._begin(record, now)
        if run.state is RunState.FULL and all(record.state.ended for record in run.steps.values()):
            self._end(RunEvent.COMPLETE, Cause(), now)
            self._tell("completed", now)

    def _begin(self, record: StepRecord, now: int) -> None:
        """Its time has come: open it, hold it for its sensors, or leave it out for what was answered before."""
        step = self.run.plan.steps[record.id]
        given = self.run.steps[step.only_if.step].evidence if step.only_if else {}
        if why := left_out(self.run.plan, step, given):
            self._apply(record, StepEvent.PASS, now, why=why)
        else:
            self._apply(record, StepEvent.READY_HELD if step.permissive else StepEvent.READY, now)

    def _to_full(self, now: int, cause: Cause, text: Text | None = None) -> None:
        self.run.state = RunState.FULL
        self._tell("escalated", now, cause=cause, text=text)
        for name, record in self.run.steps.items():
            if self.run.plan.steps[name].stage == "verify" and not record.state.ended:
                self._apply(record, StepEvent.PASS, now)
        self._advance(now)

    def _lose(self, record: StepRecord, now: int) -> None:
        at_work = record.state.at_work
        self._apply(record, StepEvent.LOST, now)
        if at_work:
            self._go_back(record.id, now)
            self._advance(now)

    def _send_back(self, record: StepRecord, action: Action, now: int) -> None:
        if record.state not in MAY_GO_BACK:
            raise ActionRefused(*_cannot("go back from", record))
        self._apply(record, StepEvent.REWIND, now, action)
        self._go_back(record.id, now)

    def _go_back(self, step: str, now: int) -> None:
        """Open the earlier step again; whatever came after it has to be done once more."""
        plan = self.run.plan
        otherwise = plan.steps[step].otherwise
        target = self.run.steps[otherwise.back_to] if otherwise and otherwise.back_to else None
        if target is None or target.state is not StepState.DONE:
            return
        held = plan.steps[target.id].permissive is not None
        self._apply(target, StepEvent.REOPEN_HELD if held else StepEvent.REOPEN, now)
        for name, record in self.run.steps.items():
            if target.id in plan.ancestors[name]:
                self._apply(record, StepEvent.REWIND, now)

    def _end(self, event: RunEvent, cause: Cause, now: int) -> None:
        after = RUNS[self.run.state, event]
        if after is None:
            raise ActionRefused(f"the run is {self.run.state.word}", "该响应不能结束")
        self.run.state = after
        self.run.ended_at, self.run.ended_by, self.run.ended_why = now, cause.who, cause.why
        self.run.timers = {key: timer for key, timer in self.run.timers.items() if timer.fired_at}

    # -- the one place that changes a step -------------------------------------------------------------------

    def _apply(
        self, record: StepRecord, event: StepEvent, now: int, action: Action | None = None, why: Text | None = None
    ) -> None:
        before = record.state
        after = STEPS[before, event]
        if after is None:
            raise ActionRefused(*_cannot(action.verb if action else event.word, record))
        record.state = after
        if before is after:
            return
        step = self.run.plan.steps[record.id]
        _follow(record, event, now, action)
        self._set_timers(step, event, after, now)
        told: EventName = _TOLD[event]
        if before.at_work and event in (StepEvent.LOST, StepEvent.REWIND):
            told = "withdraw"
        text = step.otherwise.text if step.otherwise and told == "withdraw" else why
        self._tell(told, now, step=record.id, action=action, text=text)

    def _set_timers(self, step: Step, event: StepEvent, after: StepState, now: int) -> None:
        timers = self.run.timers
        if event in _BEGINS:
            self._disarm(step.id, "start", "done")
            self._arm(step, "start", step.start_min, now)
            self._arm(step, "done", step.done_min, now)
        elif after in (StepState.WAITING, StepState.SUSPENDED):
            # Its round is over: the next one has deadlines of its own. What was missed stays in the events.
            timers.pop((step.id, "start"), None)
            timers.pop((step.id, "done"), None)
        elif after.ended:
            self._disarm(step.id, "start", "done")
        elif event is StepEvent.START:
            self._disarm(step.id, "start")
        elif event is StepEvent.RELEASE and (step.id, "done") not in timers:
            self._arm(step, "done", step.done_min, now)

    def _arm(self, step: Step, part: Part, minutes: float | None, now: int) -> None:
        if minutes is not None:
            self.run.timers[step.id, part] = Timer(now + int(minutes * MINUTE))

    def _disarm(self, step: str, *parts: Part) -> None:
        for part in parts:
            timer = self.run.timers.get((step, part))
            if timer is not None and not timer.fired_at:
                del self.run.timers[step, part]

    def _tell(
        self,
        event: EventName,
        now: int,
        *,
        step: str = "",
        part: str = "",
        cause: Cause | None = None,
        action: Action | None = None,
        evidence: tuple[tuple[str, str], ...] = (),
        text: Text | None = None,
    ) -> None:
        run = self.run
        run.number += 1
        by = action or cause or Cause()
        cause = cause or Cause()
        self.out.append(
            PlanEvent(
                run=run.id, number=run.number, plan=run.plan.id, version=run.plan.plan.version, area=run.area,
                origin=run.origin, event=event, at=now, run_state=run.state.word, step=step,
                step_state=run.steps[step].state.word if step else "", part=part,
                who=by.who, role=by.role, why=by.why,
                evidence=tuple(sorted(action.evidence.items())) if action else evidence,
                alarm=cause.alarm, rule=cause.rule, late=cause.late,
                zh=text.zh if text else "", en=text.en if text else "",
            )
        )  # fmt: skip


def verify_steps(plan: Plan) -> frozenset[str]:
    """The steps that open in stage verify: those of that stage and what they need (S14)."""
    own = {name for name, step in plan.steps.items() if step.stage == "verify"}
    return frozenset(own).union(*(plan.ancestors[name] for name in own))


def _follow(record: StepRecord, event: StepEvent, now: int, action: Action | None) -> None:
    """The fields of the record that go with a change of state. A new round needs its own release and evidence."""
    if event in _BEGINS or event in (StepEvent.REWIND, StepEvent.LOST):
        record.released_at = record.started_at = record.ended_at = 0
        record.evidence = {}
    if event in _BEGINS:
        record.ready_at = now
    elif event is StepEvent.RELEASE:
        record.released_at = now
    elif event is StepEvent.START:
        record.started_at = now
    elif record.state.ended:
        record.ended_at = now
    if action is not None:
        record.who, record.role, record.why = action.who, action.role, action.why


def _check_verdict(verdict: Verdict | None) -> None:
    if verdict is None or not verdict.fulfilled:
        reasons = verdict.reasons if verdict else ()
        raise ActionRefused(
            "the sensor condition is not fulfilled: " + "; ".join(f"{one.device} {one.en}".strip() for one in reasons),
            "传感器条件未满足:" + ";".join(f"{one.device} {one.zh}".strip() for one in reasons),
        )


def _cannot(what: str, record: StepRecord) -> tuple[str, str]:
    en, zh = refusal(record.state)
    if record.who and (record.state.ended or record.state is StepState.STARTED):
        # of two who did the same at once, the second is told whose act stands
        en, zh = f"{en}, by {record.who}", f"{zh}({record.who})"
    return f"cannot {what} step {record.id}: {en}", f"步骤 {record.id} 不能这样操作:{zh}"
