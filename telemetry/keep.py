"""For how long telemetry is kept."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kept = Annotated[int, Field(ge=1, le=36_600)] | None
"""Days; ``None``: for ever."""


class Keep(BaseModel):
    """Days of each class: raw values, 1-minute roll-ups, 1-hour roll-ups. Only days on which something was received
    count: one that a clock jumped to is one of them, and a plant shut down for months removes nothing by it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    raw_days: Kept = 90
    minute_days: Kept = 730
    hour_days: Kept = None

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Self:
        days = [float("inf") if one is None else one for one in (self.raw_days, self.minute_days, self.hour_days)]
        if days != sorted(days):
            raise ValueError("a coarser class must be kept at least as long: raw_days <= minute_days <= hour_days")
        return self


FOR_EVER = Keep(raw_days=None, minute_days=None, hour_days=None)
