"""Delivery of readings to the gateway as confirmable CoAP POSTs, one at a time (RFC 7252, 4.2, 4.7: NSTART 1).

No I/O and no clock: `offer` a pack, send what `poll` returns, hand every message of the gateway to `receive`.

    IDLE --pack waiting--> WAIT_ACK --ACK with response--> IDLE or BACK_OFF
                           WAIT_ACK --empty ACK--> WAIT_RESPONSE --response--> IDLE or BACK_OFF
                           WAIT_ACK --4 retransmissions unanswered--> IDLE (the same pack again, a new message)
                           WAIT_RESPONSE --too late--> IDLE (the same pack again, a new message)
                           BACK_OFF --time over--> IDLE

2.xx: the gateway keeps the pack, and only then it leaves the ring. 4.xx: it will never be taken; dropped and told.
5.xx, 4.29 and Reset: kept, tried again after Max-Age.

Where somebody wants the time (``told_time``), the first pack and one each hour asks for it (``POST /readings?time``):
the gateway's 2.04 then carries UTC in ms since 1970, decimal digits. One that does not know it answers as ever, and is
asked again with the next pack. Who may tell it is who may acknowledge.
"""

import struct

from clock import is_told

from protocols.wire import coap

IDLE = 0
WAIT_ACK = 1
WAIT_RESPONSE = 2
BACK_OFF = 3

# RFC 7252 sets no time between an empty ACK and its response; the gateway commits in milliseconds.
RESPONSE_TIMEOUTS = 5
# A gateway's Max-Age is obeyed up to this: a mistaken one must not silence a safety device.
MAX_BACK_OFF_MS = 60000
# Critical options that a response may carry: none of them changes what 2.04 means.
_KNOWN_CRITICAL = (coap.URI_HOST, coap.URI_PORT)
ASK_EVERY_MS = 3600000
# An answer that was longer on its way, or to one of several transmissions, tells what time it was.
PROMPT_MS = 2000
_NO_PACK = ()
_TIME = ((coap.URI_QUERY, b"time"),)
_POST = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, bytes((coap.SENML_JSON,))))


