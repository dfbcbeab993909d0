"""What the API answers with on reports of people, and on the areas that they are of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import AreaShape, Next, Time
from console.api.shapes_modes import Reason
from protocols.report import LONGEST_PHONE, LONGEST_TEXT, OLDEST_S, What

ReportState = Literal["standing", "withdrawn"]


class ReportItem(BaseModel):
    """One report."""

    id: Annotated[str, Field(examples=["street/hotpot~5f0c1a2b3c4d5e6f"])]
    what: Annotated[str, Field(description="A word of `ReportWish.what`, or one that this release does not know.")]
    area: AreaShape
    origin: Literal["live", "drill", "simulated"]
    state: ReportState
    text: str
    phone: Annotated[str | None, Field(description="Of the caller; null where none was given, and for viewers.")]
    who: Annotated[str, Field(description="Who entered it.")]
    at: Annotated[Time, Field(description="When it was entered.")]
    noticed_at: Time
    withdrawn_at: Time | None
    withdrawn_by: str
    withdrawn_why: str


class Reports(BaseModel):
    """The newest first: all that stand, and the last that were withdrawn."""

    items: list[ReportItem]
    next: Next = None


class ReportWish(BaseModel):
    """What somebody noticed."""

    model_config = ConfigDict(extra="forbid")

    what: Annotated[
        What,
        Field(description="`works-damage`: works hit a gas pipe. `odour`: smell of gas. `fire-seen`: flame, smoke."),
    ]
    area: Annotated[str, Field(max_length=128, examples=["street/hotpot"])]
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, examples=["smell at the back door"])]
    phone: Annotated[str, Field(max_length=LONGEST_PHONE, description="Of the caller.")] = ""
    ago_s: Annotated[
        float, Field(ge=0, le=OLDEST_S, description="How long ago it was noticed, seconds; 0 is now.")
    ] = 0.0  # fmt: skip


class ReportWithdrawal(BaseModel):
    """Why a report does not stand any more."""

    model_config = ConfigDict(extra="forbid")

    why: Reason


class Areas(BaseModel):
    """The areas of the site, in the order of its document."""

    items: list[AreaShape]
    next: Next = None
