"""Packet numbers: which message of a session one is, when it came first, and whether the broker may still repeat it.

MQTT numbers messages only until they are acknowledged, and numbers come again. A message is known by number and
payload, and how often the two came together lately; so a message that the broker repeats after we were killed is stored
once. While we run, a repetition is as old as the message was when it came first.

A broker repeats what it saw no PUBACK of. That it saw one is known when it answers a ping that we sent behind it: until
then a number that comes again, marked as repeated, is the same message, however long the network was away. After that,
or after a start, such a one is the same message for 247 s only: another could have had the number in between, its first
delivery lost. Both cannot be told apart, so in the first use of a number after a start a new message with number and
payload of one that was stored less than 247 s before is taken for it, and a repetition of one that was stored before
that is taken for new. Devices that send a time, or boot and seq, are not concerned.
"""

import sys
import zlib
from typing import NamedTuple

from gateway.acceptance import MESSAGE_LIFETIME_NS
from protocols.mqtt import Publish

MOST_NUMBERS = 2 * 65536
"""Messages remembered by number and payload: a broker that counts up has used each number twice."""
_OWED = sys.maxsize
"""No PUBACK has left."""


class Arrival(NamedTuple):
    """A message as it counts. ``source``: `gateway.uplink.Uplink.source`, empty with QoS 0, which is never repeated;
    ``received_at``, ``is_old``: of its first delivery; ``is_known``: this is not the first."""

    source: str
    received_at: int
    is_old: bool
    is_known: bool


class _Use(NamedTuple):
    used: int
    at: int
    received_at: int
    is_old: bool


class Numbers:
    """The session of one connection. Times in UTC ns. Counted by payload: after a start the count of a number is not
    known, and a broker may use a few numbers only."""

    def __init__(self) -> None:
        self._used: dict[int, _Use] = {}
        self._last: dict[int, tuple[int, int]] = {}
        self._pings = self._answered = 0

    def __len__(self) -> int:
        return len(self._used)

    def arrived(self, connection: str, publish: Publish, now: int, *, is_old: bool) -> Arrival:
        """A message came. ``is_old``: it waited at the broker for an unknown time, if this is its first delivery."""
        number = publish.packet_id
        if not number:
            return Arrival("", now, is_old, False)
        digest = zlib.crc32(publish.payload, zlib.crc32(publish.topic.encode()))
        key = number << 32 | digest
        known = self._used.pop(key, None)
        if known is not None and now - known.at > MESSAGE_LIFETIME_NS and not self._is_owed(publish, key):
            known = None
        if known is None:
            use = _Use(0, now, now, is_old)
        elif publish.is_repeated:
            use = known._replace(at=now)
        else:
            use = _Use(known.used + 1, now, now, is_old)
        self._used[key] = use
        self._last[number] = key, _OWED
        if len(self._used) > MOST_NUMBERS:
            del self._used[next(iter(self._used))]
        source = f"mqtt/{connection}/{number}/{digest:08x}" + (f"/{use.used}" if use.used else "")
        return Arrival(source, use.received_at, use.is_old, known is not None and publish.is_repeated)

    def _is_owed(self, publish: Publish, key: int) -> bool:
        """Whether the broker may not have seen our PUBACK of the message that had the number last, and repeats it."""
        last = self._last.get(publish.packet_id)
        return publish.is_repeated and last is not None and last[0] == key and last[1] >= self._answered

    def acknowledged(self, number: int) -> None:
        """A PUBACK leaves."""
        last = self._last.get(number)
        if last is not None:
            self._last[number] = last[0], self._pings

    def pinged(self) -> None:
        """A PINGREQ leaves behind the PUBACKs so far."""
        self._pings += 1

    def answered(self) -> None:
        """The PINGRESP to the last one: what left before it was seen, and what an earlier connection lost was repeated
        before (4.4)."""
        self._answered = self._pings

    def forgotten(self) -> None:
        """The broker has no session of ours: it repeats nothing."""
        self._last.clear()