class CoapClient:
    """``noise``: random source (`unit`, `bits`); ``emit``: called with an event's name and its fields.

    ``taken``: how many packs the gateway has acknowledged. ``told_time``: called with ``now`` and UTC ms.
    """

    def __init__(self, noise, emit, *, ack_timeout_ms: int = coap.ACK_TIMEOUT_MS, ring: int = 128, told_time=None):
        self._noise = noise
        self._emit = emit
        self._ack_timeout_ms = ack_timeout_ms
        self._size = ring
        self._ring = []
        self._pack: tuple = _NO_PACK
        self._mid = noise.bits() & 0xFFFF
        self._tokens = noise.bits()
        self._mid_sent = -1
        self._token = b""
        self._answered = None
        self._datagram = b""
        self._state = IDLE
        self._due = 0
        self._sent_at = 0
        self._wait_ms = 0
        self._attempts = 0
        self.dropped = 0
        self.taken = 0
        self.settled = None
        self._told_time = told_time
        self._ask_at = 0
        self._asks = False

    @property
    def waiting(self) -> int:
        """Packs that the gateway has not yet taken."""
        return len(self._ring)

    def next_mid(self) -> int:
        """The next message id of this endpoint; all that leaves its socket counts together."""
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def offer(self, now: int, seq: int, payload, urgent: bool) -> None:
        """Queue a pack: bytes, or a function of ``now`` that gives them whenever a message of it begins. `settled` is
        called with it when it was taken, or refused for good. If the ring is full, the oldest that is not on its way
        is dropped and counted.

        ``urgent`` ends a long silence (one ACK timeout is over and one to come) early: giving up a message before
        its last retransmission is allowed (4.2). While the gateway asks for a pause the urgent pack itself goes
        ahead of the older ones: it must be judged.
        """
        if len(self._ring) >= self._size:
            oldest = 1 if self._ring[0] is self._pack else 0
            if oldest < len(self._ring):
                gone = self._ring.pop(oldest)
                self.dropped += 1
                self._emit("dropped", seq=gone[0], count=self.dropped)
        pack = (seq, payload)
        self._ring.append(pack)
        long_silence = min(now - self._sent_at, self._due - now) >= self._ack_timeout_ms
        if urgent and self._state != IDLE and long_silence:
            self._start(pack if self._state == BACK_OFF else self._ring[0], now)

    def poll(self, now: int) -> bytes | None:
        """What to send to the gateway at ``now``, if anything."""
        if self._state != IDLE and now >= self._due:
            self._expire()
        if self._state == IDLE and self._ring:
            self._start(self._ring[0], now)
        if self._state != WAIT_ACK or now < self._due:
            return None
        if self._attempts:
            self._wait_ms *= 2
            self._emit("retransmit", seq=self._pack[0], mid=self._mid_sent, attempt=self._attempts)
        self._attempts += 1
        self._sent_at = now
        self._due = now + self._wait_ms
        return self._datagram

    def receive(self, now: int, message: tuple) -> bytes | None:
        """Take a decoded message of the gateway that is no request; return the answer it needs, if any."""
        kind, code, mid, token, options, payload = message
        if kind == coap.RST or (kind == coap.ACK and code == coap.EMPTY):
            if self._state == WAIT_ACK and mid == self._mid_sent:
                self._reset_or_promised(now, kind)
            return None
        expected = self._state in (WAIT_ACK, WAIT_RESPONSE) and token == self._token
        expected = expected and not coap.unknown_critical(options, _KNOWN_CRITICAL)
        if kind == coap.ACK:
            expected = expected and self._state == WAIT_ACK and mid == self._mid_sent
        elif not expected:
            # A response to an exchange that was given up, or its repetition (4.2): nothing more is owed here.
            known = kind == coap.CON and token == self._answered
            return None if kind == coap.NON else coap.encode(coap.ACK if known else coap.RST, 0, mid)
        if expected:
            self._answer(now, code, options, payload)
        return coap.encode(coap.ACK, 0, mid) if kind == coap.CON else None

    def _start(self, pack: tuple, now: int) -> None:
        """Begin an exchange: a new message id and token; sent by the next `poll`."""
        self._pack = pack
        self._mid_sent = self.next_mid()
        self._tokens = (self._tokens + 1) & 0xFFFFFFFF
        self._token = struct.pack(">I", self._tokens)
        payload = pack[1] if isinstance(pack[1], bytes) else pack[1](now)
        self._asks = self._told_time is not None and now >= self._ask_at
        options = _POST + _TIME if self._asks else _POST
        self._datagram = coap.encode(coap.CON, coap.POST, self._mid_sent, self._token, options, payload=payload)
        spread = self._noise.unit() * (coap.ACK_RANDOM_FACTOR - 1.0)
        self._wait_ms = int(self._ack_timeout_ms * (1.0 + spread))
        self._attempts = 0
        self._due = 0
        self._state = WAIT_ACK

    def _expire(self) -> None:
        """The time of the state is over: all but a retransmission ends the exchange."""
        if self._state == WAIT_ACK and self._attempts <= coap.MAX_RETRANSMIT:
            return
        if self._state != BACK_OFF:
            self._emit("unanswered", seq=self._pack[0], mid=self._mid_sent, sent=self._attempts)
        self._pack = _NO_PACK
        self._state = IDLE

    def _reset_or_promised(self, now: int, kind: int) -> None:
        if kind == coap.ACK:
            self._state = WAIT_RESPONSE
            self._due = now + RESPONSE_TIMEOUTS * self._ack_timeout_ms
            return
        self._emit("refused", seq=self._pack[0], code="RST", diagnostic="")
        self._pause(now, self._ack_timeout_ms)

    def _answer(self, now: int, code: int, options: list, payload: bytes) -> None:
        seq = self._pack[0]
        self._answered = self._token
        if code >> 5 == 2:
            self._emit("acknowledged", seq=seq, mid=self._mid_sent, code=coap.code_text(code))
            self.taken += 1
            self._hear_time(now, payload)
            self._done()
            return
        self._emit("refused", seq=seq, code=coap.code_text(code), diagnostic=_printable(payload))
        if code >> 5 == 5 or code == coap.TOO_MANY_REQUESTS:
            age = coap.option(options, coap.MAX_AGE)
            seconds = coap.DEFAULT_MAX_AGE_S if age is None else coap.uint(age)
            self._pause(now, min(max(seconds * 1000, self._ack_timeout_ms), MAX_BACK_OFF_MS))
        else:
            self._done()

    def _hear_time(self, now: int, text: bytes) -> None:
        told = self._told_time if self._asks else None
        is_prompt = self._attempts == 1 and now - self._sent_at <= PROMPT_MS
        if told is not None and is_prompt and len(text) == 13 and text.isdigit() and is_told(int(text)):
            self._ask_at = now + ASK_EVERY_MS
            told(now, int(text))

    def _done(self) -> None:
        pack = self._pack
        self._ring = [one for one in self._ring if one is not pack]
        self._pack = _NO_PACK
        self._state = IDLE
        if self.settled is not None:
            self.settled(pack[1])

    def _pause(self, now: int, milliseconds: int) -> None:
        self._pack = _NO_PACK
        self._state = BACK_OFF
        self._due = now + milliseconds


def _printable(payload: bytes) -> str:
    """The ASCII of a diagnostic payload; what else a peer sends is shown as dots."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in payload[:64])
