"""What the shape of a plan cannot say: references, order, and the safety rules S14, S16 and S18."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from operations.plan import Labour, Plan, Step
from protocols.errors import UnitError
from protocols.units import unit

NEEDS_BEFORE: Mapping[Labour, tuple[Labour, ...]] = {
    "ventilate": ("evacuate", "control-ignition", "isolate"),
    "repair": ("measure",),
    "restore": ("tightness-test",),
}
"""What must be done, and never skipped, before a step that does this may open. Ventilating gas that still flows,
between people and ignition sources, takes it through its explosive range; nobody repairs before it was measured."""

IGNITING = frozenset(("photo", "call", "scan", "place"))
"""Evidence that needs a phone, camera or map where it is written down (S18)."""

_SOURCE_STEP = re.compile(r"S0?([0-9]+)")


def check_plan(plan: Plan) -> list[str]:
    """Every problem as ``path: what to do``; empty: the plan may be used."""
    problems = [*_ids(plan), *_references(plan)]
    # Order can only be judged when every name leads somewhere and nothing goes round.
    if not problems:
        problems = _cycles(plan)
    if problems:
        return problems
    return [problem for check in _CHECKS for problem in check(plan)]


def _ids(plan: Plan) -> Iterator[str]:
    for what, names in (("step", [one.id for one in plan.step]), ("actor", [one.id for one in plan.actor])):
        for name, times in Counter(names).items():
            if times > 1:
                yield f"{what} {name}: the id stands twice; rename one"
    for step in plan.step:
        for name, times in Counter(one.id for one in step.evidence).items():
            if times > 1:
                yield f"step {step.id}: evidence {name}: the id stands twice; rename one"


def _references(plan: Plan) -> Iterator[str]:
    steps, actors = {one.id for one in plan.step}, {one.id for one in plan.actor}
    for name in sorted(set(plan.plan.close_by) - actors):
        yield f"plan.close_by: {name!r} is no actor of the plan; add it or name another"
    for step in plan.step:
        for name in step.after:
            if name not in steps:
                yield f"step {step.id}: after: there is no step {name!r}; name an existing one"
        for name in step.by:
            if name not in actors:
                yield f"step {step.id}: by: {name!r} is no actor of the plan; add it or name another"
        if step.sensor and step.sensor.release_by and step.sensor.release_by not in actors:
            yield f"step {step.id}: sensor.release_by: {step.sensor.release_by!r} is no actor of the plan; add it"
        if step.otherwise and step.otherwise.back_to and step.otherwise.back_to not in steps:
            yield f"step {step.id}: else.back_to: there is no step {step.otherwise.back_to!r}; name an existing one"


def _cycles(plan: Plan) -> list[str]:
    try:
        TopologicalSorter({step.id: step.after for step in plan.step}).prepare()
    except CycleError as error:
        return [f"step {error.args[1][0]}: after: goes round ({' -> '.join(error.args[1])}); take one out"]
    return []


def _dangerous_order(plan: Plan) -> Iterator[str]:
    for step in plan.step:
        before = [plan.steps[name] for name in plan.ancestors[step.id]]
        for labour in NEEDS_BEFORE.get(step.does, ()) if step.does else ():
            found = [one for one in before if one.does == labour]
            if not found:
                yield f'step {step.id}: does = "{step.does}" opens without a step that does "{labour}"; add it to after'
        for one in before:
            if one.may_skip and one.does in NEEDS_BEFORE.get(step.does or "verify", ()):
                yield f'step {one.id}: may_skip: {step.id} does "{step.does}" and needs it done; take may_skip out'


def _source_order(plan: Plan) -> Iterator[str]:
    """The steps of the source (mark S) keep its order: S3a1 is of its third step, as S3b is."""
    numbers = {
        step.id: int(found[1]) for step in plan.step if step.mark == "S" and (found := _SOURCE_STEP.match(step.id))
    }
    last = 0
    for name, number in numbers.items():
        if number < last:
            yield f"step {name}: stands after step {last} of the source; put the S-steps in the source's order"
        last = max(last, number)
        for other in sorted(plan.ancestors[name] & numbers.keys()):
            if numbers[other] > number:
                yield f"step {name}: after: comes after {other}, against the source's order; take it out"


def _verify_stage(plan: Plan) -> Iterator[str]:
    """S14: a stage verify has a step to answer, a time for it, and goes on to full when nobody answers."""
    if all(trigger.stage == "full" for trigger in plan.trigger):
        return
    answers = [step for step in plan.step if step.stage == "verify"]
    if not answers:
        yield 'trigger: stage = "verify" needs a step with stage = "verify" (S14)'
    for step in answers:
        if step.done_min is None or step.otherwise is None or not step.otherwise.escalate:
            yield f"step {step.id}: a verify step needs done_min and else.escalate = true: no answer escalates (S14)"


def _triggers(plan: Plan) -> Iterator[str]:
    for number, trigger in enumerate(plan.trigger):
        if (trigger.count > 1) != (trigger.within_s is not None):
            yield f"trigger[{number}]: count above 1 and within_s go together; give both or neither"
        for kind in sorted(set(trigger.areas) - set(plan.plan.areas)):
            yield f"trigger[{number}].areas: {kind!r} is not among plan.areas; add it there or take it out"


def _by_step(check: Callable[[Plan, Step], Iterator[str]]) -> Callable[[Plan], Iterator[str]]:
    def each(plan: Plan) -> Iterator[str]:
        for step in plan.step:
            yield from (f"step {step.id}: {problem}" for problem in check(plan, step))

    return each


def _times(_plan: Plan, step: Step) -> Iterator[str]:
    if step.start_min is not None and step.done_min is not None and step.start_min > step.done_min:
        yield "start_min is later than done_min; give the earlier one first"
    if step.mark == "P" and step.verified:
        yield "a proposed step (mark P) is not verified; set verified = false"
    if step.may_skip and step.permissive:
        yield "may_skip: a sensor condition cannot be skipped; take may_skip out (S16)"


def _back(plan: Plan, step: Step) -> Iterator[str]:
    back_to = step.otherwise.back_to if step.otherwise else None
    if back_to is not None and back_to not in plan.ancestors[step.id]:
        yield f"else.back_to: {back_to} is no step before this one; name one that is"


def _sensor(_plan: Plan, step: Step) -> Iterator[str]:
    sensor = step.sensor
    if sensor is None:
        return
    given = {name for name in _PERMISSIVE if getattr(sensor, name) is not None}
    wanted = set(_PERMISSIVE) if sensor.kind == "permissive" else set()
    for name in sorted(wanted - given):
        yield f"sensor: a permissive needs {name} (S16)"
    for name in sorted(given - wanted):
        yield f"sensor: an advisory takes no {name}; it is judged by people"
    if sensor.unit is not None:
        try:
            unit(sensor.unit)
        except UnitError as error:
            yield f"sensor.unit: {error}"


_PERMISSIVE = ("role", "below", "unit", "for_min", "release_by")


def _evidence(_plan: Plan, step: Step) -> Iterator[str]:
    at_release = any(one.at == "release" for one in step.evidence)
    if step.permissive and not at_release:
        yield 'evidence: a release needs evidence at = "release": the readings of portable instruments (S16)'
    if at_release and not step.permissive:
        yield 'evidence: at = "release" belongs to a step with a sensor permissive; use at = "finish"'
    for one in step.evidence:
        if (one.kind == "count") != (one.at_least is not None):
            yield f"evidence {one.id}: count and at_least go together; give both or neither"
        if step.inside and not step.evidence_after and one.kind in IGNITING:
            yield f"evidence {one.id}: a {one.kind} inside the cordon can ignite; set evidence_after = true (S18)"


_CHECKS: tuple[Callable[[Plan], Iterator[str]], ...] = (
    _dangerous_order,
    _source_order,
    _verify_stage,
    _triggers,
    _by_step(_times),
    _by_step(_back),
    _by_step(_sensor),
    _by_step(_evidence),
)
