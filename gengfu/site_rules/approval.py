"""What makes a life-safety rule or an interlock weaker: it comes later or at more, or it goes sooner (S11).

Earlier and at less is anybody's to decide. The other way needs two named persons; a limit is raised up to the highest
that `highest.toml` lists for the rule and no further, and never where it lists none. That there are two different
names can be seen here; whose names they are cannot.
"""

import json
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from alarms.rule import AlarmRule
from gengfu.site_rules.conditions import DOWNWARD, UPWARD, Figures, of_cause, of_rule
from gengfu.site_rules.overlay import Problem
from gengfu.site_rules.scope import Scope
from interlocks.matrix import Matrix
from protocols.document import Source, Strict
from protocols.errors import UnitError

PRIORITIES = ("critical", "high", "medium", "low")
ROUNDING = 1e-9
"""Of the value: a conversion between units is not exact."""


class Highest(Strict):
    """The highest limit that two persons may set."""

    rule: str
    limit: float
    unit: str
    source: Source


class _HighestFile(Strict):
    highest: tuple[Highest, ...]


class Step(NamedTuple):
    """A figure on the weak side of the shipped one. ``old`` and ``new`` in one unit."""

    key: str
    name: str
    old: float
    new: float


@cache
def highest() -> dict[str, Highest]:
    """By id of the rule."""
    text = (Path(__file__).parent / "highest.toml").read_text(encoding="utf-8")
    found = _HighestFile.model_validate_json(json.dumps(tomllib.loads(text))).highest
    return {one.rule: one for one in found}


def weaker_rule(shipped: AlarmRule, laid: AlarmRule, approved_by: Iterable[str], scope: Scope) -> Iterator[Problem]:
    """Why the rule must not run so, if it is one of life safety."""
    if not shipped.life_safety:
        return
    yield from _never(shipped, laid)
    before, after = of_rule(shipped), of_rule(laid)
    steps = list(_conditions(before, after, shipped.areas, scope))
    for name, is_weaker in (
        ("on_delay_s", laid.on_delay_s > shipped.on_delay_s),
        ("off_delay_s", laid.off_delay_s < shipped.off_delay_s),
        ("respond_within_s", laid.respond_within_s > shipped.respond_within_s),
    ):
        if is_weaker:
            steps.append(Step("", name, getattr(shipped, name), getattr(laid, name)))
    yield from _need_two(steps, approved_by)
    yield from _too_high(shipped.id, before, after, shipped.areas, scope)


def weaker_matrix(shipped: Matrix, laid: Matrix, approved_by: Iterable[str], scope: Scope) -> Iterator[Problem]:
    """Why the matrix must not run so. All that a matrix does is life safety."""
    steps: list[Step] = []
    too_high: list[Problem] = []
    for old, new in zip(shipped.cause, laid.cause, strict=True):
        before, after = of_cause(old), of_cause(new)
        steps += _conditions(before, after, shipped.areas, scope)
        if new.delay_s > old.delay_s:
            steps.append(Step(f"cause[{old.id}]", "delay_s", old.delay_s, new.delay_s))
        too_high += _too_high(old.id, before, after, shipped.areas, scope)
    if laid.reset_after_s < shipped.reset_after_s:
        steps.append(Step("", "reset_after_s", shipped.reset_after_s, laid.reset_after_s))
    yield from _need_two(steps, approved_by)
    yield from too_high


def _never(shipped: AlarmRule, laid: AlarmRule) -> Iterator[Problem]:
    if not laid.life_safety:
        yield Problem("class", f"{shipped.id} is a life-safety rule and stays one (S8)")
    if PRIORITIES.index(laid.priority) > PRIORITIES.index(shipped.priority):
        yield Problem("priority", f"{shipped.id} is a life-safety rule: not below {shipped.priority}")
    if shipped.latch and not laid.latch:
        yield Problem("latch", f"{shipped.id} is a life-safety rule: its latch stays")


def _conditions(before: list[Figures], after: list[Figures], areas: Iterable[str], scope: Scope) -> Iterator[Step]:
    for old, new in zip(before, after, strict=True):
        for name in new.numbers:
            if name not in old.numbers or (old.numbers[name], old.unit) == (new.numbers[name], new.unit):
                continue
            compared = list(_compared(name, old, new, areas, scope))
            step = next((one for one in compared if _is_weaker(old.kind, name, *one)), None)
            if step is not None:
                yield Step(new.key, name, *step)


def _compared(
    name: str, old: Figures, new: Figures, areas: Iterable[str], scope: Scope
) -> Iterator[tuple[float, float]]:
    """The two figures in one unit: theirs, or that of each point."""
    if old.unit == new.unit:
        yield old.numbers[name], new.numbers[name]
        return
    for place, point in scope.points(areas, new):
        try:
            yield old.at(name, place.profile, point), new.at(name, place.profile, point)
        except UnitError:
            continue  # told of by `gengfu.site_rules.units`


def _is_weaker(kind: str, name: str, old: float, new: float) -> bool:
    more = new > old + abs(old) * ROUNDING
    less = new < old - abs(old) * ROUNDING
    if name == "limit" and kind in UPWARD | DOWNWARD:
        return more if kind in UPWARD and kind != "mismatch" else less if kind in DOWNWARD else more or less
    if name == "over_s" and kind in ("rise", "fall"):
        return less
    if name in ("slope", "by"):
        return more
    return less if name in ("deadband", "within") else more or less


def _need_two(steps: list[Step], approved_by: Iterable[str]) -> Iterator[Problem]:
    persons = {" ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in approved_by} - {""}
    if len(persons) >= 2:
        return
    for step in steps:
        key = ".".join(part for part in (step.key, step.name) if part)
        what = f"{step.old:g} -> {step.new:g} makes life safety weaker: approved_by needs two different persons (S11)"
        yield Problem(key, what)


def _too_high(
    name: str, before: list[Figures], after: list[Figures], areas: Iterable[str], scope: Scope
) -> Iterator[Problem]:
    listed = highest().get(name)
    for old, new in zip(before, after, strict=True):
        if old.kind not in UPWARD | DOWNWARD or "limit" not in new.numbers or "limit" not in old.numbers:
            continue
        steps = [one for one in _compared("limit", old, new, areas, scope) if _is_weaker(old.kind, "limit", *one)]
        if steps and listed is None:
            what = f"{name}: no highest limit is listed; it is never moved beyond the shipped {old.numbers['limit']:g}"
            yield Problem(f"{new.key}.limit", f"{what} {old.unit} (S11)")
        elif steps and listed is not None:
            top = new._replace(unit=listed.unit, numbers={"limit": listed.limit})
            if any(_is_weaker(old.kind, "limit", *one) for one in _compared("limit", top, new, areas, scope)):
                yield Problem(f"{new.key}.limit", f"{name}: at most {listed.limit:g} {listed.unit} (S11)")
