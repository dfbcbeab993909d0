"""What the gateway counts, as Prometheus shows it."""

from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge


class Taken(NamedTuple):
    """The counters of what one transport took; looking them up by label costs more than counting."""

    readings: Counter
    duplicates: Counter


class Counters:
    """The gateway's counters in one registry. Labels are bounded: never a device id or an address."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.readings = Counter("gengfu_readings", "Readings stored in the journal", ["transport"], registry=registry)
        self.duplicates = Counter(
            "gengfu_readings_duplicate", "Readings that had been stored before", ["transport"], registry=registry
        )
        self.refused = Counter(
            "gengfu_uplinks_refused", "Uplinks refused, by reason", ["transport", "kind"], registry=registry
        )
        self.marked = Counter(
            "gengfu_values_not_good", "Values stored with a quality that is not good", ["quality"], registry=registry
        )
        self.unknown = Gauge(
            "gengfu_unknown_devices", "Devices that were heard but are not registered", registry=registry
        )
        self._taken: dict[str, Taken] = {}

    def taken(self, transport: str) -> Taken:
        """Those of a transport."""
        taken = self._taken.get(transport)
        if taken is None:
            taken = self._taken[transport] = Taken(self.readings.labels(transport), self.duplicates.labels(transport))
        return taken
