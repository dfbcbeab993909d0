"""Lays a site's overrides over the shipped rules and matrices."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from alarms.rule import AlarmRule, check_rule
from gengfu.site_rules.conditions import BANDED, FIGURES, IN_UNIT, tables
from gengfu.site_rules.files import label
from gengfu.site_rules.shapes import ConditionChange, MatrixOverride, RuleOverride, WhenChange
from interlocks.matrix import Matrix, check_matrix

RULE_KEYS = ("class", "priority", "on_delay_s", "off_delay_s", "on_reports", "latch", "respond_within_s")

HAS_BAND = BANDED | {"rise", "fall"}


class Problem(NamedTuple):
    """``key`` below the override; empty where it is the override itself."""

    key: str
    what: str


def lay_over_rule(rule: AlarmRule, change: RuleOverride) -> tuple[AlarmRule, list[Problem]]:
    """The rule with the changed keys, and what is wrong with it."""
    data = rule.model_dump(by_alias=True)
    given = change.model_dump(by_alias=True)
    new = {key: given[key] for key in RULE_KEYS if given[key] is not None}
    data |= new
    problems = list(_change_conditions("any", change.any, data["any"]))
    if not new and not change.any:
        problems.append(Problem("", "changes nothing: name a key, or remove it"))
    try:
        laid = AlarmRule.model_validate(data)
    except ValidationError as error:
        return rule, [*problems, *(_invalid(one["loc"], one["msg"]) for one in error.errors(include_url=False))]
    return laid, [*problems, *(Problem("", what) for what in check_rule(laid))]


def lay_over_matrix(matrix: Matrix, change: MatrixOverride) -> tuple[Matrix, list[Problem]]:
    """The matrix with the changed keys, and what is wrong with it."""
    data = matrix.model_dump()
    problems: list[Problem] = []
    if change.reset_after_s is not None:
        data["reset_after_s"] = change.reset_after_s
    elif not change.cause:
        problems.append(Problem("", "changes nothing: name a key, or remove it"))
    causes = {cause["id"]: cause for cause in data["cause"]}
    for row in change.cause:
        key = f"cause[{row.id}]"
        cause = causes.get(row.id)
        if cause is None:
            problems.append(Problem(key, f"{matrix.id} has no such cause; it has {', '.join(causes)}"))
            continue
        if row.delay_s is not None:
            cause["delay_s"] = row.delay_s
        elif not row.when:
            problems.append(Problem(key, "changes nothing: name a key, or remove it"))
        problems += _change_conditions(f"{key}.when", row.when, cause["when"])
    try:
        laid = Matrix.model_validate(data)
    except ValidationError as error:
        return matrix, [*problems, *(_invalid(one["loc"], one["msg"]) for one in error.errors(include_url=False))]
    return laid, [*problems, *(Problem("", what) for what in check_matrix(laid))]


def _invalid(loc: tuple[int | str, ...], message: str) -> Problem:
    return Problem(".".join(str(step) for step in loc), message.replace("Input should", "must"))


def _change_conditions(
    key: str, changes: tuple[ConditionChange, ...] | tuple[WhenChange, ...], entries: Any
) -> Iterator[Problem]:
    done: list[int] = []
    for change in changes:
        path = f"{key}[{changed(change)}]"
        found = [one for one in tables(entries) if _is_meant(change, one)]
        if len(found) != 1:
            known = ", ".join(
                sorted({label(one["kind"], one.get("role"), one.get("where")) for one in tables(entries)})
            )
            what = "is none" if not found else f"are {len(found)}, name the species too"
            yield Problem(path, f"there {what}; there are {known}")
        elif id(found[0]) in done:
            yield Problem(path, "is changed twice: write it once")
        else:
            done.append(id(found[0]))
            yield from _change(path, change, found[0])


def changed(change: ConditionChange | WhenChange) -> str:
    """How the condition that is changed is named in a key."""
    return label(change.kind, change.role, change.where if isinstance(change, WhenChange) else None)


def _is_meant(change: ConditionChange | WhenChange, entry: dict[str, Any]) -> bool:
    named = changed(change) == label(entry["kind"], entry.get("role"), entry.get("where"))
    return named and (not change.species or set(change.species) == set(entry["species"]))


def _change(path: str, change: ConditionChange | WhenChange, entry: dict[str, Any]) -> Iterator[Problem]:
    given = change.model_dump()
    new = {name: given[name] for name in FIGURES if given.get(name) is not None}
    if not new:
        yield Problem(path, "changes nothing: name a figure, or remove it")
    foreign = [name for name in new if name not in entry or (name == "deadband" and change.kind not in HAS_BAND)]
    if foreign:
        yield Problem(path, f"{change.kind} has no {', '.join(foreign)}: remove it")
    if change.unit is not None and change.unit != entry.get("unit"):
        left = [name for name in FIGURES if name in IN_UNIT and entry.get(name) and name not in new]
        if left:
            what = f"the shipped figures are in {entry.get('unit')}: give {', '.join(left)} in {change.unit} too"
            yield Problem(f"{path}.unit", what)
        new["unit"] = change.unit
    entry |= {name: value for name, value in new.items() if name not in foreign}
