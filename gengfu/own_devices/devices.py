"""The gateway and its connections as devices: what alarms of the gateway itself stand at.

They are in no area of the site's document, speak over no connection and are in no list of the site's devices: nobody
can register, command or put under test what the gateway says of itself. Alarms, their names and their history know
them.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from alarms.engine import Watched
from device_registry.devices import Device, Site
from device_registry.rules import OWN
from device_registry.site import AreaPart, DevicePart
from protocols.document import Text
from protocols.profile.loader import SHIPPED, load_profile
from protocols.profile.model import Profile

LONGEST = 64
"""Of a device id."""
_FOLDER = SHIPPED / "gengfu"
_AREA = AreaPart(id="gateway", title=Text(zh="网关", en="Gateway"), kind="other")


@lru_cache
def profile_of(model: str) -> Profile:
    """The shipped profile ``gengfu/model``."""
    return load_profile(_FOLDER / f"{model}.toml")


def gateway_id(site: str) -> str:
    """The id of the gateway of a site. (A slug may hold a slash, a device id may not.)"""
    return short(f"{OWN}{site}")


def connection_id(site: str, connection: str) -> str:
    """The id under which the alarms of a connection stand."""
    return short(f"{OWN}{site}:{connection}")


def sign_id(site: str) -> str:
    """The id under which the console tells that the gateway is lost. No connection has an upper-case name."""
    return short(f"{OWN}{site}:SIGN")


def short(name: str) -> str:
    """The id of a device that is not of the site's document: told apart, and no longer than an id may be."""
    plain = name.replace("/", ".")
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 9]}.{crc32(name.encode()):08x}"


class _Kept(NamedTuple):
    connections: tuple[str, ...]
    devices: dict[str, Device]


class GatewayDevices(Mapping[str, Device]):
    """The gateway's own devices, as the connections of ``site`` are whenever they are looked at."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._kept = _Kept((), {})

    def _now(self) -> dict[str, Device]:
        connections = tuple(self._site.connections)
        if not self._kept.devices or self._kept.connections != connections:
            self._kept = _Kept(connections, {one.id: one for one in _made(self._site)})
        return self._kept.devices

    def __getitem__(self, device: str) -> Device:
        return self._now()[device]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def watched(self) -> list[Watched]:
        """Those that the gateway judges itself, as the alarm engine sees them."""
        lost = sign_id(self._site.id)
        return [watched_of(one) for one in self.values() if one.id != lost]


def watched_of(device: Device) -> Watched:
    """As the alarm engine sees it."""
    return Watched(device.id, device.profile, device.area.kind, device.period_s)


def _made(site: Site) -> Iterator[Device]:
    yield _device(gateway_id(site.id), "gateway", Text(zh="网关", en="Gateway"))
    yield _device(sign_id(site.id), "gateway-sign", Text(zh="网关", en="Gateway"))
    for name in site.connections:
        title = Text(zh=f"网关连接 {name}", en=f"Gateway connection {name}")
        yield _device(connection_id(site.id, name), "gateway-connection", title)


def _device(device: str, model: str, title: Text) -> Device:
    profile = profile_of(model)
    part = DevicePart(id=device, profile=profile.id, title=title, area=_AREA.id, connection=_AREA.id)
    return Device(device, part, profile, _AREA, _AREA.id)
