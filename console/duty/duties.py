"""The duties of one desk: what people do goes into the logbook first, then into what is shown.

Implements `console.duties.Duties`. All calls on the event loop; the book is written in threads, one line after the
other, so that what was checked still holds when it is written.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from console.duties import BookPage, Level, Signature, Verdict
from console.duty import cards, hand_over, verdicts
from console.duty import ownership as owners
from console.duty.attendance import Attendance, Presence
from console.duty.blind import BlindList
from console.duty.canary import CanaryWatch
from console.duty.figures import DutyFigures
from console.duty.hand_over import Desk
from console.duty.logbook import Entry, Line, Logbook
from console.errors import NoSuchHandOver
from console.events import EventHub
from console.present import iso
from console.services import SiteView
from protocols.moment import Moment
from protocols.reading import Origin

PRESENCE = "presence"
STOOD_DOWN = "stood-down"
REMEMBERED = 20_000
"""Take-overs and verdicts that are read at start."""


class Parts(NamedTuple):
    """What a desk is made of. ``canary``: ``None`` where none is kept."""

    site: SiteView
    book: Logbook
    desk: Desk
    blind: BlindList
    figures: DutyFigures
    hub: EventHub
    now: Callable[[], Moment]
    canary: CanaryWatch | None = None


class DeskDuties:
    """Begin with `warm`; `tick` when `due` says so."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = asyncio.Lock()
        self._attendance = Attendance(parts.figures.attendance)
        self._ownership = owners.Ownership()
        self._verdicts = verdicts.Verdicts()
        self._on_duty: Line | None = None
        self.changed = asyncio.Event()
        """Set when `due` may be earlier."""

    # -- time ------------------------------------------------------------------------------------------------

    async def warm(self) -> None:
        """Stand as before. Raises `console.errors.LogbookUnusable`."""
        book = self._parts.book
        told = await asyncio.to_thread(book.newest, (owners.KIND, verdicts.KIND), REMEMBERED)
        told += await asyncio.to_thread(book.newest, (hand_over.ACCEPTED,), 1)
        for line in told:
            self._follow(line)
        for line in await asyncio.to_thread(book.newest, (PRESENCE, STOOD_DOWN), 1):
            entry = line.entry
            presence = Presence(entry.who, entry.at, entry.body.get("sound_at", 0))
            self._attendance.load(presence, is_closed=entry.kind == STOOD_DOWN, now=self._parts.now())
        self._tell()

    def doubt(self) -> None:
        """Nothing of before can be read. Whether the desk has to be attended is not known: it has to be."""
        self._attendance.doubt(self._parts.now())
        self._tell()

    def tick(self) -> None:
        """Let time act."""
        now = self._parts.now()
        canary = self._parts.canary
        came = [self._attendance.tick(now), canary.tick(now) if canary is not None else False]
        if any(came):
            self._tell()

    def due(self) -> int | None:
        """When `tick` can change something, mono ns."""
        canary = self._parts.canary
        dues = (self._attendance.due(), canary.due() if canary is not None else None)
        return min((one for one in dues if one is not None), default=None)

    def canary_seen(self, took_s: float) -> None:
        """The canary went all the way."""
        assert self._parts.canary is not None
        self._parts.canary.seen(took_s, self._parts.now())
        self._tell()

    def desk_unattended_s(self) -> float:
        """For how long presence was asked for in vain (GH-04). It needs nobody who calls `tick`."""
        self.tick()
        return self._attendance.unanswered_s(self._parts.now())

    def canary_missing_s(self) -> float:
        """For how long the canary is overdue (GH-04)."""
        canary = self._parts.canary
        return canary.missing_s(self._parts.now()) if canary is not None else 0.0

    def _tell(self) -> None:
        self._parts.hub.publish("duty", self.state())
        self.changed.set()

    # -- what there is ---------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        last, took = self._attendance.last, self._on_duty
        return {
            "attendance": {
                "state": self._attendance.state.word,
                "who": last.who,
                "at": iso(last.at) if last.at else None,
                "sound_at": iso(last.sound_at) if last.sound_at else None,
                "left_s": self._attendance.left_s(self._parts.now()),
            },
            "canary": self._canary(),
            "blind": len(self.blind()),
            "watched": self.watched(),
            "on_duty": {"who": took.entry.who, "since": iso(took.entry.at), "hand_over": int(took.entry.subject)}
            if took is not None
            else None,
            "without_verdict": len(self.without_verdict()),
        }

    def _canary(self) -> dict[str, Any]:
        canary = self._parts.canary
        if canary is None:
            return {"state": "off", "seen_at": None, "took_s": None}
        heard = "heard" if canary.seen_at else "waiting"
        return {
            "state": "missing" if canary.is_missing else heard,
            "seen_at": iso(canary.seen_at) if canary.seen_at else None,
            "took_s": canary.took_s,
        }

    def blind(self) -> list[dict[str, Any]]:
        """See `console.duties.Duties`."""
        return self._parts.blind.items(self._parts.now().wall)

    def watched(self) -> int:
        """See `console.duties.Duties`."""
        return self._parts.blind.watched()

    def figures(self) -> Sequence[dict[str, Any]]:
        """See `console.duties.Duties`."""
        return [
            {"name": f"{part}.{name}", "value": value, "source": [one.model_dump() for one in figures.source]}
            for part, figures in self._parts.figures
            for name, value in figures
            if name != "source"
        ]

    @property
    def bulk_most(self) -> int:
        """See `console.duties.Duties`."""
        return self._parts.figures.bulk.most

    # -- presence --------------------------------------------------------------------------------------------

    async def confirm(self, who: str, *, sound_heard: bool) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            self._attendance.refuse_confirmation(who, sound_heard=sound_heard)
            now = self._parts.now()
            heard = now.wall if sound_heard else self._attendance.last.sound_at
            await self._write(PRESENCE, "", who, "", {"sound_at": heard})
            self._attendance.confirm(who, sound_heard=sound_heard, now=now)
        self._tell()
        return self.state()

    async def stand_down(self, who: str, why: str) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            await self._write(STOOD_DOWN, "", who, why, {})
            self._attendance.stand_down()
        self._tell()
        return self.state()

    # -- alarms ----------------------------------------------------------------------------------------------

    def card(self, alarm: dict[str, Any]) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        return cards.card_of(self._parts.site, alarm, self.owner(alarm))

    def owner(self, alarm: dict[str, Any]) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        return self._ownership.of(alarm, cards.area_card(self._parts.site, alarm))

    async def take_over(self, alarm: dict[str, Any], level: Level, who: str, why: str) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            self._ownership.refuse(alarm, level, cards.area_card(self._parts.site, alarm))
            body = {"level": level, "raised_at": alarm["raised_at"]}
            await self._write(owners.KIND, alarm["id"], who, why, body)
        item = self.owner(alarm)
        self._parts.hub.publish("owner", item)
        return item

    def verdict(self, alarm: dict[str, Any]) -> dict[str, Any] | None:
        """See `console.duties.Duties`."""
        return self._verdicts.of(alarm)

    async def judge(self, alarm: dict[str, Any], verdict: Verdict, who: str, why: str) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            verdicts.refuse(alarm)
            body = {"verdict": verdict, "raised_at": alarm["raised_at"]}
            await self._write(verdicts.KIND, alarm["id"], who, why, body)
        given = self._verdicts.of(alarm)
        assert given is not None
        return given

    def without_verdict(self) -> list[str]:
        """See `console.duties.Duties`."""
        closed = self._parts.desk.alarms.closed_life_safety()
        return [alarm for alarm, raised_at in closed if not self._verdicts.are_on(alarm, iso(raised_at))]

    # -- hand-over -------------------------------------------------------------------------------------------

    async def hand_overs(self, most: int) -> list[dict[str, Any]]:
        """See `console.duties.Duties`."""
        lines = await self._hand_over_lines(2 * most)
        offers = [one for one in reversed(lines) if one.entry.kind == hand_over.OFFERED]
        now = self._parts.now().wall
        return [hand_over.head(one, lines, self._parts.figures.hand_over, now) for one in offers[:most]]

    async def hand_over(self, number: int) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        offer, lines = await self._offer(number)
        return hand_over.item(offer, lines, self._parts.figures.hand_over, self._parts.now().wall)

    async def offer(self, who: str, why: str) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            body = hand_over.snapshot(self._parts.desk, self.blind(), self.without_verdict())
            line = await self._write(hand_over.OFFERED, "", who, why, body)
        return await self.hand_over(line.number)

    async def accept(self, number: int, signature: Signature) -> dict[str, Any]:
        """See `console.duties.Duties`."""
        async with self._turn:
            offer, lines = await self._offer(number)
            hand_over.refuse_acceptance(offer, lines, signature, self._parts.figures.hand_over, self._parts.now().wall)
            told = {one["id"] for one in offer.entry.body["alarms"]}
            standing = self._parts.desk.alarms.ids(state="active", origin=Origin.LIVE)
            body = {"digest": offer.digest, "since": [one for one in standing if one not in told]}
            await self._write(hand_over.ACCEPTED, str(number), signature.who, signature.why, body)
        self._tell()
        return await self.hand_over(number)

    async def _offer(self, number: int) -> tuple[Line, list[Line]]:
        """A hand-over, and the lines from which on something may have become of it."""
        found = await asyncio.to_thread(self._parts.book.page, 1, number + 1)
        if not found or found[0].number != number or found[0].entry.kind != hand_over.OFFERED:
            raise NoSuchHandOver(str(number))
        return found[0], await asyncio.to_thread(self._parts.book.since, hand_over.KINDS, number)

    async def _hand_over_lines(self, most: int) -> list[Line]:
        return await asyncio.to_thread(self._parts.book.newest, hand_over.KINDS, most)

    # -- the book --------------------------------------------------------------------------------------------

    async def book(self, most: int, before: int | None) -> BookPage:
        """See `console.duties.Duties`."""
        lines = await asyncio.to_thread(self._parts.book.page, most + 1, before)
        page = lines[:most]
        return BookPage([_book_line(one) for one in page], page[-1].number if len(lines) > most else None)

    async def _write(self, kind: str, subject: str, who: str, why: str, body: Mapping[str, Any]) -> Line:
        entry = Entry(self._parts.now().wall, kind, subject, who, why, body)
        line = await asyncio.to_thread(self._parts.book.write, entry)
        self._follow(line)
        return line

    def _follow(self, line: Line) -> None:
        match line.entry.kind:
            case owners.KIND:
                self._ownership.follow(line)
            case verdicts.KIND:
                self._verdicts.follow(line)
            case hand_over.ACCEPTED:
                self._on_duty = line


def _book_line(line: Line) -> dict[str, Any]:
    entry = line.entry
    short = {key: value for key, value in entry.body.items() if isinstance(value, str | int | float | bool)}
    return {
        "number": line.number,
        "at": iso(entry.at),
        "kind": entry.kind,
        "subject": entry.subject,
        "who": entry.who,
        "why": entry.why,
        "details": short,
        "digest": line.digest,
        "intact": line.is_intact,
    }
