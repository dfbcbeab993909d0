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


Kind = Literal[
    "high", "low", "flag", "equals", "over-range", "blind-rising", "blind", "lost", "reported", "rise", "fall", "mean",
    "frozen", "mismatch", "together", "all",
]  # fmt: skip
SetValue = Literal["high", "low"]
LONGEST_WINDOW_S = 31 * 86400.0


class Condition(Strict):
    """One condition; those of a rule are OR-ed. Limits are in ``unit``, times in seconds.

    * ``high``: the point of ``role`` (and ``species``) is >= ``limit``; it has gone below ``limit - deadband``.
    * ``low``: it is <= ``limit``; it has gone above ``limit + deadband``.
    * ``flag``: the flag of ``role`` is set.
    * ``equals``: the enumeration or flag of ``role`` has one of ``codes``.
    * ``over-range``: the point of ``role`` is above its measuring range.
    * ``blind-rising``: bad or lost, and the last measured value was >= ``limit``, or it rose by >= ``slope``
      (units per minute).
    * ``blind``: bad or lost.
    * ``lost``: not heard: its device is lost, or this life-safety point alone is not sent any more. Bad is not lost.
    * ``reported``: another part of the gateway reports it (a final element that failed to act); at those of ``role``
      only, where it has one.
    * ``rise``, ``fall``: the newest value is by >= ``by`` above the lowest (below the highest) that came in the last
      ``over_s``, and it is >= ``limit`` (<=) where there is one; gone when that is < ``by - deadband``.
    * ``mean``: the mean over the last ``over_s``, weighted by time, is >= ``limit``; gone below ``limit - deadband``.
    * ``frozen``: good values came for ``over_s``, all within +-``within``.
    * ``mismatch``: the flag of ``flag_role`` is set and the value is < ``limit - deadband``, or it is not set and the
      value is >= ``limit``.
    * ``together``: it was >= ``limit`` here and at a device of a neighbouring area, both in the last ``over_s``; gone
      below ``limit - deadband``.
    * ``high``, ``low`` and ``fall`` with ``set``: the limit is the site's set value of the point, which has no default;
      ``deadband`` and ``by`` are in % of it.
    * ``all``: every condition in ``of``; the first chooses the point, the others look at the same one or at the first
      of their role. A device without one of the points has no such condition.
    """

    kind: Kind
    role: str | None = None
    species: tuple[str, ...] = ()
    limit: float | None = None
    set: SetValue | None = None
    unit: str | None = None
    deadband: Annotated[float, Field(ge=0)] = 0.0
    slope: Annotated[float, Field(gt=0)] | None = None
    by: Annotated[float, Field(gt=0)] | None = None
    over_s: Annotated[float, Field(gt=0, le=LONGEST_WINDOW_S)] | None = None
    within: Annotated[float, Field(ge=0)] | None = None
    codes: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    flag_role: str | None = None
    of: Annotated[tuple["Condition", ...], Field(min_length=2)] | None = None


class AlarmRule(Strict):
    """One rule. ``areas``: kinds of area it applies to (empty: all). Delays in seconds of the gateway, which
    come on top of the device's own. ``accumulate``: ``on_delay_s`` counts up while the condition is active and
    down while it is clear, at the pace of time. ``on_reports``: instead of a delay, so many reports in a row.
    ``reset``: what a latched alarm needs besides acknowledgement."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,4}-[0-9]{1,2}[a-z]?$")]
    title: Text
    areas: tuple[str, ...] = ()
    alarm_class: Annotated[AlarmClass, Field(alias="class")]
    priority: Priority
    level: Literal[1, 2, 3] | None = None
    any: Annotated[tuple[Condition, ...], Field(min_length=1)]
    on_delay_s: Annotated[float, Field(ge=0)] = 0.0
    off_delay_s: Annotated[float, Field(ge=0)] = 0.0
    accumulate: bool = False
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
    if rule.accumulate and rule.on_reports > 1:
        problems.append("accumulate counts time, on_reports counts reports; take one of them")
    if rule.accumulate and not rule.on_delay_s:
        problems.append("accumulate needs on_delay_s")
    if rule.reset != "role" and not rule.latch:
        problems.append("reset needs latch = true")
    for number, condition in enumerate(rule.any):
        problems += [f"any[{number}]: {problem}" for problem in _check_condition(condition)]
    return problems


_CHANGE = ("role", "by", "unit", "over_s")
_NEEDS: Mapping[str, Sequence[str]] = {
    "high": ("role", "limit", "unit"),
    "low": ("role", "limit", "unit"),
    "flag": ("role",),
    "equals": ("role", "codes"),
    "over-range": ("role",),
    "blind-rising": ("role", "limit", "unit", "slope"),
    "blind": ("role",),
    "lost": ("role",),
    "reported": (),
    "rise": _CHANGE,
    "fall": _CHANGE,
    "mean": ("role", "limit", "unit", "over_s"),
    "frozen": ("role", "within", "unit", "over_s"),
    "mismatch": ("role", "flag_role", "limit", "unit"),
    "together": ("role", "limit", "unit", "over_s"),
    "all": ("of",),
}
_MAY_BE_SET = ("high", "low", "fall")
_MAY: Mapping[str, Sequence[str]] = {"rise": ("limit",), "fall": ("limit",), "reported": ("role",)}
_KEYS = ("role", "limit", "set", "unit", "slope", "by", "over_s", "within", "codes", "flag_role", "of")


def _check_condition(condition: Condition) -> list[str]:
    given = {name for name in _KEYS if getattr(condition, name) is not None}
    needed = set(_NEEDS[condition.kind])
    if condition.set is not None and condition.kind in _MAY_BE_SET:
        needed = needed - {"limit"} | {"set"}
    missing = [f"{condition.kind} needs {name}" for name in sorted(needed - given)]
    extra = [f"{condition.kind} takes no {name}" for name in sorted(given - needed - {*_MAY.get(condition.kind, ())})]
    problems = missing + extra
    if condition.set is not None and condition.unit not in (None, "%"):
        problems.append(f'unit = {condition.unit!r}: with set, deadband and by are in "%" of the set value')
    if condition.by is not None and condition.deadband >= condition.by:
        problems.append(f"deadband = {condition.deadband:g} is not below by = {condition.by:g}: it would never be gone")
    for number, one in enumerate(condition.of or ()):
        nested = ["all takes no all and no reported"] if one.kind in ("all", "reported") else []
        problems += [f"of[{number}]: {problem}" for problem in nested or _check_condition(one)]
    return problems


def _json(file: Path) -> str:
    """The file as JSON: the strict shapes take arrays as tuples from JSON only."""
    try:
        return json.dumps(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise RuleError([f"{file.name}: not valid TOML: {error}"]) from None


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "file"
