"""Whether the figures stand in order: level 1 below level 2, valves that close at level 1, delays within S8."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gengfu.site_rules.finding import Finding, Where
from gengfu.site_rules.held import Held, figure_at
from gengfu.site_rules.scope import Place, Scope
from protocols.profile.model import Point

LONGEST_VERIFY_DELAY_S = 60.0
CARBON_MONOXIDE = "co"
LONGEST_FULL_DELAY_S = 5.0
"""Those of an alarm of level 1 and 2 (S8): what closes the valve waits no longer than the alarm."""
IMMEDIATE = frozenset({"high", "flag", "over-range"})


class Limit(NamedTuple):
    """A limit in the unit of the point it is held against."""

    value: float
    where: Where
    part: Held


class Spot(NamedTuple):
    """One point of the devices of a place."""

    place: Place
    point: Point

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.point.name} of {self.place.profile.id}"


def check_order(parts: Sequence[Held], scope: Scope) -> Iterator[Finding]:
    """Everything that stands in the wrong order."""
    for part in parts:
        yield from _delay(part)
    first = [part for part in parts if part.level == 1]
    second = [part for part in parts if part.level == 2]
    closing = [part for part in parts if part.acts and _closes(part)]
    verify = [part for part in parts if part.cause is not None and part.cause.stage == "verify"]
    full = [part for part in parts if part.cause is not None and part.cause.stage == "full"]
    for place in scope.places:
        for point in place.profile.points:
            spot = Spot(place, point)
            level_1 = _limits(first, spot)
            yield from _pairs("level 1", level_1, "level 2", _limits(second, spot), spot)
            yield from _closes_late(level_1, _limits(closing, spot), spot)
            yield from _stages(_limits(verify, spot), _limits(full, spot), spot)


def _limits(parts: Sequence[Held], spot: Spot) -> list[Limit]:
    return [
        Limit(value, part.where.at(figures.key, "limit"), part)
        for part in parts
        if part.applies(spot.place)
        for figures in part.figures
        if figures.kind == "high" and not (figures.joined or figures.elsewhere) and figures.speaks_of(spot.point)
        if (value := figure_at("limit", figures, spot.place, spot.point)) is not None
    ]


def _pairs(low: str, lower: list[Limit], high: str, upper: list[Limit], spot: Spot) -> Iterator[Finding]:
    for one in lower:
        for other in upper:
            if one.value > other.value:
                what = (
                    f"{low} ({one.part.name}, {one.value:g} {spot.point.unit}) is above {high} ({other.part.name}, "
                    f"{other.value:g}) at {spot.name}: put them in order"
                )
                yield from (Finding(blamed.where, what) for blamed in _to_blame(one, other))


def _stages(verify: list[Limit], full: list[Limit], spot: Spot) -> Iterator[Finding]:
    """Of one matrix."""
    for where in {one.part.where for one in verify}:
        mine = [one for one in verify if one.part.where == where]
        yield from _pairs("verify", mine, "full", [one for one in full if one.part.where == where], spot)


def _closes_late(level_1: list[Limit], closing: list[Limit], spot: Spot) -> Iterator[Finding]:
    """Gas at level 1 closes the valve (S1): a matrix that closes at more leaves it open."""
    if not closing:
        return
    earliest = min(closing, key=lambda one: one.value)
    for one in level_1:
        if one.value < earliest.value:
            what = (
                f"the valve would close at {earliest.value:g} {spot.point.unit} ({earliest.part.name}), above level 1 "
                f"({one.part.name}, {one.value:g}) at {spot.name} (S1): change both"
            )
            yield from (Finding(blamed.where, what) for blamed in _to_blame(one, earliest))


def _closes(part: Held) -> bool:
    return part.cause is not None and any(effect.action == "close-valve" for effect in part.cause.effect)


def _to_blame(*limits: Limit) -> list[Limit]:
    """Those that the site wrote; all where it wrote none."""
    return [one for one in limits if one.part.is_own] or list(limits)


def _delay(part: Held) -> Iterator[Finding]:
    cause = part.cause
    if cause is None or not cause.effect or not any(when.kind in IMMEDIATE for when in cause.when):
        return
    if cause.accumulate and all(when.role == CARBON_MONOXIDE for when in cause.when):
        return  # an exposure, which has a table of its own (S8, S20)
    longest = LONGEST_FULL_DELAY_S if cause.stage in ("full", "fire") else LONGEST_VERIFY_DELAY_S
    if cause.delay_s > longest:
        what = f"{cause.delay_s:g} s would let gas in before anything closes; at most {longest:g} (S8)"
        yield Finding(part.where.at(f"cause[{cause.id}]", "delay_s"), what)
