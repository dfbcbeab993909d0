"""What is held against the points of the devices: the conditions of each rule and of each cause, taken once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gengfu.site_rules.conditions import Figures, of_cause, of_rule
from gengfu.site_rules.finding import Where
from gengfu.site_rules.laid import Laid
from gengfu.site_rules.scope import Place
from interlocks.matrix import Cause
from protocols.errors import UnitError
from protocols.profile.model import Point


class Held(NamedTuple):
    """One rule (``level``) or one cause of a matrix (``cause``; ``acts``: of one that acts).

    ``shipped``: its figures as they are shipped, one for each of ``figures``; empty where it is the site's own.
    ``is_own``: the site changed or added it.
    """

    name: str
    where: Where
    areas: Sequence[str]
    figures: Sequence[Figures]
    shipped: Sequence[Figures]
    is_own: bool
    level: int | None = None
    cause: Cause | None = None
    acts: bool = False

    def applies(self, place: Place) -> bool:
        """Whether it is for areas of that kind."""
        return not self.areas or place.kind in self.areas


def held(laid: Laid) -> list[Held]:
    """All of them, the rules first."""
    return [*_rules(laid), *_causes(laid)]


def _rules(laid: Laid) -> Iterator[Held]:
    for rule in laid.book.alarms.values():
        before = laid.shipped.alarms.get(rule.id)
        yield Held(
            rule.id,
            laid.rule_at(rule.id),
            rule.areas,
            of_rule(rule),
            of_rule(before) if before is not None else (),
            rule.id in laid.rules,
            level=rule.level,
        )


def _causes(laid: Laid) -> Iterator[Held]:
    shipped = {matrix.id: {cause.id: cause for cause in matrix.cause} for matrix in laid.shipped.matrices}
    for matrix in laid.book.matrices:
        for cause in matrix.cause:
            before = shipped.get(matrix.id, {}).get(cause.id)
            yield Held(
                cause.id,
                laid.matrix_at(matrix.id),
                matrix.areas,
                of_cause(cause),
                of_cause(before) if before is not None else (),
                matrix.id in laid.matrices,
                cause=cause,
                acts=matrix.mode == "act",
            )


def figure_at(name: str, figures: Figures, place: Place, point: Point) -> float | None:
    """A figure in the point's unit; ``None`` where it has none, or cannot be told in it (told of by its unit)."""
    if name not in figures.numbers:
        return None
    try:
        return figures.at(name, place.profile, point)
    except UnitError:
        return None
