"""Requests to devices as the gateway means them: a body of any size, in blocks where it must be (RFC 7959), and
protected where the device has a credential (RFC 8613, section 8.1)."""

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from gateway.errors import BadReply, TransportError
from gateway.transports.coap.oscore import Secured
from gateway.transports.coap.registration import Registration
from gateway.transports.coap.requests import Address, Options, Requests, Response
from journal.errors import JournalError
from protocols.coap_blocks import (
    BLOCK1,
    BLOCK2,
    CONTINUE,
    ETAG,
    LARGEST_BLOCK,
    Block,
    block_of,
    encode_block,
)
from protocols.wire import coap, oscore

LONGEST_BODY = 64 * 1024
"""Bytes that a device may answer with."""
_ANY_TIMES = coap.ACK_TIMEOUT_MS / 1000, coap.MAX_RETRANSMIT + 1


class Timing(NamedTuple):
    """``ack_timeout_s``: before the first repetition; ``transmissions``: until the device counts as silent."""

    ack_timeout_s: float = _ANY_TIMES[0]
    transmissions: int = _ANY_TIMES[1]


USUAL = Timing()


class Asker:
    """Asks the devices of one door. ``contexts``: of those that must be asked protected, by device."""

    def __init__(self, requests: Requests, contexts: Mapping[str, Secured]) -> None:
        self._requests = requests
        self._contexts = contexts

    def ask(
        self, device: str, peer: Address, code: int, options: Options, payload: bytes = b"", timing: Timing = USUAL
    ) -> Awaitable[Response]:
        """The whole response of a device. A plain request in one datagram is on its way when this returns.

        The awaited raises `DeviceSilent`; `BadReply` for a Reset, for blocks that do not fit together and for an answer
        that is not protected as it must be; `TransportError` where no sequence number can be had.
        """
        one = _Conversation(self._requests, self._contexts.get(device), peer, timing)
        if len(payload) <= LARGEST_BLOCK:
            return self._whole(one, code, options, one.ask(code, options, payload))
        return self._whole(one, code, options, self._in_blocks(one, code, options, payload))

    def registration(self, device: str) -> Registration:
        """To observe a resource of a device, protected where it must be."""
        return Registration(self._contexts.get(device))

    async def rest(self, device: str, peer: Address, options: Options, response: Response) -> Response:
        """A response to GET of which the first block has come, whole. Raises as `ask`."""
        one = _Conversation(self._requests, self._contexts.get(device), peer, USUAL)
        with one.blocks_fit():
            return await self._rest(one, coap.GET, options, response)

    async def _whole(self, one: "_Conversation", code: int, options: Options, first: Awaitable[Response]) -> Response:
        with one.blocks_fit():
            return await self._rest(one, code, options, await first)

    async def _in_blocks(self, one: "_Conversation", code: int, options: Options, payload: bytes) -> Response:
        """A request that needs several; the device may ask for smaller ones (2.5)."""
        offset, size = 0, LARGEST_BLOCK
        while True:
            more = offset + size < len(payload)
            block = (BLOCK1, encode_block(Block(offset // size, more, size)))
            response = await one.ask(code, [*options, block], payload[offset : offset + size])
            said = block_of(list(response.options), BLOCK1)
            wanted = min(said.size, size) if said is not None else size
            if response.code == coap.TOO_LARGE and offset == 0 and wanted < size:
                size = wanted
            elif response.code == CONTINUE and more:
                offset, size = offset + size, wanted
            else:
                return response

    async def _rest(self, one: "_Conversation", code: int, options: Options, response: Response) -> Response:
        """The blocks that follow the first (Block2), put together."""
        first = block_of(list(response.options), BLOCK2)
        if first is None or not first.more:
            return response
        body, block, tag = response.payload, first, coap.option(list(response.options), ETAG)
        while block.more:
            follows = Block(block.number + 1, more=False, size=block.size)
            if follows.offset != len(body) or len(body) > LONGEST_BODY:
                raise coap.CoapError(f"{len(body)} bytes, and block {block.number} of {block.size} before")
            plain = [option for option in options if option[0] != oscore.OBSERVE]
            piece = await one.ask(code, [*plain, (BLOCK2, encode_block(follows))])
            found = block_of(list(piece.options), BLOCK2)
            changed = coap.option(list(piece.options), ETAG) != tag
            if piece.code != response.code or found is None or found.offset != follows.offset or changed:
                raise coap.CoapError("the resource changed between two blocks")
            body, block = body + piece.payload, found
        return Response(response.code, body, response.options)


class _Conversation:
    """One exchange after the other with one peer, protected or plain."""

    def __init__(self, requests: Requests, secured: Secured | None, peer: Address, timing: Timing) -> None:
        self._requests = requests
        self._secured = secured
        self._peer = peer
        self._timing = timing

    def ask(self, code: int, options: Options, payload: bytes = b"") -> Awaitable[Response]:
        """One request in one datagram."""
        if self._secured is None:
            return self._plain(code, options, payload)
        return self._fresh(self._secured, code, options, payload)

    @contextmanager
    def blocks_fit(self) -> Iterator[None]:
        """Of a device whose blocks do not, it is a bad reply."""
        try:
            yield
        except coap.CoapError as error:
            raise BadReply(f"{self._peer[0]}:{self._peer[1]} sent a wrong block: {error}") from None

    async def _fresh(self, secured: Secured, code: int, options: Options, payload: bytes) -> Response:
        response = await self._protected(secured, code, options, payload)
        echo = coap.option(list(response.options), oscore.ECHO)
        if response.code != coap.UNAUTHORIZED or echo is None:
            return response
        # a device that was restarted asks for a proof that this is no old command (RFC 9175, 2.3)
        return await self._protected(secured, code, [*options, (oscore.ECHO, echo)], payload)

    def _plain(self, code: int, options: Options, payload: bytes) -> Awaitable[Response]:
        return self._requests.ask(
            self._peer,
            code,
            sorted(options, key=_number),
            payload,
            ack_timeout_s=self._timing.ack_timeout_s,
            transmissions=self._timing.transmissions,
        )

    async def _protected(self, secured: Secured, code: int, options: Options, payload: bytes) -> Response:
        try:
            number = await secured.numbers.take()
        except JournalError as error:
            raise TransportError(f"no OSCORE sequence number can be reserved: {error}") from None
        outer, outside, sealed, binding = oscore.protect_request(
            secured.context, number, code, sorted(options, key=_number), payload
        )
        said = await self._plain(outer, outside, sealed)
        try:
            inner = oscore.unprotect_response(secured.context, binding, list(said.options), said.payload)
        except oscore.OscoreError as error:
            raise unprotected(said, error) from None
        return Response(inner[0], inner[2], tuple(inner[1]))


def unprotected(said: Response, error: oscore.OscoreError) -> BadReply:
    """Why an answer is none of the device."""
    words = said.payload.decode("ascii", "replace") if said.code >> 5 != 2 else error.text
    return BadReply(f"the answer {coap.code_text(said.code)} is not protected by the device: {words}")


def _number(option: tuple[int, bytes]) -> int:
    return option[0]
