"""What the API answers with on the duties of a control room."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import AreaShape, Next, Text, Time
from console.api.shapes_duty import OriginWord, PriorityWord, ResponseStep, Why
from console.duties import Level, Verdict

Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S", description="The reason, for the record.")]


class AttendanceItem(BaseModel):
    """Whether somebody sits at the desk."""

    state: Annotated[
        Literal["stood-down", "attended", "asked", "unattended"],
        Field(
            description="`asked`: presence is to be shown again; `unattended`: nobody did, a critical alarm; "
            "`stood-down`: nobody has to sit here."
        ),
    ]
    who: str
    at: Annotated[Time | None, Field(description="When presence was shown last.")]
    sound_at: Annotated[Time | None, Field(description="When the tone of an alarm was heard last.")]
    left_s: Annotated[float | None, Field(description="Seconds until the state changes by itself.")]


class CanaryItem(BaseModel):
    """The test alarm that goes through decoder, rules, journal and desk."""

    state: Annotated[
        Literal["off", "waiting", "heard", "missing"],
        Field(description="`waiting`: none went yet since the start; `missing`: a critical alarm."),
    ]
    seen_at: Time | None
    took_s: Annotated[float | None, Field(description="Seconds from its bytes to the desk and back.")]


class OnDuty(BaseModel):
    """Who took the desk over last."""

    who: str
    since: Time
    hand_over: int


class DutyState(BaseModel):
    """The health strip of the desk."""

    attendance: AttendanceItem
    canary: CanaryItem
    blind: Annotated[int, Field(description="Life-safety points that cannot be relied upon.")]
    watched: Annotated[int, Field(description="Life-safety points of the site.")]
    on_duty: OnDuty | None
    without_verdict: Annotated[int, Field(description="Life-safety alarms that were closed without a verdict.")]


class FigureItem(BaseModel):
    """A time or limit of the desk, and where it comes from."""

    name: Annotated[str, Field(examples=["attendance.ask_after_s"])]
    value: float
    source: list[dict[str, Any]]


class FigureItems(BaseModel):
    """The times and limits of the desk."""

    items: list[FigureItem]
    next: Next = None


class BlindPoint(BaseModel):
    """One life-safety point that cannot be relied upon now."""

    device: str
    device_title: Text
    area: AreaShape
    point: str
    point_title: Text
    reasons: Annotated[
        list[
            Literal[
                "lost",
                "fault",
                "warm-up",
                "under-test",
                "expired",
                "over-range",
                "clock",
                "out-of-service",
                "bypassed",
            ]
        ],
        Field(description="All of them."),
    ]
    quality: Annotated[str | None, Field(description="Of the newest value; null: none was ever heard.")]
    at: Annotated[Time | None, Field(description="Of the newest value.")]
    last_seen: Annotated[Time | None, Field(description="When the device was heard last.")]
    by: Annotated[str, Field(description="Who took it out of service.")]
    why: Annotated[str, Field(description="Why, and what stands in for it.")]
    until: Time | None


class BlindPoints(BaseModel):
    """The blind list. `watched`: how many life-safety points there are."""

    items: list[BlindPoint]
    watched: int
    next: Next = None


class PresenceWish(BaseModel):
    """I am at the desk."""

    model_config = ConfigDict(extra="forbid")

    sound_heard: Annotated[
        bool, Field(strict=True, description="I had the desk play the tone of an alarm, and I heard it.")
    ] = False


class ReasonWish(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    why: Reason


class Phone(BaseModel):
    """Somebody to call."""

    title: Text
    phone: str


class OwnerPhone(Phone):
    """Whom to call on one level."""

    level: Level


class ValveShape(BaseModel):
    """The nearest valve that is closed by hand."""

    place: Text
    photo: Annotated[str, Field(description="Where its picture is kept; empty where there is none.")]
    key: Annotated[Phone | None, Field(description="Who holds the key.")]


class Neighbour(BaseModel):
    """An area wall to wall with it."""

    area: AreaShape
    phones: list[Phone]


class TakeOverItem(BaseModel):
    """One take-over."""

    level: Level
    who: str
    why: str
    at: Time


class OwnerItem(BaseModel):
    """Who owns an alarm now. `level` is null where the site names nobody and nobody took it."""

    alarm: str
    level: Level | None
    level_title: Text | None
    title: Annotated[Text | None, Field(description="Who that is, where the site names them.")]
    phone: str
    taken_over: Annotated[list[TakeOverItem], Field(description="Since it was raised, the newest first.")]


class TakeOverWish(BaseModel):
    """Who shall own the alarm from now on."""

    model_config = ConfigDict(extra="forbid")

    level: Level
    why: Reason


class ResponseCard(BaseModel):
    """What the desk needs at hand for an alarm."""

    alarm: str
    title: Text
    priority: PriorityWord
    origin: OriginWord
    area: AreaShape
    device_title: Text
    response: list[ResponseStep]
    respond_within_s: float | None
    owner: OwnerItem
    phones: Annotated[list[Phone], Field(description="In the order in which they are called.")]
    valve: ValveShape | None
    neighbours: list[Neighbour]
    cameras: Annotated[list[str], Field(description="Ids of the nearest ones.")]
    owners: list[OwnerPhone]
    not_given: Annotated[
        list[Literal["phones", "valve", "neighbours", "cameras", "owners"]],
        Field(description="What the site does not say: that there is none is not known."),
    ]


class VerdictItem(BaseModel):
    """What an alarm turned out to be."""

    alarm: str
    raised_at: Time
    verdict: Verdict
    who: str
    why: str
    at: Time


class VerdictWish(BaseModel):
    """What an alarm turned out to be."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    why: Why = ""


class AlarmIds(BaseModel):
    """Ids of alarms."""

    items: list[str]
    next: Next = None


class BulkWish(BaseModel):
    """Alarms to be acknowledged together. None of them may be of the class life-safety, or critical."""

    model_config = ConfigDict(extra="forbid")

    alarms: Annotated[list[Annotated[str, Field(max_length=160)]], Field(min_length=1, max_length=1000)]
    why: Reason


class BulkOutcome(BaseModel):
    """What became of one of them. `pending`: the gateway did not answer in time."""

    alarm: str
    status: Literal["done", "pending", "refused"]
    detail: str
    detail_zh: str


class BulkOutcomes(BaseModel):
    """In the order of the request."""

    items: list[BulkOutcome]
    next: Next = None
