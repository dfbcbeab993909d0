"""Which alarm rules and interlock matrices watch a site: the shipped data, bound to its devices and areas."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import alarms
import interlocks
from alarms.engine import Watched
from alarms.rule import AlarmRule, load_responses, load_rules
from device_registry.devices import Device, Site
from interlocks.matrix import Matrix, load_matrix
from interlocks.zone import FanPermissives, Member, Zone
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
