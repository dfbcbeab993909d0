"""Which alarm rules and interlock matrices watch a site: the shipped data, bound to its devices and areas."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import alarms
import interlocks
from alarms.engine import Watched
from alarms.rule import AlarmRule, load_responses, load_rules
from alarms.set_values import SetValues
from device_registry.devices import Device, Site
from device_registry.site import AreaPart
from interlocks.matrix import Matrix, load_matrix
from interlocks.zone import FanPermissives, Member, SetValue, Zone
from protocols.document import Text

_RULES = Path(alarms.__file__).parent / "rules"
_MATRICES = Path(interlocks.__file__).parent / "matrices"


class Rulebook(NamedTuple):
    """What a site is watched by. ``alarms`` and ``responses`` by id."""

    alarms: Mapping[str, AlarmRule]
    responses: Mapping[str, Text]
    matrices: tuple[Matrix, ...]


def shipped() -> Rulebook:
    """The rules, operator responses and cause-and-effect matrices that come with the program."""
    responses = _RULES / "responses.toml"
    return Rulebook(
        load_rules(*(file for file in sorted(_RULES.glob("*.toml")) if file != responses)),
        load_responses(responses),
        tuple(load_matrix(file) for file in sorted(_MATRICES.glob("*.toml"))),
    )


def watched(site: Site) -> list[Watched]:
    """The devices of the site as the alarm engine sees them."""
    watchers = Watchers(site)
    return [watchers.of(device) for device in site.devices.values()]


class Watchers:
    """The devices of a site, one by one, as the alarm engine sees them."""

    def __init__(self, site: Site) -> None:
        self._beside = _beside(site.areas)
        self._devices: dict[str, list[str]] = {}
        for device in site.devices.values():
            self._devices.setdefault(device.area.id, []).append(device.id)

    def of(self, device: Device, period_s: float | None = None) -> Watched:
        """``period_s``: instead of its own."""
        sets = tuple(SetValues(name, one.high, one.low) for name, one in sorted(device.part.set_values.items()))
        neighbours = tuple(one for area in self._beside[device.area.id] for one in self._devices.get(area, ()))
        period_s = period_s or device.period_s
        return Watched(device.id, device.profile, device.area.kind, period_s, sets, neighbours)


def _beside(areas: Mapping[str, AreaPart]) -> dict[str, list[str]]:
    """Ids of the neighbours of each area: those that it names, and those that name it."""
    found: dict[str, set[str]] = {name: set() for name in areas}
    for area in areas.values():
        for other in area.neighbours:
            found[area.id].add(other)
            found[other].add(area.id)
    return {name: sorted(others) for name, others in found.items()}


def _near(areas: Mapping[str, AreaPart], beside: Mapping[str, list[str]], inside: Iterable[str]) -> tuple[str, ...]:
    """These areas, what is wall to wall with them, the wells within 50 m, and the ducts whose air comes in."""
    found = set(inside)
    for one in inside:
        found |= {*beside[one], *areas[one].wells, *areas[one].ducts}
    return tuple(sorted(found))


def malls_near(areas: Mapping[str, AreaPart]) -> dict[str, list[str]]:
    """By area: the whole malls whose interlocks look at what is reported there."""
    beside = _beside(areas)
    parts: dict[str, list[str]] = {one.id: [one.id] for one in areas.values() if one.kind == "mall-building"}
    for one in areas.values():
        if one.within is not None:
            parts[one.within].append(one.id)
    found: dict[str, list[str]] = {}
    for mall, inside in parts.items():
        for area in _near(areas, beside, inside):
            found.setdefault(area, []).append(mall)
    return found


def zones(site: Site) -> list[Zone]:
    """The areas of the site with their devices, as the interlocks see them. A whole mall has those of its areas too."""
    return _Zoning(site).zones()


class _Zoning:
    """The devices of each area of a site, as members of zones; ``upstream``: the next valves up the line of it."""

    def __init__(self, site: Site) -> None:
        self._areas = site.areas
        self._beside = _beside(site.areas)
        self._own: dict[str, list[Member]] = {area: [] for area in site.areas}
        self._upstream: dict[str, list[Member]] = {area: [] for area in site.areas}
        for device in site.devices.values():
            self._own[device.area.id].append(_member(device, upstream=False))
            for area in device.part.upstream_of:
                self._upstream[area].append(_member(device, upstream=True))

    def zones(self) -> list[Zone]:
        """One for each area, in the order of the document."""
        return [self._zone(area) for area in self._areas.values()]

    def _zone(self, area: AreaPart) -> Zone:
        parts = [one.id for one in self._areas.values() if one.within == area.id]
        inside = {one.device: one for one in self._members([area.id, *parts])}
        upstream = [replace(one, inside=one.device in inside) for one in self._upstream[area.id]]
        for one in upstream:
            inside.pop(one.device, None)
        ducts = set(area.ducts) | {one for one in parts if self._areas[one].kind == "mall-duct"}
        return Zone(
            area.id,
            area.kind,
            area.staffed,
            (*inside.values(), *upstream),
            neighbours=self._members(self._beside[area.id]),
            ducts=self._members(ducts),
            wells=self._members(area.wells),
            building=area.within or "",
            parts=tuple(self._zone(self._areas[one]) for one in parts),
            near=_near(self._areas, self._beside, [area.id, *parts]),
        )

    def _members(self, areas: Iterable[str]) -> tuple[Member, ...]:
        return tuple(member for area in sorted(set(areas)) for member in self._own[area])


def _member(device: Device, *, upstream: bool) -> Member:
    fan = FanPermissives(**device.part.fan.model_dump())
    sets = tuple(SetValue(name, one.high, one.low) for name, one in sorted(device.part.set_values.items()))
    return Member(device.id, device.profile, device.period_s, fan, upstream, device.part.shares, sets=sets)
