"""Whether each figure can be held against the points it is for: its unit, their measuring range, its dead band."""

import math
from collections.abc import Iterator, Sequence

from gengfu.site_rules.conditions import BANDED, DOWNWARD, IN_UNIT, UPWARD, Figures
from gengfu.site_rules.finding import Finding
from gengfu.site_rules.held import Held, figure_at
from gengfu.site_rules.scope import Place, Scope
from protocols.errors import UnitError
from protocols.profile.model import Point


def check_figures(parts: Sequence[Held], scope: Scope) -> Iterator[Finding]:
    """Everything that is wrong with a figure by itself."""
    for part in parts:
        for number, figures in enumerate(part.figures):
            yield from _finite(part, figures)
            yield from _units(part, figures, scope)
            if figures.kind in UPWARD | DOWNWARD and "limit" in figures.numbers:
                yield from _range(part, figures, part.shipped[number] if part.shipped else None, scope)
                if figures.kind in BANDED:
                    yield from list(_dead_band(part, figures)) or _end(part, figures, scope)


def _finite(part: Held, figures: Figures) -> Iterator[Finding]:
    for name, number in figures.numbers.items():
        if not math.isfinite(number):
            yield Finding(part.where.at(figures.key, name), f"{number} is no figure: write a number")


def _dead_band(part: Held, figures: Figures) -> Iterator[Finding]:
    limit, band = figures.numbers.get("limit"), figures.numbers.get("deadband", 0.0)
    if limit and band > abs(limit):
        what = (
            f"the dead band of {band:g} is larger than the limit of {limit:g}: the alarm would never go; make it less"
        )
        yield Finding(part.where.at(figures.key, "deadband"), what)


def _units(part: Held, figures: Figures, scope: Scope) -> Iterator[Finding]:
    name = next((name for name in figures.numbers if name in IN_UNIT), None)
    if figures.unit is None or name is None:
        return
    for place, point in scope.points(part.areas, figures):
        try:
            figures.at(name, place.profile, point)
        except UnitError as error:
            what = f"{error} ({point.name} of {place.profile.id}, S12): give the figures in a unit of that point"
            yield Finding(part.where.at(figures.key, "unit"), what)


def _range(part: Held, figures: Figures, shipped: Figures | None, scope: Scope) -> Iterator[Finding]:
    """What the site moved beyond the range is refused. A shipped limit beyond a small range is only told: what lies
    above the range is an alarm of the highest level by itself (S3)."""
    points = list(scope.points(part.areas, figures))
    beyond = [(place, point) for place, point in points if _is_beyond(figures, place, point)]
    is_some_profile = not scope.has_site and len(beyond) < len(points)
    for place, point in beyond:
        was_so = shipped is not None and _is_beyond(shipped, place, point)
        side = "above" if figures.kind in UPWARD else "below"
        low, high = place.profile.file.point[point.index].range or (point.low, point.high)
        what = (
            f"{figure_at('limit', figures, place, point):g} {point.unit} is {side} the measuring range of {point.name} "
            f"of {place.profile.id}, {low:g} to {high:g}: its value never gets there; correct the limit"
        )
        mild = not part.is_own or was_so or is_some_profile
        yield Finding(part.where.at(figures.key, "limit"), what, warning=mild)


def _is_beyond(figures: Figures, place: Place, point: Point) -> bool:
    limit = figure_at("limit", figures, place, point)
    measured = place.profile.file.point[point.index].range
    if limit is None or measured is None:
        return False
    return limit > measured[1] if figures.kind in UPWARD else limit < measured[0]


def _end(part: Held, figures: Figures, scope: Scope) -> Iterator[Finding]:
    """A dead band that reaches the end of the range: the value cannot get beyond it, so the alarm never goes."""
    for place, point in scope.points(part.areas, figures):
        limit, band = figure_at("limit", figures, place, point), figure_at("deadband", figures, place, point)
        measured = place.profile.file.point[point.index].range
        if limit is None or not band or measured is None or _is_beyond(figures, place, point):
            continue
        gone = limit - band if figures.kind in UPWARD else limit + band
        if gone <= measured[0] if figures.kind in UPWARD else gone >= measured[1]:
            what = (
                f"it would go at {gone:g} {point.unit}, the end of the range of {point.name} of {place.profile.id}: "
                "it never goes; make it less"
            )
            yield Finding(part.where.at(figures.key, "deadband"), what)
