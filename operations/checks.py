"""What the shape of a plan cannot say: references, order, and the safety rules S14, S16 and S18."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    tables = {
        "step": [one.id for one in plan.step],
        "actor": [one.id for one in plan.actor],
        "contact": [one.id for one in plan.contact],
        "zone": [one.id for one in plan.zone],
    }
    for what, names in tables.items():
        yield from (f"{what} {name}: the id stands twice; rename one" for name in _twice(names))
    for step in plan.step:
        for name in _twice([one.id for one in step.evidence]):
            yield f"step {step.id}: evidence {name}: the id stands twice; rename one"
        for item in step.evidence:
            for name in _twice([one.id for one in item.options]):
                yield f"step {step.id}: evidence {item.id}: option {name}: the id stands twice; rename one"


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _references(plan: Plan) -> Iterator[str]:
    """Every name that leads nowhere."""
    for key, name in _actors_named(plan):
        if name not in plan.actors:
            yield f"{key}: {name!r} is no actor of the plan; add it or name another"
    for key, name in _steps_named(plan):
        if name not in plan.steps:
            yield f"{key}: there is no step {name!r}; name an existing one"


def _actors_named(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from (("plan.close_by", name) for name in plan.plan.close_by)
    yield from ((f"contact {one.id}: actor", one.actor) for one in plan.contact if one.actor)
    for step in plan.step:
        yield from ((f"step {step.id}: by", name) for name in step.by)
        if step.sensor and step.sensor.release_by:
            yield f"step {step.id}: sensor.release_by", step.sensor.release_by


def _steps_named(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from ((f"zone {one.id}: step", one.step) for one in plan.zone if one.step)
    for step in plan.step:
        yield from ((f"step {step.id}: after", name) for name in step.after)
        if step.only_if:
            yield f"step {step.id}: only_if.step", step.only_if.step
        if step.otherwise and step.otherwise.back_to:
            yield f"step {step.id}: else.back_to", step.otherwise.back_to


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
            if one.does not in NEEDS_BEFORE.get(step.does or "verify", ()):
                continue
            for key, is_set in (("may_skip", one.may_skip), ("only_if", one.only_if is not None)):
                if is_set:
                    yield f'step {one.id}: {key}: {step.id} does "{step.does}" and needs it done; take {key} out'


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


def _homes(plan: Plan) -> Iterator[str]:
    if "home-kitchen" in plan.plan.areas and plan.plan.drill_allowed:
        yield "plan.drill_allowed: a plan for homes is never played in one; set drill_allowed = false"


def _branch(plan: Plan, step: Step) -> Iterator[str]:
    """Who leaves a step out by an answer must not be able to leave out what others depend on with their lives."""
    branch = step.only_if
    if branch is None:
        return
    asked = plan.steps[branch.step]
    item = next((one for one in asked.evidence if one.id == branch.evidence), None)
    if branch.step not in plan.ancestors[step.id]:
        yield f"only_if.step: {branch.step} is no step before this one; name one that is"
    if item is None or item.kind != "choice" or item.after_rules:
        yield f'only_if.evidence: {branch.step} always asks for no {branch.evidence!r} of kind "choice"; name one'
    else:
        for name in sorted(set(branch.one_of) - {one.id for one in item.options}):
            yield f"only_if.one_of: {name!r} is no option of {branch.step}.{branch.evidence}; name one that is"
    for one in plan.step:
        target = one.otherwise.back_to if one.otherwise else None
        if target is not None and target in (branch.step, *plan.ancestors[branch.step]):
            yield f"only_if.step: {one.id} goes back to {target}, which takes the answer back; ask before that"
    if step.stage == "verify" or step.permissive:
        yield "only_if: a verify step or a sensor condition cannot be left out; take only_if out (S14, S16)"


def _skipped(_plan: Plan, step: Step) -> Iterator[str]:
    otherwise = step.otherwise
    if otherwise is None or not otherwise.skip:
        return
    if step.done_min is None:
        yield "else.skip: nothing is missed without a time; give done_min"
    if not step.may_skip:
        yield "else.skip: what time skips, a person may skip; set may_skip = true"
    if step.stage == "verify":
        yield "else.skip: no answer to a verify step escalates; use escalate = true (S14)"
    if otherwise.back_to is not None or otherwise.escalate:
        yield "else.skip: goes with neither back_to nor escalate; give one of them"


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
    if sensor.also_roles and sensor.kind != "permissive":
        yield "sensor: an advisory takes no also_roles; it is judged by people"
    yield from (f"sensor.unit: {problem}" for problem in _unit(sensor.unit))


def _unit(word: str | None) -> Iterator[str]:
    if word is None:
        return
    try:
        unit(word)
    except UnitError as error:
        yield str(error)


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
        if (one.kind == "reading") != (one.unit is not None):
            yield f"evidence {one.id}: reading and unit go together; give both or neither"
        yield from (f"evidence {one.id}: unit: {problem}" for problem in _unit(one.unit))
        least = {"choice": 2, "checklist": 1}.get(one.kind, 0)
        if len(one.options) < least or (one.options and not least):
            yield f"evidence {one.id}: a {one.kind} has {f'at least {least} options' if least else 'no options'}"
        if step.inside and not step.evidence_after and one.kind in IGNITING:
            yield f"evidence {one.id}: a {one.kind} inside the cordon can ignite; set evidence_after = true (S18)"


_CHECKS: tuple[Callable[[Plan], Iterator[str]], ...] = (
    _dangerous_order,
    _source_order,
    _verify_stage,
    _triggers,
    _homes,
    _by_step(_times),
    _by_step(_branch),
    _by_step(_skipped),
    _by_step(_back),
    _by_step(_sensor),
    _by_step(_evidence),
)
