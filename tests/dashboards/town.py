"""Two sites with every shipped profile, whose names are the worst that may come: areas with a slash and a leading
digit, and (past what a site file allows) a district and a device with quotes, spaces, Chinese and brackets."""

from collections import Counter
from typing import NamedTuple

from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu.stores import series_of
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from telemetry.store import Series

KITCHEN, STREET, STATION, MALL = "8th/floor-kitchen", "street/hotpot", "station/one", "mall/b1"
ODD_DISTRICT = """河西 "一期" (B座)/it's +[1]"""
ODD_DEVICE = """odd "x" (东) 's/1|2$"""
GAS, BIN, STATION_PROFILE = "gengfu/gas-alarm", "gengfu/smart-bin", "gengfu/hydrogen-station"

AREAS = {
    "east": {KITCHEN: "commercial-kitchen", STREET: "street", STATION: "hydrogen-station"},
    "west": {MALL: "mall"},
}
CANARY = "gengfu/canary"
"""Its readings go to no store."""
IN_WEST = (GAS, BIN, STATION_PROFILE, "gengfu/hydrogen-node")
AT_THE_STATION = ("hydrogen_station", "hydrogen_node")
AT_THE_STREET = ("smart_bin", "bin_level", "tilt", "odour")


class Device(NamedTuple):
    """A device as the seed needs it. ``rank``: how many of its profile stand before it."""

    id: str
    profile: Profile
    site: str
    district: str
    rank: int = 0


class Town(NamedTuple):
    """``sites`` and ``series`` by site; ``devices`` of all of them, and ``series`` holds odd ones that no site has."""

    sites: dict[str, Site]
    series: dict[str, dict[str, Series]]
    devices: list[Device]

    def of_kind(self, site: str, *kinds: str) -> list[Device]:
        """Devices of a site, in order."""
        return [one for one in self.devices if one.site == site and one.profile.kind in kinds]


def site_of(name: str, *, simulated: bool = False) -> Site:
    """One of the two sites, as its file would give it."""
    profiles = {name: one for name, one in shipped_profiles().items() if name != CANARY}
    wanted = IN_WEST if name == "west" else tuple(profiles)
    text = {"zh": f"{name} 区 “一”", "en": f'The {name} "part", it\'s big'}
    document = {
        "site": {"id": name, "title": text, "simulated": simulated},
        "area": [{"id": area, "title": text, "kind": kind} for area, kind in AREAS[name].items()],
        "connection": [{"id": f"{name}/coap", "transport": "coap", "listen": "127.0.0.1:0"}],
        "device": [
            {
                "id": f"{name}:{profile.rpartition('/')[2]}.{number}",
                "profile": profile,
                "title": {"zh": "设备", "en": f"{profile} {number}"},
                "area": _area(name, profiles[profile].kind, number),
                "connection": f"{name}/coap",
            }
            for profile in wanted
            for number in ((1, 2) if profile.startswith("gengfu/") else (1,))
        ],
    }  # fmt: skip
    return compile_site(SiteConfig.model_validate(document, strict=False), profiles)


def _area(site: str, kind: str, number: int) -> str:
    if site == "west":
        return MALL
    if kind in AT_THE_STATION:
        return STATION
    # The second of each stands in the street, so that a district holds devices of many kinds.
    return STREET if kind in AT_THE_STREET or number == 2 else KITCHEN


def build() -> Town:
    """The town."""
    sites = {name: site_of(name) for name in AREAS}
    series = {name: series_of(site) for name, site in sites.items()}
    devices = [
        Device(one.id, one.profile, name, one.area.id) for name, site in sites.items() for one in site.devices.values()
    ]
    for profile in (GAS, BIN, STATION_PROFILE):
        known = next(one for one in devices if one.profile.id == profile)
        odd = Device(f"{ODD_DEVICE}:{profile}", known.profile, "east", ODD_DISTRICT)
        series["east"][odd.id] = series["east"][known.id]._replace(area=ODD_DISTRICT)
        devices.append(odd)
    # An ordinary name in the odd district: health is told only of names that a site file allows.
    gas = next(one for one in devices if one.profile.id == GAS)
    near = Device("east:gas-alarm.3", gas.profile, "east", ODD_DISTRICT)
    series["east"][near.id] = series["east"][gas.id]._replace(area=ODD_DISTRICT)
    seen: Counter[str] = Counter()
    ranked = []
    for one in (*devices, near):
        ranked.append(one._replace(rank=seen[one.profile.id]))
        seen[one.profile.id] += 1
    return Town(sites, series, ranked)
