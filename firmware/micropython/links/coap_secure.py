"""OSCORE around the board's CoAP link: `SecureClient` for readings, `SecureServer` for commands (RFC 8613, section 8).

No I/O and no clock; the same methods as `CoapClient` and `CoapServer`, so that a node does not see the difference.

A reading leaves the ring only for a response that this board's gateway has authenticated. A plain response tells that
something is wrong (the gateway has lost the credential) and changes nothing else; the reading is sent again.

Commands count only if protected. A plain request is 4.01 and moves nothing, closing included: any stranger could
otherwise shut off the gas of a city, and each valve is opened again by hand. The board itself closes on gas without
anybody's command.

After a restart the replay window is empty. A request must then prove that it was made since (Echo, RFC 9175, 2.3)
before anything starts. **Closing does not wait for the proof**: it is the safe side and idempotent, and a gateway that
cannot do Echo can still close. The price: a recorded closing can be played back once the board has restarted, and it
closes. Once the window has begun, replays of both are refused.

Cost, measured on the unix port (64 bits, x86-64): 3 KB of heap for the objects, 27 KB for the modules; a pack of 400
bytes takes 0.15 ms and leaves 34 KB of garbage, its answer 0.05 ms. A message is 18 bytes longer.
"""

from security import SequenceLost

from links.coap_client import CoapClient
from links.coap_server import COMMANDS, REMEMBERED, SAFE_SIDE, CoapServer
from protocols.wire import coap, oscore

# Each challenge takes a sequence number, and each 64 of them a write to flash: a replayer must not wear it out.
CHALLENGE_EVERY_MS = 1000
_AUTHENTICATED = b"oscore"
_CLOSING = [([path], word) for path, (word, name) in COMMANDS.items() if name in SAFE_SIDE]


class SecureClient:
    """A `CoapClient` whose requests leave protected. ``endpoint``: `security.Endpoint`; ``emit`` as there.

    An exchange keeps its token; behind a challenge it goes on under a second message id.
    """

    def __init__(self, client: CoapClient, endpoint, emit):
        self._client = client
        self._endpoint = endpoint
        self._emit = emit
        # Message of the exchange as the client made it; no token of a client is empty.
        self._plain = (coap.CON, coap.EMPTY, -1, b"", [], b"")
        self._binding = None
        self._datagram = None
        self._mid = -1
        self._again = False
        self._challenged = False
        self._told = False
        self._echo = None
        self._answered = None

    @property
    def waiting(self) -> int:
        """As `CoapClient.waiting`."""
        return self._client.waiting

    @property
    def dropped(self) -> int:
        """As `CoapClient.dropped`."""
        return self._client.dropped

    @property
    def taken(self) -> int:
        """As `CoapClient.taken`."""
        return self._client.taken

    @property
    def settled(self):
        """As `CoapClient.settled`."""
        return self._client.settled

    @settled.setter
    def settled(self, call) -> None:
        self._client.settled = call

    def next_mid(self) -> int:
        """As `CoapClient.next_mid`."""
        return self._client.next_mid()

    def offer(self, now: int, seq: int, payload, urgent: bool) -> None:
        """As `CoapClient.offer`."""
        self._client.offer(now, seq, payload, urgent)

    def poll(self, now: int) -> bytes | None:
        """As `CoapClient.poll`. A retransmission repeats the protected bytes; only a new message takes a new number."""
        plain = self._client.poll(now)
        if plain is None and not self._again:
            return None
        self._again = False
        if plain is not None:
            message = coap.decode(plain)
            if message[3] != self._plain[3]:
                self._begin(message)
        if self._datagram is None:
            self._protect()
        return self._datagram

    def receive(self, now: int, message: tuple) -> bytes | None:
        """As `CoapClient.receive`, but only authenticated responses get there."""
        kind, code, mid, token, options, payload = message
        if code == coap.EMPTY:
            if mid == self._mid:
                return self._client.receive(now, (kind, code, self._plain[2], token, options, payload))
            return None
        inside = self._unprotect(message)
        if inside is not None:
            self._accept(now, mid, token, inside)
        if kind != coap.CON:
            return None
        # A response to an exchange that was given up is not known any more; a repeated one is.
        known = inside is not None or token == self._answered
        return coap.encode(coap.ACK if known else coap.RST, 0, mid)

    def _begin(self, message: tuple) -> None:
        """A new exchange of the client."""
        self._plain = message
        self._mid = message[2]
        self._binding = None
        self._datagram = None
        self._challenged = False
        self._told = False

    def _accept(self, now: int, mid: int, token: bytes, inside: tuple) -> None:
        """Take an authenticated response. As NON it needs no message id: behind a challenge an exchange has two."""
        code, options, payload = inside
        echo = coap.option(options, oscore.ECHO)
        if code == coap.UNAUTHORIZED and echo is not None:
            self._challenge(echo)
            return
        self._echo = None
        self._answered = token
        self._binding = None
        self._client.receive(now, (coap.NON, code, mid, token, options, payload))

    def _unprotect(self, message: tuple) -> tuple | None:
        """Code, options and payload that the gateway has authenticated for the request on its way, else ``None``."""
        kind, code, mid, token, options, payload = message
        if self._binding is None or token != self._plain[3] or (kind == coap.ACK and mid != self._mid):
            return None
        try:
            return oscore.unprotect_response(self._endpoint.context, self._binding, options, payload)
        except oscore.OscoreError as error:
            if not self._told:
                protected = coap.option(options, oscore.OSCORE) is not None
                text = error.text if protected else "response is not protected"
                self._emit("refused", code=coap.code_text(code), diagnostic=text)
            self._told = True
            return None

    def _challenge(self, echo: bytes) -> None:
        """The gateway asks for a proof of freshness: once for each message at once, else with the next message."""
        self._echo = echo
        if self._challenged:
            return
        self._challenged = True
        self._again = True
        self._datagram = None
        self._mid = self._client.next_mid()

    def _protect(self) -> None:
        """Make the datagram. Without a sequence number there is none; the next retransmission tries again."""
        kind, code, _, token, found, payload = self._plain
        options = list(found)
        if self._echo is not None:
            options.append((oscore.ECHO, self._echo))
        try:
            sequence = self._endpoint.sequence.next()
        except (OSError, SequenceLost) as error:
            self._emit("error", message="OSCORE sequence number: " + str(error))
            return
        made = oscore.protect_request(self._endpoint.context, sequence, code, options, payload)
        self._binding = made[3]
        self._datagram = coap.encode(kind, made[0], self._mid, token, made[1], payload=made[2])


