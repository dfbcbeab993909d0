"""What the API answers with on response plans (预案) and their runs. Built by `console.duty.run_items`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import AreaShape, Next, Text, Time
from operations.answers import TEXT_MAX

RunStateWord = Literal["open", "completed", "closed"]
StageWord = Literal["verify", "full"]
ActionWord = Literal["start", "done", "skip", "release", "back"]
Mark = Annotated[Literal["S", "P"], Field(description="S: a step of the source; P: proposed by this project.")]
Given = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=TEXT_MAX)]],
    Field(max_length=32, description="Texts by the ids of the evidence."),
]
Role = Annotated[
    str,
    Field(
        max_length=64,
        description="The actor of the plan that you are; empty: the one who writes down what others report.",
    ),
]


class PlanItem(BaseModel):
    """A response plan."""

    id: Annotated[str, Field(examples=["restaurant-gas-leak"])]
    version: int
    title: Text
    steps: Annotated[int, Field(description="How many.")]
    verified: bool


class Plans(BaseModel):
    """The response plans."""

    items: list[PlanItem]
    next: Next = None


class OnlyIf(BaseModel):
    """A branch: left out where `evidence` of `step` was answered with something else than one of `one_of`."""

    step: str
    evidence: str
    one_of: list[str]


class Contact(BaseModel):
    """Who is to be reached. Without a phone: it stands on the response card of the area."""

    id: str
    title: Text
    phone: str


class Zone(BaseModel):
    """A circle on the map around the place of the alarm. `step`: whose work draws it."""

    id: str
    title: Text
    radius_m: float
    step: str | None
    verified: bool


class PlanStepItem(BaseModel):
    """A step of a plan. Minutes count from the end of the steps in `after`."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    title: Text
    actor: Text
    stage: StageWord
    mark: Mark
    verified: bool
    after: list[str]
    only_if: OnlyIf | None
    start_min: float | None
    done_min: float | None
    evidence: Text | None
    permissive: Text | None
    else_: Annotated[Text | None, Field(alias="else")]


class PlanDetail(BaseModel):
    """A response plan with its steps."""

    id: str
    version: int
    title: Text
    notice: Text
    areas: list[str]
    drill_allowed: bool
    contacts: list[Contact]
    zones: list[Zone]
    steps: list[PlanStepItem]
    verified: bool


class PlanName(BaseModel):
    """The plan of a run, as it was when the run began."""

    id: str
    title: Text
    version: int


class Trigger(BaseModel):
    """The alarm that opened the run; empty where a person did."""

    alarm: str
    rule: str


class Actor(BaseModel):
    """Who acts; `id` is what a request names as `role`."""

    id: str
    title: Text


class Option(BaseModel):
    """One answer of a `choice`, or one line of a `checklist`."""

    id: str
    title: Text


class EvidenceItem(BaseModel):
    """One thing to write down; `id` is its key in `evidence` of a request. `reading`: a number in `unit`; `time`: RFC
    3339; `choice`: the id of an option; `checklist`: the ids of all of them, separated by spaces."""

    id: str
    kind: str
    title: Text
    at: Literal["release", "finish"]
    at_least: int | None
    unit: str | None
    options: list[Option]
    given: str


class Permissive(BaseModel):
    """The sensor condition of a step. Held alone opens nothing: a person releases the step."""

    text: Text
    state: Annotated[
        Literal["held", "not-held", "unknown", "advisory"],
        Field(description="Of the condition. `unknown`: not judged now. `advisory`: people judge it."),
    ]
    verified: bool
    left_s: Annotated[float, Field(description="How long it still has to hold, seconds.")]
    reasons: Annotated[list[Text], Field(description="What speaks against it.")]
    release_by: Actor | None


class StepItem(BaseModel):
    """One step of a run."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    title: Text
    actor: Text
    state: Literal["waiting", "held", "releasable", "open", "started", "suspended", "done", "skipped"]
    mark: Mark
    verified: bool
    after: list[str]
    opened_at: Time | None
    deadline: Annotated[Time | None, Field(description="The next one; while overdue, the one that was missed.")]
    overdue: bool
    done_at: Time | None
    done_by: str
    why: str
    evidence: Text | None
    evidence_items: list[EvidenceItem]
    evidence_after: Annotated[bool, Field(description="It is written down afterwards, outside the cordon.")]
    inside: Annotated[bool, Field(description="The work is inside the cordon.")]
    permissive: Permissive | None
    else_: Annotated[Text | None, Field(alias="else")]
    actions: Annotated[list[ActionWord], Field(description="What can be done to it now.")]
    roles: Annotated[dict[ActionWord, list[Actor]], Field(description="Who can do it.")]


class CloseNeeds(BaseModel):
    """Who may end the run before its last step, with which evidence."""

    by: list[Actor]
    evidence: list[EvidenceItem]


class LogItem(BaseModel):
    """One thing that happened."""

    at: Time
    step: str
    event: str
    who: str
    role: str
    why: str
    text: Text | None


class RunItem(BaseModel):
    """One run of a plan."""

    id: str
    plan: PlanName
    notice: Annotated[Text, Field(description="The first thing people near the gas are told.")]
    area: AreaShape
    mode: Literal["live", "drill"]
    stage: StageWord
    state: RunStateWord
    opened_at: Time
    closed_at: Time | None
    trigger: Trigger
    steps: list[StepItem]
    close: CloseNeeds
    log: list[LogItem]


class Runs(BaseModel):
    """Runs, the newest first."""

    items: list[RunItem]
    next: Next = None


class RunWish(BaseModel):
    """The start of a run by hand. `area`: one of the site, of a kind that the plan is for."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["live"] = "live"
    area: Annotated[str, Field(min_length=1, max_length=128)]
    stage: Annotated[StageWord, Field(description="A person opens the full stage, unless they say otherwise.")] = "full"
    why: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
    role: Role = ""


class StepWish(BaseModel):
    """What you do to a step."""

    model_config = ConfigDict(extra="forbid")

    action: ActionWord
    why: Annotated[str, Field(max_length=TEXT_MAX)] = ""
    evidence: Given = {}
    role: Role = ""


class CloseWish(BaseModel):
    """The end of a run before its last step, with the reason."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
    evidence: Given = {}
    role: Role = ""
