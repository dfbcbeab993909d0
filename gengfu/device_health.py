"""How the devices of a site are, and with them their connections: rows of `telemetry.health`. On the event loop."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

from console.live import LiveView, PointValue
from device_registry.devices import Device
from gateway.diagnostics import DeviceDiagnosis, Diagnosis, percentile
from gengfu.connection_board import patience_ns
from protocols.moment import SECOND
from protocols.profile.model import Profile
from protocols.reading import Origin
from telemetry.health import ConnectionHealth, DeviceHealth, DeviceState

MS = SECOND // 1000
ROUND_TRIPS = 1024
"""Of a connection, from which its percentiles are taken: sorting so many takes 0.1 ms."""
FIRMWARE = "firmware"
"""Name of the point in which a device tells its version."""
BATTERY = "battery"
"""Role of the point in which it tells its charge, in percent."""
OURS = "gengfu/"
"""Profiles of our own boards, whose version is a number: major * 10000 + minor * 100 + patch."""


class _Tally:
    """Of the devices of one connection."""

    def __init__(self) -> None:
        self.states = Counter[DeviceState]()
        self.errors = Counter[str]()
        self.skipped = 0


class SiteHealth:
    """Looks at the devices of a site one by one, at the instant ``at`` (UTC ns), and sums up what their connections
    are. ``live``: the newest values; they are those from before a restart too."""

    def __init__(self, diagnoses: Mapping[str, Diagnosis], live: LiveView, origin: Origin, at: int) -> None:
        self._diagnoses = diagnoses
        self._live = live
        self._origin = origin
        self._at = at
        self._tallies: dict[str, _Tally] = defaultdict(_Tally)

    def device(self, device: Device) -> DeviceHealth:
        """How it is."""
        diagnosis = self._diagnoses.get(device.connection)
        known = _NOTHING if diagnosis is None else diagnosis.devices.get(device.id, _NOTHING)
        heard_at = max(self._live.last_seen(device.id, self._origin) or 0, known.heard_at)
        unheard_ns = max(0, self._at - heard_at) if heard_at else None
        state = _state(known, unheard_ns, device)
        tally = self._tallies[device.connection]
        tally.states[state] += 1
        tally.skipped += known.skipped
        if known.errors:
            tally.errors.update(known.errors)
        values = self._live.latest(device.id, self._origin)
        trips = sorted(known.rtt_s)
        is_asked = bool(known.requests)
        offset_s = known.clock_offset_s
        return DeviceHealth(
            device.id,
            device.connection,
            state,
            None if unheard_ns is None else unheard_ns // MS,
            _short(device.period_s),
            dict(known.errors),
            known.requests if is_asked else None,
            known.answers if is_asked else None,
            known.skipped if is_asked else None,
            _micros(percentile(trips, 0.5)),
            _micros(percentile(trips, 0.95)),
            None if offset_s is None else round(offset_s * 1000),
            _firmware(device.profile, values),
            _battery(device.profile, values),
        )

    def connection(self, known: Diagnosis) -> ConnectionHealth:
        """How it is, after all of its devices were looked at."""
        rates = known.rates()
        trips = sorted(known.some_round_trips(ROUND_TRIPS))
        tally = self._tallies[known.connection]
        return ConnectionHealth(
            known.connection,
            known.transport,
            known.state,
            int(known.is_up),
            known.reason,
            known.since // MS,
            tally.states.total(),
            tally.states[DeviceState.SILENT],
            tally.states[DeviceState.LOST],
            tally.states[DeviceState.UNHEARD],
            known.requests,
            tally.skipped,
            rates.requests_per_s,
            dict(tally.errors + Counter(known.errors)),
            rates.utilisation if known.requests else None,
            percentile(trips, 0.5),
            percentile(trips, 0.95),
        )

    def total(self) -> Counter[DeviceState]:
        """How many devices of the site are in which state."""
        return sum((tally.states for tally in self._tallies.values()), Counter[DeviceState]())


_NOTHING = DeviceDiagnosis()
"""Of a device whose connection does not stand, because it is being opened anew."""


def _state(known: DeviceDiagnosis, unheard_ns: int | None, device: Device) -> DeviceState:
    if known.lost_since:
        return DeviceState.LOST
    if unheard_ns is None:
        return DeviceState.UNHEARD
    return DeviceState.SILENT if unheard_ns > patience_ns(device) else DeviceState.WELL


@lru_cache(1024)
def _battery_point(profile: Profile) -> str | None:
    return next((point.name for point in profile.points if point.role == BATTERY and point.unit == "%"), None)


def _battery(profile: Profile, values: Mapping[str, PointValue]) -> float | None:
    value = _usable(values.get(_battery_point(profile) or ""))
    return None if value is None or isinstance(value, str) else _short(value)


def _firmware(profile: Profile, values: Mapping[str, PointValue]) -> str | None:
    value = _usable(values.get(FIRMWARE))
    if value is None or isinstance(value, str):
        return value
    if not profile.id.startswith(OURS):
        return f"{value:g}"
    number = int(value)
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _usable(value: PointValue | None) -> float | str | None:
    return None if value is None or value.quality.startswith("bad") else value.value


def _short(number: float) -> float:
    """A whole number takes a third of the bytes."""
    return int(number) if number == int(number) else number


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
