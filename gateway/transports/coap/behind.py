"""Behind the lean door: every request but the plain post in one datagram. Protected ones are opened here, answers to
them sealed, and what must not be worked out twice is answered from memory."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import NamedTuple

from gateway.errors import TransportError
from gateway.transports.coap.answers import SLOWER_AFTER_S
from gateway.transports.coap.exchanges import Exchange, Exchanges
from gateway.transports.coap.oscore import Bound, Contexts, Secured
from gateway.transports.coap.requests import Address
from gateway.transports.coap.resources import Asked, Reply, Resources
from journal.errors import JournalError
from protocols.coap_blocks import BLOCK1
from protocols.oscore_observe import FETCH, protect_answer, unprotect_registration
from protocols.wire import coap, oscore

MOST_ANSWERING = 256
"""Answers that wait for a number of ours. A journal that hangs gives none, and a replayer goes on."""


class DoorEnd(NamedTuple):
    """What the door lends. ``refused``: counts a refusal, by kind. ``failed(kind, device)``: tells of something that
    went wrong, with a device or the connection."""

    send: Callable[[bytes, Address], None]
    next_mid: Callable[[], int]
    refused: Callable[[str], None]
    failed: Callable[[str, str], None]


class Behind:
    """One for each door."""

    def __init__(self, end: DoorEnd, resources: Resources, contexts: Contexts | None) -> None:
        self._end = end
        self._resources = resources
        self._contexts = contexts
        if contexts is not None:
            resources.protect(contexts.of)
        self._exchanges = Exchanges()
        self._answering: set[asyncio.Task[None]] = set()

    def take(self, asked: Asked) -> None:
        """One request; nothing that is in it can raise out of here."""
        contexts = self._contexts if coap.option(asked.options, oscore.OSCORE) is not None else None
        if contexts is None and coap.option(asked.options, BLOCK1) is None:
            self._plain(asked, None)
            return
        now_s = asyncio.get_running_loop().time()
        # its hash, for a message of 4 KB would be kept for minutes
        content = hash((asked.token, tuple(asked.options), asked.payload))
        known = self._exchanges.find(asked.peer, asked.mid, content, now_s)
        if known is not None:
            if known.reply is not None:
                self._end.send(known.reply, asked.peer)
        elif contexts is not None:
            self._protected(asked, contexts, content, now_s)
        else:
            self._plain(asked, self._exchanges.begin(asked.peer, asked.mid, content, now_s))

    def _plain(self, asked: Asked, exchange: Exchange | None) -> None:
        if asked.over_rate and asked.code != coap.POST:
            self._too_many(asked)
            return
        self._handle(asked, exchange, partial(self._reply, asked, exchange))

    def _handle(self, asked: Asked, exchange: Exchange | None, reply: Reply) -> None:
        try:
            self._resources.handle(asked, reply)
        except BaseException:
            if exchange is not None:
                self._exchanges.forget(exchange)
            raise

    def _too_many(self, asked: Asked) -> None:
        self._end.refused("rate")
        slower = ((coap.MAX_AGE, coap.uint_bytes(SLOWER_AFTER_S)),)
        self._reply(asked, None, coap.TOO_MANY_REQUESTS, b"", slower)

    def _reply(
        self,
        asked: Asked,
        exchange: Exchange | None,
        code: int,
        payload: bytes = b"",
        options: Sequence[tuple[int, bytes]] = (),
    ) -> None:
        confirmable = asked.kind == coap.CON
        kind, mid = (coap.ACK, asked.mid) if confirmable else (coap.NON, self._end.next_mid())
        datagram = coap.encode(kind, code, mid, asked.token, sorted(options, key=_number), payload=payload)
        if exchange is not None:
            exchange.reply = datagram if confirmable else None
        self._end.send(datagram, asked.peer)

    # -- protected requests (RFC 8613, section 8.2) ----------------------------------------------------------------

    def _protected(self, asked: Asked, contexts: Contexts, content: int, now_s: float) -> None:
        device = ""
        try:
            secured = contexts.find(asked.options)
            device = secured.device
            open_ = unprotect_registration if asked.code == FETCH else oscore.unprotect_request
            code, options, payload, sequence, binding = open_(
                secured.context, asked.options, asked.payload, secured.window
            )
        except oscore.OscoreError as error:
            self._end.refused("oscore")
            self._end.failed("oscore", device)
            self._reply(asked, None, error.code, error.text.encode(), ((coap.MAX_AGE, b""),))
            return
        source = secured.prove(options, sequence)
        if source is None:
            self._challenge(asked._replace(options=options), secured, binding, (content, now_s))
            return
        exchange = self._exchanges.begin(asked.peer, asked.mid, content, now_s)
        bound = Bound(secured, binding) if asked.code == FETCH else None
        inner = asked._replace(code=code, options=options, payload=payload, device=device, bound=bound, source=source)
        self._handle(inner, exchange, partial(self._sealed, asked, exchange, secured, binding))

    def _sealed(
        self,
        asked: Asked,
        exchange: Exchange,
        secured: Secured,
        binding: oscore.Binding,
        code: int,
        payload: bytes = b"",
        options: Sequence[tuple[int, bytes]] = (),
    ) -> None:
        inner = sorted(options, key=_number)
        if coap.option(inner, oscore.OBSERVE) is not None and len(self._answering) < MOST_ANSWERING:
            self._begin(self._accepted(asked, exchange, Bound(secured, binding), (code, inner, payload)))
            return
        if asked.code == FETCH:
            outer, outside, sealed = protect_answer(secured.context, binding, (code, inner, payload))
        else:
            outer, outside, sealed = oscore.protect_response(secured.context, binding, code, inner, payload)
        self._reply(asked, exchange, outer, sealed, outside)

    async def _accepted(
        self, asked: Asked, exchange: Exchange, bound: Bound, content: tuple[int, list[tuple[int, bytes]], bytes]
    ) -> None:
        """The answer to a registration, under a number as its notifications have: peers compare them."""
        try:
            sealed = await bound.seal(*content)
        except (JournalError, TransportError):
            sealed = protect_answer(bound.secured.context, bound.binding, content)
        self._reply(asked, exchange, sealed.code, sealed.payload, sealed.options)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _challenge(self, asked: Asked, secured: Secured, binding: oscore.Binding, memory: tuple[int, float]) -> None:
        """Ask for a proof that the request was made since this start. It may be an old one: nothing of it counts.
        ``asked``: with the options that were inside.

        Silent beyond the limit: the device repeats its request, and a plain answer could make it give up.
        """
        self._end.refused("unproved")
        content, now_s = memory
        if len(self._answering) >= MOST_ANSWERING or not secured.may_challenge(now_s):
            return
        exchange = self._exchanges.begin(asked.peer, asked.mid, content, now_s)
        self._begin(self._challenged(asked, exchange, secured, binding))

    async def _challenged(self, asked: Asked, exchange: Exchange, secured: Secured, binding: oscore.Binding) -> None:
        try:
            _, options, payload = await secured.challenge(binding, asked.options)
        except (JournalError, TransportError):
            self._end.refused("journal")
            self._exchanges.forget(exchange)  # the device repeats its request, and the number may be had then
            return
        self._reply(asked, exchange, coap.CONTENT if asked.code == FETCH else coap.CHANGED, payload, options)

    def close(self) -> None:
        """Answer nobody any more."""
        for task in self._answering:
            task.cancel()


def _number(option: tuple[int, bytes]) -> int:
    return option[0]
