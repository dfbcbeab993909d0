"""What the API answers with on bypasses and proof tests."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import AreaShape, Next, Text, Time
from console.api.shapes_modes import Reason
from protocols import bypass

Measure = Annotated[
    str,
    Field(min_length=1, max_length=500, description="What watches there meanwhile.", examples=["wang, instrument 7"]),
]


class NamedItem(BaseModel):
    """A cause or a device, with its name."""

    id: str
    title: Text


class BypassItem(BaseModel):
    """The last bypass of an area."""

    id: Annotated[str, Field(description="The area.", examples=["street/hotpot"])]
    area: AreaShape
    interlock: Annotated[str, Field(examples=["street/hotpot~restaurant-kitchen"])]
    cause: NamedItem
    devices: Annotated[list[NamedItem], Field(description="The detectors at which the cause does not trip.")]
    state: Annotated[
        Literal["requested", "active", "ended", "lapsed"],
        Field(description="`requested`: nothing is bypassed yet; `lapsed`: nobody confirmed it, or it was taken back."),
    ]
    for_s: Annotated[float, Field(description="How long it lasts once it is confirmed, seconds.")]
    who: Annotated[str, Field(description="Who asked for it.")]
    why: str
    measure: Measure
    asked_at: Time
    confirm_until: Time
    confirmed_by: Annotated[str, Field(description="Another person; empty before.")]
    began_at: Time | None
    until: Annotated[
        Time | None, Field(description="It ends by itself by then, earlier if a clock steps, never later.")
    ]
    ended_at: Time | None
    ended_by: Annotated[str, Field(description="Who ended it; empty where it ended by itself.")]
    ended_why: Annotated[
        str, Field(description="`time`, `restart`, `site-changed`, or what the person said.", examples=["time"])
    ]
    notice: Annotated[Text | None, Field(description="To be shown until it is over.")]


class Bypasses(BaseModel):
    """The last bypass of each area: those that are active or wait first, then the newest."""

    items: list[BypassItem]
    next: Next = None


class BypassWish(BaseModel):
    """What shall not trip: one cause of an interlock, at these detectors."""

    model_config = ConfigDict(extra="forbid")

    interlock: Annotated[str, Field(max_length=160, examples=["street/hotpot~restaurant-kitchen"])]
    cause: Annotated[str, Field(max_length=16, pattern=r"^[A-Z0-9-]+$", examples=["RK-1"])]
    devices: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["demo:gas:0001"])]],
        Field(min_length=1, max_length=16),
    ]
    for_s: Annotated[float, Field(strict=True, ge=1, le=bypass.LONGEST_S, description="Seconds, at most 8 h.")]
    why: Reason
    measure: Measure


class BypassConfirm(BaseModel):
    """What is confirmed, said again, so that nobody confirms what was asked for meanwhile."""

    model_config = ConfigDict(extra="forbid")

    cause: Annotated[str, Field(max_length=16, examples=["RK-1"])]
    for_s: Annotated[float, Field(strict=True, ge=1, le=bypass.LONGEST_S)]


class ProofTestResult(BaseModel):
    """The last proof test of a valve."""

    state: Annotated[
        Literal["begun", "moving", "passed", "failed", "interrupted"],
        Field(description="`interrupted`: nobody knows; it counts as no test."),
    ]
    who: Annotated[str, Field(description="Who began it.")]
    why: str
    on_site: Annotated[str, Field(description="Who stood there.")]
    command: str
    began_at: Time
    ended_at: Time | None
    took_s: Annotated[float | None, Field(description="Until it was read back closed; null where it was not.")]
    within_s: Annotated[float, Field(description="How long it may take.")]
    detail: Annotated[str, Field(description="Why it did not pass.")]


class ProofTestItem(BaseModel):
    """A valve that has to be proved."""

    id: Annotated[str, Field(examples=["demo:gas:0001~valve"])]
    device: str
    device_title: Text
    area: AreaShape
    point: str
    point_title: Text
    due_at: Time
    due_in_days: Annotated[int, Field(description="Whole days left; negative: it is overdue.")]
    overdue: bool
    every_days: Annotated[float, Field(description="How long a proof holds.")]
    passed_at: Annotated[Time | None, Field(description="When it last passed; null: never.")]
    last: ProofTestResult | None


class ProofTests(BaseModel):
    """The valves that have to be proved: those that are due first."""

    items: list[ProofTestItem]
    next: Next = None


class ProofTestWish(BaseModel):
    """A valve that shall be closed to see that it closes."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(max_length=64, examples=["demo:gas:0001"])]
    appliances_off: Annotated[
        Literal[True], Field(description="Confirmed on site: every appliance behind the valve is off.")
    ]
    on_site: Annotated[
        str, Field(min_length=1, max_length=200, description="Who stands there.", examples=["wang, 138"])
    ]
    why: Reason
