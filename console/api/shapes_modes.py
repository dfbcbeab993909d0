"""What the API answers with on bump tests and maintenance."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Next, Text, Time, Unit, UnitText
from protocols import bump_test, maintenance

Reason = Annotated[str, Field(min_length=1, max_length=500, description="The reason, for the record.")]


class _Mode(BaseModel):
    """What both have in common."""

    who: Annotated[str, Field(description="Who began it.")]
    why: str
    began_at: Time
    until: Annotated[Time, Field(description="It ends by itself by then, earlier if a clock steps, never later.")]
    ended_at: Time | None
    ended_by: Annotated[str, Field(description="Who ended it; empty where it ended by itself.")]
    ended_why: Annotated[
        str, Field(description="`time`, `restart`, `site-changed`, or what the person said.", examples=["time"])
    ]
    notice: Annotated[Text | None, Field(description="To be shown while it goes on.")]


class BumpTestItem(_Mode):
    """The last bump test of one detector."""

    id: Annotated[str, Field(examples=["demo:gas:0001~methane"])]
    device: str
    device_title: Text
    point: str
    state: Annotated[
        Literal["running", "passed", "failed"],
        Field(description="`passed`: a good value reached `limit`; `failed`: none did before the end."),
    ]
    saw_gas: Annotated[bool, Field(description="A good value reached `limit`; told while the test runs.")]
    limit: Annotated[float, Field(description="Level 1 of the detector, in `unit`; 1 of a flag.")]
    highest: Annotated[float | None, Field(description="The highest good value of the test; null before the first.")]
    unit: Unit
    unit_text: UnitText
    readings: Annotated[int, Field(description="How many were marked, as of when this was last written down.")]


class BumpTests(BaseModel):
    """The last bump test of each detector: those that run first, then the newest."""

    items: list[BumpTestItem]
    next: Next = None


class BumpTestWish(BaseModel):
    """A detector to be put under test."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(max_length=64, examples=["demo:gas:0001"])]
    point: Annotated[
        str, Field(max_length=64, description="Which detector of the device, where it has several.", examples=["co"])
    ] = ""
    for_s: Annotated[float, Field(strict=True, ge=1, le=bump_test.LONGEST_S, description="Seconds, at most 30 min.")]
    why: Reason


class MaintenanceItem(_Mode):
    """The last maintenance of one device or area."""

    id: Annotated[str, Field(examples=["demo:gas:0001~device", "street/hotpot~area"])]
    scope: maintenance.Scope
    target: str
    title: Text
    state: Literal["running", "ended"]
    alarms: Annotated[list[str], Field(description="The diagnostic alarms that it suppresses by design.")]


class MaintenanceList(BaseModel):
    """The last maintenance of each target: those that go on first, then the newest."""

    items: list[MaintenanceItem]
    next: Next = None


class MaintenanceWish(BaseModel):
    """A device or an area whose diagnostic alarms shall be silent."""

    model_config = ConfigDict(extra="forbid")

    scope: maintenance.Scope
    target: Annotated[str, Field(max_length=128, description="Id of the device or of the area.")]
    for_s: Annotated[float, Field(strict=True, ge=1, le=maintenance.LONGEST_S, description="Seconds, at most 8 h.")]
    why: Reason


class ModeEnd(BaseModel):
    """Why it ends before its time."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(max_length=500, description="The reason, for the record.")] = ""
