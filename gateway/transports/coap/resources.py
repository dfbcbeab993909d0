"""What the gateway offers over CoAP beside the plain post: its resources, whole or in blocks, plain or protected.

    POST /readings           SenML in one piece or in blocks (Block1, RFC 7959), up to `LONGEST_BODY`
    GET  /time               UTC in milliseconds since 1970, decimal digits
    GET  /config[?d=DEVICE]  the settings that the site's document wishes the device to have; observable (RFC 7641)
    GET  /.well-known/core   what there is (RFC 6690)

Every answer to GET can be had in blocks (Block2). What arrives here was authenticated before, or is plain: ``device``
of an `Asked` says which.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import cbor2

from gateway.transports.coap.answers import Answer, failure_of, refusal_of, text_of
from gateway.transports.coap.lone_blocks import LoneBlocks
from gateway.transports.coap.observers import OBSERVE, Observers
from gateway.transports.coap.oscore import Bound, Secured
from gateway.transports.coap.requests import Address
from gateway.uplink import Ingest, Uplink
from protocols.coap_blocks import (
    BLOCK1,
    BLOCK2,
    CONTINUE,
    ETAG,
    SIZE1,
    SIZE2,
    Assemblies,
    Block,
    block_of,
    encode_block,
    piece_of,
)
from protocols.errors import DecodeError
from protocols.moment import SECOND
from protocols.senml.decode import MAX_BYTES
from protocols.wire import coap

LONGEST_BODY = MAX_BYTES
"""Bytes of a pack that comes in blocks."""
LARGEST_DATAGRAM = 4096
MOST_TRANSFERS = 64
TRANSFER_LIFETIME_S = 60
PATIENCE_S = 10
NOT_ACCEPTABLE = 0x86
CBOR = 60
MILLISECOND_NS = 1_000_000

KNOWN_CRITICAL = (coap.URI_HOST, coap.URI_PORT, coap.URI_PATH, coap.URI_QUERY, coap.ACCEPT)
TIME_QUERY = (coap.URI_QUERY, b"time")
TEXT = ((coap.CONTENT_FORMAT, coap.uint_bytes(coap.TEXT)),)
_KNOWN_HERE = (*KNOWN_CRITICAL, BLOCK1, BLOCK2)
_DEVICE_QUERY = b"d="
_LINKS = (
    b'</readings>;rt="gengfu.readings";ct="110 112",'
    b'</time>;rt="gengfu.time";ct=0,'
    b'</config>;rt="gengfu.config";ct="0 60";obs'
)


class Asked(NamedTuple):
    """A request as it counts. ``device``: who has proved to be its sender, empty for a plain one. ``over_rate``: its
    peer sends more than is stored. ``bound``: what notifications are bound to, where the request may begin an
    observation under OSCORE. ``source``: what identifies a protected message, as `gateway.uplink.Uplink.source`."""

    peer: Address
    kind: int
    mid: int
    token: bytes
    code: int
    options: list[tuple[int, bytes]]
    payload: bytes
    device: str = ""
    over_rate: bool = False
    bound: Bound | None = None
    source: str = ""

    @property
    def identity(self) -> str:
        """What identifies the message at its transport."""
        return self.source or f"coap/{self.peer[0]}:{self.peer[1]}/{self.mid}/{self.token.hex()}"


class Reply(Protocol):
    """Answers one request, once."""

    def __call__(self, code: int, payload: bytes = b"", options: Sequence[tuple[int, bytes]] = ()) -> None:
        """``options`` in any order."""


class Offered(NamedTuple):
    """What the resources rest on. ``settings``: the wished settings of a device, ``None`` for one that is not of this
    connection. ``protected``: the devices that must prove themselves. ``peers``: where each device was last heard.
    ``heard(device, peer)``: it spoke. ``refused``: counts a refusal, by kind;
    ``failed(kind, device)``: tells of one that the pipeline has counted."""

    ingest: Ingest
    connection: str
    clock: Callable[[], int]
    settings: Callable[[str], Mapping[str, str] | None]
    protected: frozenset[str]
    peers: dict[str, Address]
    heard: Callable[[Sequence[str], Address], None]
    refused: Callable[[str], None]
    failed: Callable[[str, str], None]


class Resources:
    """The resources of one door."""

    def __init__(self, offered: Offered, observers: Observers) -> None:
        self._offered = offered
        self._observers = observers
        self._assemblies = Assemblies(
            longest=LONGEST_BODY,
            most=MOST_TRANSFERS,
            lifetime_ns=TRANSFER_LIFETIME_S * SECOND,
            patience_ns=PATIENCE_S * SECOND,
        )
        self._lone = LoneBlocks(MOST_TRANSFERS)
        self._routes: dict[tuple[bytes, ...], tuple[int, Callable[[Asked, Reply], None]]] = {
            (b"readings",): (coap.POST, self._readings),
            (b"time",): (coap.GET, self._time),
            (b"config",): (coap.GET, self._config),
            (b".well-known", b"core"): (coap.GET, self._core),
        }

    def protect(self, secured: Mapping[str, Secured]) -> None:
        """The contexts of the devices that have a credential, by device."""
        self._observers.protect(secured)

    def handle(self, asked: Asked, reply: Reply) -> None:
        """Answer a request, at once or when what it brought is durable."""
        critical = coap.unknown_critical(asked.options, _KNOWN_HERE)
        code, resource = self._routes.get(tuple(coap.path_of(asked.options)), (0, None))
        if critical:
            self._refuse(reply, "option", coap.BAD_OPTION, f"option {critical} is not understood here")
        elif resource is None:
            self._refuse(reply, "path", coap.NOT_FOUND, "no such resource; see /.well-known/core")
        elif asked.code != code:
            self._refuse(reply, "method", coap.METHOD_NOT_ALLOWED)
        else:
            try:
                resource(asked, reply)
            except coap.CoapError as error:
                self._refuse(reply, "block", coap.BAD_REQUEST, str(error))

    def changed(self, device: str) -> None:
        """Tell those who observe the settings of ``device``."""
        wished = self._offered.settings(device)
        if wished is not None:
            self._observers.tell(device, lambda form: _settings_in(form, wished))

    def _refuse(self, reply: Reply, kind: str, code: int, words: str = "") -> None:
        self._offered.refused(kind)
        reply(code, text_of(words))

    # -- packs ---------------------------------------------------------------------------------------------------

    def _readings(self, asked: Asked, reply: Reply) -> None:
        block = block_of(asked.options, BLOCK1)
        if block is not None:
            self._piece(asked, block, reply)
        elif len(asked.payload) > LARGEST_DATAGRAM:
            words = f"{len(asked.payload)} bytes; send at most {LARGEST_DATAGRAM} in one datagram, or in blocks"
            self._refuse(reply, "size", coap.TOO_LARGE, words)
        else:
            self._ingest(asked, asked.payload, (), reply)

    def _piece(self, asked: Asked, block: Block, reply: Reply) -> None:
        form = coap.option(asked.options, coap.CONTENT_FORMAT)
        told = coap.option(asked.options, SIZE1)
        key = (asked.device or asked.peer, *coap.path_of(asked.options))
        longest = self._assemblies.longest
        if told is not None and coap.uint(told) > longest:
            self._too_large(reply, block)
            return
        code, body = self._assemblies.take(key, block, form, asked.payload, self._offered.clock())
        echoed = ((BLOCK1, encode_block(block)),)
        if body is not None:
            self._ingest(asked, body, echoed, reply, self._lone.repeated(key, block, asked.payload))
        elif code == CONTINUE:
            reply(code, b"", echoed)
        elif code == coap.TOO_LARGE:
            self._too_large(reply, block)
        else:
            self._lone.remember(key, block, asked.payload, asked.identity)
            words = "blocks are missing: begin again with block 0"
            self._refuse(reply, "block", code, words if code != coap.SERVICE_UNAVAILABLE else "")

    def _too_large(self, reply: Reply, block: Block) -> None:
        self._offered.refused("size")
        longest = self._assemblies.longest
        options = ((BLOCK1, encode_block(block)), (SIZE1, coap.uint_bytes(longest)))
        reply(coap.TOO_LARGE, text_of(f"send at most {longest} bytes in one pack"), options)

    def _ingest(
        self, asked: Asked, body: bytes, echoed: tuple[tuple[int, bytes], ...], reply: Reply, source: str = ""
    ) -> None:
        """``source``: of the message that this one repeats."""
        form = coap.option(asked.options, coap.CONTENT_FORMAT)
        uplink = Uplink(
            "coap",
            body,
            coap.SENML_JSON if form is None else coap.uint(form),
            source or asked.identity,
            self._offered.clock(),
            self._offered.connection,
            asked.device,
            asked.over_rate,
        )
        wants_time = TIME_QUERY in asked.options

        def done(error: Exception | None) -> None:
            answer = self._stored(wants_time=wants_time) if error is None else failure_of(error)
            if answer.kind:
                self._offered.refused(answer.kind)
            reply(answer.code, answer.payload, (*answer.options, *echoed))

        try:
            devices = self._offered.ingest(uplink, done)
        except DecodeError as error:
            refusal = refusal_of(error)
            self._offered.failed(error.kind, asked.device)
            reply(refusal.code, refusal.payload, echoed)
        else:
            self._offered.heard(devices, asked.peer)

    def _stored(self, *, wants_time: bool) -> Answer:
        return Answer(coap.CHANGED, self._now(), TEXT) if wants_time else Answer(coap.CHANGED)

    # -- what is read --------------------------------------------------------------------------------------------

    def _now(self) -> bytes:
        return str(self._offered.clock() // MILLISECOND_NS).encode()

    def _time(self, asked: Asked, reply: Reply) -> None:
        self._give(asked, reply, self._now(), (*TEXT, (coap.MAX_AGE, b"")))

    def _core(self, asked: Asked, reply: Reply) -> None:
        self._give(asked, reply, _LINKS, ((coap.CONTENT_FORMAT, coap.uint_bytes(coap.LINK_FORMAT)),))

    def _config(self, asked: Asked, reply: Reply) -> None:
        device = self._device_of(asked)
        wished = self._offered.settings(device) if device else None
        accept = coap.option(asked.options, coap.ACCEPT)
        form = coap.TEXT if accept is None else coap.uint(accept)
        if wished is None:
            words = (
                "say for which device: /config?d=DEVICE" if not device else f"no device {device!r} on this connection"
            )
            self._refuse(reply, "device", coap.NOT_FOUND, words)
        elif device in self._offered.protected and asked.device != device:
            self._refuse(reply, "credential", coap.UNAUTHORIZED, "only with OSCORE")
        elif form not in (coap.TEXT, CBOR):
            self._refuse(reply, "accept", NOT_ACCEPTABLE, "0 (text) or 60 (CBOR)")
        else:
            observed = self._observe(asked, device, form)
            self._give(
                asked, reply, _settings_in(form, wished), ((coap.CONTENT_FORMAT, coap.uint_bytes(form)), *observed)
            )

    def _observe(self, asked: Asked, device: str, form: int) -> tuple[tuple[int, bytes], ...]:
        """Begin or end an observation, as the request says; the option to answer with."""
        wish = coap.option(asked.options, OBSERVE)
        if wish is None:
            return ()
        if coap.uint(wish) == 0 and self._observers.add(asked.peer, asked.token, device, form, asked.bound):
            return ((OBSERVE, coap.uint_bytes(self._observers.serial)),)
        self._observers.remove(asked.peer, asked.token)
        return ()

    def _device_of(self, asked: Asked) -> str:
        """Whose settings are asked for: the one that is named, that has proved itself, or that alone speaks there."""
        named = [
            value[len(_DEVICE_QUERY) :].decode("ascii", "replace")
            for number, value in asked.options
            if number == coap.URI_QUERY and value.startswith(_DEVICE_QUERY)
        ]
        if named or asked.device:
            return named[0] if named else asked.device
        there = [device for device, peer in self._offered.peers.items() if peer == asked.peer]
        return there[0] if len(there) == 1 else ""

    def _give(self, asked: Asked, reply: Reply, body: bytes, options: Sequence[tuple[int, bytes]]) -> None:
        piece, block = piece_of(body, block_of(asked.options, BLOCK2))
        if block is None:
            reply(coap.CONTENT, piece, options)
            return
        tag = zlib.crc32(body).to_bytes(4, "big")
        more = ((ETAG, tag), (BLOCK2, encode_block(block)), (SIZE2, coap.uint_bytes(len(body))))
        reply(coap.CONTENT, piece, (*options, *more))


def _settings_in(form: int, wished: Mapping[str, str]) -> bytes:
    """``name=value`` lines as the boards' own settings files, or the same as a CBOR map of texts."""
    if form == CBOR:
        return cbor2.dumps(dict(wished))
    return "".join(f"{name}={wished[name]}\n" for name in sorted(wished)).encode()
