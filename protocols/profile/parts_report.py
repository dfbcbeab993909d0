"""Which readings of a point are stored: the report strategy."""

from typing import Annotated

from pydantic import Field

from protocols.document import Strict

Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]


class ReportPart(Strict):
    """When a value of the point is a reason to store its reading: when it differs from the value stored last.

    A number differs by more than ``deadband`` (in the point's unit) and more than ``deadband_percent`` of the span of
    its ``range`` (as OPC UA Part 8, 6.2); what is no number differs when it is another. Not sooner than
    ``min_interval_s`` after the last one stored, and always ``max_interval_s`` after it. ``quiet_below``: a
    life-safety number that is this or more, or was, is always stored. ``every``: each value is a reason, as without
    this part.
    """

    every: bool = False
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    deadband_percent: Annotated[float, Field(ge=0, lt=100)] = 0.0
    min_interval_s: Seconds = 0.0
    max_interval_s: Annotated[Seconds, Field(gt=0)] = 60.0
    quiet_below: Annotated[float, Field(allow_inf_nan=False)] | None = None
