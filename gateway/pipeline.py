"""The pipeline: decode, judge, store, and only then let the transport acknowledge.

Interlocks see a reading first, then alarms, both in memory; then one journal entry per reading goes into the next
group commit together with what the judges decided. A reading that storage refuses has been judged all the same
(safety rule S9).
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from device_registry.devices import Device, Site
from device_registry.unknown import UnknownDevices
from gateway.counters import Counters
from gateway.decisions import Decisions, nobody_waits
from gateway.errors import OverRate
from gateway.report import Reporter
from gateway.uplink import Done, Uplink
from journal.entry import Entry, Journal, Stored, partition_of
from journal.errors import JournalError
from journal.recent import Accepted, Answer, RecentIdentities
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import SECOND, Moment
from protocols.profile.model import FindProfile, Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading, decode_reading, encode_reading
from protocols.stamp import doubt_clock
from protocols.uplink import decode_pack

READING = "reading"
MESSAGE_LIFETIME_NS = 247 * SECOND
"""EXCHANGE_LIFETIME (RFC 7252, 4.8.2): after it a message id may come again and mean something new."""

POLLED = frozenset({"modbus", "opcua"})
"""Transports over which nobody waits for an acknowledgement."""

UNTIMED = range(0, 1_000_000, 1_000)
"""Samples without a time get that of their message, and 1 µs more for each that repeats a point."""


class Verdict(NamedTuple):
    """What a judge wants stored with a reading: journal entries and state keys."""

    entries: Sequence[Entry]
    state: dict[str, bytes | None]


NOTHING = Verdict([], {})
"""Of an ordinary reading."""


class Judge(Protocol):
    """Interlocks and alarms, as the pipeline sees them. Effects leave before `observe` returns."""

    def observe(self, reading: Reading, now: Moment) -> Verdict:
        """Judge one reading that was not seen before."""


class _Accepted(msgspec.Struct, frozen=True):
    """A reading as it is judged, with what its identity was remembered under. ``new``: it is not stored yet."""

    reading: Reading
    key: str
    identity: str
    digest: int
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
        self._reporter = Reporter(site.devices.get)
        self.unknown = UnknownDevices()

    def rebuild(self, tail: Iterable[Stored]) -> None:
        """At start: remember what the end of the journal holds, oldest first."""
        readings = (
            (stored.entry.id, decode_reading(stored.entry.body)) for stored in tail if stored.entry.kind == READING
        )
        self._recent.rebuild(
            Accepted(reading.key, identity, _digest(reading), reading.at) for identity, reading in readings
        )

    def ingest(self, uplink: Uplink, done: Done, now: Moment) -> tuple[str, ...]:
        """Take one SenML payload. The contract of `gateway.uplink.Ingest`, with ``now`` given."""
        try:
            readings = decode_pack(
                uplink.payload,
                uplink.content_format,
                received_at=uplink.received_at,
                origin=self._origin,
                find_profile=self._speakers(uplink),
            )
        except UnknownDevice as error:
            elsewhere = self._site.devices.get(error.device)
            if elsewhere is not None:
                refusal = _elsewhere(elsewhere, uplink)
                self._counters.refused.labels(uplink.transport, refusal.kind).inc()
                raise refusal from None
            self.unknown.heard(error.device, uplink.received_at, uplink.source)
            self._counters.unknown.set(len(self.unknown))
            self._counters.refused.labels(uplink.transport, error.kind).inc()
            raise
        except DecodeError as error:
            self._counters.refused.labels(uplink.transport, error.kind).inc()
            raise
        if uplink.over_rate:
            self.judge(readings, now)
            done(OverRate())
        else:
            self.offer(readings, uplink.transport, done, now, source=uplink.source)
        return tuple({reading.device: None for reading in readings})

    def _speakers(self, uplink: Uplink) -> FindProfile:
        """Who may speak on a connection: its own devices; an authenticated person, who comes over none, for all."""
        connection, only = uplink.connection, uplink.device
        if not connection:
            return self._site.find_profile

        def find(device_id: str) -> Profile | None:
            device = self._site.devices.get(device_id)
            if device is None or device.connection != connection:
                return None
            must_prove = bool(only) or device.part.oscore is not None
            return device.profile if only == device_id or not must_prove else None

        return find

    def judge(self, readings: Iterable[Reading], now: Moment) -> None:
        """Judge what a limit keeps out of the journal (S9); what is decided goes in all the same."""
        for reading in readings:
            for judge in self._judges:
                verdict = judge.observe(reading, now)
                if verdict.entries or verdict.state:
                    self.store(verdict)

    def offer(self, readings: Iterable[Reading], transport: str, done: Done, now: Moment, *, source: str = "") -> None:
        """Judge and store readings. ``done`` comes after the commit of all of them, also for duplicates."""
        batch = _Batch([], [], {})
        repeated = 0
        try:
            for offered in readings:
                repeated += not self._take(offered, source, transport, now, batch)
        except BaseException:
            self._forget(batch.accepted)
            raise
        counters = self._counters.taken(transport)
        earlier: list[Exception | None] = []

        def settled(error: Exception | None) -> None:
            if error is None:
                counters.readings.inc(len(batch.accepted))
            else:
                self._forget(batch.accepted)
            done(error or (next(filter(None, earlier), None) if earlier else None))

        if repeated:
            counters.duplicates.inc(repeated)
            self._wait_for_earlier(batch, earlier)
        self._decisions.submit(batch.entries, batch.state, settled, patient=transport in POLLED)

    def _wait_for_earlier(self, batch: _Batch, earlier: list[Exception | None]) -> None:
        """A barrier: the commit of what is repeated may still run, and may fail."""
        try:
            if batch.entries:
                self._journal.submit((), earlier.append)
        except JournalError as error:
            earlier.append(error)

    def store(self, verdict: Verdict, done: Done = nobody_waits) -> None:
        """Store what no reading caused; what the journal refuses is kept for its next commit."""
        self._decisions.submit(verdict.entries, verdict.state, done)

    def _take(self, offered: Reading, source: str, transport: str, now: Moment, batch: _Batch) -> bool:
        """Judge one reading, and put it into the batch unless it is stored already, or its report strategy says that it
        need not be; whether it was new."""
        taken = self._accept(offered, source)
        if taken.new:
            batch.accepted.append(taken)
        # a device whose clock stands still looks like one that repeats itself: judged all the same, stored once
        reading = taken.reading
        is_quiet = True
        for judge in self._judges:
            verdict = judge.observe(reading, now)
            if verdict is not NOTHING:
                is_quiet = is_quiet and not verdict.entries
                batch.entries.extend(verdict.entries)
                batch.state.update(verdict.state)
        if taken.new and self._reporter.keeps(reading, transport, is_quiet):
            batch.entries.append(_entry(taken))
            self._count_quality(reading)
        elif taken.new:
            batch.accepted.pop()
        return taken.new

    def _accept(self, reading: Reading, source: str) -> _Accepted:
        """The reading under a free time stamp, or under its first one where it is stored already."""
        key, digest = reading.key, _digest(reading)
        after = reading.at - reading.received_at
        anonymous = bool(source) and not reading.is_counted and after in UNTIMED
        identity = reading.identity if not anonymous else f"{source}+{after}" if after else source
        if self._recent.take_new(key, identity, digest, reading.at):
            return _Accepted(reading, key, identity, digest, new=True)
        if anonymous:
            self._expire(key, identity, digest, reading.received_at)
        answer = self._recent.check(key, identity, digest)
        if answer is Answer.DUPLICATE:
            first_at = self._recent.accepted_at(key, identity, digest)
            reading = msgspec.structs.replace(reading, at=reading.at if first_at is None else first_at)
            return _Accepted(reading, key, identity, digest, new=False)
        at = self._recent.free_time(key, reading.at)
        if (answer is Answer.CONFLICT or at != reading.at) and not anonymous:
            reading = _doubtful(reading)
        if at != reading.at:
            reading = msgspec.structs.replace(reading, at=at)
        self._recent.remember(key, identity, digest, at)
        return _Accepted(reading, key, identity, digest, new=True)

    def _expire(self, key: str, identity: str, digest: int, received_at: int) -> None:
        stored_at = self._recent.accepted_at(key, identity, digest)
        if stored_at is not None and abs(received_at - stored_at) > MESSAGE_LIFETIME_NS:
            self._recent.forget(key, identity, digest)

    def _forget(self, accepted: Iterable[_Accepted]) -> None:
        for one in accepted:
            self._recent.forget(one.key, one.identity, one.digest)
            self._reporter.forget(one.reading)

    def _count_quality(self, reading: Reading) -> None:
        if any(reading.quality):
            for value, quality in zip(reading.values, reading.quality, strict=True):
                if quality and value is not None:
                    self._counters.marked.labels(quality_word(quality)).inc()


def _elsewhere(device: Device, uplink: Uplink) -> DecodeError:
    """Why a registered device may not speak here."""
    if device.connection == uplink.connection and not uplink.device:
        return DecodeError("credential", f"device {device.id!r} has a credential and must use it: only with OSCORE")
    if device.connection == uplink.connection:
        return DecodeError("credential", f"device {device.id!r} is not {uplink.device!r}, whose credential this is")
    return DecodeError(
        "connection", f"device {device.id!r} is registered on connection {device.connection!r}, not on this one"
    )


def quality_word(quality: int) -> str:
    """A quality as the API writes it: ``good`` or ``bad:sensor-fault``."""
    named = Quality(quality)
    return f"{named.severity}:{named.reason}" if named.reason else named.severity


_encode = msgspec.msgpack.Encoder().encode


def _digest(reading: Reading) -> int:
    return zlib.crc32(_encode(reading.values))


def _doubtful(reading: Reading) -> Reading:
    """Two payloads under one identity or instant: both are kept, the second's clock is doubted."""
    return msgspec.structs.replace(reading, quality=doubt_clock(reading.values, reading.quality))


def _entry(taken: _Accepted) -> Entry:
    reading = taken.reading
    return Entry(READING, taken.identity, partition_of(reading.device), reading.at, encode_reading(reading))
