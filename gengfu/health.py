"""Whether a process does its work, for `/readyz` and `/metrics`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.diagnostics import Diagnosis
from gateway.transports.modbus.bus import BusCounters
from gengfu.connection_metrics import connection_metrics
from gengfu.stores import StoreFeed
from journal.sqlite import SqliteJournal

FULL_AT = 0.95
"""Share of the journal's bound from which the process says that it is not ready for bulk telemetry."""


class Health(Collector):
    """Looks at the journal, the stores behind it and the buses when it is asked."""

    def __init__(
        self,
        journal: SqliteJournal,
        max_bytes: int,
        feeds: Iterable[StoreFeed],
        buses: Callable[[], Mapping[str, BusCounters]],
        diagnoses: Callable[[], Mapping[str, Diagnosis]],
    ) -> None:
        self._journal = journal
        self._max_bytes = max_bytes
        self._feeds = tuple(feeds)
        self._buses = buses
        self._diagnoses = diagnoses

    def checks(self) -> Mapping[str, str | None]:
        """Check name -> what is wrong, or ``None``."""
        return {"journal": self._journal_problem()} | {feed.name: feed.problem() for feed in self._feeds}

    def _journal_problem(self) -> str | None:
        refusal = self._journal.refusal
        if refusal is not None:
            return f"its disk takes no readings: {type(refusal).__name__}"
        share = self._journal.used_bytes / self._max_bytes
        return f"{share:.0%} of its bound is used; bulk telemetry is refused at 100 %" if share >= FULL_AT else None

    def collect(self) -> Iterable[Metric]:
        """The gauges and counters that are read from the parts themselves."""
        used = GaugeMetricFamily("gengfu_journal_bytes", "Bytes of the journal in use")
        used.add_metric([], self._journal.used_bytes)
        yield used
        lag = GaugeMetricFamily(
            "gengfu_store_lag_entries", "Journal entries a store has not taken yet", labels=["store"]
        )
        for feed in self._feeds:
            lag.add_metric([feed.name], feed.lag())
        yield lag
        events = CounterMetricFamily(
            "gengfu_bus_events", "What happened on a Modbus bus", labels=["connection", "event"]
        )
        for connection, counters in self._buses().items():
            for event, count in asdict(counters).items():
                events.add_metric([connection, event], count)
        yield events
        yield from connection_metrics(self._diagnoses().values())
