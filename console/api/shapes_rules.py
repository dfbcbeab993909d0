"""What the API answers with on the rules of the site."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from console.api.shapes import Text


class RuleDifference(BaseModel):
    """One key of a rule or matrix that is not as shipped."""

    id: Annotated[str, Field(description="Of the rule or matrix.", examples=["CK-02"])]
    kind: Literal["rule", "matrix"]
    title: Text | None
    key: Annotated[str, Field(description="Empty: the whole is the site's own.", examples=["any[high gas].limit"])]
    shipped: Annotated[str | None, Field(description="null: not shipped.", examples=["25"])]
    approved: Annotated[str | None, Field(description="What the files of the site say now.", examples=["20"])]
    running: Annotated[str | None, Field(description="What the gateway judges by.", examples=["20"])]
    is_approved: Annotated[bool, Field(description="What runs is what the files say, and nothing is wrong with it.")]
    approved_by: Annotated[list[str], Field(description="As written; that it is true cannot be seen.")]
    approved_on: Annotated[date | None, Field(description="As written; null: it is not.")]
    why: str
    file: Annotated[str, Field(description="Beside the site's document; empty: none speaks of it.")]


class RuleDifferences(BaseModel):
    """What runs otherwise than it is shipped; all of it, so there is no next page."""

    items: list[RuleDifference]
    next: None = None
    deviations: Annotated[list[str], Field(description="What runs and is not approved; empty: all is as approved.")]
