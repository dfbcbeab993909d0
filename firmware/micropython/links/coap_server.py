"""The board's CoAP resources: the commands of the profile, and their list at ``/.well-known/core`` (RFC 6690).

No I/O and no clock. Everything about a final element but the one payload of its command is 4.03, and nothing moves.
"""

from protocols.wire import coap

# Path and payload of each command: the [command.coap] tables of the profiles.
COMMANDS = {
    b"valve": (b"close", "close-valve"),
    b"fan": (b"start", "start-fan"),
    b"test": (b"start", "self-test"),
}
SAFE_SIDE = ("close-valve",)
_KNOWN_CRITICAL = (coap.URI_HOST, coap.URI_PORT, coap.URI_PATH, coap.URI_QUERY, coap.ACCEPT)
_WELL_KNOWN = [b".well-known", b"core"]
_CRASH = [b"crash"]
# Requests come one at a time from one gateway; commands are idempotent, so forgetting one does no harm.
REMEMBERED = 16


class CoapServer:
    """``product``: commands go there; ``next_mid``: message ids for answers to NON requests; ``gateway``: its peer.

    Closing is the safe side and is taken from anybody; what starts something only from the gateway (S5). Without
    OSCORE a peer can still forge the gateway's address.
    """

    def __init__(self, product, emit, next_mid, gateway: bytes | tuple, crash_log=None):
        self._product = product
        self._emit = emit
        self._next_mid = next_mid
        self._gateway = gateway
        self._crash_log = crash_log
        self._memory = []

    def answer(self, now: int, peer: bytes | tuple, message: tuple) -> bytes | None:
        """The answer to a decoded request. A duplicate (4.5) gets the same answer and does nothing; as NON, none.

        A duplicate has the same peer and message id and also the same content: a restarted gateway may use a
        message id again, and its command must not pass for the old one.
        """
        kind, code, mid, token, options, payload = message
        limit = now - coap.EXCHANGE_LIFETIME_S * 1000
        for since, known_peer, known, reply in self._memory:
            if known == message and known_peer == peer and since > limit:
                return reply if kind == coap.CON else None
        status, more, text = self._handle(now, peer, code, options, payload)
        if kind == coap.CON:
            reply = coap.encode(coap.ACK, status, mid, token, more, payload=text)
        else:
            reply = coap.encode(coap.NON, status, self._next_mid(), token, more, payload=text)
        if len(self._memory) >= REMEMBERED:
            self._memory.pop(0)
        self._memory.append((now, peer, message, reply))
        return reply

    def _handle(self, now: int, peer: bytes | tuple, code: int, options: list, payload: bytes) -> tuple:
        """Status, options and payload of the response."""
        bad = coap.unknown_critical(options, _KNOWN_CRITICAL)
        if bad:
            return coap.BAD_OPTION, (), f"option {bad}".encode()
        path = coap.path_of(options)
        if path == _WELL_KNOWN:
            if code != coap.GET:
                return coap.METHOD_NOT_ALLOWED, (), b""
            links = [f'</{one.decode()}>;rt="gengfu.command"' for one in sorted(self._commands())]
            return coap.CONTENT, ((coap.CONTENT_FORMAT, bytes((coap.LINK_FORMAT,))),), ",".join(links).encode()
        crash_log = self._crash_log
        if path == _CRASH and crash_log is not None and peer == self._gateway:
            return _crash(crash_log, code)
        if len(path) != 1 or path[0] not in self._commands():
            return coap.NOT_FOUND, (), b""
        return self._command(now, peer, code, path[0], payload)

    def _command(self, now: int, peer: bytes | tuple, code: int, path: bytes, payload: bytes) -> tuple:
        if code == coap.GET:
            return coap.METHOD_NOT_ALLOWED, (), b""
        word, name = COMMANDS[path]
        if name not in SAFE_SIDE and peer != self._gateway:
            self._emit("refused", command=path.decode(), code="4.03")
            return coap.FORBIDDEN, (), b"only from the gateway"
        known = code == coap.PUT and payload == word
        if not known or not self._product.command(name, now):
            self._emit("refused", command=path.decode(), code="4.03")
            why = (
                b"the board refuses it now" if known else b"only PUT " + word + b"; opened and stopped by hand on site"
            )
            return coap.FORBIDDEN, (), why
        self._emit("command", name=name)
        return coap.CHANGED, (), b""

    def _commands(self) -> list:
        return [path for path, command in COMMANDS.items() if command[1] in self._product.commands]


def _crash(crash_log, code: int) -> tuple:
    """``GET``: the crash log; ``DELETE``: it was read, and may go."""
    if code == coap.GET:
        return coap.CONTENT, ((coap.CONTENT_FORMAT, b""),), crash_log.text().encode()
    if code != coap.DELETE:
        return coap.METHOD_NOT_ALLOWED, (), b""
    try:
        crash_log.take()
    except OSError:
        return coap.INTERNAL_ERROR, (), b"the flash refuses"
    return coap.DELETED, (), b""
