"""Whether what a site wrote can ever speak: areas that there are, points that a device has, responses that are told."""

from collections.abc import Iterable, Iterator, Sequence

from alarms.rule import AlarmRule
from gengfu.site_rules.conditions import Figures, of_matrix, ways_of_rule
from gengfu.site_rules.finding import Finding, Where
from gengfu.site_rules.laid import Laid, Origin
from gengfu.site_rules.overlay import changed
from gengfu.site_rules.scope import KINDS, Scope
from gengfu.site_rules.shapes import ConditionChange, MatrixOverride, RuleOverride, WhenChange


def check_bindings(laid: Laid, scope: Scope) -> Iterator[Finding]:
    """Only of what the site changed or added: most shipped rules are for what other sites have."""
    for name, origin in laid.rules.items():
        rule = laid.book.alarms[name]
        if origin.override is None:
            yield from _known(origin.where, rule.areas)
            yield from _responses(origin.where, rule, laid)
        yield from _speaks(origin, rule.areas, _changed_of_rule(origin, ways_of_rule(rule)), scope)
    matrices = {one.id: one for one in laid.book.matrices}
    for name, origin in laid.matrices.items():
        matrix = matrices[name]
        if origin.override is None:
            yield from _known(origin.where, matrix.areas)
        yield from _speaks(
            origin, matrix.areas, _changed_of_matrix(origin, [[one] for one in of_matrix(matrix)]), scope
        )


def _known(where: Where, areas: Iterable[str]) -> Iterator[Finding]:
    for area in areas:
        if area not in KINDS:
            yield Finding(where.at("areas"), f"{area!r} is no kind of area: one of {', '.join(KINDS)}")


def _responses(where: Where, rule: AlarmRule, laid: Laid) -> Iterator[Finding]:
    for name in rule.response:
        if name not in laid.book.responses:
            known = ", ".join(laid.book.responses)
            yield Finding(where.at("response"), f"{name!r} is no operator response: one of {known}")


Way = list[Figures]


def _changed_of_rule(origin: Origin, ways: list[Way]) -> list[list[Way]]:
    """Groups of ways to speak: of each group, one must be open to some device."""
    override = origin.override
    if isinstance(override, RuleOverride) and override.any:
        return [[way for way in ways if _has("any", change, way)] for change in override.any]
    return [ways]


def _changed_of_matrix(origin: Origin, ways: list[Way]) -> list[list[Way]]:
    override = origin.override
    if not isinstance(override, MatrixOverride) or not override.cause:
        return [ways]
    groups = []
    for row in override.cause:
        key = f"cause[{row.id}].when"
        groups += [[way for way in ways if _has(key, change, way)] for change in row.when]
        groups += [] if row.when else [[way for way in ways if way[0].key.startswith(key)]]
    return groups


def _has(key: str, change: ConditionChange | WhenChange, way: Way) -> bool:
    path, species = f"{key}[{changed(change)}]", set(change.species)
    return any(one.key == path and (not species or species == set(one.species)) for one in way)


def _speaks(origin: Origin, areas: Sequence[str], groups: Iterable[list[Way]], scope: Scope) -> Iterator[Finding]:
    if areas and not scope.kinds.intersection(areas):
        if all(area in KINDS for area in areas):
            what = f"the site has no area of kind {' or '.join(areas)}: nothing is watched by it"
            yield Finding(origin.where, what, warning=True)
        return
    who = "device of its areas" if scope.has_site else "known profile"
    for group in groups:
        if group and not any(_is_open(way, areas, scope) for way in group):
            told = " or ".join(dict.fromkeys(" with ".join(_told(one) for one in way) for way in group))
            key = group[0][0].key if len(group) == 1 else ""
            yield Finding(origin.where.at(key), f"no {who} has a point of {told}: it can never speak; correct it")


def _is_open(way: Way, areas: Sequence[str], scope: Scope) -> bool:
    if any(one.elsewhere for one in way):
        return all(any(True for _ in scope.points(areas, one)) for one in way)
    return any(all(one.points_of(place.profile) for one in way) for place in scope.within(areas))


def _told(figures: Figures) -> str:
    species = f" ({', '.join(figures.species)})" if figures.species else ""
    return f"role {figures.role}{species}" if figures.role is not None else "a final element"
