"""Who may speak on a connection, and what is told to who may not (S4)."""

from device_registry.devices import Device, Site
from gateway.uplink import Uplink
from protocols.errors import DecodeError
from protocols.profile.model import FindProfile, Profile


class Speakers:
    """Who may speak on a connection: its own devices; an authenticated person, who comes over none, for all."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._unproved: dict[str, FindProfile] = {}

    def of(self, uplink: Uplink) -> FindProfile:
        """Who of the site's devices, as they are registered whenever it is asked, may have sent this."""
        connection, only = uplink.connection, uplink.device
        if not connection:
            return self._site.find_profile
        if only:
            return _speaker(self._site, connection, only)
        found = self._unproved.get(connection)
        if found is None:
            found = self._unproved[connection] = _speaker(self._site, connection, "")
        return found


def _speaker(site: Site, connection: str, only: str) -> FindProfile:
    def find(device_id: str) -> Profile | None:
        device = site.devices.get(device_id)
        if device is None or device.connection != connection:
            return None
        must_prove = bool(only) or device.part.oscore is not None
        return device.profile if only == device_id or not must_prove else None

    return find


def elsewhere(device: Device, uplink: Uplink) -> DecodeError:
    """Why a registered device may not speak here."""
    if device.connection == uplink.connection and not uplink.device:
        return DecodeError("credential", f"device {device.id!r} has a credential and must use it: only with OSCORE")
    if device.connection == uplink.connection:
        return DecodeError("credential", f"device {device.id!r} is not {uplink.device!r}, whose credential this is")
    return DecodeError(
        "connection", f"device {device.id!r} is registered on connection {device.connection!r}, not on this one"
    )
