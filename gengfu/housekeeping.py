"""What has to be done now and then: old journal entries that every store has taken are removed."""

import asyncio
from collections.abc import Sequence

from gengfu import clock
from gengfu.stores import StoreFeed
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND

EVERY_S = 3600.0
DAY_NS = 86_400 * SECOND


async def keep_house(journal: SqliteJournal, feeds: Sequence[StoreFeed], keep_days: float) -> None:
    """Once an hour, for ever, remove what is older than ``keep_days`` and was taken by every store."""
    while True:
        await asyncio.sleep(EVERY_S)
        before = clock.wall() - int(keep_days * DAY_NS)
        await journal.prune(before, [feed.cursor() for feed in feeds])
