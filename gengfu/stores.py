"""The telemetry stores of a process, each fed from the journal by a consumer thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from device_registry.devices import Site
from gengfu import clock
from gengfu.annotations import Annotator
from gengfu.damage import open_or_set_aside
from gengfu.rules import Rulebook
from gengfu.settings import TelemetryPart
from gengfu.supervisor import Supervisor
from journal.consumer import Consumer
from journal.entry import PARTITIONS, Row
from journal.sqlite import SqliteJournal
from operations.plan_files import shipped_plans
from protocols.reading import decode_reading
from telemetry.duck import DuckStore
from telemetry.errors import StoreDamaged, StoreError, StoreUnavailable
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.letters import READING
from telemetry.sink import UNDECODABLE, Sink, duck_sink
from telemetry.store import Series

log = logging.getLogger("gengfu.stores")

BATCH = 50_000
SILENT_S = 10.0
"""A server that owes an answer for so long is told of; whether it still comes is known after its ``timeout_s``."""
STOP_S = 1.5
"""So long a stop waits for a store that has something in hand."""


def series_of(site: Site) -> dict[str, Series]:
    """What the stores know of each device beside its id."""
    return {
        device.id: Series(
            device.profile.id,
            device.profile.kind,
            site.id,
            device.area.id,
            tuple(point.name for point in device.profile.points),
        )
        for device in site.devices.values()
    }


class StoreFeed:
    """Feeds one store. A consumer that died is begun anew by the supervisor, from where the store stands."""

    def __init__(self, name: str, journal: SqliteJournal, sink: Sink, flush_s: float) -> None:
        self.name = name
        self._journal = journal
        self._sink = sink
        self._flush_s = flush_s
        self._consumer: Consumer | None = None
        self._guard = threading.Lock()
        self._taken: dict[int, int] = {}
        self._removed_below = 0
        self._taken_late = 0

    async def run(self) -> None:
        """Feed until `stop`; raises what the sink raised when that cannot be retried."""
        await self._end()
        cursor = await asyncio.to_thread(self._sink.cursor)
        with self._guard:
            self._taken = dict(cursor)
        self._consumer = Consumer(
            self.name,
            self._journal,
            self._take,
            cursor,
            flush_s=self._flush_s,
            batch=BATCH,
            retry_on=(StoreUnavailable,),
        )
        self._consumer.start()
        await self._consumer.wait()

    async def stop(self) -> None:
        """Hand over what the journal holds, then end."""
        await self._end()

    async def _end(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        stopping = asyncio.create_task(consumer.stop())
        await asyncio.wait([stopping], timeout=STOP_S)
        if not stopping.done():
            self._sink.interrupt()
        try:
            await stopping
        except StoreError as error:
            # Told already if it had died of this; and no reason to fail a stop: the journal keeps what is left.
            log.warning("store %s: %s; what it has not taken stays in the journal", self.name, error)

    def _take(self, rows: list[Row]) -> None:
        """On the consumer's thread."""
        self._sink.consume(rows)
        with self._guard:
            self._taken |= {partition: position for position, partition, _, _ in rows}
            if self._removed_below:
                self._taken_late += sum(position < self._removed_below for position, _, _, _ in rows)

    def cursor(self) -> dict[int, int]:
        """How far the store has taken the journal; empty until it has said where it stands."""
        with self._guard:
            return dict(self._taken)

    def begin_removal(self, below: int) -> dict[int, int]:
        """What stands below this position goes, taken or not: the cursor at this moment. What the store takes of it
        later all the same, because it was on its way, is counted (`taken_late`)."""
        with self._guard:
            self._removed_below = below
            return dict(self._taken)

    def taken_late(self) -> int:
        """Entries taken since, from below the position of `begin_removal`; counted from 0 after this."""
        with self._guard:
            late, self._taken_late = self._taken_late, 0
            return late

    def lag(self) -> int:
        """Entries that the store has not taken yet; all there are, until it has said where it stands. From any thread;
        may read the disk when the lag is long."""
        return self._journal.count(range(PARTITIONS), self.cursor())

    def oldest_at(self) -> int | None:
        """When the oldest entry came that the store has not taken yet, UTC ns; ``None``: it has taken all. Reads the
        disk."""
        for _, entry in self._journal.read(range(PARTITIONS), self.cursor(), 1):
            try:
                return decode_reading(entry.body).received_at if entry.kind == READING else entry.at
            except UNDECODABLE:  # a letter to be
                return entry.at
        return None

    def problem(self) -> str | None:
        """Why the store takes no data, in a word without secrets; ``None`` while it does."""
        if self._consumer is None:
            return "is not being fed"
        refusal = self._consumer.last_refusal
        if refusal is not None:
            return f"takes no data: {type(refusal).__name__}"
        return f"has not answered for {SILENT_S:g} s and more" if self._sink.waits_s() > SILENT_S else None


class Stores:
    """DuckDB, and InfluxDB where the settings name one (``influx``)."""

    def __init__(
        self,
        duck: DuckStore,
        feeds: Iterable[StoreFeed],
        series: dict[str, Series],
        annotate: Annotator,
        influx: InfluxSink | None = None,
    ) -> None:
        self.duck = duck
        self.feeds = tuple(feeds)
        self.influx = influx
        self._series = series
        self._annotate = annotate

    def follow_site(self, site: Site) -> None:
        """The site was changed. What a removed device sent may still be on its way to a store, so its series stays."""
        self._series.update(series_of(site))
        self._annotate.follow_site(site)


async def open_stores(
    stack: AsyncExitStack, site: Site, folder: Path, book: Rulebook, journal: SqliteJournal, settings: TelemetryPart
) -> Stores:
    """Open the stores; ``stack`` closes them. Feed them with `start`. ``book``: the names of alarms and trips."""
    series = series_of(site)
    annotate = Annotator(site, book, shipped_plans())
    path = folder / "telemetry.duckdb"
    duck = await asyncio.to_thread(
        open_or_set_aside,
        path,
        lambda: DuckStore.open(path, series.get, keep=settings.keep, now=clock.wall),
        StoreDamaged,
    )
    stack.callback(duck.close)
    feeds = [StoreFeed("duckdb", journal, duck_sink(duck), settings.flush_s)]
    sink: InfluxSink | None = None
    if settings.influx.url:
        chosen = InfluxSettings(**settings.influx.model_dump())
        sink = InfluxSink(chosen, series.get, folder / "influx.db", annotate, clock.wall)
        stack.callback(sink.close)
        feeds.append(StoreFeed("influxdb", journal, sink, settings.flush_s))
    return Stores(duck, feeds, series, annotate, sink)


def start(stack: AsyncExitStack, stores: Stores, supervisor: Supervisor) -> None:
    """Begin to feed; at the end of ``stack`` what the journal holds is handed over first."""
    for feed in stores.feeds:
        stack.push_async_callback(feed.stop)
        supervisor.run(f"store {feed.name}", feed.run)
