"""Names for people of what alarms and interlocks speak of."""

from collections.abc import Mapping
from typing import Any

from console.present import iso
from console.services import AreaView, SiteView, TextView


def text(of: TextView) -> dict[str, str]:
    """Both languages."""
    return {"zh": of.zh, "en": of.en}


def plain(word: str) -> dict[str, str]:
    """A word that has no translation (the id of something that is gone)."""
    return {"zh": word, "en": word}


def area_item(area: AreaView) -> dict[str, Any]:
    """An area as the API shows it."""
    return {"id": area.id, "title": text(area.title), "kind": area.kind, "address": area.address}


def find_area(areas: Mapping[str, AreaView], wanted: str) -> dict[str, Any]:
    """An area by id; one that is gone is shown by its id."""
    area = areas.get(wanted)
    return area_item(area) if area else {"id": wanted, "title": plain(wanted), "kind": "other", "address": ""}


def device_title(site: SiteView, device: str) -> dict[str, str]:
    """The name of a device; one that is gone is shown by its id."""
    known = site.devices.get(device)
    return text(known.title) if known else plain(device)


def iso_or_none(at: int) -> str | None:
    """A time, or ``None`` for 0 (never)."""
    return iso(at) if at else None
