"""The zones of the truth tables: one for each shipped matrix, with everything that its rows look at or move."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from interlocks.zone import FanPermissives, Member, Zone
from protocols.reading import Origin, Reading
from tests.fixtures.kitchens import member
from tests.fixtures.malls import PROFILES
from tests.fixtures.stations import PERIOD_S, SETS, STATION, told
from tests.fixtures.stories import at, gas_reading
from tests.interlocks.truth_inputs import GAS, Input, Say, flag, number, reports

OWN, UPSTREAM, NEIGHBOUR, DUCT, WELL, INTAKE = "own", "up", "next", "duct", "well", "intake"


NEAR = ("zone", "zone/own", "zone/next", "well")
"""The areas whose reports concern the zone."""


class Place(NamedTuple):
    """``devices``: those that tell of an input there, the same of each; none where people do. ``lasts``: as
    `Rig.lasts`, where longer."""

    devices: tuple[str, ...]
    inputs: Mapping[str, Input]
    lasts: tuple[int, int] = (0, 0)


class Rig(NamedTuple):
    """``zone``: made for these permissives of its fans, staffed or not. ``say``: makes a reading of a device that is
    quiet but for the values given. At places «beside a leak» the neighbour has a level 1 all the while."""

    zone: Callable[[FanPermissives, bool], Zone]
    places: Mapping[str, Place]
    say: Say
    lasts: tuple[int, int] = (12, 20)
    """Seconds of a case from the input on; and where a valve does not move, which is waited for."""


def _own(fan: FanPermissives) -> Member:
    """The detector of the zone, with its valve, its fan and the contact of a fire panel."""
    return Member(OWN, PROFILES["t/with-fire-contact"], 2.0, fan)


def _detector(name: str) -> Member:
    return Member(name, PROFILES["t/detector"], 2.0)


def _shop(kind: str) -> Callable[[FanPermissives, bool], Zone]:
    def zone(fan: FanPermissives, staffed: bool) -> Zone:
        members = (_own(fan), member(UPSTREAM, upstream=True))
        return Zone("zone", kind, staffed, members, (member(NEIGHBOUR),), (_detector(DUCT),))

    return zone


def _mall(fan: FanPermissives, staffed: bool) -> Zone:
    """A tenant and its neighbour, one duct detector, the fresh-air unit, the main valve, and a well outside."""
    own, neighbour = _own(fan), member(NEIGHBOUR)
    parts = (
        Zone("zone/own", "mall", staffed, (own,), (neighbour,)),
        Zone("zone/next", "mall", staffed, (neighbour,), (own,)),
    )
    intake = Member(INTAKE, PROFILES["t/intake"], 2.0, fan)
    members = (own, neighbour, _detector(DUCT), intake, member(UPSTREAM, upstream=True))
    ducts, wells = (_detector(DUCT),), (_detector(WELL),)
    return Zone("zone", "mall-building", staffed, members, ducts=ducts, wells=wells, parts=parts, near=NEAR)


BESIDE_A_LEAK = "beside a leak"
LEAK = {"methane": 25.0}


def _say_in_shop(second: float, device: str, origin: Origin = Origin.LIVE, **values: Any) -> Reading:
    if device == INTAKE:
        now = at(second).wall
        return Reading(device, "t/t", now, now, origin, (values.get("intake", 1.0),), (0,))
    return gas_reading(second, device, origin, **values)


def _station(_fan: FanPermissives, staffed: bool) -> Zone:
    return Zone("zone", "hydrogen-station", staffed, (Member(OWN, STATION, PERIOD_S, sets=SETS),))


def _say_at_station(
    second: float, device: str, origin: Origin = Origin.LIVE, *, heard: float | None = None, **values: Any
) -> Reading:
    known = {name: value for name, value in values.items() if name in STATION.by_name}
    received_at = at(second if heard is None else heard).wall
    return msgspec.structs.replace(told(second, origin, **known), device=device, received_at=received_at)


def _home(fan: FanPermissives, staffed: bool) -> Zone:
    return Zone("zone", "home-kitchen", staffed, (_own(fan), member(UPSTREAM, upstream=True)))


_CO = number("co", 20.0, 159.0, 160.0, 1100.0)
"""Level 2 is the 160 ppm at which kitchens close."""
_SHOP = {
    "own gas": Place((OWN,), GAS),
    "own CO": Place((OWN,), _CO),
    "own fire contact": Place((OWN,), flag("muted")),
    "neighbour gas": Place((NEIGHBOUR,), GAS),
    "duct gas": Place((DUCT,), GAS),
}
_TENANT = {**_SHOP, f"own gas {BESIDE_A_LEAK}": Place((OWN,), GAS)}
_MALL = {
    "tenant gas": Place((OWN,), GAS),
    "two tenants gas": Place((OWN, NEIGHBOUR), GAS),
    f"tenant gas {BESIDE_A_LEAK}": Place((OWN,), GAS),
    "tenant fire contact": Place((OWN,), flag("muted")),
    "duct gas": Place((DUCT,), GAS),
    "well gas": Place((WELL,), GAS),
    "report": Place((), reports("zone", "well")),
}
_STANDS_STILL = 40.0
"""What the counter says at the last quiet second (`tests.fixtures.stations.told`)."""
_STATION = {
    "room hydrogen": Place((OWN,), number("h2_room", 0.39, 0.4, 1.0, 4.5)),
    "cabinet hydrogen": Place((OWN,), number("h2_cabinet", 0.39, 0.4, 1.0, 4.5)),
    "flame": Place((OWN,), flag("flame")),
    "ESD": Place((OWN,), flag("esd")),
    "break-away": Place((OWN,), flag("break_away")),
    "bank pressure": Place(
        (OWN,),
        {**number("pressure_high_bank", 89.9, 90.0, 95.0, 1000.0), "low": Input({"pressure_high_bank": 5.0})},
    ),
    "vehicle data": Place(
        (OWN,), {**flag("vehicle_data", on=0.0, beside={"filling": 1.0}), "not filling": Input({"vehicle_data": 0.0})}
    ),
    "heartbeat": Place((OWN,), {**number("plc_heartbeat", *[_STANDS_STILL] * 4), "ok": Input({})}),
}
_HOME = {
    "own gas": Place((OWN,), GAS),
    "own CO": Place((OWN,), number("co", 20.0, 299.9, 300.0, 1100.0), (76, 92)),
    "own CO for long": Place((OWN,), number("co", 20.0, 99.9, 100.0, 1100.0), (916, 932)),
}
"""Level 2 is that at which homes close: 300 ppm after a minute, 100 ppm after a quarter of an hour."""
ZONES = {
    "restaurant-kitchen": Rig(_shop("commercial-kitchen"), _SHOP, _say_in_shop),
    "mall-tenant": Rig(_shop("mall"), _TENANT, _say_in_shop),
    "mall-building": Rig(_mall, _MALL, _say_in_shop),
    "household": Rig(_home, _HOME, _say_in_shop, (20, 36)),
    "hydrogen-station": Rig(_station, _STATION, _say_at_station),
}
"""By the id of the matrix."""
