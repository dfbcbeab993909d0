"""What has to be done now and then: a large or old segment of the journal is sealed, and those that every store has
taken are removed by age and by size."""

import asyncio
from collections.abc import Sequence

from gengfu import clock
from gengfu.stores import StoreFeed
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


async def keep_house(journal: SqliteJournal, max_bytes: int, feeds: Sequence[StoreFeed], keep_days: float) -> None:
    """Once a minute, for ever, remove what is older than ``keep_days`` (or, when crowded, than an hour) and was taken
    by every store. A store that never comes back keeps everything: then the journal fills, and `/readyz` says so."""
    limit = Limit(min(SEGMENT_BYTES, max_bytes // SEGMENTS), SEGMENT_AGE_NS)
    while True:
        await journal.seal(clock.wall(), limit)
        crowded = journal.used_bytes > CROWDED * max_bytes
        kept = KEPT_WHEN_CROWDED_NS if crowded else int(keep_days * DAY_NS)
        await journal.prune(clock.wall(), kept, [feed.cursor() for feed in feeds])
        await asyncio.sleep(EVERY_S)
