"""What the API asks about dead letters: data that a store did not take, and was set aside with the reason."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

Item = dict[str, Any]
"""The shapes are in `console.api.shapes_letters`."""


class LetterPage(NamedTuple):
    """Some letters, oldest first within their store, and the cursor behind the last where there are more."""

    items: list[Item]
    next: str | None


class Beyond(NamedTuple):
    """The oldest ``most`` letters beyond an id."""

    after: int
    most: int


class LetterDesk(Protocol):
    """The dead letters of the stores; `gengfu.letter_board.LetterBoard`. All calls block; any thread may call. Each
    raises `telemetry.errors.StoreError` where the store, or the file of its letters, does not answer."""

    def stores(self) -> list[Item]:
        """How many letters each store has set aside, as `LetterCount`."""

    def page(self, store: str, limit: int, after: str | None) -> LetterPage | None:
        """Letters of one store, or of all (an empty name); ``None`` where ``after`` is no cursor."""

    def has(self, store: str) -> bool:
        """Whether there is a store of this name. The two calls below are for one that there is."""

    def replay(self, store: str, which: Sequence[int] | Beyond, who: str) -> Item:
        """Try letters again: as `ReplayDone`. ``which``: their ids, or where they stand."""

    def delete(self, store: str, letter: int, who: str) -> bool:
        """Whether there was such a letter."""
