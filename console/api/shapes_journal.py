"""What the API answers with on the journal: its room, and the stores that it feeds."""

from typing import Annotated

from pydantic import BaseModel, Field

from console.api.shapes import Time


class Segments(BaseModel):
    """The files of the journal."""

    count: int
    oldest_begun_at: Time


class Forgotten(BaseModel):
    """Since when a store is not waited for, and who decided it."""

    since: Time
    by: Annotated[str, Field(examples=["li"])]
    untaken: Annotated[int, Field(description="Entries that the store had not taken then.")]


class Missing(BaseModel):
    """What was removed before the store had taken it."""

    entries: int
    first_at: Annotated[Time, Field(description="The least of their times.")]
    last_at: Annotated[Time, Field(description="The greatest of their times.")]
    told_at: Annotated[Time | None, Field(description="When the store read on behind them; null: it has not yet.")]


class JournalConsumer(BaseModel):
    """One store that the journal feeds."""

    name: Annotated[str, Field(examples=["influxdb"])]
    lag: Annotated[int, Field(description="Entries that it has not taken yet, of those that are still there.")]
    problem: Annotated[str | None, Field(description="Why it takes no data; null while it does.")]
    forgotten: Annotated[Forgotten | None, Field(description="null: what it has not taken is kept for it.")]
    missing: Annotated[Missing | None, Field(description="The newest gap; null: it has missed nothing.")]


class JournalStatus(BaseModel):
    """The journal: bulk telemetry is refused to the devices when `used_bytes` reaches `max_bytes`."""

    used_bytes: int
    max_bytes: int
    segments: Segments
    consumers: list[JournalConsumer]
