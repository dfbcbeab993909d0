"""The live view: the newest value of every point, kept in memory for the pages.

Values are kept per (device, origin, point), each with its own time: a point that a reading does not carry
keeps what it has, an older stamp does not replace a newer one (unless the device's clock was set back), and DRILL
or SIMULATED values never touch LIVE ones (safety rule S4). Only LIVE changes are announced. No clock and no socket
in here.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from console.present import finite, iso, quality_text
from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from telemetry.store import Sample

LATE_NS = 60 * 10**9
"""A stamp so far behind its arrival is late: kept values of a device, or a clock that is wrong (S9's limit)."""
EVENT_PERIOD_S = 0.2
PENDING_MAX = 10_000
"""Announcements that may wait. More than 5000 devices send in one period; beyond it all readers start over."""


class PointValue(msgspec.Struct, frozen=True, gc=False):
    """One value for display. ``quality``: ``good``, ``bad:sensor-fault`` ...; ``at``: RFC 3339, source clock."""

    value: Value
    quality: str
    at: str


class Change(msgspec.Struct, frozen=True, gc=False):
    """A value inside an `Announcement`, whose time it shares."""

    value: Value
    quality: str


class Announcement(msgspec.Struct, frozen=True, gc=False):
    """What one reading changed."""

    device: str
    at: str
    values: dict[str, Change]


class _Device:
    """What is known of one device from one origin. ``order``: per point the time its value is ranked by, ns.

    ``newest``: the newest stamp; ``late_since``: when the first of a row of late arrivals came whose stamp was not
    newer than that, until one comes that is not late.
    """

    __slots__ = ("last_seen", "late_since", "newest", "order", "points")

    def __init__(self) -> None:
        self.points: dict[str, PointValue] = {}
        self.order: dict[str, int] = {}
        self.last_seen = 0
        self.newest = 0
        self.late_since: int | None = None

    def rank(self, at: int, received_at: int) -> int:
        """The time by which a sample is ranked, see `LiveView.observe`."""
        order = min(at, received_at)
        if received_at - at <= LATE_NS:
            self.late_since = None
        elif self.late_since is None and order <= self.newest:
            self.late_since = received_at
        self.newest = max(self.newest, order)
        if self.late_since is None or received_at - self.late_since < LATE_NS:
            return order
        return max(order, received_at - LATE_NS)

    def put(self, point: str, order: int, value: PointValue) -> bool:
        if order <= self.order.get(point, -1):
            return False
        self.order[point] = order
        self.points[point] = value
        return True


class LiveView:
    """Newest values and the announcements of what changed. All calls on one thread, the event loop's."""

    def __init__(self, period_s: float = EVENT_PERIOD_S) -> None:
        self._devices: dict[tuple[Origin, str], _Device] = {}
        self._pending: list[Announcement] = []
        self._flooded = False
        self._period_s = period_s
        self._taken_at: float | None = None
        self.changed = asyncio.Event()
        """Set while something waits to be taken with `take`."""

    def warm(self, samples: Iterable[Sample], now: int) -> None:
        """Start from what the store has. ``now`` in UTC ns; announces nothing."""
        for sample in samples:
            device = self._device(sample.origin, sample.device)
            order = min(sample.at, now)
            device.last_seen = max(device.last_seen, order)
            device.newest = max(device.newest, order)
            text = quality_text(sample.quality)
            device.put(sample.point, order, PointValue(finite(sample.value), text, iso(sample.at)))

    def observe(self, reading: Reading, points: Sequence[str]) -> None:
        """Take in one reading; ``points`` are the point names of its profile, in profile order.

        A sample is ranked by its own time but never later than it was received: a device clock that ran ahead
        must not freeze the display until real time catches up. One that was set back must not either: when nothing
        but stamps older than the newest known, and more than 60 s old, arrived for 60 s, samples are ranked 60 s
        before their arrival, until one comes that is not late. So kept values that a device sends after newer ones
        do not replace them, and whatever comes after the clock was set right replaces everything.

        A value that is absent but not of good quality («the sensor sent its fault mark») replaces the old value
        with none: what was measured before the fault must not look like a measurement of now.
        """
        device = self._device(reading.origin, reading.device)
        device.last_seen = max(device.last_seen, reading.received_at)
        order = device.rank(reading.at, reading.received_at)
        at = iso(reading.at)
        changes = {}
        for point, value, quality in zip(points, reading.values, reading.quality, strict=False):
            if value is None and quality == Quality.GOOD:
                continue
            new = PointValue(finite(value), quality_text(quality), at)
            if device.put(point, order, new):
                changes[point] = Change(new.value, new.quality)
        if changes and reading.origin is Origin.LIVE:
            self._announce(Announcement(reading.device, at, changes))

    def snapshot(self, origin: Origin = Origin.LIVE) -> Mapping[str, Mapping[str, PointValue]]:
        """Device -> point -> newest value, of one origin. The caller must not change it."""
        return {name: one.points for (whence, name), one in self._devices.items() if whence is origin}

    def latest(self, device: str, origin: Origin = Origin.LIVE) -> Mapping[str, PointValue]:
        """Point -> newest value of one device; empty if nothing was heard. The caller must not change it."""
        known = self._devices.get((origin, device))
        return known.points if known else {}

    def last_seen(self, device: str, origin: Origin = Origin.LIVE) -> int | None:
        """When the device was last heard by us, UTC ns; ``None``: never."""
        known = self._devices.get((origin, device))
        return known.last_seen if known else None

    def due_in_s(self, now: float) -> float | None:
        """Seconds until `take` may be called; ``None`` while nothing waits. ``now``: a clock that never steps, s."""
        if not self.changed.is_set():
            return None
        return 0.0 if self._taken_at is None else max(0.0, self._taken_at + self._period_s - now)

    def take(self, now: float) -> tuple[str, object] | None:
        """The next event as (kind, data), at most one per period; ``None`` if none is due.

        ``readings`` with the announcements in the order of arrival, or ``resync`` when too many piled up.
        """
        if self.due_in_s(now) != 0.0:
            return None
        items, flooded = self._pending, self._flooded
        self._pending, self._flooded, self._taken_at = [], False, now
        self.changed.clear()
        return ("resync", {}) if flooded else ("readings", {"items": items})

    def _device(self, origin: Origin, device: str) -> _Device:
        known = self._devices.get((origin, device))
        if known is None:
            known = self._devices[origin, device] = _Device()
        return known

    def _announce(self, what: Announcement) -> None:
        self.changed.set()
        if len(self._pending) >= PENDING_MAX:
            self._flooded = True
            self._pending.clear()
        if not self._flooded:
            self._pending.append(what)
