"""What the shape of a site file cannot say: references that lead somewhere, ids and unit numbers that are there
once, what each transport needs. Each check yields (path, what to do)."""

import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Set

from device_registry.connections import ConnectionPart
from device_registry.problem import Problem
from device_registry.rules_addresses import check_address, check_shared
from device_registry.rules_areas import check_areas
from device_registry.rules_connections import check_connections
from device_registry.rules_opcua import check_nodes
from device_registry.rules_sets import check_sets
from device_registry.site import AreaPart, DevicePart, SiteConfig
from protocols.profile.model import Profile
from protocols.profile.rules_report import check_report

VIRTUAL = "sim:"
"""How the ids of virtual devices begin."""
OWN = "gateway:"
"""How the ids begin under which the gateway speaks of itself."""
FAN_ROLES = ("fan", "intake")
"""Roles of a point that shows the state of a fan, or of what draws air in."""


def check(config: SiteConfig, profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    """Everything that is wrong with a document of the right shape."""
    yield from _time_zone(config.site.time_zone)
    yield from _unique("area", config.area)
    yield from _unique("connection", config.connection)
    yield from _unique("device", config.device)
    yield from check_connections(config.connection)
    areas = {part.id: part for part in config.area}
    yield from check_areas(areas)
    named = [part.id for part in config.connection]
    connections = {part.id: part for part in config.connection if named.count(part.id) == 1}
    for device in config.device:
        yield from _references(device, areas.keys(), frozenset(named), profiles)
        yield from _drill(device, areas.get(device.area))
        yield from check_address(device, connections.get(device.connection), profiles.get(device.profile))
        yield from _fan(device, profiles.get(device.profile))
        yield from _report(device, profiles.get(device.profile))
        yield from check_sets(device, profiles.get(device.profile))
    yield from check_shared(config.device, connections)
    yield from _virtual(config)
    yield from check_nodes(config.device, connections, profiles)


def _time_zone(name: str) -> Iterator[Problem]:
    if name not in zoneinfo.available_timezones():
        yield "site.time_zone", f"{name!r} is no time zone: name one of the tz database, such as 'Asia/Shanghai'"


def _unique(table: str, parts: Iterable[AreaPart | ConnectionPart | DevicePart]) -> Iterator[Problem]:
    seen: set[str] = set()
    for part in parts:
        if part.id in seen:
            yield f"{table}[{part.id}].id", "is there twice: give each its own"
        seen.add(part.id)


def _references(
    part: DevicePart, areas: Set[str], connections: Set[str], profiles: Mapping[str, Profile]
) -> Iterator[Problem]:
    path = f"device[{part.id}]"
    if part.profile not in profiles:
        yield f"{path}.profile", f"{part.profile!r} is unknown: correct it, or add its file and its folder"
    if part.area not in areas:
        yield f"{path}.area", f"{part.area!r} is no [[area]] of this file: correct it or add the area"
    if part.connection not in connections:
        yield f"{path}.connection", f"{part.connection!r} is no [[connection]] of this file: correct it or add it"
    for area in part.upstream_of:
        if area not in areas:
            yield f"{path}.upstream_of", f"{area!r} is no [[area]] of this file: correct it or add the area"


def _report(part: DevicePart, profile: Profile | None) -> Iterator[Problem]:
    points = {point.name: point for point in profile.file.point} if profile is not None else {}
    for name, report in part.report.items() if profile is not None else ():
        path = f"device[{part.id}].report.{name}"
        if name not in points:
            yield path, f"the profile {part.profile} has no point {name!r}"
        elif profile is not None:
            period_s = part.period_s or profile.file.profile.period_s
            for key, what in check_report(points[name], report, period_s):
                yield f"{path}{key}", what


def _virtual(config: SiteConfig) -> Iterator[Problem]:
    """The gateway, a virtual device and a real one never have one id: whatever goes astray is of a device that nobody
    registered."""
    for device in config.device:
        if device.id.startswith(OWN):
            yield f"device[{device.id}].id", f"{OWN!r} begins the ids of the gateway itself: give it another"
        if device.id.startswith(VIRTUAL) and not config.site.simulated:
            yield f"device[{device.id}].id", f"{VIRTUAL!r} begins the ids of a simulated site: give it another"
        if config.site.simulated and not device.id.startswith(VIRTUAL):
            yield f"device[{device.id}].id", f"the ids of a simulated site begin with {VIRTUAL!r}: give it another"


def _drill(part: DevicePart, area: AreaPart | None) -> Iterator[Problem]:
    """No drills in real homes (safety rules, matrix «Household»)."""
    if area is not None and area.kind == "home-kitchen" and part.drill_allowed:
        yield f"device[{part.id}].drill_allowed", "no drill is held in a home: remove it"


def _fan(part: DevicePart, profile: Profile | None) -> Iterator[Problem]:
    if profile is None or not part.fan.model_fields_set:
        return
    if all(point.role not in FAN_ROLES for point in profile.points):
        yield f"device[{part.id}].fan", f"{part.profile!r} has no fan: remove it, or correct the profile"
