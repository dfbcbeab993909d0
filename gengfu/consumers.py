"""The stores that the journal waits for, and those that a person decided not to wait for any more.

Housekeeping removes what every store has taken. One that never comes back keeps everything, until the journal is full
and readings are refused. Only a person's word lets go of what a store has not taken; what goes is counted before it
goes, and told when the store reads on behind it (docs/decisions/0019).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from console.errors import ForgetRefused, NoSuchConsumer
from console.present import iso
from gengfu import clock
from gengfu.consumer_record import STATE, ConsumerRecord, Forgotten, Missing, decode, encode
from gengfu.removal import Removal
from gengfu.stores import StoreFeed
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from telemetry.health import ConsumerHealth

log = logging.getLogger("gengfu.journal")

Item = dict[str, Any]


class Consumers(Collector):
    """The stores of one journal; the console's `console.services.JournalDesk`. On the event loop."""

    def __init__(
        self,
        journal: SqliteJournal,
        max_bytes: int,
        feeds: Iterable[StoreFeed],
        now: Callable[[], int] = clock.wall,
    ) -> None:
        """Blocks on the disk. Raises `msgspec.DecodeError` for a record that is none."""
        self._journal = journal
        self._max_bytes = max_bytes
        self._feeds = {feed.name: feed for feed in feeds}
        self._now = now
        kept = journal.load_state(STATE)
        self._records = {
            name: decode(kept[STATE + name]) if STATE + name in kept else ConsumerRecord() for name in self._feeds
        }
        self._unkept: set[str] = set()
        self.undisturbed = asyncio.Lock()
        """Held while a person decides, and while something is removed: what is remembered must not go after that."""
        for name, record in self._records.items():
            if record.missing is not None:
                self._feeds[name].begin_removal(record.missing.below)

    def waits_for(self, taker: object) -> bool:
        """Whether nothing may be removed that ``taker`` has not taken: true of all but a forgotten store."""
        return all(taker is not feed for feed in self._forgotten())

    def _forgotten(self) -> list[StoreFeed]:
        return [feed for name, feed in self._feeds.items() if self._records[name].forgotten is not None]

    async def status(self) -> Item:
        """See `console.services.JournalDesk`."""
        self._look()
        parts = await asyncio.to_thread(self._journal.survey.parts)
        return {
            "used_bytes": self._journal.used_bytes,
            "max_bytes": self._max_bytes,
            "segments": {"count": parts.files, "oldest_begun_at": iso(parts.begun)},
            "consumers": [await self._item(name) for name in self._feeds],
        }

    def look(self, at: int, dead_letters: Mapping[str, int]) -> tuple[ConsumerHealth, ...]:
        """How each store is at UTC ns ``at``. ``dead_letters``: how many, by store. Blocks on the disk; from any
        thread."""
        return tuple(self._health(name, at, dead_letters.get(name)) for name in self._feeds)

    async def forget(self, name: str, who: str) -> Item:
        """See `console.services.JournalDesk`."""
        async with self.undisturbed:
            feed = self._find(name)
            if self._records[name].forgotten is None:
                untaken = await asyncio.to_thread(feed.lag)
                self._refuse_senseless(feed, untaken)
                await self._decide(name, Forgotten(self._now(), who, untaken))
                log.warning(
                    "%s forgot the store %s, which had not taken %d entries: they go when they are old enough or the "
                    "journal is crowded",
                    who,
                    name,
                    untaken,
                )
            return await self._item(name)

    async def remember(self, name: str, who: str) -> Item:
        """See `console.services.JournalDesk`."""
        async with self.undisturbed:
            feed = self._find(name)
            if self._records[name].forgotten is not None:
                await self._decide(name, None)
                untaken = await asyncio.to_thread(feed.lag)
                log.warning("%s remembered the store %s, which has not taken %d entries yet", who, name, untaken)
            return await self._item(name)

    async def before(self, removal: Removal) -> None:
        """Count what goes that a forgotten store has not taken, and keep the figures before it is gone. The caller
        holds `undisturbed`, until it is."""
        self._look()
        forgotten = self._forgotten()
        if forgotten:
            below = await self._journal.prunable(*removal)
            for feed in forgotten:
                await self._count(feed, below)
        await self._keep()

    def _find(self, name: str) -> StoreFeed:
        if name not in self._feeds:
            raise NoSuchConsumer(list(self._feeds))
        return self._feeds[name]

    def _refuse_senseless(self, feed: StoreFeed, untaken: int) -> None:
        if len(self._feeds) - len(self._forgotten()) == 1:
            raise ForgetRefused(
                f"{feed.name} is the only store that the journal waits for: what it has not taken is nowhere else. "
                "Mend it, give the journal more room, or remember another store first",
                f"{feed.name} 是日志唯一等待的存储:它尚未取走的数据别处没有。"
                "请修复它、扩大日志空间,或先恢复等待另一个存储。",
            )
        if not untaken and feed.problem() is None:
            raise ForgetRefused(
                f"{feed.name} has taken everything: nothing is kept for its sake",
                f"{feed.name} 已取走全部数据,日志没有为它保留任何内容。",
            )

    async def _decide(self, name: str, forgotten: Forgotten | None) -> None:
        """Durable first, but where the journal has no room even for this: then the removal has to make it."""
        before = self._records[name].forgotten
        self._change(name, forgotten=forgotten)
        try:
            await self._keep()
        except BaseException:
            self._change(name, forgotten=before)
            raise

    async def _keep(self) -> None:
        """Store the records that changed. Raises `journal.errors.JournalError`, but not for a journal without room."""
        names = tuple(self._unkept)
        self._unkept.clear()
        if not names:
            return
        try:
            await self._journal.append((), {STATE + name: encode(self._records[name]) for name in names})
        except JournalFull as error:
            self._unkept.update(names)
            log.warning("what was decided on %s is not on the disk yet: %s", ", ".join(names), error)
        except BaseException:
            self._unkept.update(names)
            raise

    async def _count(self, feed: StoreFeed, below: int) -> None:
        record = self._records[feed.name]
        known = record.missing
        start = known.below if known is not None else 0
        if below <= start:
            return
        cursor = feed.begin_removal(below)
        gone = await asyncio.to_thread(self._journal.survey.extent, cursor, start, below)
        if not gone.entries:
            return
        missing = Missing(gone.entries, gone.first, gone.last, below)
        if known is not None and not known.told_at:
            missing = Missing(
                known.entries + gone.entries, min(known.first, gone.first), max(known.last, gone.last), below
            )
        self._change(feed.name, missing=missing)
        log.warning(
            "the store %s is forgotten and has not taken %d entries from %s to %s: they are removed now",
            feed.name,
            gone.entries,
            iso(gone.first),
            iso(gone.last),
        )

    def _look(self) -> None:
        """Tell, once, of each store that has read on behind what was removed."""
        for name, feed in self._feeds.items():
            missing = self._records[name].missing
            if missing is None or missing.told_at or max(feed.cursor().values(), default=0) < missing.below:
                continue
            entries = max(0, missing.entries - feed.taken_late())
            told = msgspec.structs.replace(missing, entries=entries, told_at=self._now())
            self._change(name, missing=told, missed=self._records[name].missed + entries)
            if entries:
                log.error(
                    "the store %s reads on, but %d entries from %s to %s are not in it: they were removed before it "
                    "came back, because it was forgotten",
                    name,
                    entries,
                    iso(missing.first),
                    iso(missing.last),
                )

    def _change(self, name: str, **fields: object) -> None:
        self._records[name] = msgspec.structs.replace(self._records[name], **fields)
        self._unkept.add(name)

    def _health(self, name: str, at: int, dead_letters: int | None) -> ConsumerHealth:
        feed, record = self._feeds[name], self._records[name]
        oldest = feed.oldest_at()
        age_s = 0.0 if oldest is None else max(0.0, (at - oldest) / SECOND)
        problem = feed.problem()
        return ConsumerHealth(
            name,
            feed.lag(),
            age_s,
            int(problem is None),
            problem or "",
            int(record.forgotten is not None),
            record.missed,
            dead_letters,
        )

    async def _item(self, name: str) -> Item:
        feed, record = self._feeds[name], self._records[name]
        forgotten, missing = record.forgotten, record.missing
        return {
            "name": name,
            "lag": await asyncio.to_thread(feed.lag),
            "problem": feed.problem(),
            "forgotten": forgotten
            and {"since": iso(forgotten.since), "by": forgotten.by, "untaken": forgotten.untaken},
            "missing": missing
            and {
                "entries": missing.entries,
                "first_at": iso(missing.first),
                "last_at": iso(missing.last),
                "told_at": iso(missing.told_at) if missing.told_at else None,
            },
        }

    def collect(self) -> Iterable[Metric]:
        """For `/metrics`."""
        missed = CounterMetricFamily(
            "gengfu_store_missed_entries",
            "Journal entries that were removed before a forgotten store came back for them",
            labels=["store"],
        )
        forgotten = GaugeMetricFamily(
            "gengfu_store_forgotten", "Whether the journal does not wait for a store", labels=["store"]
        )
        for name, record in self._records.items():
            missed.add_metric([name], record.missed)
            forgotten.add_metric([name], record.forgotten is not None)
        yield missed
        yield forgotten
