"""Where the alarms of what people report stand: for each area of the site a device that is not there.

Like the gateway's own devices they are in no list of the site's devices, and nothing is ever read from them. They stand
in the area that they are of, so that its card, its owner and its plan are those of the alarm.
"""

from collections.abc import Iterator, Mapping

from alarms.engine import Watched
from device_registry.devices import Device, Site
from device_registry.rules import OWN
from device_registry.site import AreaPart, DevicePart
from gengfu.own_devices.devices import profile_of, short, watched_of
from protocols.document import Text

_TITLE = Text(zh="人员报告", en="Reports of people")


def place_id(site: str, area: str) -> str:
    """The id under which the alarms of what is reported at an area stand. No connection has an upper-case name."""
    return short(f"{OWN}{site}:REPORTS:{area}")


class ReportPlaces(Mapping[str, Device]):
    """One for each area of ``site``, as these are whenever they are looked at."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._kept: tuple[tuple[AreaPart, ...], dict[str, Device]] = ((), {})

    def _now(self) -> dict[str, Device]:
        areas = tuple(self._site.areas.values())
        if self._kept[0] != areas:
            found = (_device(self._site.id, area) for area in areas)
            self._kept = (areas, {one.id: one for one in found})
        return self._kept[1]

    def __getitem__(self, device: str) -> Device:
        return self._now()[device]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


def watched(site: Site) -> list[Watched]:
    """Those of a site, as the alarm engine sees them."""
    return [watched_of(one) for one in ReportPlaces(site).values()]


def _device(site: str, area: AreaPart) -> Device:
    profile = profile_of("reports")
    name = place_id(site, area.id)
    part = DevicePart(id=name, profile=profile.id, title=_TITLE, area=area.id, connection="gateway")
    return Device(name, part, profile, area, "gateway")
