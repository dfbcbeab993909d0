"""Which alarm rules and interlock matrices watch a site: the shipped data, bound to its devices and areas."""

from collections.abc import Mapping
from pathlib import Path

import alarms
import interlocks
from alarms.engine import Watched
from alarms.rule import AlarmRule, Text, load_responses, load_rules
from device_registry.devices import Device, Site
from interlocks.matrix import Matrix, load_matrix
from interlocks.zone import FanPermissives, Member, Zone

_RULES = Path(alarms.__file__).parent / "rules"
_MATRICES = Path(interlocks.__file__).parent / "matrices"


def alarm_rules() -> dict[str, AlarmRule]:
    """The shipped alarm rules by id."""
    return load_rules(*(file for file in sorted(_RULES.glob("*.toml")) if file.name != "responses.toml"))


def responses() -> Mapping[str, Text]:
    """The operator responses by id."""
    return load_responses(_RULES / "responses.toml")


def matrices() -> list[Matrix]:
    """The shipped cause-and-effect matrices."""
    return [load_matrix(file) for file in sorted(_MATRICES.glob("*.toml"))]


def watched(site: Site) -> list[Watched]:
    """The devices of the site as the alarm engine sees them."""
    return [Watched(device.id, device.profile, device.area.kind, device.period_s) for device in site.devices.values()]


def zones(site: Site) -> list[Zone]:
    """The areas of the site with their devices, as the interlocks see them."""
    members: dict[str, list[Member]] = {area: [] for area in site.areas}
    for device in site.devices.values():
        members[device.area.id].append(_member(device, upstream=False))
        for area in device.part.upstream_of:
            members[area].append(_member(device, upstream=True))
    return [Zone(area.id, area.kind, area.staffed, tuple(members[area.id])) for area in site.areas.values()]


def _member(device: Device, *, upstream: bool) -> Member:
    fan = FanPermissives(**device.part.fan.model_dump())
    return Member(device.id, device.profile, device.period_s, fan, upstream)
