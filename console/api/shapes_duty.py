"""What the API answers with on the duty desk: alarms, interlocks, plans, runs, the demo.

The boards of `console.duty` build items as plain mappings, which the event stream sends as they are; these shapes
describe and check the same items for HTTP.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alarms.actions import LONGEST_OUT_OF_SERVICE_S
from console.api.shapes import AreaShape, Next, QualityField, Text, Time, Unit, UnitText

OriginWord = Literal["live", "drill", "simulated"]
AlarmStateWord = Literal[
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned-unacknowledged",
    "latched-unacknowledged",
    "latched-acknowledged",
    "shelved",
    "suppressed-by-design",
    "out-of-service",
]
PriorityWord = Literal["critical", "high", "medium", "low"]
Verb = Literal["acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress", "out-of-service", "in-service"]
Why = Annotated[str, Field(max_length=500, description="The reason, for the record.")]


class Pending(BaseModel):
    """The gateway did not answer within 2 s. It may still do it; what it does comes as an event."""

    status: Literal["pending"] = "pending"


class ResponseStep(Text):
    """One thing to do now."""

    id: Annotated[str, Field(examples=["R3"])]


class BlindDeviceItem(BaseModel):
    """A device that cannot be seen because its connection is down."""

    device: str
    device_title: Text
    area: AreaShape
    points: Annotated[list[str], Field(description="Its life-safety points.")]
    singly: Annotated[
        list[Literal["alarm", "level", "rising", "over-range", "warm-up", "plan"]],
        Field(description="Why it is announced by itself; empty: the alarm of the connection speaks for it."),
    ]


class BlindDevices(BaseModel):
    """All that a connection that is down makes blind."""

    items: list[BlindDeviceItem]
    next: Next = None


class AlarmItem(BaseModel):
    """One alarm: a rule at a device, whatever its state."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[str, Field(examples=["demo:gas:0001~CK-04"])]
    device: str
    device_title: Text
    area: AreaShape
    point: str
    point_title: Text
    rule: Annotated[str, Field(examples=["CK-04"])]
    title: Text
    state: AlarmStateWord
    active: Annotated[bool, Field(description="The process condition; of a silenced alarm, as it was then.")]
    priority: PriorityWord
    class_: Annotated[Literal["life-safety", "process", "diagnostic"], Field(alias="class")]
    level: Literal[1, 2, 3] | None
    origin: OriginWord
    value: Annotated[float | None, Field(description="In `unit`, at the last change; null: no usable number.")]
    unit: Unit
    unit_text: UnitText
    quality: QualityField
    raised_at: Time | None
    changed_at: Time | None
    sampled_at: Annotated[Time | None, Field(description="Source time of the reading behind the last change.")]
    late: Annotated[bool, Field(description="The reading that raised it was too old to act on.")]
    acknowledged_by: str
    acknowledged_at: Time | None
    silence_until: Annotated[Time | None, Field(description="End of shelving or out-of-service.")]
    silenced_by: str
    silenced_why: str
    cause: Text
    consequence: Text
    response: list[ResponseStep]
    respond_within_s: Annotated[float | None, Field(description="Seconds; null where the rule is gone.")]
    verified: Annotated[bool, Field(description="Every figure was checked in its standard.")]
    reset_needs: Annotated[Literal["role", "on-site-calibration"], Field(description="Besides acknowledgement.")]
    orphan: Annotated[bool, Field(description="No rule judges it any more; a person has to settle it.")]
    actions: Annotated[list[Verb], Field(description="What the state allows now; the gateway decides.")]
    blind_points: Annotated[
        int,
        Field(description="Of a connection that is down: its life-safety points; which, tells `/alarms/{id}/blind`."),
    ]
    announced_with: Annotated[
        str | None,
        Field(description="The alarm of a connection that speaks for this one; null: it is announced by itself."),
    ]


class Alarms(BaseModel):
    """Alarms, critical ones first, then the newest."""

    items: list[AlarmItem]
    next: Next = None


