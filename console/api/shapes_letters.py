"""What the API answers with on dead letters, and what a person asks of them."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.api.shapes import Next, Time

Store = Annotated[str, Field(max_length=32, examples=["influxdb"])]


class LetterItem(BaseModel):
    """Data that a store did not take."""

    id: Annotated[int, Field(description="Of the store; never given twice.")]
    store: Store
    partition: Annotated[int | None, Field(description="Of the journal; null: it was not written down.")]
    position: Annotated[int | None, Field(description="In the journal.")]
    reason: Annotated[str, Field(description="Of the last try.", examples=["the device is not registered"])]
    kind: Annotated[str, Field(description="`line`: refused by the server; else the kind of the journal's entry.")]
    at: Annotated[Time | None, Field(description="When it was set aside, or refused again; null: not written down.")]
    device: Annotated[str | None, Field(description="Whose it is, where that can be told.")]
    sampled_at: Annotated[Time | None, Field(description="The time of the data, where that can be told.")]
    size: Annotated[int, Field(description="Bytes; `text` and `hex` hold at most the first 2048.")]
    text: Annotated[str | None, Field(description="A line as it was sent.")]
    hex: Annotated[str | None, Field(description="Any other data.")]


class LetterCount(BaseModel):
    """How many letters a store has set aside."""

    store: Store
    count: int
    dropped: Annotated[int, Field(description="Refused while there was no room; only counted, since the beginning.")]


class Letters(BaseModel):
    """Dead letters, oldest first within their store."""

    items: list[LetterItem]
    next: Next = None
    stores: list[LetterCount]


class ReplayWish(BaseModel):
    """Which letters are to be tried again: those of `ids`, or `all`."""

    model_config = ConfigDict(extra="forbid")

    store: Store
    ids: Annotated[list[int] | None, Field(max_length=1000)] = None
    all: Annotated[bool, Field(description="The oldest beyond `after`; go on with `next` of the answer.")] = False
    after: Annotated[int, Field(ge=0, le=2**63 - 1, description="With `all`: letters beyond this id.")] = 0
    limit: Annotated[int, Field(ge=1, le=5000, description="With `all`: how many at the most.")] = 5000

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.ids is None) is not self.all:
            raise ValueError("give ids, or all: true")
        if self.ids is not None and not all(0 < one < 2**63 for one in self.ids):
            raise ValueError("an id is a whole number from 1 on")
        return self


class LetterRefusal(BaseModel):
    """A letter that was refused again; it is kept."""

    id: int
    reason: str


class ReplayDone(BaseModel):
    """What became of the letters. What is `stored` is gone from the table; `gone`: ids that were not there."""

    store: Store
    stored: int
    refused: int
    refusals: Annotated[list[LetterRefusal], Field(description="The first 20 of the refused.")]
    gone: int
    next: Annotated[int | None, Field(description="With `all`: pass it as `after` for the rest; null: none is left.")]
