"""A site as those see it who name alarms: with the devices that are in no document of it."""

from collections.abc import Iterator, Mapping

from device_registry.devices import Device, Site
from device_registry.site import AreaPart
from gengfu.own_devices.devices import GatewayDevices
from gengfu.own_devices.report_places import ReportPlaces
from protocols.document import Text


class _All(Mapping[str, Device]):
    """Those of the site before those that nobody else can be named after."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._more: tuple[Mapping[str, Device], ...] = (GatewayDevices(site), ReportPlaces(site))

    def __getitem__(self, device: str) -> Device:
        found = self._site.devices.get(device)
        if found is None:
            found = next((one[device] for one in self._more if device in one), None)
        if found is None:
            raise KeyError(device)
        return found

    def __iter__(self) -> Iterator[str]:
        for one in self._more:
            yield from one
        yield from self._site.devices

    def __len__(self) -> int:
        return len(self._site.devices) + sum(map(len, self._more))


class DeskSite:
    """A site with its gateway's own devices, and with the places of reports. `console.services.SiteView`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.devices: Mapping[str, Device] = _All(site)

    @property
    def id(self) -> str:
        """Of the site."""
        return self._site.id

    @property
    def title(self) -> Text:
        """Of the site."""
        return self._site.title

    @property
    def time_zone(self) -> str:
        """Of the site."""
        return self._site.time_zone

    @property
    def areas(self) -> Mapping[str, AreaPart]:
        """Of the site; the gateway is in none of them."""
        return self._site.areas
