"""Site and Device: a site's document joined with the profiles, for the hot path."""

from collections.abc import Mapping

import msgspec

from device_registry.connections import Connection
from device_registry.site import AreaPart, DevicePart
from protocols.document import Text
from protocols.profile.model import Point, Profile


class Device(msgspec.Struct, frozen=True):
    """One device: what the site's document says of it (``part``), and what that refers to.

    ``connection``: id of the connection, a key of `Site.connections`.
    """

    id: str
    part: DevicePart
    profile: Profile
    area: AreaPart
    connection: str

    @property
    def title(self) -> Text:
        """Its name for people."""
        return self.part.title

    @property
    def points(self) -> tuple[Point, ...]:
        """Its points, in the order of `protocols.reading.Reading.values`."""
        return self.profile.points

    @property
    def period_s(self) -> float:
        """Seconds between two reports: its own, else its profile's."""
        return self.part.period_s or self.profile.file.profile.period_s


class Site(msgspec.Struct, frozen=True):
    """A site that was checked: every reference leads somewhere, every id is there once. All by id, in the
    order of the document. ``time_zone`` is a name of the tz database. ``simulated``: nothing that its devices say is
    real."""

    id: str
    title: Text
    time_zone: str
    areas: Mapping[str, AreaPart]
    connections: Mapping[str, Connection]
    devices: Mapping[str, Device]
    simulated: bool = False

    def find_profile(self, device_id: str) -> Profile | None:
        """The profile of a device; ``None`` when nobody registered it (`protocols.profile.model.FindProfile`)."""
        device = self.devices.get(device_id)
        return device.profile if device is not None else None
