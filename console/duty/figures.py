"""Times and limits of the duty desk: data with sources (`figures.toml`), and its shape."""

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from protocols.document import Source, Strict

Sources = Annotated[tuple[Source, ...], Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]


class AttendanceFigures(Strict):
    """Presence is asked for ``ask_after_s`` after it was shown last; the desk is unattended when nobody answers within
    ``answer_within_s``."""

    ask_after_s: Seconds
    answer_within_s: Seconds
    source: Sources


class CanaryFigures(Strict):
    """The test alarm goes every ``every_s``, and has to be seen within ``within_s``."""

    every_s: Seconds
    within_s: Seconds
    source: Sources


class HandOverFigures(Strict):
    """How long an offered hand-over may wait for the one who comes: what it says grows old."""

    accept_within_s: Seconds
    source: Sources


class BlindFigures(Strict):
    """A device is lost after ``lost_periods`` of its periods, not before ``soonest_s``."""

    lost_periods: Annotated[float, Field(ge=1)]
    soonest_s: Seconds
    source: Sources


class BulkFigures(Strict):
    """``most``: alarms that one request may acknowledge."""

    most: Annotated[int, Field(ge=1)]
    source: Sources


class DutyFigures(Strict):
    """The whole file."""

    attendance: AttendanceFigures
    canary: CanaryFigures
    hand_over: HandOverFigures
    blind: BlindFigures
    bulk: BulkFigures


@cache
def duty_figures() -> DutyFigures:
    """The figures that come with the program."""
    text = (Path(__file__).parent / "figures.toml").read_text(encoding="utf-8")
    return DutyFigures.model_validate_json(json.dumps(tomllib.loads(text)))
