"""How a process runs a simulated site: what its readings count as, and the banner over its pages (safety rule S22)."""

from typing import NamedTuple

import msgspec

from device_registry.devices import Site
from gengfu.errors import InputError
from gengfu.simulate.outside import is_loopback, refuse_outside
from gengfu.staging import NO_STAGING, Staging

SIMULATED = {
    "zh": "仿真站点:所有读数来自虚拟设备,按“仿真”标记,不触发真实指令",
    "en": "SIMULATED: all readings are of virtual devices and marked so; no command leaves",
}
DEMO = {
    "zh": "演示:本机虚拟设备,读数按真实处理,不接真实阀门",
    "en": "DEMO: virtual devices of this machine count as real; no real valve is connected",
}


class Staged(NamedTuple):
    """The site as the process shall take it."""

    site: Site
    staging: Staging


def stage(site: Site, http_host: str, *, demo: bool) -> Staged:
    """``demo``: the data folder is stamped so. Then a simulated site counts as LIVE, and nothing of it may leave this
    machine. Raises `InputError` for what does not fit together."""
    if not demo:
        return Staged(site, Staging(SIMULATED) if site.simulated else NO_STAGING)
    refuse_outside(site)
    if not is_loopback(http_host):
        raise InputError(f"host {http_host}: with --demo the console listens on loopback only (127.0.0.1 or ::1)")
    return Staged(msgspec.structs.replace(site, simulated=False), Staging(DEMO))
