"""The lean CoAP door: plain uplinks (RFC 7252) at one UDP endpoint, acknowledged after the journal commit.

``POST /readings`` takes SenML (RFC 8428) as content format 110 (JSON) or 112 (CBOR) and answers 2.04 when the
readings are durable; a retransmission that comes while the commit runs is answered once, by the same
acknowledgement. ``POST /readings?time`` asks for the time besides: that 2.04 carries UTC in milliseconds since 1970 as
decimal digits (content format 0), for boards whose clock does not outlive their supply.

All else (other resources, block-wise transfer, Observe, OSCORE) goes to `gateway.transports.coap.behind`.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from gateway.counters import Counters
from gateway.diagnostics import Diagnosis
from gateway.errors import AddressInUse
from gateway.transports.coap.answers import Rates, failure_of, refusal_of
from gateway.transports.coap.behind import Behind, DoorEnd
from gateway.transports.coap.observers import Observers
from gateway.transports.coap.oscore import Contexts
from gateway.transports.coap.requests import Address, Requests
from gateway.transports.coap.resources import (
    KNOWN_CRITICAL,
    LARGEST_DATAGRAM,
    MILLISECOND_NS,
    TEXT,
    TIME_QUERY,
    Asked,
    Offered,
    Resources,
)
from gateway.transports.datagrams import Datagram, Datagrams
from gateway.uplink import Ingest, Uplink
from protocols.errors import DecodeError
from protocols.wire import coap

RECEIVE_BUFFER = 2 << 20
"""The default holds 256 small datagrams: a burst of a site that comes back would be lost. This one (Linux doubles it)
holds some 5,000. More would do harm: whoever waits longer than ACK_TIMEOUT (2 s) sends again, and a gateway that is
behind would be busy with what it knows already."""
SO_RCVBUFFORCE = 33
"""Linux, asm-generic/socket.h; not among the constants of Python 3.11."""

_READINGS = [b"readings"]
_PLAIN = b"\xb8readings\x11\x6e\xff"
"""The options of nearly every uplink, as they stand before its payload: Uri-Path ``readings``, Content-Format 110."""
_PLAIN_OPTIONS = [(coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e")]
_HEAD_SIZE = {0x40 | kind << 4 | size: 4 + size for kind in (coap.CON, coap.NON) for size in range(9)}
"""Bytes of header and token, by the first byte of a message that may be a request."""
_STORED = [bytes((0x40 | coap.ACK << 4 | size, coap.CHANGED)) for size in range(9)]
"""How the acknowledgement of a stored pack begins, by the size of its token; message id and token follow."""


def _no_settings(_device: str) -> None:
    """Of a door that has none to give."""


class Extras(NamedTuple):
    """What a door may have besides. ``settings``: what each device is wished to be set to, ``None`` for one that is not
    of this connection. ``contexts``: of the devices that have a credential. ``peer_rate``: messages that one peer may
    send in a second and that are stored, 0 for any number."""

    settings: Callable[[str], Mapping[str, str] | None] = _no_settings
    contexts: Contexts | None = None
    peer_rate: int = 0
    diagnosis: Diagnosis | None = None


NO_EXTRAS = Extras()
"""Of a door for plain uplinks alone."""


class _Post(msgspec.Struct, frozen=True, gc=False):
    """A pack that waits for its answer. ``name``: its peer's, for people. ``head``: header and token of its message.
    ``wants_time``: its peer has asked for the time besides."""

    peer: Address
    name: str
    head: bytes
    wants_time: bool


class CoapDoor(asyncio.DatagramProtocol):
    """One endpoint. ``clock`` gives UTC ns. ``peers``: where each device was last heard, for commands to it."""

    def __init__(
        self,
        ingest: Ingest,
        counters: Counters,
        clock: Callable[[], int],
        connection: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> None:
        self._ingest = ingest
        self._connection = connection
        self._counters = counters
        self._clock = clock
        self._diagnosis = extras.diagnosis
        self._rates = Rates(extras.peer_rate) if extras.peer_rate else None
        self._transport: Datagrams | None = None
        self._pending: set[tuple[Address, int]] = set()
        self._unrecorded: list[tuple[bytes, str]] = []
        self.peers: dict[str, Address] = {}
        self.requests = Requests(self._send)
        self.observers = Observers(self.requests)
        protected = frozenset(extras.contexts.of) if extras.contexts is not None else frozenset()
        offered = Offered(
            ingest, connection, clock, extras.settings, protected, self.peers, self._heard, self._count, self._failed
        )
        self.resources = Resources(offered, self.observers)
        end = DoorEnd(self._send, self.requests.next_mid, self._count, self._failed)
        self._behind = Behind(end, self.resources, extras.contexts)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by `Datagrams`."""
        assert isinstance(transport, Datagrams)
        self._transport = transport

    def arrived(self, datagrams: Sequence[Datagram]) -> None:
        """Called by `Datagrams` for those that came together, before each is received."""
        if self._diagnosis is not None:
            named = [(data, f"{addr[0]}:{addr[1]}") for data, addr in datagrams]
            self._diagnosis.wire.add_all(self._clock(), False, named)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called for each datagram; nothing that arrives can raise out of here."""
        name = f"{addr[0]}:{addr[1]}"
        now = self._clock()
        start = _plain_payload(data)
        if start:
            post = _Post(addr, name, data[: start - len(_PLAIN)], wants_time=False)
            over_rate = self._rates is not None and self._rates.over(addr, now)
            self._readings(post, coap.SENML_JSON, data[start:], now, over_rate=over_rate)
        else:
            self._usual(data, addr, name, now)

    def _usual(self, data: bytes, addr: Address, name: str, now: int) -> None:
        """Any other datagram."""
        try:
            kind, code, mid, token, options, payload = coap.decode(data)
        except coap.CoapError:
            self._count("syntax")
            self._send(coap.reject(data), addr)
            return
        if code >> 5 or not code:
            self._other(kind, code, mid, token, options, payload, addr)
            return
        over_rate = self._rates is not None and self._rates.over(addr, now)
        plain = code == coap.POST and coap.path_of(options) == _READINGS
        if plain and not coap.unknown_critical(options, KNOWN_CRITICAL) and len(payload) <= LARGEST_DATAGRAM:
            form = coap.option(options, coap.CONTENT_FORMAT)
            content_format = coap.SENML_JSON if form is None else coap.uint(form)
            post = _Post(addr, name, data[: 4 + len(token)], TIME_QUERY in options)
            self._readings(post, content_format, payload, now, over_rate=over_rate)
        else:
            self._behind.take(Asked(addr, kind, mid, token, code, options, payload, "", over_rate))

    def _other(
        self,
        kind: int,
        code: int,
        mid: int,
        token: bytes,
        options: list[tuple[int, bytes]],
        payload: bytes,
        addr: Address,
    ) -> None:
        """Responses to our requests, and empty messages."""
        if code == coap.EMPTY and kind == coap.CON:
            self._send(coap.encode(coap.RST, coap.EMPTY, mid), addr)
            return
        known = self.requests.take(addr, kind, code, mid, token, options, payload)
        if kind == coap.CON and known is not None:
            self._send(coap.encode(coap.ACK if known else coap.RST, coap.EMPTY, mid), addr)

    def _readings(self, post: _Post, content_format: int, payload: bytes, now: int, *, over_rate: bool) -> None:
        """``now``: when it came, UTC ns."""
        peer, head = post.peer, post.head
        mid = head[2] << 8 | head[3]
        key = (peer, mid)
        if key in self._pending:
            return
        source = f"coap/{post.name}/{mid}/{head[4:].hex()}"
        uplink = Uplink("coap", payload, content_format, source, now, self._connection, "", over_rate)
        self._pending.add(key)
        try:
            devices = self._ingest(uplink, partial(self._settle, key, post))
        except DecodeError as error:
            self._pending.discard(key)
            refusal = refusal_of(error)
            self._failed(error.kind)
            self._answer(post, refusal.code, refusal.payload)
        except BaseException:
            self._pending.discard(key)
            raise
        else:
            self._heard(devices, peer, now)

    def _heard(self, devices: Sequence[str], peer: Address, now: int | None = None) -> None:
        for device in devices:
            self.peers[device] = peer
            if self._diagnosis is not None:
                self._diagnosis.heard(device, now)

    def _settle(self, key: tuple[Address, int], post: _Post, error: Exception | None) -> None:
        self._pending.discard(key)
        first = post.head[0]
        if error is None and first >> 4 & 3 == coap.CON and not post.wants_time:
            # of nearly every pack: its acknowledgement is made of what is there
            self._post(_STORED[first & 15] + post.head[2:], post)
        else:
            self._tell(post, error)

    def _tell(self, post: _Post, error: Exception | None) -> None:
        """What became of any pack."""
        if error is None and post.wants_time:
            self._answer(post, coap.CHANGED, str(self._clock() // MILLISECOND_NS).encode(), TEXT)
            return
        if error is None:
            self._answer(post, coap.CHANGED)
            return
        answer = failure_of(error)
        self._count(answer.kind)
        self._answer(post, answer.code, answer.payload, answer.options)

    def _answer(
        self, post: _Post, code: int, payload: bytes = b"", options: tuple[tuple[int, bytes], ...] = ()
    ) -> None:
        head = post.head
        confirmable = head[0] >> 4 & 3 == coap.CON
        kind, mid = (coap.ACK, head[2] << 8 | head[3]) if confirmable else (coap.NON, self.requests.next_mid())
        self._send(coap.encode(kind, code, mid, head[4:], options, payload=payload), post.peer)

    def _send(self, datagram: bytes | None, addr: Address) -> None:
        if datagram is not None and self._transport is not None and not self._transport.is_closing():
            if self._diagnosis is not None:
                self._record()
                self._diagnosis.sent(datagram, f"{addr[0]}:{addr[1]}")
            self._transport.sendto(datagram, addr)

    def _post(self, datagram: bytes, post: _Post) -> None:
        """Send with the other acknowledgements of this turn of the loop."""
        if self._transport is not None and not self._transport.is_closing():
            if self._diagnosis is not None:
                if not self._unrecorded:
                    asyncio.get_running_loop().call_soon(self._record)
                self._unrecorded.append((datagram, post.name))
            self._transport.post(datagram, post.peer)

    def _record(self) -> None:
        """The acknowledgements of this turn of the loop, in the wire log: together, for each alone costs thrice."""
        if self._unrecorded and self._diagnosis is not None:
            sent, self._unrecorded = self._unrecorded, []
            self._diagnosis.wire.add_all(self._clock(), True, sent)

    def _count(self, kind: str) -> None:
        self._counters.refused.labels("coap", kind).inc()
        self._failed(kind)

    def _failed(self, kind: str, device: str = "") -> None:
        if self._diagnosis is not None:
            self._diagnosis.failed(kind, device)

    def close(self) -> None:
        """Stop listening; answers that still wait are not sent, and their devices will send again."""
        self._record()
        self.observers.close()
        self._behind.close()
        self.requests.close()
        if self._transport is not None:
            self._transport.close()


def _plain_payload(data: bytes) -> int:
    """Where the payload of an uplink with no other than the `_PLAIN` options begins; 0 for everything else."""
    if data[1:2] != b"\x02":
        return 0
    head = _HEAD_SIZE.get(data[0], 0)
    start = head + len(_PLAIN)
    is_plain = head and data.startswith(_PLAIN, head) and start < len(data) <= start + LARGEST_DATAGRAM
    return start if is_plain else 0


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


def listen(
    door: socket.socket,
    ingest: Ingest,
    counters: Counters,
    clock: Callable[[], int],
    connection: str = "",
    extras: Extras = NO_EXTRAS,
) -> CoapDoor:
    """Start the door on a bound socket."""
    gate = CoapDoor(ingest, counters, clock, connection, extras)
    Datagrams(door, gate, gate.arrived)
    return gate
