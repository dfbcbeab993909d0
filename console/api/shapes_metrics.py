"""What the API answers with on alarm metrics."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from alarms.metrics.figures import NumberName
from console.api.shapes import Text, Time, Unit
from console.api.shapes_duty import OriginWord, PriorityWord


class FigureSource(BaseModel):
    """Where a figure comes from; one that was not checked in its standard is not `verified`."""

    what: str
    source: str
    edition: str
    verified: bool


class TargetShape(BaseModel):
    """What a number should be, in its unit; per operating position, and a site counts as one."""

    compare: Annotated[
        Literal["at-most", "below", "about"], Field(description="`about`: for orientation, never judged.")
    ]
    limit: float
    source: list[FigureSource]
    verified: bool


class NumberItem(BaseModel):
    """One number beside its target."""

    name: NumberName
    value: Annotated[float | None, Field(description="In `unit`; null: nothing to make it of.")]
    unit: Unit
    target: Annotated[TargetShape | None, Field(description="null: the standards set none.")]
    met: Annotated[bool | None, Field(description="null: not judged.")]


class OftenItem(BaseModel):
    """An alarm that is announced often."""

    alarm: Annotated[str, Field(examples=["demo:gas:0001~CK-04"])]
    rule: str
    title: Text
    device: str
    device_title: Text
    count: int
    share: Annotated[float, Field(description="Of all announcements of the set, %.")]


class StaleItem(BaseModel):
    """An alarm that has been standing for long."""

    alarm: Annotated[str, Field(examples=["demo:gas:0001~CK-04"])]
    rule: str
    title: Text
    device: str
    device_title: Text
    priority: PriorityWord
    raised_at: Time


class PriorityItem(BaseModel):
    """How the alarms of one priority are among the others."""

    priority: PriorityWord
    announced: int
    share: Annotated[float | None, Field(description="Of all announcements of the set, %; null: there were none.")]
    standing: int


class MetricsSet(BaseModel):
    """What was measured of a set of alarms."""

    numbers: list[NumberItem]
    priorities: list[PriorityItem]
    top: Annotated[list[OftenItem], Field(description="The ten most frequent.")]
    chattering: Annotated[list[OftenItem], Field(description="The most frequent first; 100 at the most.")]
    stale: Annotated[list[StaleItem], Field(description="The oldest first; 100 at the most.")]


class Definitions(BaseModel):
    """What is counted, in words of numbers: seconds, and announcements in 10 minutes."""

    flood_begins_above: int
    flood_ends_below: int
    chattering_times: int
    chattering_within_s: float
    fleeting_within_s: float
    stale_after_s: float
    source: list[FigureSource]


class AlarmMetricsShape(BaseModel):
    """Alarm metrics of a time, of live alarms unless another origin was asked for."""

    start: Annotated[Time, Field(alias="from", description="As asked for.")]
    end: Annotated[Time, Field(alias="to", description="Not later than now; not included.")]
    measured_from: Annotated[Time, Field(description="Later than `from` where the journal begins later.")]
    complete: Annotated[bool, Field(description="The journal has all of that time, and all of it could be read.")]
    unread: Annotated[int, Field(description="Entries that this release cannot read.")]
    origin: OriginWord
    everything: MetricsSet
    without_diagnostics: Annotated[MetricsSet, Field(description="Without alarms of the class `diagnostic`.")]
    definitions: Definitions
