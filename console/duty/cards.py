"""The response card of an alarm: whom to call, where the nearest valve is, what is next door, what to do.

It says what of it nobody ever gave, so that an empty line is not taken for «none».
"""

from typing import Any

from console.card_view import CardView, PhoneView
from console.duty.places import area_item, text
from console.services import SiteView

PARTS = ("phones", "valve", "neighbours", "cameras", "owners")


def card_of(site: SiteView, alarm: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    """The card of an alarm of the board. ``owner``: who owns it now."""
    card = area_card(site, alarm)
    parts = _parts(card)
    parts["neighbours"] = _neighbours(site, alarm["area"]["id"])
    owners = [_phone(one) | {"level": one.level} for one in card.owners] if card else []
    given = {**parts, "owners": owners}
    return {
        "alarm": alarm["id"],
        "title": alarm["title"],
        "priority": alarm["priority"],
        "origin": alarm["origin"],
        "area": alarm["area"],
        "device_title": alarm["device_title"],
        "response": alarm["response"],
        "respond_within_s": alarm["respond_within_s"],
        "owner": owner,
        **given,
        "not_given": [name for name in PARTS if not given[name]],
    }


def area_card(site: SiteView, alarm: dict[str, Any]) -> CardView | None:
    """The card of the area of an alarm; ``None`` where the site gives none."""
    area = site.areas.get(alarm["area"]["id"])
    return area.card if area is not None else None


def _parts(card: CardView | None) -> dict[str, Any]:
    if card is None:
        return {"phones": [], "valve": None, "cameras": []}
    valve = None
    if card.valve is not None:
        key = card.valve.key
        valve = {"place": text(card.valve.place), "photo": card.valve.photo, "key": _phone(key) if key else None}
    return {"phones": [_phone(one) for one in card.phones], "valve": valve, "cameras": list(card.cameras)}


def _neighbours(site: SiteView, area: str) -> list[dict[str, Any]]:
    """Wall to wall, with whom to call there. Said on one side is enough."""
    own = site.areas.get(area)
    beside = set(own.neighbours) if own is not None else set()
    beside |= {one.id for one in site.areas.values() if area in one.neighbours}
    known = (site.areas[one] for one in sorted(beside) if one in site.areas)
    return [{"area": area_item(one), "phones": _parts(one.card)["phones"]} for one in known]


def _phone(one: PhoneView) -> dict[str, Any]:
    return {"title": text(one.title), "phone": one.phone}
