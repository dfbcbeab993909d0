"""A zone: the detectors and final elements of one area, as a matrix sees them."""

from dataclasses import dataclass
from typing import NamedTuple

from protocols.profile.model import Profile


class FanPermissives(NamedTuple):
    """What must be true of a fan before it may be started (S1). ``None`` is unknown, and unknown is false."""

    ex_rated: bool | None = None
    dedicated: bool | None = None
    discharge_outdoors: bool | None = None
    starter_outside_zone: bool | None = None
    no_external_ingress: bool | None = None

    def missing(self) -> tuple[str, ...]:
        """Names of the permissives that are false or unknown; empty: the fan may be started."""
        return tuple(name for name, held in zip(self._fields, self, strict=True) if held is not True)

    def missing_to_stop(self) -> tuple[str, ...]:
        """Of what draws air into the zone: it is stopped only by a starter that stands outside it."""
        return () if self.starter_outside_zone is True else ("starter_outside_zone",)


UNKNOWN_FAN = FanPermissives()


class SetValue(NamedTuple):
    """What a point of a device was set to, in the point's unit: from where on its value is too high, or too low."""

    point: str
    high: float
    low: float


@dataclass(frozen=True, slots=True)
class Member:
    """A device of the zone. ``upstream``: its valve is the next one up the line, not the zone's own. ``inside``: one of
    these that stands in the zone all the same, so that what it measures counts there.
    ``common_cause``: the bus or supply that it shares: in a vote, devices with the same one count as one (S7)."""

    device: str
    profile: Profile
    period_s: float
    fan: FanPermissives = UNKNOWN_FAN
    upstream: bool = False
    common_cause: str = ""
    inside: bool = False
    sets: tuple[SetValue, ...] = ()

    @property
    def is_looked_at(self) -> bool:
        """Whether it stands in the zone; else it lends its valve only."""
        return self.inside or not self.upstream

    @property
    def inputs(self) -> list[int]:
        """The life-safety values it measures, by their index in a reading."""
        return [point.index for point in self.profile.points if point.life_safety and point.type == "number"]

    def command_for(self, effect: str) -> str | None:
        """The name of the profile's command with this effect (``close-valve``), if it has one."""
        return next((command.name for command in self.profile.file.command if command.effect == effect), None)

    def valve(self) -> tuple[int, float, float] | None:
        """The point that reports the member's valve, with its codes for closed and open; ``None`` without one."""
        point = next((p for p in self.profile.points if p.role == "valve" and p.final_element), None)
        if point is None:
            return None
        codes = {state.name: float(state.code) for state in self.profile.file.point[point.index].state}
        return point.index, codes["closed"], codes["open"]


@dataclass(frozen=True, slots=True)
class Zone:
    """``id`` and ``kind`` are the area's. ``staffed``: somebody is there now.

    ``neighbours``, ``ducts``, ``wells``: devices of neighbouring tenants, in ducts and intakes, and in wells near by,
    whose gas can come here. They are only looked at: nothing of them is moved for this zone. ``building``: id of the
    zone of the whole mall that it is a part of. ``parts``: of a whole mall, the zones of its areas. ``near``: ids of
    the areas where what people report concerns this zone, its own among them.
    """

    id: str
    kind: str
    staffed: bool
    members: tuple[Member, ...]
    neighbours: tuple[Member, ...] = ()
    ducts: tuple[Member, ...] = ()
    wells: tuple[Member, ...] = ()
    building: str = ""
    parts: tuple["Zone", ...] = ()
    near: tuple[str, ...] = ()

    def detectors(self, where: str) -> tuple[Member, ...]:
        """Whose points a cause looks at. The next device up the line stands elsewhere, and lends its valve only."""
        if where == "zone":
            return tuple(one for one in self.members if one.is_looked_at)
        return {"neighbour": self.neighbours, "duct": self.ducts, "well": self.wells}[where]