class SecureServer:
    """A `CoapServer` that only authenticated requests reach; who may command is who has the key, at any address."""

    def __init__(self, product, emit, next_mid, endpoint, crash_log=None):
        self._server = CoapServer(product, emit, next_mid, _AUTHENTICATED, crash_log)
        self._emit = emit
        self._next_mid = next_mid
        self._endpoint = endpoint
        self._count = 0
        self._challenged_at = -CHALLENGE_EVERY_MS
        self._memory = []

    def answer(self, now: int, peer: bytes | tuple, message: tuple) -> bytes | None:
        """As `CoapServer.answer`. What is refused before it was authenticated is not remembered: it changed nothing."""
        kind, _, mid, token, _, _ = message
        limit = now - coap.EXCHANGE_LIFETIME_S * 1000
        for since, known_peer, known, reply in self._memory:
            if known == message and known_peer == peer and since > limit:
                return reply if kind == coap.CON else None
        try:
            status, options, payload = self._handle(now, message)
        except oscore.OscoreError as error:
            self._emit("refused", code=coap.code_text(error.code), diagnostic=error.text)
            return self._encode(kind, mid, token, (error.code, (), error.text.encode()))
        reply = self._encode(kind, mid, token, (status, options, payload))
        if len(self._memory) >= REMEMBERED:
            self._memory.pop(0)
        self._memory.append((now, peer, message, reply))
        return reply

    def _encode(self, kind: int, mid: int, token: bytes, answer: tuple) -> bytes:
        if kind == coap.CON:
            return coap.encode(coap.ACK, answer[0], mid, token, answer[1], payload=answer[2])
        return coap.encode(coap.NON, answer[0], self._next_mid(), token, answer[1], payload=answer[2])

    def _handle(self, now: int, message: tuple) -> tuple:
        """Code, options and payload of the protected response; raises `OscoreError` for a plain one."""
        if coap.option(message[4], oscore.OSCORE) is None:
            raise oscore.OscoreError(coap.UNAUTHORIZED, "only with OSCORE")
        window = self._endpoint.window
        context = self._endpoint.context
        code, options, payload, sequence, binding = oscore.unprotect_request(context, message[4], message[5], window)
        if not window.started and coap.option(options, oscore.ECHO) == self._endpoint.echo:
            window.start(sequence)
        elif window.started:
            window.accept(sequence)
        if window.started:
            status, more, text = self._obey(now, code, options, payload)
            return oscore.protect_response(context, binding, status, list(more), text)
        return self._unproved(now, binding, (code, options, payload))

    def _unproved(self, now: int, binding, request: tuple) -> tuple:
        """Authentic, perhaps old: close, or ask for the proof. Never under the request's nonce: it may be used up."""
        if request[0] == coap.PUT and (coap.path_of(request[1]), request[2]) in _CLOSING:
            answer = self._obey(now, *request)
        else:
            answer = (coap.UNAUTHORIZED, [(oscore.ECHO, self._endpoint.echo)], b"")
        if now - self._challenged_at < CHALLENGE_EVERY_MS:
            raise oscore.OscoreError(coap.SERVICE_UNAVAILABLE, "proof of freshness needed; ask again in 1 s")
        self._challenged_at = now
        try:
            number = self._endpoint.sequence.next()
        except (OSError, SequenceLost):
            raise oscore.OscoreError(coap.INTERNAL_ERROR, "no sequence number") from None
        return oscore.protect_response(
            self._endpoint.context, binding, answer[0], list(answer[1]), answer[2], sequence=number
        )

    def _obey(self, now: int, code: int, options: list, payload: bytes) -> tuple:
        """Code, options and payload of the server inside.

        Its memory of duplicates must not know the request: what OSCORE lets through is new, whatever its message id.
        """
        self._count = (self._count + 1) & 0xFFFF
        reply = self._server.answer(now, _AUTHENTICATED, (coap.CON, code, self._count, b"", options, payload))
        assert reply is not None, "a confirmable request has an answer"
        _, status, _, _, more, text = coap.decode(reply)
        return status, more, text
