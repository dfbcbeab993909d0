"""Conditions of rules and matrices seen alike: the kind, which points they speak of, and their figures."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from alarms.rule import AlarmRule, Condition
from gengfu.site_rules.files import HERE, label
from interlocks.matrix import Cause, Matrix
from protocols.limits import in_unit_of
from protocols.profile.model import Point, Profile

UPWARD = frozenset({"high", "mean", "rise", "mismatch", "blind-rising", "lost-near-gas"})
"""Kinds that come when the value is at the limit or above."""
DOWNWARD = frozenset({"low", "fall"})
"""Kinds that come when it is at the limit or below."""
BANDED = frozenset({"high", "low", "mean", "mismatch", "together"})
"""Kinds whose dead band begins at the limit; that of a rise or fall is one of the rise."""
FIGURES = ("limit", "deadband", "slope", "by", "within", "over_s")
IN_UNIT = frozenset({"limit", "deadband", "slope", "by", "within"})
"""Figures in the unit of the condition (``slope``: a minute)."""
FINAL_ROLES = frozenset({"valve", "fan", "intake"})


class Figures(NamedTuple):
    """One condition. ``numbers``: its figures by key, those that it has; ``key``: as in a message. ``joined``: it
    counts together with others only (``all``). ``elsewhere``: it looks at devices of other areas."""

    key: str
    kind: str
    role: str | None
    species: tuple[str, ...]
    unit: str | None
    numbers: Mapping[str, float]
    joined: bool = False
    elsewhere: bool = False

    def speaks_of(self, point: Point) -> bool:
        """Whether it looks at such a point."""
        if self.kind == "reported" and (self.role is None or self.role in FINAL_ROLES):
            return point.final_element and point.role in FINAL_ROLES and self.role in (None, point.role)
        has_species = not self.species or (point.gas is not None and point.gas.species in self.species)
        return self.role is not None and point.role == self.role and has_species

    def points_of(self, profile: Profile) -> list[Point]:
        """The points of a device that it looks at."""
        return [point for point in profile.points if self.speaks_of(point)]

    def at(self, name: str, profile: Profile, point: Point) -> float:
        """The figure in the unit of the point. Raises `protocols.errors.UnitError`."""
        number = self.numbers[name]
        if self.unit is None or name not in IN_UNIT:
            return number
        there = in_unit_of(profile, point, number, self.unit)
        # all but the limit are differences: what a unit adds (K and Cel) is not in them
        return there if name == "limit" else there - in_unit_of(profile, point, 0.0, self.unit)


def tables(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The conditions as tables, those that are joined by another one by one."""
    for entry in entries:
        joined = entry.get("of") or ()
        yield from joined or (entry,)


def of_rule(rule: AlarmRule) -> list[Figures]:
    """The conditions of a rule, in their order."""
    return [figures for one in rule.any for figures in _parts(one)]


def ways_of_rule(rule: AlarmRule) -> list[list[Figures]]:
    """The ways for a rule to speak: for each of them a device must have a point of every one."""
    ways = []
    for one in rule.any:
        parts = _parts(one)
        # a mismatch looks at a flag besides
        flags = [part for part in one.of or (one,) if part.flag_role is not None]
        ways.append([*parts, *(parts[0]._replace(kind="flag", role=part.flag_role, species=()) for part in flags)])
    return ways


def _parts(condition: Condition) -> list[Figures]:
    joined = condition.of is not None
    return [_figures("any", one.model_dump())._replace(joined=joined) for one in condition.of or (condition,)]


def of_cause(cause: Cause) -> list[Figures]:
    """The ways for a cause to be, in their order; but for what people report, which no device measures."""
    every = cause.model_dump()["when"]
    return [_figures(f"cause[{cause.id}].when", one) for one in every if one["kind"] != "reported"]


def of_matrix(matrix: Matrix) -> list[Figures]:
    """Those of all causes; each is a way to speak."""
    return [one for cause in matrix.cause for one in of_cause(cause)]


def _figures(key: str, table: Mapping[str, Any]) -> Figures:
    is_set = table.get("set") is not None  # the site's own figures: there is nothing to hold them against
    numbers = {name: float(table[name]) for name in FIGURES if table.get(name) is not None and not is_set}
    return Figures(
        f"{key}[{label(table['kind'], table.get('role'), table.get('where'))}]",
        table["kind"],
        table.get("role"),
        table.get("species") or (),
        table.get("unit"),
        numbers,
        elsewhere=table.get("where", HERE) != HERE,
    )
