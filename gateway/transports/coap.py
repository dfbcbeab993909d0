"""The lean CoAP door: plain uplinks (RFC 7252) at one UDP endpoint, acknowledged after the journal commit.

``POST /readings`` takes SenML (RFC 8428) as content format 110 (JSON) or 112 (CBOR) and answers 2.04 when the
readings are durable; a retransmission that comes while the commit runs is answered once, by the same
acknowledgement. ``POST /readings?time`` asks for the time besides: that 2.04 carries UTC in milliseconds since 1970 as
decimal digits (content format 0), for boards whose clock does not outlive their supply. Block-wise transfer, Observe
and OSCORE are not here: their critical options get 4.02.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from gateway.counters import Counters
from gateway.errors import AddressInUse
from gateway.transports.coap_requests import Requests
from gateway.uplink import Ingest, Uplink
from journal.errors import JournalError, JournalFull
from protocols.errors import DecodeError, UnknownDevice
from protocols.wire import coap

Address = tuple[Any, ...]

LARGEST_DATAGRAM = 4096
RECEIVE_BUFFER = 4 << 20
"""The default holds 256 small datagrams: a burst of a site that comes back would be lost."""
SO_RCVBUFFORCE = 33
"""Linux, asm-generic/socket.h; not among the constants of Python 3.11."""
RETRY_AFTER_S = 30
LONGEST_DIAGNOSTIC = 400

_KNOWN_CRITICAL = (coap.URI_HOST, coap.URI_PORT, coap.URI_PATH, coap.URI_QUERY, coap.ACCEPT)
_READINGS = [b"readings"]
_TIME = (coap.URI_QUERY, b"time")
_TEXT = ((coap.CONTENT_FORMAT, coap.uint_bytes(0)),)
_MILLISECOND_NS = 1_000_000
_CORE = [b".well-known", b"core"]
_LINKS = b'</readings>;rt="gengfu.readings";ct="110 112"'


class _Asked(NamedTuple):
    """A request that waits for its answer. ``wants_time``: its peer has asked for the time besides."""

    peer: Address
    kind: int
    mid: int
    token: bytes
    wants_time: bool


class CoapDoor(asyncio.DatagramProtocol):
    """One endpoint. ``clock`` gives UTC ns. ``peers``: where each device was last heard, for commands to it."""

    def __init__(self, ingest: Ingest, counters: Counters, clock: Callable[[], int], connection: str = "") -> None:
        self._ingest = ingest
        self._connection = connection
        self._counters = counters
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._pending: set[tuple[Address, int]] = set()
        self.peers: dict[str, Address] = {}
        self.requests = Requests(self._send)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transport has the methods, but not the base class
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called by the loop for each datagram; nothing that arrives can raise out of here."""
        try:
            kind, code, mid, token, options, payload = coap.decode(data)
        except coap.CoapError:
            self._count("syntax")
            self._send(coap.reject(data), addr)
            return
        if code >> 5 or not code:
            self._other(kind, code, mid, token, payload, addr)
            return
        asked = _Asked(addr, kind, mid, token, _TIME in options)
        if code == coap.POST and coap.path_of(options) == _READINGS:
            self._readings(asked, options, payload)
        else:
            self._resource(asked, code, options)

    def _other(self, kind: int, code: int, mid: int, token: bytes, payload: bytes, addr: Address) -> None:
        """Responses to our requests, and empty messages."""
        if code == coap.EMPTY and kind == coap.CON:
            self._send(coap.encode(coap.RST, coap.EMPTY, mid), addr)
            return
        known = self.requests.answered(addr, kind, code, mid, token, payload)
        if kind == coap.CON:
            self._send(coap.encode(coap.ACK if known else coap.RST, coap.EMPTY, mid), addr)

    def _readings(self, asked: _Asked, options: list[tuple[int, bytes]], payload: bytes) -> None:
        key = (asked.peer, asked.mid)
        if key in self._pending:
            return
        refused = self._refuse_early(options, payload)
        if refused:
            self._count("option" if refused[0] == coap.BAD_OPTION else "size")
            self._answer(asked, *refused)
            return
        form = coap.option(options, coap.CONTENT_FORMAT)
        host, port = asked.peer[:2]
        source = f"coap/{host}:{port}/{asked.mid}/{asked.token.hex()}"
        content_format = coap.SENML_JSON if form is None else coap.uint(form)
        uplink = Uplink("coap", payload, content_format, source, self._clock(), self._connection)
        self._pending.add(key)

        def done(error: Exception | None) -> None:
            self._pending.discard(key)
            self._settle(asked, error)

        try:
            devices = self._ingest(uplink, done)
        except DecodeError as error:
            self._pending.discard(key)
            self._answer(asked, _code_of(error), str(error))
        except BaseException:
            self._pending.discard(key)
            raise
        else:
            for device in devices:
                self.peers[device] = asked.peer

    def _refuse_early(self, options: list[tuple[int, bytes]], payload: bytes) -> tuple[int, str] | None:
        critical = coap.unknown_critical(options, _KNOWN_CRITICAL)
        if critical:
            return coap.BAD_OPTION, f"option {critical} is not understood here"
        if len(payload) > LARGEST_DATAGRAM:
            return coap.TOO_LARGE, f"{len(payload)} bytes; send at most {LARGEST_DATAGRAM} in one datagram"
        return None

    def _resource(self, asked: _Asked, code: int, options: list[tuple[int, bytes]]) -> None:
        path = coap.path_of(options)
        critical = coap.unknown_critical(options, _KNOWN_CRITICAL)
        if critical:
            self._count("option")
            self._answer(asked, coap.BAD_OPTION, f"option {critical} is not understood here")
        elif path == _CORE and code == coap.GET:
            link_format = ((coap.CONTENT_FORMAT, coap.uint_bytes(coap.LINK_FORMAT)),)
            self._answer(asked, coap.CONTENT, _LINKS, link_format)
        elif path in (_CORE, _READINGS):
            self._count("method")
            self._answer(asked, coap.METHOD_NOT_ALLOWED)
        else:
            self._count("path")
            self._answer(asked, coap.NOT_FOUND, "no such resource; see /.well-known/core")

    def _settle(self, asked: _Asked, error: Exception | None) -> None:
        if error is None and asked.wants_time:
            self._answer(asked, coap.CHANGED, str(self._clock() // _MILLISECOND_NS), _TEXT)
            return
        if error is None:
            self._answer(asked, coap.CHANGED)
            return
        self._count("full" if isinstance(error, JournalFull) else "journal")
        code = coap.SERVICE_UNAVAILABLE if isinstance(error, JournalError) else coap.INTERNAL_ERROR
        self._answer(asked, code, options=((coap.MAX_AGE, coap.uint_bytes(RETRY_AFTER_S)),))

    def _answer(
        self, asked: _Asked, code: int, payload: str | bytes = b"", options: tuple[tuple[int, bytes], ...] = ()
    ) -> None:
        if isinstance(payload, str):
            payload = payload.encode()[:LONGEST_DIAGNOSTIC].decode(errors="ignore").encode()
        confirmable = asked.kind == coap.CON
        kind, mid = (coap.ACK, asked.mid) if confirmable else (coap.NON, self.requests.next_mid())
        self._send(coap.encode(kind, code, mid, asked.token, options, payload=payload), asked.peer)

    def _send(self, datagram: bytes | None, addr: Address) -> None:
        if datagram is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram, addr)

    def _count(self, kind: str) -> None:
        self._counters.refused.labels("coap", kind).inc()

    def close(self) -> None:
        """Stop listening; answers that still wait are not sent, and their devices will send again."""
        self.requests.close()
        if self._transport is not None:
            self._transport.close()


_DECODE_CODES = {
    "connection": coap.FORBIDDEN,
    "content-format": coap.UNSUPPORTED_FORMAT,
    "size": coap.TOO_LARGE,
}


def _code_of(error: DecodeError) -> int:
    if isinstance(error, UnknownDevice):
        return coap.NOT_FOUND
    return _DECODE_CODES.get(error.kind, coap.BAD_REQUEST)


def _receive_buffer_option(door: socket.socket) -> int:
    """The option that goes beyond net.core.rmem_max, where this process may use it, else the plain one."""
    try:
        door.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        return socket.SO_RCVBUF
    return SO_RCVBUFFORCE


def bind(host: str, port: int) -> socket.socket:
    """A UDP socket of our own, without SO_REUSEPORT: a second server on the port must be an error, not a thief.

    Raises `AddressInUse`. Port 0 takes a free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    door.setsockopt(socket.SOL_SOCKET, _receive_buffer_option(door), RECEIVE_BUFFER)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise AddressInUse(f"CoAP cannot listen on {host}:{port} (UDP): {error.strerror}; give another port") from None
    return door


async def listen(
    door: socket.socket, ingest: Ingest, counters: Counters, clock: Callable[[], int], connection: str = ""
) -> CoapDoor:
    """Start the door on a bound socket."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(lambda: CoapDoor(ingest, counters, clock, connection), sock=door)
    return protocol
