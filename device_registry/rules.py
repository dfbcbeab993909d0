"""What the shape of a site file cannot say: references that lead somewhere, ids and unit numbers that are there
once, what each transport needs. Each check yields (path, what to do)."""

import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TypeAlias

from device_registry.site import AreaPart, ConnectionPart, DevicePart, SiteConfig
from protocols.profile.model import Profile

Problem: TypeAlias = tuple[str, str]
"""(path to the key, for example ``device[demo:gas:0001].unit``; what to do about it)."""

FAN_ROLE = "fan"
"""Role of a point that shows a fan's state."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "coap": ("listen",),
    "modbus-rtu": ("port",),
    "modbus-tcp": ("host",),
    "modbus-rtu-tcp": ("host", "port"),
}
"""What a connection needs, by transport."""
_POLLED = frozenset({"port", "timeout_s", "turnaround_s"})
_TAKEN: Mapping[str, frozenset[str]] = {
    "coap": frozenset({"listen"}),
    "modbus-rtu": _POLLED | {"baud", "parity", "stop_bits", "silence_s"},
    "modbus-tcp": _POLLED | {"host"},
    "modbus-rtu-tcp": _POLLED | {"host", "silence_s"},
}
"""What a connection may have beside ``id`` and ``transport``."""


def check(config: SiteConfig, profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    """Everything that is wrong with a document of the right shape."""
    yield from _time_zone(config.site.time_zone)
    yield from _unique("area", config.area)
    yield from _unique("connection", config.connection)
    yield from _unique("device", config.device)
    for connection in config.connection:
        yield from _connection(connection)
    yield from _shared_places(config.connection)
    areas = {part.id: part for part in config.area}
    named = [part.id for part in config.connection]
    connections = {part.id: part for part in config.connection if named.count(part.id) == 1}
    for device in config.device:
        yield from _references(device, areas.keys(), frozenset(named), profiles)
        yield from _drill(device, areas.get(device.area))
        yield from _unit(device, connections.get(device.connection))
        yield from _transport(device, connections.get(device.connection), profiles.get(device.profile))
        yield from _fan(device, profiles.get(device.profile))
    yield from _shared_units(config.device)


def _time_zone(name: str) -> Iterator[Problem]:
    if name not in zoneinfo.available_timezones():
        yield "site.time_zone", f"{name!r} is no time zone: name one of the tz database, such as 'Asia/Shanghai'"


def _unique(table: str, parts: Iterable[AreaPart | ConnectionPart | DevicePart]) -> Iterator[Problem]:
    seen: set[str] = set()
    for part in parts:
        if part.id in seen:
            yield f"{table}[{part.id}].id", "is there twice: give each its own"
        seen.add(part.id)


def _connection(part: ConnectionPart) -> Iterator[Problem]:
    path = f"connection[{part.id}]"
    for key in _NEEDED[part.transport]:
        if getattr(part, key) is None:
            yield f"{path}.{key}", f"is missing: a {part.transport} connection needs it"
    for key in sorted(part.model_fields_set - {"id", "transport"} - _TAKEN[part.transport]):
        yield f"{path}.{key}", f"means nothing to a {part.transport} connection: remove it"
    if part.listen is not None and not _is_host_port(part.listen):
        yield f"{path}.listen", f"{part.listen!r} must be host:port, such as '0.0.0.0:5683'"
    if "host" in _TAKEN[part.transport] and part.port is not None and not _is_port(part.port):
        yield f"{path}.port", f"{part.port!r} must be a port number between 1 and 65535"


def _is_host_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and _is_port(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65535


def _shared_places(connections: Iterable[ConnectionPart]) -> Iterator[Problem]:
    """Two connections at one socket or one serial line would take each other's bytes."""
    owner: dict[tuple[str, ...], str] = {}
    for part in connections:
        key = _NEEDED[part.transport][0]
        where = getattr(part, key)
        place = (key, str(where), part.port or "502" if key == "host" else "")
        if where is not None and owner.setdefault(place, part.id) != part.id:
            yield f"connection[{part.id}].{key}", f"{where!r} is taken by connection {owner[place]!r}: use that one"


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


def _drill(part: DevicePart, area: AreaPart | None) -> Iterator[Problem]:
    """No drills in real homes (safety rules, matrix «Household»)."""
    if area is not None and area.kind == "home-kitchen" and part.drill_allowed:
        yield f"device[{part.id}].drill_allowed", "no drill is held in a home: remove it"


def _unit(part: DevicePart, connection: ConnectionPart | None) -> Iterator[Problem]:
    if connection is None:
        return
    if connection.transport == "coap" and part.unit is not None:
        yield f"device[{part.id}].unit", "means nothing over CoAP: remove it"
    if connection.transport != "coap" and part.unit is None:
        yield f"device[{part.id}].unit", f"is missing: {connection.transport} finds a device by it (1 to 247)"


def _transport(part: DevicePart, connection: ConnectionPart | None, profile: Profile | None) -> Iterator[Problem]:
    """A Modbus device whose profile names no register would be polled for nothing, and look alive."""
    if connection is None or profile is None or connection.transport == "coap":
        return
    if all(point.modbus is None for point in profile.file.point):
        yield (
            f"device[{part.id}].profile",
            f"{part.profile!r} names no Modbus register: choose another connection or add them to the profile",
        )


def _fan(part: DevicePart, profile: Profile | None) -> Iterator[Problem]:
    if profile is None or not part.fan.model_fields_set:
        return
    if all(point.role != FAN_ROLE for point in profile.points):
        yield f"device[{part.id}].fan", f"{part.profile!r} has no fan: remove it, or correct the profile"


def _shared_units(devices: Iterable[DevicePart]) -> Iterator[Problem]:
    owner: dict[tuple[str, int], str] = {}
    for part in devices:
        if part.unit is None:
            continue
        first = owner.setdefault((part.connection, part.unit), part.id)
        if first != part.id:
            yield (
                f"device[{part.id}].unit",
                f"{part.unit} is taken by {first!r} on {part.connection!r}: give it another",
            )
