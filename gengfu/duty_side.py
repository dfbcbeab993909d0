"""The duties of a control room, wired: the logbook, who is at the desk, the canary, and what they tell the gateway."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from console.duty.blind import BlindList, Bypassed
from console.duty.canary import CanaryWatch
from console.duty.duties import DeskDuties, Parts
from console.duty.figures import duty_figures
from console.duty.hand_over import Desk
from console.duty.logbook import Logbook
from console.errors import LogbookUnusable
from console.events import EventHub
from console.live import LiveView
from console.services import Ask, SiteView
from gengfu import clock
from gengfu.own_devices.canary import Canary
from protocols.moment import SECOND
from protocols.reading import Reading

log = logging.getLogger("gengfu.console")

Feed = Callable[[str, Callable[[], float | None]], None]
"""Has the gateway ask for one of its own points again and again."""


class Own(NamedTuple):
    """What the gateway of the process gives: ``judge`` takes readings that are judged and not stored."""

    judge: Callable[[Sequence[Reading]], None]
    feed: Feed


class Seen(NamedTuple):
    """What the console shows."""

    site: SiteView
    live: LiveView
    desk: Desk
    hub: EventHub
    bypassed: Bypassed = lambda: ()


class DutySide:
    """The duties of one desk. `begin`, then `follow` for ever."""

    def __init__(self, book: Logbook, seen: Seen, ask: Ask, own: Own) -> None:
        figures = duty_figures()
        blind = BlindList(seen.site, seen.live, seen.desk.alarms, figures.blind, seen.bypassed)
        watch = CanaryWatch(figures.canary, clock.now())
        self.duties = DeskDuties(Parts(seen.site, book, seen.desk, blind, figures, seen.hub, clock.now, watch))
        self.canary = Canary(own.judge, seen.desk.alarms, ask, self.duties.canary_seen, figures.canary)
        own.feed("canary_missing", self.duties.canary_missing_s)
        own.feed("desk_unattended", self.duties.desk_unattended_s)

    async def begin(self) -> None:
        """Stand as before. A book that cannot be read stops nobody who watches."""
        try:
            await self.duties.warm()
        except LogbookUnusable as error:
            log.error("%s; the desk begins without what stands in it", error)
            self.duties.doubt()

    async def follow(self) -> None:
        """Let time act on presence and canary, for ever."""
        while True:
            self.duties.changed.clear()
            self.duties.tick()
            due = self.duties.due()
            left_s = None if due is None else max(0, due - clock.now().mono) / SECOND
            with suppress(TimeoutError):
                # not `wait_for`: in 3.11 it swallows a cancellation that comes together with the event
                async with asyncio.timeout(left_s):
                    await self.duties.changed.wait()


def open_logbook(stack: AsyncExitStack, folder: Path) -> Logbook:
    """Open or begin the book, beside the accounts; ``stack`` closes it. Blocks on the disk. Raises
    `console.errors.AccountsDamaged`."""
    book = Logbook(f"sqlite:///{folder / 'console.db'}")
    stack.callback(book.close)
    return book
