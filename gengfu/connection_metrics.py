"""The connections in `/metrics`. Labels are bounded: connection, transport and kind, never a device or an address."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.diagnostics import Diagnosis, percentile

QUANTILES = (0.5, 0.95)


def connection_metrics(diagnoses: Iterable[Diagnosis]) -> Iterator[Metric]:
    """What `generate_latest` shows of connections. Safe from any thread."""
    known = list(diagnoses)
    yield _gauge("gengfu_connection_up", "Whether the connection stands", known, lambda one: float(one.is_up))
    yield _gauge(
        "gengfu_connection_utilisation",
        "Share of the last minute with a request under way",
        known,
        lambda one: one.rates().utilisation,
    )
    yield _gauge("gengfu_connection_devices_lost", "Devices that do not answer", known, _lost)
    requests = CounterMetricFamily("gengfu_connection_requests", "Requests to devices", labels=["connection"])
    skipped = CounterMetricFamily(
        "gengfu_connection_skipped_polls", "Polls left out because the line was too slow", labels=["connection"]
    )
    errors = CounterMetricFamily(
        "gengfu_connection_errors", "What went wrong on a connection", labels=["connection", "kind"]
    )
    trips = GaugeMetricFamily(
        "gengfu_connection_round_trip_seconds", "Of the last round trips", labels=["connection", "quantile"]
    )
    for one in known:
        requests.add_metric([one.connection], one.requests)
        skipped.add_metric([one.connection], sum(device.skipped for device in tuple(one.devices.values())))
        for kind, times in one.all_errors().items():
            errors.add_metric([one.connection, kind], times)
        samples = tuple(one.rtt_s)
        for share in QUANTILES if samples else ():
            trips.add_metric([one.connection, str(share)], percentile(samples, share) or 0.0)
    yield from (requests, skipped, errors, trips)


def _lost(one: Diagnosis) -> float:
    return sum(bool(device.lost_since) for device in tuple(one.devices.values()))


def _gauge(name: str, about: str, known: Iterable[Diagnosis], value: Callable[[Diagnosis], float]) -> Metric:
    gauge = GaugeMetricFamily(name, about, labels=["connection", "transport"])
    for one in known:
        gauge.add_metric([one.connection, one.transport], value(one))
    return gauge
