"""The console of a process, wired: telemetry stores fed from the journal, live view, accounts and pages."""

import logging
from collections.abc import Sequence
from functools import partial

from device_registry.devices import Site

from console.live import LiveView
from journal.consumer import Consumer
from journal.entry import Stored
from journal.sqlite import SqliteJournal
from protocols.reading import decode_reading
from telemetry.errors import StoreUnavailable
from telemetry.sink import Sink
from telemetry.store import Series

log = logging.getLogger("gengfu.console")


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


class LiveFeed:
    """Carries committed readings from the journal into the live view."""

    def __init__(self, site: Site, live: LiveView) -> None:
        self._live = live
        self._points = {
            device.id: tuple(point.name for point in device.profile.points) for device in site.devices.values()
        }

    def __call__(self, stored: Sequence[Stored]) -> None:
        """Listener of the journal."""
        for one in stored:
            if one.entry.kind == "reading":
                reading = decode_reading(one.entry.body)
                points = self._points.get(reading.device)
                if points is not None:
                    self._live.observe(reading, points)


def _consume(sink: Sink, batch: list[Stored]) -> None:
    sink.consume((one.position, one.entry.partition, one.entry.kind, one.entry.body) for one in batch)


def feed(name: str, journal: SqliteJournal, sink: Sink, flush_s: float) -> Consumer:
    """A consumer thread that feeds a store from the journal, from where the store stands."""
    return Consumer(
        name,
        journal,
        partial(_consume, sink),
        sink.cursor(),
        flush_s=flush_s,
        batch=50_000,
        retry_on=(StoreUnavailable,),
    )
