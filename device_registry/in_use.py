"""A site whose document changes while it is in use."""

from types import MappingProxyType
from typing import Any

import msgspec

from device_registry.devices import Site


class SiteInUse:
    """``site`` is given to everybody once: its areas, connections and devices are always the present ones.

    Change it on the thread of those who look at it.
    """

    def __init__(self, site: Site) -> None:
        self._parts: dict[str, dict[str, Any]] = {
            name: dict(getattr(site, name)) for name in ("areas", "connections", "devices")
        }
        self.site = msgspec.structs.replace(
            site, **{name: MappingProxyType(part) for name, part in self._parts.items()}
        )

    def become(self, site: Site) -> None:
        """From now on these are the areas, connections and devices. Id, title and time zone stay as they were."""
        for name, part in self._parts.items():
            part.clear()
            part.update(getattr(site, name))
