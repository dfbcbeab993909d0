"""The alarm metrics of a site, from the journal: for the API and the page, and the newest of them for Prometheus.

The newest transitions are kept in memory, beginning with the journal's end that the desk is warmed from anyway. What
reaches further back is read from the journal when somebody asks, in a thread, one after the other.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

import alarms
from alarms.alarm import AlarmTransition, decode_record, decode_transition
from alarms.metrics.figures import Figures, load_figures
from alarms.metrics.measures import SECOND, Span
from alarms.metrics.meter import Meter, is_announcement
from console.alarm_metrics import Measured, MetricsQuery
from console.errors import MetricsBusy
from gengfu import clock
from gengfu.alarm_gauges import gauges
from gengfu.rules import Rulebook
from journal.entry import PARTITIONS, Stored
from journal.sqlite import SqliteJournal
from protocols.reading import Origin

ALARM = "alarm"
KEPT = 10_000
"""Transitions in memory."""
PAGE = 1000
"""Transitions that are read from the journal at once."""
WAITING = 4
"""Questions at once: one is answered, the others wait."""
SHOWN_S = 86_400
"""So far back Prometheus is shown metrics, where memory reaches so far."""

log = logging.getLogger("gengfu.alarm_metrics")


class _Kept(NamedTuple):
    at: int
    body: bytes


class AlarmMeters(Collector):
    """The console's `console.alarm_metrics.AlarmMetrics`, and its metrics. ``kept``: transitions in memory."""

    def __init__(self, journal: SqliteJournal, book: Rulebook, kept: int = KEPT) -> None:
        self.figures: Figures = load_figures(Path(alarms.__file__).parent / "metrics" / "figures.toml")
        self._journal = journal
        self._book = book
        self._guard = threading.Lock()
        self._kept: deque[_Kept] = deque(maxlen=kept)
        self._reach = 0
        self._announced: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def warm(self, tail: Sequence[Stored], *, is_all: bool, now: int) -> None:
        """Begin with the journal's end, oldest first; ``is_all``: there is nothing before it. Once, before `listen` is
        subscribed."""
        found = [stored for stored in tail if stored.entry.kind == ALARM]
        if not is_all:
            # what stands just before the oldest that is known may be of the same instant
            self._reach = found[0].entry.at + 1 if found else now
        for stored in found:
            self._keep(stored)

    def listen(self, batch: Sequence[Stored]) -> None:
        """Listener of the journal."""
        for stored in batch:
            if stored.entry.kind == ALARM:
                self._keep(stored)
                for one in _decoded([stored.entry.body], Counter()):
                    if one.origin is Origin.LIVE and is_announcement(one):
                        self._announced[one.priority] += 1

    async def measure(self, query: MetricsQuery) -> Measured | None:
        """See `console.alarm_metrics.AlarmMetrics.measure`."""
        if self._waiting == WAITING:
            raise MetricsBusy(f"{WAITING} wait for alarm metrics already; ask again, or for a shorter time")
        self._waiting += 1
        try:
            async with self._turn:  # a journal of gigabytes is read for some seconds: never twice at once
                return await asyncio.to_thread(self._measure, query)
        finally:
            self._waiting -= 1

    def collect(self) -> Iterable[Metric]:
        """Of the last day, or of as much of it as is in memory."""
        announced = CounterMetricFamily("gengfu_alarms_announced", "Live alarms announced", labels=["priority"])
        for priority, count in dict(self._announced).items():
            announced.add_metric([priority], count)
        yield announced
        now = clock.wall()
        start = min(max(now - SHOWN_S * SECOND, self._reach), now - 1)
        measured = self._measure(MetricsQuery(start, now), memory_only=True)
        if measured is not None:
            yield from gauges(measured)

    def _measure(self, query: MetricsQuery, *, memory_only: bool = False) -> Measured | None:
        """On any thread but the loop's."""
        span = Span(max(query.start, self._journal.survey.parts().begun), query.end)
        if span.start >= span.end:
            return None
        everything = Meter(span, self.figures, lambda _, origin: origin is query.origin)
        operational = Meter(
            span, self.figures, lambda rule, origin: origin is query.origin and not self._is_diagnostic(rule)
        )
        # records first: what changes an alarm after this is among the transitions
        records = self._journal.load_state(f"{ALARM}/").values()
        with self._guard:
            reach, kept = self._reach, tuple(one.body for one in self._kept)
        unread: Counter[str] = Counter()
        bodies = kept if memory_only or span.start >= reach else self._stored(span.start)
        for one in _decoded(bodies, unread):
            everything.observe(one)
            operational.observe(one)
        for body in records:
            try:
                record = decode_record(body)
            except msgspec.DecodeError:
                unread["record"] += 1
                continue
            everything.settle(record)
            operational.settle(record)
        if unread:
            log.error("alarm metrics: %d entries cannot be read, update this console", unread.total())
        return Measured(everything.metrics(), operational.metrics(), unread.total())

    def _stored(self, start: int) -> Iterator[bytes]:
        """Bodies of all transitions of the journal since ``start``, and of some before it."""
        after = self._journal.since(start) - 1
        while True:
            batch, upto = self._journal.survey.of_kinds({ALARM}, dict.fromkeys(range(PARTITIONS), after), PAGE)
            yield from (stored.entry.body for stored in batch)
            if len(batch) < PAGE:
                return
            after = upto

    def _keep(self, stored: Stored) -> None:
        with self._guard:
            if len(self._kept) == self._kept.maxlen:
                self._reach = max(self._reach, self._kept[0].at + 1)
            self._kept.append(_Kept(stored.entry.at, stored.entry.body))

    def _is_diagnostic(self, rule: str) -> bool:
        """Of a rule that is gone nobody knows; it is taken for one that an operator is meant to answer."""
        known = self._book.alarms.get(rule)
        return known is not None and known.alarm_class == "diagnostic"


def _decoded(bodies: Iterable[bytes], unread: Counter[str]) -> Iterator[AlarmTransition]:
    for body in bodies:
        try:
            yield decode_transition(body)
        except msgspec.DecodeError:
            unread["transition"] += 1
