"""The pipeline: decode, judge, store, and only then let the transport acknowledge.

Interlocks see a reading first, then alarms, both in memory; then one journal entry per reading goes into the next
group commit together with what the judges decided. A reading that storage refuses has been judged all the same
(safety rule S9).
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from device_registry.devices import Site
from device_registry.unknown import UnknownDevices
from gateway.counters import Counters
from gateway.decisions import Decisions
from gateway.uplink import Done, Uplink
from journal.entry import Entry, Journal, Stored, partition_of
from journal.errors import JournalError
from journal.recent import Accepted, Answer, RecentIdentities
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND, Moment
from protocols.profile.model import FindProfile, Profile
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading, decode_reading, encode_reading
from protocols.uplink import decode_pack

READING = "reading"
MESSAGE_LIFETIME_NS = 247 * SECOND
"""EXCHANGE_LIFETIME (RFC 7252, 4.8.2): after it a message id may come again and mean something new."""

UNTIMED = range(0, 1_000_000, 1_000)
"""Samples without a time get that of their message, and 1 µs more for each that repeats a point."""


class Verdict(NamedTuple):
    """What a judge wants stored with a reading: journal entries and state keys."""

    entries: Sequence[Entry]
    state: dict[str, bytes | None]


class Judge(Protocol):
    """Interlocks and alarms, as the pipeline sees them. Effects leave before `observe` returns."""

    def observe(self, reading: Reading, now: Moment) -> Verdict:
        """Judge one reading that was not seen before."""


class _Accepted(NamedTuple):
    """A reading as it is judged, with what its identity was remembered under. ``new``: it is not stored yet."""

    reading: Reading
    memory: Accepted
    new: bool


class _Batch(NamedTuple):
    """What one call stores together."""

    accepted: list[_Accepted]
    entries: list[Entry]
    state: dict[str, bytes | None]


class Pipeline:
    """One per gateway. ``origin``: what everything that comes in is (S4); LIVE but for a simulation."""

    def __init__(
        self,
        site: Site,
        journal: Journal,
        counters: Counters,
        judges: Sequence[Judge] = (),
        *,
        origin: Origin = Origin.LIVE,
    ) -> None:
        self._site = site
        self._journal = journal
        self._decisions = Decisions(journal, {READING})
        self._counters = counters
        self._judges = judges
        self._origin = origin
        self._recent = RecentIdentities()
        self.unknown = UnknownDevices()

    def rebuild(self, tail: Iterable[Stored]) -> None:
        """At start: remember what the end of the journal holds, oldest first."""
        readings = (
            (stored.entry.id, decode_reading(stored.entry.body)) for stored in tail if stored.entry.kind == READING
        )
        self._recent.rebuild(
            Accepted(_key(reading), identity, _digest(reading), reading.at) for identity, reading in readings
        )

    def ingest(self, uplink: Uplink, done: Done, now: Moment) -> tuple[str, ...]:
        """Take one SenML payload. The contract of `gateway.uplink.Ingest`, with ``now`` given."""
        try:
            readings = decode_pack(
                uplink.payload,
                uplink.content_format,
                received_at=uplink.received_at,
                origin=self._origin,
                find_profile=self._speakers(uplink.connection),
            )
        except UnknownDevice as error:
            elsewhere = self._site.devices.get(error.device)
            if elsewhere is not None:
                self._counters.refused.labels(uplink.transport, "connection").inc()
                raise DecodeError(
                    "connection",
                    f"device {error.device!r} is registered on connection {elsewhere.connection!r}, not on this one",
                ) from None
            self.unknown.heard(error.device, uplink.received_at, uplink.source)
            self._counters.unknown.set(len(self.unknown))
            self._counters.refused.labels(uplink.transport, error.kind).inc()
            raise
        except DecodeError as error:
            self._counters.refused.labels(uplink.transport, error.kind).inc()
            raise
        self.offer(readings, uplink.transport, done, now, source=uplink.source)
        return tuple({reading.device: None for reading in readings})

    def _speakers(self, connection: str) -> FindProfile:
        """Who may speak on a connection: its own devices. A connection that is not of the site takes all."""
        if connection not in self._site.connections:
            return self._site.find_profile

        def find(device_id: str) -> Profile | None:
            device = self._site.devices.get(device_id)
            return device.profile if device is not None and device.connection == connection else None

        return find

    def offer(self, readings: Iterable[Reading], transport: str, done: Done, now: Moment, *, source: str = "") -> None:
        """Judge and store readings. ``done`` comes after the commit of all of them, also for duplicates."""
        batch = _Batch([], [], {})
        repeated = 0
        try:
            for offered in readings:
                repeated += not self._take(offered, source, now, batch)
        except BaseException:
            self._forget(batch.accepted)
            raise
        self._counters.duplicates.labels(transport).inc(repeated)
        earlier: list[Exception | None] = []

        def settled(error: Exception | None) -> None:
            if error is None:
                self._counters.readings.labels(transport).inc(len(batch.accepted))
            else:
                self._forget(batch.accepted)
            done(error or next(filter(None, earlier), None))

        try:
            if repeated and batch.entries:
                # a barrier: the commit of what is repeated may still run, and may fail
                self._journal.submit((), earlier.append)
        except JournalError as error:
            earlier.append(error)
        self._decisions.submit(batch.entries, batch.state, settled)

    def store(self, verdict: Verdict) -> None:
        """Store what no reading caused; what the journal refuses is kept for its next commit."""
        self._decisions.submit(verdict.entries, verdict.state, lambda _error: None)

    def _take(self, offered: Reading, source: str, now: Moment, batch: _Batch) -> bool:
        """Judge one reading, and put it into the batch unless it is stored already; whether it was new."""
        taken = self._accept(offered, source)
        if taken.new:
            batch.accepted.append(taken)
        # a device whose clock stands still looks like one that repeats itself: judged all the same, stored once
        reading = taken.reading
        for judge in self._judges:
            verdict = judge.observe(reading, now)
            batch.entries.extend(verdict.entries)
            batch.state.update(verdict.state)
        if taken.new:
            batch.entries.append(_entry(taken))
            self._count_quality(reading)
        return taken.new

    def _accept(self, reading: Reading, source: str) -> _Accepted:
        """The reading under a free time stamp, or under its first one where it is stored already."""
        key, identity, digest = _key(reading), reading.identity, _digest(reading)
        after = reading.at - reading.received_at
        anonymous = bool(source) and not reading.is_counted and after in UNTIMED
        if anonymous:
            identity = f"{source}+{after}" if after else source
            self._expire(key, identity, digest, reading.received_at)
        answer = self._recent.check(key, identity, digest)
        if answer is Answer.DUPLICATE:
            first_at = self._recent.accepted_at(key, identity, digest)
            reading = msgspec.structs.replace(reading, at=reading.at if first_at is None else first_at)
            return _Accepted(reading, Accepted(key, identity, digest, reading.at), new=False)
        at = self._recent.free_time(key, reading.at)
        if (answer is Answer.CONFLICT or at != reading.at) and not anonymous:
            reading = _doubtful(reading)
        if at != reading.at:
            reading = msgspec.structs.replace(reading, at=at)
        self._recent.remember(key, identity, digest, at)
        return _Accepted(reading, Accepted(key, identity, digest, at), new=True)

    def _expire(self, key: str, identity: str, digest: int, received_at: int) -> None:
        stored_at = self._recent.accepted_at(key, identity, digest)
        if stored_at is not None and abs(received_at - stored_at) > MESSAGE_LIFETIME_NS:
            self._recent.forget(key, identity, digest)

    def _forget(self, accepted: Iterable[_Accepted]) -> None:
        for one in accepted:
            self._recent.forget(one.memory.key, one.memory.identity, one.memory.digest)

    def _count_quality(self, reading: Reading) -> None:
        if any(reading.quality):
            for value, quality in zip(reading.values, reading.quality, strict=True):
                if quality and value is not None:
                    self._counters.marked.labels(quality_word(quality)).inc()


def quality_word(quality: int) -> str:
    """A quality as the API writes it: ``good`` or ``bad:sensor-fault``."""
    named = Quality(quality)
    return f"{named.severity}:{named.reason}" if named.reason else named.severity


def _key(reading: Reading) -> str:
    return f"{reading.device}~{reading.origin:d}"


def _digest(reading: Reading) -> int:
    return zlib.crc32(msgspec.msgpack.encode(reading.values))


def _doubtful(reading: Reading) -> Reading:
    """Two payloads under one identity or instant: both are kept, the second's clock is doubted."""
    quality = tuple(
        one if value is None else int(worse(Quality(one), Quality.UNCERTAIN_CLOCK))
        for value, one in zip(reading.values, reading.quality, strict=True)
    )
    return msgspec.structs.replace(reading, quality=quality)


def _entry(taken: _Accepted) -> Entry:
    reading = taken.reading
    return Entry(READING, taken.memory.identity, partition_of(reading.device), reading.at, encode_reading(reading))
