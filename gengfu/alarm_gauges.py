"""The alarm metrics in `/metrics`. Labels are bounded: the set of alarms, a priority or a quantile, never a device."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from alarms.metrics.figures import NumberName
from alarms.metrics.measures import SECOND
from console.alarm_metrics import Measured
from console.duty.alarm_board import PRIORITIES

_PLAIN: tuple[tuple[str, str, NumberName, float], ...] = (
    ("gengfu_alarms_flood_ratio", "Share of 10-minute windows in a flood", "flood-share", 0.01),
    ("gengfu_alarms_unacknowledged", "Alarms that stand unacknowledged", "unacknowledged", 1.0),
    ("gengfu_alarms_stale", "Alarms that stand for 24 h and more", "stale", 1.0),
    ("gengfu_alarms_chattering", "Alarms that were announced again and again within a minute", "chattering", 1.0),
    ("gengfu_alarms_fleeting", "Announcements that went by themselves at once", "fleeting", 1.0),
    ("gengfu_alarms_top_ratio", "Share of the ten most frequent alarms", "top-share", 0.01),
)
"""Family, its text, the number, and what makes a ratio of per cent."""
_RATES: tuple[tuple[str, NumberName, NumberName], ...] = (
    ("10m", "per-10-min-mean", "per-10-min-peak"),
    ("1h", "per-hour-mean", "per-hour-peak"),
)
_QUANTILES: tuple[tuple[str, NumberName], ...] = (("0.5", "acknowledge-p50"), ("0.95", "acknowledge-p95"))


def gauges(measured: Measured) -> Iterator[Metric]:
    """What `generate_latest` shows. ``set``: ``all``, or ``without-diagnostics``."""
    sets = {"all": measured.everything, "without-diagnostics": measured.operational}
    numbers = {name: one.numbers() for name, one in sets.items()}
    for family, about, number, factor in _PLAIN:
        gauge = GaugeMetricFamily(family, about, labels=["set"])
        for name, known in numbers.items():
            if (value := known[number]) is not None:
                gauge.add_metric([name], value * factor)
        yield gauge
    means = GaugeMetricFamily("gengfu_alarms_rate_mean", "Announcements per window, mean", labels=["set", "per"])
    peaks = GaugeMetricFamily("gengfu_alarms_rate_peak", "Announcements per window, most", labels=["set", "per"])
    delays = GaugeMetricFamily(
        "gengfu_alarms_acknowledge_seconds", "From announcement to acknowledgement", labels=["set", "quantile"]
    )
    for name, known in numbers.items():
        for per, mean, peak in _RATES:
            means.add_metric([name, per], known[mean] or 0.0)
            peaks.add_metric([name, per], known[peak] or 0.0)
        for quantile, number in _QUANTILES:
            if (value := known[number]) is not None:
                delays.add_metric([name, quantile], value)
    standing = GaugeMetricFamily("gengfu_alarms_standing", "Alarms that stand", labels=["set", "priority"])
    for name, one in sets.items():
        for priority in PRIORITIES:
            standing.add_metric([name, priority], one.standing.get(priority, 0))
    span = measured.everything.span
    measured_s = GaugeMetricFamily("gengfu_alarms_measured_seconds", "How far back the gauges of alarms look")
    measured_s.add_metric([], (span.end - span.start) / SECOND)
    yield from (means, peaks, delays, standing, measured_s)
