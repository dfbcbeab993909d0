"""What the alarm metrics count and what they are held against: data with sources (`figures.toml`), and its shape."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from alarms.errors import RuleError
from protocols.document import Source, Strict

NumberName = Literal[
    "announced",
    "per-10-min-mean",
    "per-10-min-peak",
    "per-hour-mean",
    "per-hour-peak",
    "flood-share",
    "floods",
    "standing",
    "unacknowledged",
    "stale",
    "chattering",
    "fleeting",
    "top-share",
    "share-critical-high",
    "share-medium",
    "share-low",
    "acknowledged",
    "acknowledge-p50",
    "acknowledge-p95",
]
Sources = Annotated[tuple[Source, ...], Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]


class Flood(Strict):
    """A flood begins with a 10-minute window of more than ``begins_above`` announcements, and is over in the first
    window of fewer than ``ends_below``."""

    begins_above: Annotated[int, Field(ge=1)]
    ends_below: Annotated[int, Field(ge=1)]
    source: Sources


class Chattering(Strict):
    """An alarm that is announced ``times`` times, from the first to the last at most ``within_s``."""

    times: Annotated[int, Field(ge=2)]
    within_s: Seconds
    source: Sources


class Fleeting(Strict):
    """An announcement whose condition is gone again after at most ``within_s``, before anybody acknowledged it."""

    within_s: Seconds
    source: Sources


class Stale(Strict):
    """An alarm that has been standing for ``after_s`` and more."""

    after_s: Seconds
    source: Sources


class Target(Strict):
    """What a number should be, in its unit. ``about``: for orientation, never judged."""

    number: NumberName
    compare: Literal["at-most", "below", "about"]
    limit: float
    source: Sources

    def is_met(self, value: float | None) -> bool | None:
        """``None``: there is no number, or it is not judged."""
        if value is None or self.compare == "about":
            return None
        return value <= self.limit if self.compare == "at-most" else value < self.limit


class Figures(Strict):
    """The whole file."""

    flood: Flood
    chattering: Chattering
    fleeting: Fleeting
    stale: Stale
    target: tuple[Target, ...] = ()

    def target_of(self, number: str) -> Target | None:
        """``None`` for a number that the standards set no target for."""
        return next((one for one in self.target if one.number == number), None)


def load_figures(file: Path) -> Figures:
    """The figures of a file. Raises `RuleError` with every problem of it."""
    try:
        return Figures.model_validate_json(json.dumps(tomllib.loads(file.read_text(encoding="utf-8"))))
    except ValidationError as error:
        raise RuleError(
            [f"{file.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        ) from None
