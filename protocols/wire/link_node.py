"""The board's end of the serial link: one message at a time, sent again until the gateway says that it is durable.

No I/O and no clock: hand what arrives to `feed`, obey the events, then send what `poll` returns. A board speaks only
when it was asked, so there is something to send only after a `feed`. Times are ms. Shared with the firmware.

    EMPTY --LOAD--> READY --SEND--> SENT --ACK, NAK--> EMPTY
                                    SENT --DUE (no word in time)--> READY
                                    SENT --BUSY--> PAUSED --DUE (pause over)--> READY
    (the whole table: `DELIVERY`; what is not in it changes nothing)

The waiting time after which a message is sent again doubles from ``resend_ms`` to `MAX_RESEND_MS`. It is for an
acknowledgement that never comes. A frame that was hurt is repeated at once: the master asks again with the same turn.
"""

from protocols.wire import link

EMPTY = 0
READY = 1
SENT = 2
PAUSED = 3

LOAD = 0
SEND = 1
TAKEN = 2
REFUSED = 3
WAIT = 4
DUE = 5
UNLOAD = 6

DELIVERY = {
    (EMPTY, LOAD): READY,
    (READY, SEND): SENT,
    (READY, TAKEN): EMPTY,
    (READY, REFUSED): EMPTY,
    (READY, WAIT): PAUSED,
    (READY, UNLOAD): EMPTY,
    (SENT, SEND): SENT,
    (SENT, TAKEN): EMPTY,
    (SENT, REFUSED): EMPTY,
    (SENT, WAIT): PAUSED,
    (SENT, DUE): READY,
    (PAUSED, TAKEN): EMPTY,
    (PAUSED, REFUSED): EMPTY,
    (PAUSED, WAIT): PAUSED,
    (PAUSED, DUE): READY,
    (PAUSED, UNLOAD): EMPTY,
}
"""(state, event) -> state. A verdict may come in READY: late, after the time to send again. There is no UNLOAD of a
SENT message: what became of it is not known yet."""

_VERDICTS = {link.ACK: TAKEN, link.NAK: REFUSED, link.BUSY: WAIT}

RESEND_MS = 1000
MAX_RESEND_MS = 16000
# A gateway's pause is obeyed up to this: a mistaken one must not silence a safety device.
MAX_PAUSE_MS = 60000
# Commands come one at a time from one gateway and are idempotent: forgetting an old one does no harm.
REMEMBERED = 8


