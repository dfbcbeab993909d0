"""Where rules and matrices look: the kinds of area, and the profiles of the devices that stand there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, get_args

from device_registry.devices import Site
from device_registry.site import AreaPart
from gengfu.own_devices.report_places import ReportPlaces
from gengfu.site_rules.conditions import Figures
from protocols.profile.model import Point, Profile

KINDS: tuple[str, ...] = get_args(AreaPart.model_fields["kind"].annotation)
"""Every kind of area that there is."""


class Place(NamedTuple):
    """Devices of one profile in areas of one kind."""

    kind: str
    profile: Profile


class Scope(NamedTuple):
    """``kinds``: of the areas that are there; ``has_site``: else every known profile counts as being everywhere."""

    places: tuple[Place, ...]
    kinds: frozenset[str]
    has_site: bool

    def within(self, areas: Iterable[str]) -> list[Place]:
        """The places of these kinds of area; of all kinds where none is named."""
        named = frozenset(areas)
        return [place for place in self.places if not named or place.kind in named]

    def points(self, areas: Iterable[str], figures: Figures) -> Iterator[tuple[Place, Point]]:
        """The points that a condition looks at."""
        for place in self.within(() if figures.elsewhere else areas):
            for point in figures.points_of(place.profile):
                yield place, point


def of_site(site: Site) -> Scope:
    """The areas and devices of a site, and where reports of people stand. What stands in an area of a mall is one of
    the whole mall too."""
    kinds = {area.id: {area.kind, site.areas[area.within or area.id].kind} for area in site.areas.values()}
    places = {
        (kind, one.profile.id): Place(kind, one.profile)
        for one in (*site.devices.values(), *ReportPlaces(site).values())
        for kind in sorted(kinds[one.area.id])
    }
    return Scope(tuple(places.values()), frozenset(area.kind for area in site.areas.values()), has_site=True)


def of_profiles(profiles: Mapping[str, Profile]) -> Scope:
    """Every profile everywhere, for a file that is looked at by itself."""
    places = tuple(Place(kind, profile) for kind in KINDS for profile in profiles.values())
    return Scope(places, frozenset(KINDS), has_site=False)
