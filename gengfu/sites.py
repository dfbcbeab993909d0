"""Reads a site's document with the profiles it speaks of."""

from collections.abc import Mapping
from pathlib import Path

from device_registry.connections import CoapConnection
from device_registry.devices import Site
from device_registry.errors import SiteError
from device_registry.load import compile_site, load_site
from device_registry.site import AreaPart, SiteConfig, SitePart
from gengfu.errors import InputError
from protocols.document import Text
from protocols.errors import ProfileError
from protocols.modbus.golden import decode_golden
from protocols.opcua.values import decode_golden as decode_golden_opcua
from protocols.payload.golden import decode_golden_payload
from protocols.profile.golden import SENML_ONLY
from protocols.profile.loader import load_profiles, shipped_profiles
from protocols.profile.model import Profile

GOLDEN = {**SENML_ONLY, "modbus": decode_golden, "payload": decode_golden_payload, "opcua": decode_golden_opcua}
"""Every kind of golden bytes a profile may hold."""


def read_profiles(folders: tuple[Path, ...] = ()) -> Mapping[str, Profile]:
    """The shipped profiles and those of ``folders``. Raises `InputError` naming every wrong key."""
    try:
        return {**shipped_profiles(), **(load_profiles(*folders, decoders=GOLDEN) if folders else {})}
    except ProfileError as error:
        raise InputError("\n" + "\n".join(error.problems)) from None


def empty_site() -> Site:
    """A site with a CoAP door and no devices yet: whoever speaks to it is listed as unknown."""
    return compile_site(
        SiteConfig(
            site=SitePart(id="site", title=Text(zh="未命名站点", en="Unnamed site")),
            area=(AreaPart(id="site", title=Text(zh="站点", en="Site"), kind="other"),),
            connection=(CoapConnection(id="coap", transport="coap", listen="127.0.0.1:5683"),),
        ),
        {},
    )


def read_site(path: Path, profile_folders: tuple[Path, ...] = ()) -> Site:
    """The compiled site. Raises `InputError` naming every wrong key."""
    if not path.is_file():
        raise InputError(f"{path}: no such site file")
    try:
        return load_site(path, read_profiles(profile_folders))
    except SiteError as error:
        raise InputError("\n" + "\n".join(error.problems)) from None
