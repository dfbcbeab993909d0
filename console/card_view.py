"""The response card of an area, as the site gives it to the console."""

from collections.abc import Sequence
from typing import Protocol

from protocols.document import Text


class PhoneView(Protocol):
    """Somebody to call."""

    @property
    def title(self) -> Text: ...
    @property
    def phone(self) -> str: ...


class OwnerView(PhoneView, Protocol):
    """Who owns the alarms of an area on one level."""

    @property
    def level(self) -> str: ...


class ValveView(Protocol):
    """The nearest valve that is closed by hand. ``photo``: where its picture is kept; ``key``: who holds the key."""

    @property
    def place(self) -> Text: ...
    @property
    def photo(self) -> str: ...
    @property
    def key(self) -> PhoneView | None: ...


class CardView(Protocol):
    """The card of an area. ``cameras``: ids of the nearest ones."""

    @property
    def phones(self) -> Sequence[PhoneView]: ...
    @property
    def valve(self) -> ValveView | None: ...
    @property
    def cameras(self) -> Sequence[str]: ...
    @property
    def owners(self) -> Sequence[OwnerView]: ...
