"""Names for people of what alarms and interlocks speak of."""

from collections.abc import Mapping
from typing import Any, Protocol

from console.present import iso


class TextLike(Protocol):
    """A text in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class AreaLike(Protocol):
    """A place of the site."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> TextLike: ...
    @property
    def kind(self) -> str: ...
    @property
    def address(self) -> str: ...


def text(of: TextLike) -> dict[str, str]:
    """Both languages."""
    return {"zh": of.zh, "en": of.en}


def plain(word: str) -> dict[str, str]:
    """A word that has no translation (the id of something that is gone)."""
    return {"zh": word, "en": word}


def area_item(area: AreaLike) -> dict[str, Any]:
    """An area as the API shows it."""
    return {"id": area.id, "title": text(area.title), "kind": area.kind, "address": area.address}


def find_area(areas: Mapping[str, AreaLike], wanted: str) -> dict[str, Any]:
    """An area by id; one that is gone is shown by its id."""
    area = areas.get(wanted)
    return area_item(area) if area else {"id": wanted, "title": plain(wanted), "kind": "other", "address": ""}


def iso_or_none(at: int) -> str | None:
    """A time, or ``None`` for 0 (never)."""
    return iso(at) if at else None
