"""The response card of an area: whom to call, where the nearest valve is, what can be looked at."""

from typing import Annotated, Literal

from pydantic import Field

from protocols.document import Strict, Text

Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{1,30}$")]


class PhonePart(Strict):
    """Somebody to call. ``title``: who that is."""

    title: Text
    phone: Phone


class OwnerPart(PhonePart):
    """Who owns the alarms of the area on one level: village, street, district or city."""

    level: Literal["village", "street", "district", "city"]


class ValvePart(Strict):
    """The nearest valve that is closed by hand. ``place``: where it is, and how one gets there; ``photo``: where its
    picture is kept; ``key``: who holds the key."""

    place: Text
    photo: Annotated[str, Field(max_length=200)] = ""
    key: PhonePart | None = None


class CardPart(Strict):
    """The card. ``phones``: in the order in which they are called; ``cameras``: ids of the nearest ones."""

    phones: tuple[PhonePart, ...] = ()
    valve: ValvePart | None = None
    cameras: tuple[Annotated[str, Field(max_length=64)], ...] = ()
    owners: tuple[OwnerPart, ...] = ()