class Node:
    """``address`` 1-247, ``device``: the id, ``boot`` 0 to 2^32 - 1: never used twice by this device.

    ``more`` tells the gateway that another message is waiting; ``attempts``: how often the message of now was sent;
    ``noise`` counts pieces that were no frame.
    """

    def __init__(
        self, address: int, device: bytes, boot: int, *, firmware: int = 0, resend_ms: int = RESEND_MS
    ) -> None:
        self.more = False
        self.attempts = 0
        self.noise = 0
        self.state = EMPTY
        self._address = address
        self._device = device
        self._boot = boot
        self._firmware = firmware
        self._resend_ms = resend_ms
        self._receiver = link.Receiver()
        self._greeted = False
        self._number = 0
        self._payload = b""
        self._due = 0
        self._wait_ms = resend_ms
        self._turn = -1
        self._asked = False
        self._hello = False
        self._repeat = False
        self._sent_kind = -1
        self._result: "tuple[int, int] | None" = None
        self._open_command = -1
        self._done: "list[tuple[int, int]]" = []

    def load(self, payload: bytes) -> int:
        """Make ``payload`` (at most `link.MAX_PAYLOAD` bytes) the message of now; its number.

        Raises `ValueError` when it is longer, or the node is not `EMPTY`.
        """
        if self.state != EMPTY:
            raise ValueError("state {}: the message before this one has no word yet".format(self.state))
        self._check(payload)
        self._move(LOAD)
        self._number += 1
        self._payload = payload
        self._wait_ms = self._resend_ms
        self.attempts = 0
        return self._number

    def unload(self) -> bool:
        """Take the message of now back, to send another first; ``False`` if it may have arrived already."""
        return self._move(UNLOAD)

    def refresh(self, payload: bytes) -> None:
        """The same reading, written anew: a message that tells its age must tell it as it is when it leaves."""
        self._check(payload)
        if self.state != EMPTY:
            self._payload = payload

    def sends(self, now: int) -> bool:
        """Whether the next `poll` sends the message of now: the time for `refresh`."""
        if not self._asked or self._result is not None or self._hello or not self._greeted:
            return False
        if self.state == SENT:
            return now >= self._due or (self._repeat and self._sent_kind == link.DATA)
        return self.state == READY or (self.state == PAUSED and now >= self._due)

    def hurry(self, now: int) -> None:
        """Send a message that waits for its acknowledgement again at the next question."""
        if self.state == SENT:
            self._due = now

    def result(self, command: int, status: int) -> None:
        """What became of a command: `link.DONE` or `link.REFUSED`. Told with the next answer."""
        self._open_command = -1
        self._result = (command, status)
        if len(self._done) >= REMEMBERED:
            self._done.pop(0)
        self._done.append(self._result)

    def feed(self, now: int, data: "bytes | bytearray | memoryview") -> "list[link.Event]":
        """What the gateway said to this board: ACK, NAK, BUSY, COMMAND, TIME. Raises nothing for any bytes."""
        events: "list[link.Event]" = []
        for piece in self._receiver.feed(data):
            seen = link.head(piece)
            if seen is not None and (seen[0] >= link.IDLE or seen[1] != self._address):
                continue
            try:
                kind, address, turn, fields, tail = link.decode(piece)
            except link.LinkError:
                self.noise += 1
                continue
            if address == self._address and kind < link.IDLE:
                self._ask(turn, kind == link.POLL and fields[0] & link.SAY_HELLO != 0)
            elif kind != link.TIME:
                continue
            event = self._event(now, kind, fields, tail)
            if event is not None:
                events.append(event)
        return events

    def poll(self, now: int) -> "bytes | None":
        """The answer to the last question, if there was one since the last answer."""
        if not self._asked:
            return None
        kind, fields, tail = self._answer(now)
        self._asked = False
        self._sent_kind = kind
        return link.encode(kind, self._address, self._turn, fields, tail)

    def _ask(self, turn: int, hello: bool) -> None:
        self._repeat = turn == self._turn
        if not self._repeat and self._sent_kind == link.RESULT:
            # A new turn: the answer to the last one was heard.
            self._result = None
        self._turn = turn
        self._hello = hello
        self._asked = True

    def _answer(self, now: int) -> "tuple[int, tuple[int, ...], bytes]":
        if self._result is not None:
            return link.RESULT, self._result, b""
        if self._hello or not self._greeted:
            return link.HELLO, (self._boot, self._firmware), self._device
        if self.sends(now):
            if self.state == SENT and now >= self._due:
                self._wait_ms = min(2 * self._wait_ms, MAX_RESEND_MS)
            if now >= self._due:
                self._move(DUE)
            self._move(SEND)
            self.attempts += 1
            self._due = now + self._wait_ms
            return link.DATA, (self._boot, self._number, self.more), self._payload
        return link.IDLE, (self.more,), b""

    def _event(self, now: int, kind: int, fields: "tuple[int, ...]", tail: bytes) -> "link.Event | None":
        if kind in _VERDICTS:
            return self._verdict(now, kind, fields)
        if kind == link.COMMAND:
            return self._command(fields[0], tail)
        return link.Event(link.TIME, value=fields[0]) if kind == link.TIME else None

    def _verdict(self, now: int, kind: int, fields: "tuple[int, ...]") -> "link.Event | None":
        if fields[0] != self._boot:
            return None
        if not fields[1]:
            self._greeted = self._greeted or kind == link.ACK
            return None
        if fields[1] != self._number or not self._move(_VERDICTS[kind]):
            return None
        value = fields[2] if len(fields) > 2 else 0
        if kind == link.BUSY:
            value = min(value, MAX_PAUSE_MS)
            self._due = now + value
        return link.Event(kind, number=self._number, value=value)

    def _command(self, command: int, name: bytes) -> "link.Event | None":
        if not self._greeted:
            # The gateway does not know yet that this boot, perhaps this board, is the one it means.
            return None
        for known in self._done:
            if known[0] == command:
                self._result = known
                return None
        if command == self._open_command:
            return None
        self._open_command = command
        return link.Event(link.COMMAND, number=command, data=name)

    def _check(self, payload: bytes) -> None:
        if len(payload) > link.MAX_PAYLOAD:
            raise ValueError("{} bytes; a frame carries {}".format(len(payload), link.MAX_PAYLOAD))

    def _move(self, event: int) -> bool:
        """Take the step of the table; whether there is one."""
        state = DELIVERY.get((self.state, event))
        if state is None:
            return False
        self.state = state
        if state == EMPTY:
            self._payload = b""
        return True
