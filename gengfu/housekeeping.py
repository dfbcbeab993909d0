"""What has to be done now and then: a large or old segment of a journal is sealed, and those that everybody who is
waited for has taken are removed by age and by size."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.downlink import CURSOR, load_cursor
from gengfu import clock
from gengfu.consumers import Consumers
from gengfu.removal import Removal
from journal.sqlite import SqliteJournal
from journal.writer import Limit
from protocols.moment import SECOND

EVERY_S = 60.0
DAY_NS = 86_400 * SECOND
KEPT_WHEN_CROWDED_NS = 3600 * SECOND
"""What the gateway needs to know its devices' samples again after a restart."""
CROWDED = 0.8
"""Share of the bound from which the size counts, not the age."""
SEGMENT_BYTES = 64 << 20
SEGMENTS = 16
"""Into so many at least a full journal is cut: what goes must be a small part of it."""
SEGMENT_AGE_NS = 6 * 3600 * SECOND


class Taker(Protocol):
    """Whoever takes the journal."""

    def cursor(self) -> dict[int, int]:
        """How far, by partition."""


async def keep_house(
    journal: SqliteJournal, max_bytes: int, takers: Sequence[Taker], keep_days: float, consumers: Consumers
) -> None:
    """Once a minute, for ever, remove what is older than ``keep_days`` (or, when crowded, than an hour) and was taken
    by all ``takers``. A store that never comes back keeps everything, the journal fills, and `/readyz` says so, until a
    person forgets it (``consumers``)."""
    while True:
        async with consumers.undisturbed:
            cursors = [one.cursor() for one in takers if consumers.waits_for(one)]
            removal = await _seal(journal, max_bytes, cursors, keep_days)
            await consumers.before(removal)
            await journal.prune(*removal)
        await asyncio.sleep(EVERY_S)


async def keep_downlink(downlink: SqliteJournal, max_bytes: int, journal: SqliteJournal, keep_days: float) -> None:
    """As `keep_house`, for the requests to the gateway: those go that it has carried out. How far that is stands in the
    ``journal``, in the commit of what they changed."""
    while True:
        state = await asyncio.to_thread(journal.load_state, CURSOR)
        removal = await _seal(downlink, max_bytes, [load_cursor(state)], keep_days)
        await downlink.prune(*removal)
        await asyncio.sleep(EVERY_S)


async def _seal(
    journal: SqliteJournal, max_bytes: int, cursors: Sequence[Mapping[int, int]], keep_days: float
) -> Removal:
    """Begin a new segment if it is time; what may be removed then."""
    await journal.seal(clock.wall(), Limit(min(SEGMENT_BYTES, max_bytes // SEGMENTS), SEGMENT_AGE_NS))
    crowded = journal.used_bytes > CROWDED * max_bytes
    kept = KEPT_WHEN_CROWDED_NS if crowded else int(keep_days * DAY_NS)
    return Removal(clock.wall(), kept, cursors)
