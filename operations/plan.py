"""Plan (预案): who does what, in which order, within which time, on which evidence. Plans are data.

This is the shape of a file in `plans/`, strict: unknown keys are refused, and there is no key that could hold an
expression. What the shape cannot say (order, references, the rules S14, S16 and S18) is in `operations.checks`.
Minutes count from the moment all of ``after`` are finished.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from protocols.document import Source, Strict, Text

Stage = Literal["verify", "full"]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
StepId = Annotated[str, Field(pattern=r"^[A-Z]{1,2}[0-9]{1,2}[a-z]?[0-9]?$")]
RuleId = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,4}-[0-9]{1,2}[a-z]?$")]
Minutes = Annotated[float, Field(gt=0, le=60 * 24 * 31)]

EvidenceKind = Literal[
    "text", "count", "reading", "time", "choice", "checklist", "signature", "call", "photo", "scan", "place"
]
Labour = Literal[
    "verify", "evacuate", "isolate", "control-ignition", "ventilate", "measure", "repair", "tightness-test", "restore"
]
"""What a step does, where the order of such steps is a matter of life (`operations.checks.NEEDS_BEFORE`)."""


class Actor(Strict):
    """Who acts. ``recorder``: writes down what others report by phone or radio (start, finish, skip), but never
    releases for them."""

    id: Slug
    title: Text
    recorder: bool = False


class Option(Strict):
    """One answer of a ``choice``, or one line of a ``checklist``."""

    id: Key
    title: Text


class Evidence(Strict):
    """One thing to be written down. ``at``: needed to release the step or to finish it. ``after_rules``: needed only
    where an alarm of these rules belongs to the run.

    ``count`` is a whole number of at least ``at_least``; ``reading`` a number in the UCUM ``unit``; ``time`` is RFC
    3339 with its zone and not in the future; ``choice`` is the id of one of ``options``; ``checklist`` the ids of all
    of them, separated by spaces: each line is ticked or the step is not done. The rest are texts.
    """

    id: Key
    kind: EvidenceKind = "text"
    title: Text
    at: Literal["release", "finish"] = "finish"
    at_least: Annotated[int, Field(ge=1)] | None = None
    unit: str | None = None
    options: tuple[Option, ...] = ()
    after_rules: tuple[RuleId, ...] = ()


class Sensor(Strict):
    """What fixed detectors have to say. ``advisory``: a text that people judge. ``permissive`` (S16): every in-service
    detector of ``role`` or of one of ``also_roles`` (and of ``species``) in the area is GOOD, fresh, not latched over
    range and below ``below`` (in ``unit``) for ``for_min`` minutes without a break; then, and only then, ``release_by``
    may release the step."""

    kind: Literal["advisory", "permissive"]
    text: Text
    role: str | None = None
    also_roles: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    below: float | None = None
    unit: str | None = None
    for_min: Annotated[float, Field(gt=0)] | None = None
    release_by: Slug | None = None
    verified: bool = False


class Else(Strict):
    """What follows a missed deadline or a lost condition, as a text. ``escalate``: the run goes to stage full (S14).
    ``skip``: a step that nobody began is skipped at its ``done_min``, with the text as the reason, so that the steps
    after it open. ``back_to``: the step that is opened again when the condition is lost or a person sends back."""

    text: Text
    escalate: bool = False
    skip: bool = False
    back_to: StepId | None = None


class OnlyIf(Strict):
    """A branch: the step is left out where the ``choice`` ``evidence`` of ``step`` was answered with something else
    than one of ``one_of``. Where it was not answered at all (its step was skipped) the step is to be done."""

    step: StepId
    evidence: Key
    one_of: Annotated[tuple[Key, ...], Field(min_length=1)]


class Step(Strict):
    """One step. ``by``: the actors who may do it. ``start_min``, ``done_min``: deadlines for its two parts. It opens
    when all of ``after`` are done or skipped: steps with the same ``after`` go on in parallel, several are a join.

    ``inside``: the work is inside the cordon. ``evidence_after``: it is written down afterwards, outside (S18).
    ``may_skip``: a person may skip it with a reason. ``stage``: ``verify`` steps are skipped in stage full.
    ``drill = said``: in a drill it is said and not done. ``mark``: S (in the source) or P (proposed by us).
    """

    id: StepId
    title: Text
    by: Annotated[tuple[Slug, ...], Field(min_length=1)]
    after: tuple[StepId, ...] = ()
    only_if: OnlyIf | None = None
    stage: Stage = "full"
    does: Labour | None = None
    start_min: Minutes | None = None
    done_min: Minutes | None = None
    start_title: Text | None = None
    done_title: Text | None = None
    evidence: tuple[Evidence, ...] = ()
    inside: bool = False
    evidence_after: bool = False
    sensor: Sensor | None = None
    otherwise: Annotated[Else | None, Field(alias="else")] = None
    may_skip: bool = False
    drill: Literal["done", "said"] = "done"
    mark: Literal["S", "P"]
    verified: bool

    @property
    def permissive(self) -> Sensor | None:
        """The sensor condition, where it is one that the engine judges."""
        return self.sensor if self.sensor is not None and self.sensor.kind == "permissive" else None


class Trigger(Strict):
    """A raised alarm of one of ``rules`` opens the plan in ``stage``, or takes a running one there.

    ``areas``: only in areas of these kinds (empty: all of the plan's). ``count``: only when so many devices of the
    area raised it within ``within_s`` of each other, or have it standing together.
    """

    rules: Annotated[tuple[RuleId, ...], Field(min_length=1)]
    stage: Stage
    areas: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1, le=10)] = 1
    within_s: Annotated[float, Field(gt=0)] | None = None


class Contact(Strict):
    """Who is to be reached. ``phone``: a number that is the same everywhere; empty: it stands on the response card of
    the area. ``actor``: whom of the plan one reaches there."""

    id: Slug
    title: Text
    phone: Annotated[str, Field(pattern=r"^[0-9+ -]{0,32}$")] = ""
    actor: Slug | None = None


class Zone(Strict):
    """A circle on the map around the place of the alarm. ``step``: whose work draws it."""

    id: Slug
    title: Text
    radius_m: Annotated[float, Field(gt=0, le=20_000)]
    step: StepId | None = None
    verified: bool


class Head(Strict):
    """``areas``: kinds of area the plan is for. ``notice``: the first thing people near the gas are told (S18).

    ``drill_allowed``: whether the plan may be played as a drill; a plan for homes may not. ``over_range_rules``: alarms
    that latch a detector until it was calibrated on site. ``close_by``: who may end a run before its last step, with
    the evidence in ``close`` (S17).
    """

    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: Text
    notice: Text
    areas: Annotated[tuple[str, ...], Field(min_length=1)]
    drill_allowed: bool = True
    over_range_rules: tuple[RuleId, ...] = ()
    close_by: Annotated[tuple[Slug, ...], Field(min_length=1)]
    close: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class Plan(Strict):
    """A whole plan file."""

    plan: Head
    actor: Annotated[tuple[Actor, ...], Field(min_length=1)]
    contact: tuple[Contact, ...] = ()
    zone: tuple[Zone, ...] = ()
    trigger: tuple[Trigger, ...] = ()
    step: Annotated[tuple[Step, ...], Field(min_length=1)]
    source: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def id(self) -> str:
        """The id of the plan."""
        return self.plan.id

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """Its steps by id, in the order of the file."""
        return {step.id: step for step in self.step}

    @cached_property
    def actors(self) -> Mapping[str, Actor]:
        """Its actors by id."""
        return {actor.id: actor for actor in self.actor}

    @cached_property
    def ancestors(self) -> Mapping[str, frozenset[str]]:
        """For each step all steps that must be finished before it opens. The plan is acyclic (`operations.checks`)."""
        known: dict[str, frozenset[str]] = {}

        def before(step: str) -> frozenset[str]:
            if step not in known:
                direct = self.steps[step].after
                known[step] = frozenset(direct).union(*(before(one) for one in direct))
            return known[step]

        return {step: before(step) for step in self.steps}

    @property
    def permissives(self) -> tuple[Sensor, ...]:
        """Every sensor condition that the engine judges."""
        return tuple(step.permissive for step in self.step if step.permissive is not None)
