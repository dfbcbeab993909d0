"""What every data file of ours is built from: strict parts, texts in both languages, and where a figure comes from."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of all parts: frozen, no unknown keys, no silent conversions between types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(Strict):
    """A text for people in both languages."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Source(Strict):
    """Where a figure of the file comes from; one that was not checked in its standard is shown so."""

    what: str
    source: str
    edition: str = ""
    verified: bool
