"""What the API answers with on commands to devices."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Next, Text, Time
from console.api.shapes_duty import OriginWord, Why

StatusWord = Literal[
    "waiting", "issued", "sent", "unsent", "failed", "confirmed", "given-up", "cancelled", "expired", "refused"
]
PriorityWord = Literal["urgent", "normal", "low"]


class CommandItem(BaseModel):
    """One command to a device, and the last that is known of it."""

    id: str
    device: str
    device_title: Text
    name: Annotated[str, Field(examples=["self-test"])]
    title: Text
    final_element: Annotated[bool, Field(description="It moves a valve or fan to its safe side.")]
    status: StatusWord
    at: Annotated[Time, Field(description="Since when the status is so.")]
    is_over: Annotated[bool, Field(description="Nothing more will come of it.")]
    detail: str
    attempts: int
    origin: OriginWord
    cause: Annotated[
        str, Field(examples=["person/duty", "trip/street/hotpot~restaurant-kitchen", "proof-test/gas:1~valve"])
    ]
    who: Annotated[str, Field(description="Who asked; empty for a trip or a proof test.")]
    why: str
    priority: Literal["trip", "urgent", "normal", "low"]
    issued_at: Time
    expires_at: Time
    may_cancel: Annotated[bool, Field(description="It waits, and can be taken back.")]


class Commands(BaseModel):
    """The last commands of a device, the newest first; of those that are over, 20 are kept."""

    items: list[CommandItem]
    next: Next = None


class CommandWish(BaseModel):
    """What a device shall be told: a command that its profile declares."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=32, examples=["self-test"])]
    priority: PriorityWord = "normal"
    expires_s: Annotated[
        float, Field(ge=1, le=300, strict=True, description="It is not sent any more after so many seconds.")
    ] = 60.0
    why: Annotated[Why, Field(description="The reason, for the record; needed for a final element.")] = ""


class CommandTaken(BaseModel):
    """`waiting`: the gateway has it. `pending`: the gateway has not answered yet; it may still take it."""

    id: str
    status: Literal["waiting", "pending"]


class CommandCancel(BaseModel):
    """Why it is taken back."""

    model_config = ConfigDict(extra="forbid")

    why: Why = ""
