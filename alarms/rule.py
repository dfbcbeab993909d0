"""Alarm rules are data: this is their shape, and what a rule must say before it may be used.

A rule without cause, consequence and operator response is refused, and so is one that breaks S8 (a delay that
would hide a leak). Limits are data with a source, and shown as unverified where they are.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from alarms.errors import RuleError
from protocols.document import Source, Strict, Text

Priority = Literal["critical", "high", "medium", "low"]
AlarmClass = Literal["life-safety", "process", "diagnostic"]

LONGEST_LEVEL_2_DELAY_S = 5.0
LONGEST_LEVEL_1_DELAY_S = 60.0


class Condition(Strict):
    """One condition; those of a rule are OR-ed.

    * ``high``: the point of ``role`` (and ``species``) is >= ``limit`` (in ``unit``); it has gone below
      ``limit - deadband``.
    * ``flag``: the flag of ``role`` is set.
    * ``over-range``: the point of ``role`` is above its measuring range.
    * ``blind-rising``: bad or lost, and the last measured value was >= ``limit``, or it rose by >= ``slope``
      (units per minute).
    * ``blind``: bad or lost.
    * ``reported``: another part of the gateway reports it (a final element that failed to act).
    """

    kind: Literal["high", "flag", "over-range", "blind-rising", "blind", "reported"]
    role: str | None = None
    species: tuple[str, ...] = ()
    limit: float | None = None
    unit: str | None = None
    deadband: Annotated[float, Field(ge=0)] = 0.0
    slope: Annotated[float, Field(gt=0)] | None = None


class AlarmRule(Strict):
    """One rule. ``areas``: kinds of area it applies to (empty: all). Delays in seconds of the gateway, which
    come on top of the device's own. ``on_reports``: instead of a delay, so many reports in a row.
    ``reset``: what a latched alarm needs besides acknowledgement."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,4}-[0-9]{1,2}$")]
    title: Text
    areas: tuple[str, ...] = ()
    alarm_class: Annotated[AlarmClass, Field(alias="class")]
    priority: Priority
    level: Literal[1, 2, 3] | None = None
    any: Annotated[tuple[Condition, ...], Field(min_length=1)]
    on_delay_s: Annotated[float, Field(ge=0)] = 0.0
    off_delay_s: Annotated[float, Field(ge=0)] = 0.0
    on_reports: Annotated[int, Field(ge=1, le=10)] = 1
    latch: bool = False
    reset: Literal["role", "on-site-calibration"] = "role"
    cause: Text
    consequence: Text
    response: Annotated[tuple[str, ...], Field(min_length=1)]
    respond_within_s: Annotated[float, Field(gt=0)]
    source: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def life_safety(self) -> bool:
        """Whether it may never be shelved, suppressed or acknowledged in bulk (S8)."""
        return self.alarm_class == "life-safety"

    @property
    def verified(self) -> bool:
        """Whether every figure was checked in its standard."""
        return all(source.verified for source in self.source)


class RuleFile(Strict):
    """A file of rules."""

    rule: tuple[AlarmRule, ...] = ()


class ResponseFile(Strict):
    """The operator responses by id (R1 ...)."""

    response: dict[str, Text]


def load_rules(*files: Path) -> dict[str, AlarmRule]:
    """All rules of the files by id. Raises `RuleError` with every problem of every file."""
    problems: list[str] = []
    rules: dict[str, AlarmRule] = {}
    for file in files:
        try:
            found = RuleFile.model_validate_json(_json(file)).rule
        except ValidationError as error:
            problems += [f"{file.name}: {_path(one['loc'])}: {one['msg']}" for one in error.errors()]
            continue
        for rule in found:
            if rule.id in rules:
                problems.append(f"{file.name}: rule {rule.id}: the id stands twice; rename one")
            rules[rule.id] = rule
            problems += [f"{file.name}: rule {rule.id}: {problem}" for problem in check_rule(rule)]
    if problems:
        raise RuleError(problems)
    return rules


def load_responses(file: Path) -> Mapping[str, Text]:
    """The response texts by id."""
    try:
        return ResponseFile.model_validate_json(_json(file)).response
    except ValidationError as error:
        raise RuleError([f"{file.name}: {_path(one['loc'])}: {one['msg']}" for one in error.errors()]) from None


def check_rule(rule: AlarmRule) -> list[str]:
    """What the shape cannot say: S8, and the fields each kind of condition needs."""
    problems = []
    longest = {1: LONGEST_LEVEL_1_DELAY_S, 2: LONGEST_LEVEL_2_DELAY_S, 3: 0.0}.get(rule.level or 0)
    if longest is not None and rule.on_delay_s > longest:
        problems.append(
            f"on_delay_s = {rule.on_delay_s:g} would hide a level-{rule.level} alarm; at most {longest:g} (S8)"
        )
    if rule.level and not rule.life_safety:
        problems.append(f'level {rule.level} needs class = "life-safety" (S8)')
    if rule.on_reports > 1 and (rule.on_delay_s or rule.life_safety):
        problems.append("on_reports goes with neither on_delay_s nor life-safety")
    if rule.reset != "role" and not rule.latch:
        problems.append("reset needs latch = true")
    for number, condition in enumerate(rule.any):
        problems += [f"any[{number}]: {problem}" for problem in _check_condition(condition)]
    return problems


_NEEDS: Mapping[str, Sequence[str]] = {
    "high": ("role", "limit", "unit"),
    "flag": ("role",),
    "over-range": ("role",),
    "blind-rising": ("role", "limit", "unit", "slope"),
    "blind": ("role",),
    "reported": (),
}


def _check_condition(condition: Condition) -> list[str]:
    given = {name for name in ("role", "limit", "unit", "slope") if getattr(condition, name) is not None}
    needed = set(_NEEDS[condition.kind])
    missing = [f"{condition.kind} needs {name}" for name in sorted(needed - given)]
    extra = [f"{condition.kind} takes no {name}" for name in sorted(given - needed)]
    return missing + extra


def _json(file: Path) -> str:
    """The file as JSON: the strict shapes take arrays as tuples from JSON only."""
    try:
        return json.dumps(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise RuleError([f"{file.name}: not valid TOML: {error}"]) from None


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "file"
