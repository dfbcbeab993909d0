"""What the API asks about the duties of a control room: presence, blindness, owners, cards, verdicts, hand-over."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

Level = Literal["village", "street", "district", "city"]
Verdict = Literal[
    "real-leak",
    "appliance",
    "works-damage",
    "biogas",
    "cooking-alcohol-insecticide",
    "steam",
    "drift",
    "test",
    "unknown",
]
Item = dict[str, Any]
"""The shapes are in `console.api.shapes_duties`."""


class BookPage(NamedTuple):
    """Some lines of the logbook, the newest first, and the number before which the next page begins."""

    items: list[Item]
    next: int | None


class Signature(NamedTuple):
    """Of somebody who takes the desk over. ``digest``: of what was read."""

    who: str
    digest: str
    why: str


class Duties(Protocol):
    """The duties of one desk; `console.duty.duties.DeskDuties`. What writes raises `console.errors.LogbookUnusable`,
    and `console.errors.DutyRefused` for what cannot be now; then nothing was written."""

    def state(self) -> Item:
        """The health strip, as `DutyState`."""

    def blind(self) -> list[Item]:
        """The life-safety points that cannot be relied upon, as `BlindPoint`."""

    def watched(self) -> int:
        """How many life-safety points there are."""

    async def confirm(self, who: str, *, sound_heard: bool) -> Item:
        """Somebody is at the desk: the state after it."""

    async def stand_down(self, who: str, why: str) -> Item:
        """Nobody has to be at the desk any more: the state after it."""

    def card(self, alarm: Item) -> Item:
        """The response card of an alarm of the board, as `ResponseCard`."""

    def owner(self, alarm: Item) -> Item:
        """Who owns an alarm of the board, as `OwnerItem`."""

    async def take_over(self, alarm: Item, level: Level, who: str, why: str) -> Item:
        """Another level owns it from now on."""

    def verdict(self, alarm: Item) -> Item | None:
        """What an alarm of the board turned out to be, as `VerdictItem`."""

    async def judge(self, alarm: Item, verdict: Verdict, who: str, why: str) -> Item:
        """Say what it turned out to be."""

    def without_verdict(self) -> list[str]:
        """Live life-safety alarms of the board that were closed without a verdict: their ids."""

    @property
    def bulk_most(self) -> int:
        """How many alarms one request may acknowledge."""

    async def hand_overs(self, most: int) -> list[Item]:
        """The last ones, the newest first, as `HandOverHead`."""

    async def hand_over(self, number: int) -> Item:
        """One with what it says, as `HandOverItem`. Raises `console.errors.NoSuchHandOver`."""

    async def offer(self, who: str, why: str) -> Item:
        """Sign what there is now, and offer the desk."""

    async def accept(self, number: int, signature: Signature) -> Item:
        """Sign what was offered, and take the desk. Raises `console.errors.NoSuchHandOver` too."""

    async def book(self, most: int, before: int | None) -> BookPage:
        """A page of the logbook, as `BookLine`."""

    def figures(self) -> Sequence[Item]:
        """The times and limits, with their sources."""
