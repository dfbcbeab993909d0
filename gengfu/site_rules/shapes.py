"""What a site may write about a shipped rule or matrix: its id, and only the keys that it changes.

There is no key that takes a rule, a condition, a cause or an effect away, nor one that adds an effect.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from alarms.rule import AlarmClass, Priority
from interlocks.matrix import Where as Look
from protocols.document import Strict

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Reason = Annotated[str, Field(min_length=1)]


class ConditionChange(Strict):
    """Other figures for one condition. ``kind`` and ``role`` (and ``species``, where these do not suffice) choose it;
    ``unit`` is that of the figures: the shipped one where it is left out. ``over_s`` in seconds."""

    kind: str
    role: str
    species: tuple[str, ...] = ()
    unit: str | None = None
    limit: Number | None = None
    deadband: NotNegative | None = None
    slope: Positive | None = None
    by: Positive | None = None
    within: Positive | None = None
    over_s: Positive | None = None


class RuleOverride(Strict):
    """Other values for one shipped rule. ``approved_by``, ``approved_on``: who answer for a weaker life-safety rule
    (S11), and since when."""

    rule: str
    why: Reason
    approved_by: tuple[str, ...] = ()
    approved_on: date | None = None
    any: tuple[ConditionChange, ...] = ()
    alarm_class: Annotated[AlarmClass | None, Field(alias="class")] = None
    priority: Priority | None = None
    on_delay_s: NotNegative | None = None
    off_delay_s: NotNegative | None = None
    on_reports: Annotated[int, Field(ge=1, le=10)] | None = None
    latch: bool | None = None
    respond_within_s: Positive | None = None


class WhenChange(Strict):
    """Other figures for one way for a cause to be, chosen as in `ConditionChange`, and by ``where`` it looks."""

    kind: str
    role: str
    species: tuple[str, ...] = ()
    where: Look = "zone"
    unit: str | None = None
    limit: Number | None = None
    slope: Positive | None = None


class CauseChange(Strict):
    """Other values for one row."""

    id: str
    when: tuple[WhenChange, ...] = ()
    delay_s: NotNegative | None = None


class MatrixOverride(Strict):
    """Other values for one shipped matrix."""

    matrix: str
    why: Reason
    approved_by: tuple[str, ...] = ()
    approved_on: date | None = None
    cause: tuple[CauseChange, ...] = ()
    reset_after_s: NotNegative | None = None
