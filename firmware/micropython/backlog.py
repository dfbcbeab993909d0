"""Readings between the report gate and the link: in memory first, in flash when no gateway takes them.

    offer --> memory --link is free--> link --taken--> gone
                +--not taken for `SPILL_AFTER_MS`, or memory nearly full--> flash --oldest first--> link

A `Backlog` stands in front of a link (`links.coap_client`, `links.serial_link`) and is used like one. The link gets one
reading at a time, and an urgent one besides; what it has not reported as taken is kept. Order is that of the samples,
with two exceptions: an urgent reading goes ahead of all that wait, and while readings of an outage come out of the
flash, the newest goes ahead of them: the gateway should judge what is before what was (S9).

A message is composed anew whenever the link begins one, since a reading without a known UTC time carries its age.

Lost is only: the oldest segment when the flash is full, the oldest reading in memory when no flash takes it, a record
that the flash itself has spoilt (all these are counted), and, uncounted, what was not yet in flash when the power went:
the last `SPILL_AFTER_MS`, `URGENT_AFTER_MS` for an urgent reading.
"""

from clock import seconds
from flash_queue import Entry

SPILL_AFTER_MS = 20000
URGENT_AFTER_MS = 5000
# After a flash that refused: it is asked again, not in each turn.
RETRY_AFTER_MS = 60000
# So many readings the link may hold at once; all but one are urgent.
AHEAD = 8
# Readings sent from memory that are in flash too; beyond these one is sent twice, and (boot, sequence) identifies it.
REMEMBERED = 32
# A reading that cannot be dated is late by more than the 60 s of S9.
UNDATED_MS = 61000


class Backlog:
    """``compose(entry, base_time, undated)`` makes the message of an entry, `clock.seconds` its time;
    ``ring``: readings kept in memory; ``flash``: a `FlashQueue`, or ``None``: memory only."""

    def __init__(self, link, clock, compose, emit, *, boot: int, ring: int = 128, flash=None):
        self._link = link
        link.settled = self._settled
        self._clock = clock
        self._compose = compose
        self._emit = emit
        self._boot = boot
        self._size = ring
        self._flash = flash
        self._ring = []
        self._latest = None
        self._sent = []
        self._ahead = []
        self._dropped = 0
        self._refused_at = None

    @property
    def waiting(self) -> int:
        """Readings that the gateway has not yet taken."""
        count = sum(1 for entry in self._ring if not entry.kept)
        return count + (self._flash.count - len(self._ahead) if self._flash else 0)

    @property
    def overwritten(self) -> int:
        """Readings lost because nothing could hold them any more; those of the flash are counted over restarts."""
        return self._dropped + (self._flash.lost if self._flash else 0)

    def offer(self, now: int, seq: int, body: bytes, urgent: bool) -> None:
        """Queue the reading made at ``now``: `compact` bytes of its values."""
        entry = Entry(self._boot, seq, now, body, urgent)
        if self._ring and self._ring[-1].kept:
            self._ring.pop()
        self._ring.append(entry)
        self._latest = entry
        if len(self._ring) * 4 > self._size * 3 and not self.flush(now):
            self._drop_beyond()
        if urgent and 0 < self._link.waiting < AHEAD:
            self._send(now, entry)

    def poll(self, now: int) -> bytes | None:
        """What to send to the gateway at ``now``, if anything; also keeps in flash what has waited too long."""
        if self._flash and not self._flash.ready:
            self._flash.scan()
        elif self._is_overdue(now):
            self.flush(now)
        self._feed(now)
        return self._link.poll(now)

    def receive(self, now: int, message):
        """As the link does; what it has room for then is offered at once."""
        answer = self._link.receive(now, message)
        self._feed(now)
        return answer

    def flush(self, now: int) -> bool:
        """Put all that waits into flash; whether nothing waits in memory alone. Call it before a deep sleep and before
        a restart on purpose."""
        fresh = [entry for entry in self._ring if not entry.kept]
        flash = self._flash
        if not fresh or not flash or not flash.ready:
            return not fresh
        if self._refused_at is not None and now - self._refused_at < RETRY_AFTER_MS:
            return False
        try:
            flash.append(fresh)
        except OSError as error:
            self._refused_at = now
            self._emit("error", message=f"queue: the flash refuses readings: {error}")
            return False
        self._refused_at = None
        for entry in fresh:
            entry.kept = True
        del self._ring[:-1]
        return True

    def _feed(self, now: int) -> None:
        """Give the link the next reading when it has none."""
        entry = None if self._link.waiting else self._next()
        if entry:
            self._send(now, entry)

    def _is_overdue(self, now: int) -> bool:
        for entry in self._ring:
            age = now - entry.at
            if not entry.kept and age >= (URGENT_AFTER_MS if entry.urgent else SPILL_AFTER_MS):
                return True
        return False

    def _drop_beyond(self) -> None:
        """Of the readings in memory that are too many, the oldest that is not on its way is given up and counted."""
        while len(self._ring) > self._size:
            at = 0
            while at < len(self._ring) - 1 and self._ring[at].offered:
                at += 1
            gone = self._ring.pop(at)
            self._dropped += 1
            self._emit("dropped", seq=gone.seq, count=self._dropped)

    def _next(self) -> Entry | None:
        """What the free link should send."""
        ring = self._ring
        head = self._head()
        if ring and not head and not self._is_seeking():
            return ring[0]
        return ring[-1] if ring and ring[-1] is self._latest and not ring[-1].offered else head

    def _head(self) -> Entry | None:
        """The oldest reading in flash that was not sent from memory already; ``None`` also while it is looked for."""
        flash = self._flash
        if not flash or not flash.ready:
            return None
        head = flash.head()
        while head and (head.boot, head.seq) in self._ahead:
            self._ahead.remove((head.boot, head.seq))
            flash.pop(head)
            head = flash.head()
        if not head and flash.empty:
            self._ahead.clear()
        return head

    def _is_seeking(self) -> bool:
        """Whether the flash still looks for a reading among broken ones, older than what is in memory."""
        return self._flash is not None and self._flash.ready and not self._flash.empty

    def _send(self, now: int, entry: Entry) -> None:
        entry.offered = True

        def message(then: int) -> bytes:
            return self._message(entry, then)

        self._sent.append((message, entry))
        self._link.offer(now, entry.seq, message, entry.urgent)

    def _message(self, entry: Entry, now: int) -> bytes:
        """The message of an entry that leaves at ``now``."""
        utc_ms = self._clock.utc_at(entry.boot, entry.at, now)
        if utc_ms is not None:
            return self._compose(entry, seconds(utc_ms), False)
        if entry.boot == self._boot:
            return self._compose(entry, seconds(entry.at - now), False)
        assert self._flash is not None, "only the flash holds readings of an earlier start"
        age = self._flash.age_of(entry, now) + UNDATED_MS
        return self._compose(entry, seconds(-age), True)

    def _settled(self, message) -> None:
        """The link is done with a message: taken, or refused for good."""
        for sent in self._sent:
            if sent[0] is message:
                self._sent.remove(sent)
                self._forget(sent[1])
                return

    def _forget(self, entry: Entry) -> None:
        flash = self._flash
        if flash and entry is flash.head():
            flash.pop(entry)
            return
        if entry in self._ring:
            self._ring.remove(entry)
        if entry.kept:
            self._ahead.append((entry.boot, entry.seq))
            del self._ahead[:-REMEMBERED]
