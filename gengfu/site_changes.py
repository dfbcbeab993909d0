"""What is different between the site that runs and another document of it, and what of that must not be done."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from alarms.alarm import alarm_id
from alarms.engine import Watched
from alarms.rule import AlarmRule
from device_registry.devices import Device, Site
from gengfu import rules
from gengfu.rules import Rulebook
from interlocks.zone import Zone
from protocols.profile.model import Profile
from protocols.reading import Origin

NOT_WIRED = frozenset({"title", "area", "drill_allowed", "upstream_of", "fan", "report", "proof_test_days"})
"""What of a device is no business of its connection."""


class Difference(NamedTuple):
    """Ids that were added, that are gone, and that stayed and are not the same."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return any(self)


class Changes(NamedTuple):
    """``reopened``: connections that are closed and opened again; the others that stay are not touched.

    ``losses``: what would not be watched any more, or not as well; each is a sentence.
    """

    connections: Difference
    devices: Difference
    areas: Difference
    profiles: tuple[str, ...]
    reopened: tuple[str, ...]
    losses: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.connections or self.devices or self.areas or self.profiles)


def settle(before: Site, after: Site) -> Site:
    """``after`` with the devices and profiles of ``before`` that say the same: what was made of one stays."""
    known = {device.profile.id: device.profile for device in before.devices.values()}

    def same(profile: Profile) -> Profile:
        mine = known.get(profile.id)
        return mine if mine is not None and mine.file == profile.file else profile

    devices = {}
    for device in after.devices.values():
        fresh = Device(device.id, device.part, same(device.profile), device.area, device.connection)
        old = before.devices.get(device.id)
        devices[device.id] = old if old is not None and old == fresh else fresh
    return Site(after.id, after.title, after.time_zone, after.areas, after.connections, devices, after.simulated)


def compare(before: Site, after: Site, book: Rulebook) -> Changes:
    """The changes from the one to the other. ``after`` was settled with ``before``."""
    connections = _difference(before.connections, after.connections)
    wired = {name: _wired(before, name) for name in before.connections}
    reopened = [
        name
        for name in after.connections
        if name in wired and (name in connections.changed or wired[name] != _wired(after, name))
    ]
    profiles = {
        device.profile.id
        for device in after.devices.values()
        if (known := before.devices.get(device.id)) is not None and known.profile is not device.profile
    }
    return Changes(
        connections,
        _difference(before.devices, after.devices),
        _difference(before.areas, after.areas),
        tuple(sorted(profiles)),
        tuple(reopened),
        tuple(_losses(before, after, book)),
    )


def _difference(before: Mapping[str, object], after: Mapping[str, object]) -> Difference:
    return Difference(
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        tuple(name for name in after if name in before and before[name] != after[name]),
    )


def _wired(site: Site, connection: str) -> list[object]:
    """What a connection was built from, besides its own part."""
    return [
        (device.part.model_dump(exclude=set(NOT_WIRED)), device.profile)
        for device in site.devices.values()
        if device.connection == connection
    ]


# -- what must not be done -------------------------------------------------------------------------------------------


def refusals(before: Site, after: Site, tripped: Iterable[str], alarming: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Why the change is not made at all.

    ``tripped``: interlocks that are tripped, and whose zone would change; ``alarming``: life-safety alarms that stand,
    by device.
    """
    for key in ("id", "time_zone", "simulated"):
        if getattr(before, key) != getattr(after, key):
            yield f"site.{key}: changes with a restart only"
    for name in tripped:
        yield f"interlock {name}: it is tripped; its area's devices change when it is reset"
    for device, alarms in alarming.items():
        here, there = before.devices.get(device), after.devices.get(device)
        if here is not None and (there is None or _judged(here) != _judged(there)):
            named = ", ".join(alarms)
            yield f"device[{device}]: is in alarm ({named}); it changes when that is over, or put out of service"
    yield from _moved_points(before, after)


def _judged(device: Device) -> tuple[object, ...]:
    """What alarms and interlocks look at. Nobody judges by the response card: a wrong number is put right at once."""
    return device.profile, device.area.model_copy(update={"card": None}), device.period_s


def _moved_points(before: Site, after: Site) -> Iterator[str]:
    """Points are append-only: stored readings hold values by position."""
    told: set[str] = set()
    for device in after.devices.values():
        known = before.devices.get(device.id)
        if known is None or known.profile.id != device.profile.id or device.profile.id in told:
            continue
        names = [(point.name, point.type, point.unit) for point in device.profile.points]
        kept = [(point.name, point.type, point.unit) for point in known.profile.points]
        if names[: len(kept)] != kept:
            told.add(device.profile.id)
            yield (
                f"profile {device.profile.id}: a point was moved, renamed, removed, or has another type or unit; add "
                "points at the end, or make a profile with another name"
            )


# -- what would be watched less --------------------------------------------------------------------------------------


def _losses(before: Site, after: Site, book: Rulebook) -> Iterator[str]:
    kept = {alarm for device in rules.watched(after) for alarm in _vital(device, book.alarms)}
    for device in rules.watched(before):
        gone = [rule for alarm, rule in _vital(device, book.alarms).items() if alarm not in kept]
        if gone:
            yield f"device {device.device}: watched no longer by {', '.join(dict.fromkeys(gone))}"
    yield from _slower(before, after)
    yield from _other_gas(before, after)
    yield from _less_interlocked(rules.zones(before), {zone.id: zone for zone in rules.zones(after)}, book)


def _vital(watched: Watched, alarm_rules: Mapping[str, AlarmRule]) -> dict[str, str]:
    """Its life-safety alarms: id -> rule."""
    return {
        alarm_id(watched.device, bound.rule.id, Origin.LIVE, bound.point.name if bound.several else None): bound.rule.id
        for bound in watched.bound_to(alarm_rules)
        if bound.rule.life_safety
    }


def _slower(before: Site, after: Site) -> Iterator[str]:
    for device in after.devices.values():
        known = before.devices.get(device.id)
        vital = any(point.life_safety for point in device.points)
        if known is not None and vital and device.period_s > known.period_s:
            periods = f"{known.period_s:g} -> {device.period_s:g} s"
            yield f"device {device.id}: its silence is noticed later (period {periods})"


def _other_gas(before: Site, after: Site) -> Iterator[str]:
    for device in after.devices.values():
        known = before.devices.get(device.id)
        if known is None or known.profile is device.profile:
            continue
        for point in device.points:
            old = known.profile.by_name.get(point.name)
            if (
                old is not None
                and old.life_safety
                and (old.gas, old.low, old.high) != (point.gas, point.low, point.high)
            ):
                yield f"device {device.id}: {point.name} is measured on another basis or range than it was"


def _less_interlocked(before: Iterable[Zone], after: Mapping[str, Zone], book: Rulebook) -> Iterator[str]:
    for zone in before:
        other = after.get(zone.id)
        for matrix in book.matrices:
            if zone.kind not in matrix.areas or not zone.members:
                continue
            if other is None or other.kind not in matrix.areas or not other.members:
                yield f"area {zone.id}: interlock {matrix.id} is gone"
                continue
            gone = {member.device for member in zone.members} - {member.device for member in other.members}
            if gone:
                yield f"area {zone.id}: interlock {matrix.id} without {', '.join(sorted(gone))}"
            for member in zone.members:
                now = next((one for one in other.members if one.device == member.device), None)
                if now is not None and member.valve() is not None and now.valve() is None:
                    yield f"area {zone.id}: {member.device} has no valve any more"
        if other is not None and other.staffed and not zone.staffed:
            yield f"area {zone.id}: staffed now: nothing is closed by itself when its detectors are lost"
