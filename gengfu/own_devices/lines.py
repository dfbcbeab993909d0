"""Connections that are down, with all that is blind because of it (safety rule S6)."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache

from alarms.blindness import Losses
from alarms.engine import AlarmEngine
from alarms.group import Group
from device_registry.devices import Device, Site
from gateway.diagnostics import Diagnosis
from gengfu import clock
from gengfu.own_devices.device import Facts
from gengfu.own_devices.devices import connection_id
from protocols.gateway_sign import BlindDevice, BlindLine
from protocols.profile.model import Profile
from protocols.reading import Origin

SILENT = "none of its devices is heard"
"""Why a connection counts as down that knows of nothing: a bus that is cut behind its adapter, a network behind its
server. One device alone is no bus: its own alarm says so."""
LEAST_DEVICES = 2
SLICE = 100
"""Devices that are looked at before others have their turn of the event loop: about 7 ms."""


class Lines:
    """The connections of a gateway. ``diagnoses``: of those that are open, by id; ``now``: UTC ns."""

    def __init__(
        self,
        site: Site,
        alarms: AlarmEngine,
        diagnoses: Callable[[], Mapping[str, Diagnosis]],
        origin: Origin,
        now: Callable[[], int] = clock.wall,
    ) -> None:
        self._site = site
        self._alarms = alarms
        self._diagnoses = diagnoses
        self._origin = origin
        self._now = now
        self._since: dict[str, int] = {}
        self._losses = Losses()
        self.down: tuple[BlindLine, ...] = ()

    async def look(self) -> dict[str, Facts]:
        """Find out which are down, as of now; what is to be judged of each, by the id of its device."""
        members: dict[str, list[Device]] = {name: [] for name in self._site.connections}
        for device in self._site.devices.values():
            members[device.connection].append(device)
        known = self._diagnoses()
        reasons = {name: self._reason(known[name], members[name]) for name in members if name in known}
        found: dict[str, Facts] = {}
        down: list[BlindLine] = []
        for name, reason in reasons.items():
            one = connection_id(self._site.id, name)
            if not reason:
                self._since.pop(name, None)
                found[one] = {"blind": 0.0, "blind_points": 0.0}
                continue
            rank, blind = await self._blind(members[name])
            down.append(BlindLine(name, one, self._since.setdefault(name, self._now()), reason, tuple(blind)))
            points = sum(len(each.points) for each in blind)
            found[one] = {"blind": float(rank), "blind_points": float(points)}
        self.down = tuple(down)
        return found

    def _group(self, device: str) -> Group:
        return self._alarms.group_of(device, Origin.LIVE)

    def _reason(self, known: Diagnosis, devices: list[Device]) -> str:
        """Empty for one that stands."""
        if known.state == "down":
            return known.reason
        if self._origin is not Origin.LIVE or len(devices) < LEAST_DEVICES:
            return ""  # the silence of what is simulated is not watched
        return SILENT if all(self._group(one.id).picture.lost for one in devices) else ""

    async def _blind(self, devices: list[Device]) -> tuple[int, list[BlindDevice]]:
        """The rank of the most pressing loss, and the devices that have life-safety points."""
        rank, blind = 0, []
        for start in range(0, len(devices), SLICE):
            if start:
                await asyncio.sleep(0)
            for device in devices[start : start + SLICE]:
                if self._site.devices.get(device.id) is not device:
                    continue  # the site was changed meanwhile
                group, kind = self._group(device.id), device.area.kind
                rank = max(rank, self._losses.rank(group, kind))
                points = _vital(device.profile)
                if points:
                    blind.append(BlindDevice(device.id, points, self._losses.why_singly(group, kind)))
        return rank, blind


@lru_cache
def _vital(profile: Profile) -> tuple[str, ...]:
    return tuple(point.name for point in profile.points if point.life_safety)
