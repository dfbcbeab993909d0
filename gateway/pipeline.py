"""The pipeline: decode, judge, store, and only then let the transport acknowledge.

Interlocks see a reading first, then alarms, both in memory; then one journal entry per reading goes into the next
group commit together with what the judges decided. A reading that storage refuses has been judged all the same
(safety rule S9).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from device_registry.devices import Site
from device_registry.unknown import UnknownDevices
from gateway.acceptance import READING, Acceptance, readings_in
from gateway.counters import Counters, Taken
from gateway.decisions import Decisions, nobody_waits
from gateway.errors import OverRate
from gateway.gathering import Gathering
from gateway.report import Reporter
from gateway.speakers import Speakers, elsewhere
from gateway.uplink import Done, Uplink
from journal.entry import Entry, Journal
from journal.errors import JournalError
from journal.names import Names
from protocols.errors import DecodeError, UnknownDevice
from protocols.moment import Moment
from protocols.quality import Quality
from protocols.reading import Origin, Reading, encode_reading
from protocols.uplink import decode_pack

POLLED = frozenset({"modbus", "opcua"})
"""Transports over which nobody waits for an acknowledgement."""
GATHERED = POLLED | {"coap", "mqtt"}
"""Transports that bring many readings in one turn of the loop: these share a call of the journal, as their commit."""


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


class Marker(Protocol):
    """Bump tests, as the pipeline sees them. ``running``: by device, empty where nothing is tested."""

    @property
    def running(self) -> Mapping[str, object]: ...

    def mark(self, reading: Reading, now: Moment) -> Reading:
        """The reading as judges and journal shall see it."""


class _Batch(msgspec.Struct):
    """What one call stores together. ``is_ordinary``: only readings, each stored for the first time."""

    entries: list[Entry] = []
    state: dict[str, bytes | None] = {}
    repeated: int = 0
    is_ordinary: bool = True


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
        marker: Marker | None = None,
    ) -> None:
        self._site = site
        self._speakers = Speakers(site)
        self._journal = journal
        self._decisions = Decisions(journal, {READING})
        self._counters = counters
        self._judges = judges
        self._origin = origin
        self._marker = marker
        self._under_test: Mapping[str, object] = {} if marker is None else marker.running
        self._accepted = Acceptance()
        self._reporter = Reporter(site.devices.get)
        self._gatherings = {transport: Gathering(partial(self._pass_on, transport)) for transport in sorted(GATHERED)}
        self.unknown = UnknownDevices()

    def rebuild(self, named: Iterable[tuple[str, Reading]], older: Names | None = None) -> None:
        """See `Acceptance.rebuild`."""
        self._accepted.rebuild(named, older)

    def ingest(self, uplink: Uplink, done: Done, now: Moment) -> tuple[str, ...]:
        """Take one SenML payload. The contract of `gateway.uplink.Ingest`, with ``now`` given."""
        try:
            readings = decode_pack(
                uplink.payload,
                uplink.content_format,
                received_at=uplink.received_at,
                origin=self._origin,
                find_profile=self._speakers.of(uplink),
            )
        except UnknownDevice as error:
            known = self._site.devices.get(error.device)
            if known is not None:
                refusal = elsewhere(known, uplink)
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
        if len(readings) == 1:
            return (readings[0].device,)
        return tuple({reading.device: None for reading in readings})

    def judge(self, readings: Iterable[Reading], now: Moment) -> None:
        """Judge what a limit keeps out of the journal (S9); what is decided goes in all the same."""
        for reading in self._marked(readings, now) if self._under_test else readings:
            batch = _Batch()
            try:
                self._judge(reading, now, batch)
            finally:
                self._store_decided(batch)

    def offer(self, readings: Iterable[Reading], transport: str, done: Done, now: Moment, *, source: str = "") -> None:
        """Judge and store readings. ``done`` comes after the commit of all of them, also for duplicates."""
        batch = _Batch()
        try:
            for offered in self._marked(readings, now) if self._under_test else readings:
                self._take(offered, source, transport, now, batch)
        except BaseException:
            self._forget(batch.entries)
            self._store_decided(batch)
            raise
        if batch.is_ordinary and transport in self._gatherings:
            self._gatherings[transport].add(batch.entries, done)
            return
        if batch.repeated:
            self._counters.taken(transport).duplicates.inc(batch.repeated)
            done = self._after_earlier(batch, done)
        self._flush()
        if batch.is_ordinary:
            self._pass_on(transport, batch.entries, done)
        else:
            self._submit(transport, batch, done)

    def _marked(self, readings: Iterable[Reading], now: Moment) -> Iterator[Reading]:
        assert self._marker is not None
        return (self._marker.mark(reading, now) for reading in readings)

    def _after_earlier(self, batch: _Batch, done: Done) -> Done:
        """The commit of what is repeated may still run, and may fail. A batch without anything is told so itself."""
        earlier: list[Exception | None] = []
        self._flush(earlier.append)
        try:
            if batch.entries or batch.state:
                self._journal.submit((), earlier.append)
        except JournalError as error:
            earlier.append(error)
        return lambda error: done(error or next(filter(None, earlier), None))

    def _pass_on(self, transport: str, entries: list[Entry], done: Done) -> None:
        """Store readings; their devices send again what is refused, or measure anew."""
        settled = partial(self._settled, self._counters.taken(transport), entries, len(entries), done)
        self._decisions.pass_on(entries, settled, patient=transport in POLLED)

    def _submit(self, transport: str, batch: _Batch, done: Done) -> None:
        number = sum(entry.kind == READING for entry in batch.entries)
        settled = partial(self._settled, self._counters.taken(transport), batch.entries, number, done)
        self._decisions.submit(batch.entries, batch.state, settled)

    def _settled(
        self, counters: Taken, entries: list[Entry], readings: int, done: Done, error: Exception | None
    ) -> None:
        if error is None:
            counters.readings.inc(readings)
            self._decisions.again()
        else:
            self._forget(entries)
        done(error)

    def _flush(self, also: Done | None = None) -> None:
        """What came before goes into the journal before what comes now; ``also``: told of it, where there is any."""
        for gathering in self._gatherings.values():
            if gathering.waiting:
                gathering.flush(also)

    def store(self, verdict: Verdict, done: Done = nobody_waits) -> None:
        """Store what no reading caused; what the journal refuses is kept for its next commit."""
        self._flush()
        self._decisions.submit(verdict.entries, verdict.state, done)

    def _store_decided(self, batch: _Batch) -> None:
        """Of a batch that is not stored: what was decided is not decided again."""
        entries = [entry for entry in batch.entries if entry.kind != READING]
        if entries or batch.state:
            self.store(Verdict(entries, batch.state))

    def _take(self, offered: Reading, source: str, transport: str, now: Moment, batch: _Batch) -> None:
        """Judge one reading, and put it into the batch unless it is stored already, or its report strategy says that it
        need not be."""
        plan = self._reporter.plan(offered.device)
        reading, name = self._accepted.accept(offered, plan.keys[offered.origin], source, now)
        if not name:
            batch.repeated += 1
            batch.is_ordinary = False
        # a device whose clock stands still looks like one that repeats itself: judged all the same, stored once
        try:
            is_quiet = self._judge(reading, now, batch)
        except BaseException:
            self._forget_one(name, reading)
            raise
        if name and (plan.is_plain or self._reporter.keeps(reading, plan, transport, is_quiet)):
            batch.entries.append(Entry(READING, name, plan.partition, reading.at, encode_reading(reading)))
            if any(reading.quality):
                self._count_quality(reading)

    def _judge(self, reading: Reading, now: Moment, batch: _Batch) -> bool:
        """Put what the judges want stored into the batch; whether there is no entry among it."""
        is_quiet = True
        for judge in self._judges:
            verdict = judge.observe(reading, now)
            if verdict is not NOTHING and (verdict.entries or verdict.state):
                is_quiet = is_quiet and not verdict.entries
                batch.entries.extend(verdict.entries)
                batch.state.update(verdict.state)
                batch.is_ordinary = False
        return is_quiet

    def _forget(self, entries: Iterable[Entry]) -> None:
        for name, reading in readings_in(entries):
            self._forget_one(name, reading)

    def _forget_one(self, name: str, reading: Reading) -> None:
        """``name``: empty where the reading was stored before and is not ours to forget."""
        if name:
            self._accepted.forget(name, reading)
            self._reporter.forget(reading)

    def _count_quality(self, reading: Reading) -> None:
        for value, quality in zip(reading.values, reading.quality, strict=True):
            if quality and value is not None:
                self._counters.marked.labels(quality_word(quality)).inc()


def quality_word(quality: int) -> str:
    """A quality as the API writes it: ``good`` or ``bad:sensor-fault``."""
    named = Quality(quality)
    return f"{named.severity}:{named.reason}" if named.reason else named.severity
