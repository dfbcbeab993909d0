"""Acceptance: which readings are new, and under which time stamp and name each is stored (S4).

Two payloads under one identity or instant are both kept, the second's clock is doubted. A message without time and
sequence is known by its source for as long as a transport may repeat it.
"""

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from gateway.clock_steps import ClockSteps
from journal.entry import Entry
from journal.names import Names
from journal.recent import Accepted, Answer, Identity, RecentIdentities
from protocols.moment import SECOND, Moment
from protocols.reading import Reading, Value, counted_identity, decode_reading, stamp_in, timed_identity
from protocols.stamp import doubt_clock

READING = "reading"
MESSAGE_LIFETIME_NS = 247 * SECOND
"""EXCHANGE_LIFETIME (RFC 7252, 4.8.2): after it a message id may come again and mean something new."""

UNTIMED = range(0, 1_000_000, 1_000)
"""Samples without a time get that of their message, and 1 µs more for each that repeats a point."""


class Acceptance:
    """One per gateway."""

    def __init__(self) -> None:
        self._recent = RecentIdentities()
        self._steps = ClockSteps()
        self._older: Names | None = None

    def rebuild(self, named: Iterable[tuple[str, Reading]], older: Names | None = None) -> None:
        """At start: remember the readings at the end of the journal, each with the name of its entry, oldest first.
        ``older``: names of those before, which are read where one of them comes again."""
        self._recent.rebuild(_accepted(*one) for one in named)
        self._older = older

    def accept(self, reading: Reading, key: str, source: str, now: Moment) -> tuple[Reading, str]:
        """The reading under a free time stamp, and the name of its entry; or under its first time stamp and no name
        where it is stored already. ``key``: the reading's; ``source``: as `gateway.uplink.Uplink.source`."""
        identity: Identity
        boot, sequence = reading.boot, reading.sequence
        is_anonymous = False
        if boot is not None and sequence is not None:
            identity = counted_identity(key, boot, sequence)
        elif source and reading.at - reading.received_at in UNTIMED:
            self._steps.look(now)  # only these are known by how long ago they came
            is_anonymous, identity = True, _anonymous(reading, source)
        else:
            identity = reading.claimed_at or reading.at
        digest = _digest(reading.values)
        name = identity if isinstance(identity, str) else timed_identity(key, identity)
        is_new = self._recent.take_new(key, identity, digest, reading.at)
        if is_new and self._older is not None:
            is_new = not self._recall(self._older, name, Accepted(key, identity, digest, reading.at))
        if not is_new:
            if is_anonymous:
                self._expire(key, identity, digest, now._replace(wall=reading.received_at))
            answer = self._recent.check(key, identity, digest)
            if answer is Answer.DUPLICATE:
                first_at = self._recent.accepted_at(key, identity, digest)
                return _at(reading, reading.at if first_at is None else first_at), ""
            at = self._recent.free_time(key, reading.at)
            if (answer is Answer.CONFLICT or at != reading.at) and not is_anonymous:
                reading = _doubtful(reading)
            reading = _at(reading, at)
            self._recent.remember(key, identity, digest, at)
        return reading, name

    def _recall(self, older: Names, name: str, one: Accepted) -> bool:
        """Whether a sample that was taken for new is among those from before the start, and is remembered as such now;
        not as a new one, then."""
        found = [stored for stored in (_accepted(*it) for it in readings_in(older.find(name))) if stored.key == one.key]
        if not older:
            self._older = None
        if not found:
            return False
        self._recent.forget(one.key, one.identity, one.digest)
        self._recent.rebuild(found)
        return True

    def forget(self, name: str, reading: Reading) -> None:
        """The reading that was accepted under this name is not stored: it must be free when it comes again."""
        key, identity, digest, _ = _accepted(name, reading)
        self._recent.forget(key, identity, digest)

    def _expire(self, key: str, identity: Identity, digest: int, now: Moment) -> None:
        stored_at = self._recent.accepted_at(key, identity, digest)
        if stored_at is not None and abs(self._steps.age(stored_at, now)) > MESSAGE_LIFETIME_NS:
            self._recent.forget(key, identity, digest)


def readings_in(entries: Iterable[Entry]) -> Iterator[tuple[str, Reading]]:
    """Name and reading of the entries that are readings."""
    return ((entry.id, decode_reading(entry.body)) for entry in entries if entry.kind == READING)


def _anonymous(reading: Reading, source: str) -> str:
    after = reading.at - reading.received_at
    return f"{source}+{after}" if after else source


def _accepted(name: str, reading: Reading) -> Accepted:
    """Of an entry, what `Acceptance.accept` remembered."""
    stamp = stamp_in(name, reading.key)
    return Accepted(reading.key, name if stamp is None else stamp, _digest(reading.values), reading.at)


_encode = msgspec.msgpack.Encoder().encode


def _digest(values: tuple[Value, ...]) -> int:
    return zlib.crc32(_encode(values))


def _at(reading: Reading, at: int) -> Reading:
    return reading if reading.at == at else msgspec.structs.replace(reading, at=at)


def _doubtful(reading: Reading) -> Reading:
    return msgspec.structs.replace(reading, quality=doubt_clock(reading.values, reading.quality))