class TransitionItem(BaseModel):
    """One change of one alarm."""

    alarm: str
    event: Annotated[str, Field(examples=["raise", "return-latched", "acknowledge"])]
    before: AlarmStateWord
    after: AlarmStateWord
    at: Time
    value: float | None
    unit: Unit
    unit_text: UnitText
    quality: QualityField
    who: str
    why: str
    late: bool


class Transitions(BaseModel):
    """Changes, the newest first; the last 1000 are kept at hand."""

    items: list[TransitionItem]
    next: Next = None


class AlarmAct(BaseModel):
    """What an action needs: shelving and out-of-service a reason and an end, a life-safety point out of service a
    compensating measure, some resets a person on site."""

    model_config = ConfigDict(extra="forbid")

    why: Why = ""
    for_s: Annotated[
        float | None,
        Field(strict=True, ge=1, le=LONGEST_OUT_OF_SERVICE_S, description="Seconds; shelving at most 8 h."),
    ] = None
    measure: Annotated[str, Field(max_length=500, description="The compensating measure.")] = ""
    on_site: Annotated[
        bool, Field(strict=True, description="I stand at the detector; its zero and calibration are checked.")
    ] = False


class CauseItem(BaseModel):
    """A cause that tripped; `found-closed`: a valve was found closed."""

    id: str
    title: Text
    at: Time


class FirstOut(BaseModel):
    """The cause that was seen first."""

    id: str
    title: Text


class EffectItem(BaseModel):
    """One effect on one final element. `shadow`: would have been done. `held`: a person decides, or is asked.

    `expect`: what an observed station must do by itself; `effect` is the role of the point that shows it.
    """

    cause: str
    effect: str
    action: Literal[
        "close-valve",
        "close-upstream-valve",
        "start-fan",
        "hold-fan",
        "inhibit-fan",
        "stop-intake",
        "ask-person",
        "ask-evacuation",
        "expect",
    ]
    device: Annotated[str | None, Field(description="null: there is no such final element.")]
    device_title: Text | None
    status: Literal["waiting", "issued", "done", "failed", "held", "absent", "shadow"]
    reason: list[str]


class InterlockItem(BaseModel):
    """One cause-and-effect matrix in one zone."""

    id: Annotated[str, Field(examples=["street/hotpot~restaurant-kitchen"])]
    area: AreaShape
    matrix: str
    title: Text
    mode: Literal["act", "observe"]
    origin: OriginWord
    state: Literal["unknown", "armed", "tripped"]
    tripped_at: Time | None
    first_out: FirstOut | None
    causes: Annotated[list[CauseItem], Field(description="In the order seen.")]
    effects: list[EffectItem]
    closed: Annotated[list[str], Field(description="Devices whose valve is known to be closed.")]
    reset_after_s: Annotated[
        float | None, Field(description="How long every cause must have been gone, seconds; null: unknown.")
    ]
    verified: bool


class Interlocks(BaseModel):
    """Interlocks, tripped ones first."""

    items: list[InterlockItem]
    next: Next = None


class InterlockReset(BaseModel):
    """A reset moves nothing: a closed valve stays closed until a person opens it at the board."""

    model_config = ConfigDict(extra="forbid")

    on_site: Annotated[bool, Field(strict=True, description="I am on site.")]
    why: Why = ""


class BoardItem(BaseModel):
    """A board of the demo. `gas`: it measures gas; `valve`: it has a shut-off valve."""

    device: str
    title: Text
    gas: bool
    valve: bool


class Boards(BaseModel):
    """The boards of the demo."""

    boards: list[BoardItem]


class DemoWish(BaseModel):
    """Which board; without: the first gas alarm."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str | None, Field(max_length=64)] = None


class LeakWish(DemoWish):
    """A leak. `slow`: level 1 first, level 2 some seconds later."""

    slow: Annotated[bool, Field(strict=True)] = False
