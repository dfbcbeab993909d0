"""Our own CoAP messages to devices: confirmable, retransmitted as RFC 7252 section 4.2 says.

The endpoint's message ids are shared by requests and by NON answers, so both come from `next_mid`. A request may keep
its token open for notifications (Observe, RFC 7641): they go to its listener, which acknowledges them itself.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from gateway.errors import BadReply, DeviceSilent
from protocols.wire import coap

Address = tuple[Any, ...]
Send = Callable[[bytes, Address], None]
Options = Sequence[tuple[int, bytes]]

_TOLD = b"told" * 2


class Response(NamedTuple):
    """What a device answered: a code such as 0x44 (2.04), its payload and its options."""

    code: int
    payload: bytes
    options: tuple[tuple[int, bytes], ...] = ()


class Listener(Protocol):
    """Takes the notifications of one observation."""

    def __call__(self, response: Response, mid: int, acknowledge: Callable[[], None] | None) -> None:
        """One notification. ``acknowledge``: to be called once it is durable; ``None`` where none is wanted."""


class _Exchange:
    __slots__ = ("acknowledged", "answer", "mid", "peer")

    def __init__(self, peer: Address, mid: int, answer: "asyncio.Future[Response]") -> None:
        self.peer = peer
        self.mid = mid
        self.answer = answer
        self.acknowledged = False


class Requests:
    """The requests under way of one endpoint, by token."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._mid = random.randrange(0x10000)  # noqa: S311 - spreads message ids over restarts, no secret
        self._waiting: dict[bytes, _Exchange] = {}
        self._listeners: dict[bytes, tuple[Address, Listener]] = {}

    def next_mid(self) -> int:
        """The next message id of this endpoint."""
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def put(
        self, peer: Address, path: str, payload: bytes, ack_timeout_s: float = coap.ACK_TIMEOUT_MS / 1000
    ) -> Awaitable[Response]:
        """PUT plain text to a resource of the device. As `ask`."""
        return self.ask(peer, coap.PUT, options_of(path), payload, ack_timeout_s=ack_timeout_s)

    def ask(
        self,
        peer: Address,
        code: int,
        options: Options,
        payload: bytes = b"",
        *,
        token: bytes | None = None,
        ack_timeout_s: float = coap.ACK_TIMEOUT_MS / 1000,
        transmissions: int = coap.MAX_RETRANSMIT + 1,
    ) -> Awaitable[Response]:
        """One request and its response. It is on its way when this returns: a command to a valve must not wait for what
        else the loop has to do in this turn. ``token``: one of `listen`, else a new one.

        The awaited raises `DeviceSilent` when every transmission went unanswered, `BadReply` for a Reset.
        """
        token = secrets.token_bytes(4) if token is None else token
        mid = self.next_mid()
        datagram = coap.encode(coap.CON, code, mid, token, list(options), payload=payload)
        return self._exchange(peer, mid, token, datagram, (ack_timeout_s, transmissions))

    async def tell(self, peer: Address, code: int, token: bytes, options: Options, payload: bytes) -> None:
        """A confirmable notification; returns with its acknowledgement. Raises as `ask`."""
        mid = self.next_mid()
        datagram = coap.encode(coap.CON, code, mid, token, list(options), payload=payload)
        timing = coap.ACK_TIMEOUT_MS / 1000, coap.MAX_RETRANSMIT + 1
        # its token is the peer's, and no response will carry it: a key that is longer than any token
        await self._exchange(peer, mid, _TOLD + mid.to_bytes(2, "big"), datagram, timing)

    def _exchange(
        self, peer: Address, mid: int, key: bytes, datagram: bytes, timing: tuple[float, int]
    ) -> Awaitable[Response]:
        exchange = _Exchange(peer, mid, asyncio.get_running_loop().create_future())
        self._waiting[key] = exchange
        self._send(datagram, peer)
        return self._response(exchange, key, datagram, timing)

    async def _response(self, exchange: _Exchange, key: bytes, datagram: bytes, timing: tuple[float, int]) -> Response:
        try:
            return await self._until_answered(exchange, datagram, *timing)
        finally:
            if self._waiting.get(key) is exchange:
                del self._waiting[key]

    async def _until_answered(
        self, exchange: _Exchange, datagram: bytes, timeout_s: float, transmissions: int
    ) -> Response:
        """``transmissions``: with the one that was made."""
        timeout_s *= random.uniform(1, coap.ACK_RANDOM_FACTOR)  # noqa: S311 - section 4.2, no secret
        for left in reversed(range(transmissions)):
            try:
                async with asyncio.timeout(timeout_s):
                    return await asyncio.shield(exchange.answer)
            except TimeoutError:
                timeout_s *= 2
            if left and not exchange.acknowledged:
                self._send(datagram, exchange.peer)
        raise DeviceSilent(f"no answer from {exchange.peer[0]}:{exchange.peer[1]} over CoAP")

    def listen(self, peer: Address, listener: Listener) -> bytes:
        """A token whose notifications by ``peer`` go to ``listener``, until `forget`."""
        token = secrets.token_bytes(4)
        self._listeners[token] = peer, listener
        return token

    def forget(self, token: bytes) -> None:
        """Its notifications are rejected from now on, which ends the observation (RFC 7641, 3.6)."""
        self._listeners.pop(token, None)

    def take(
        self, peer: Address, kind: int, code: int, mid: int, token: bytes, options: Options, payload: bytes
    ) -> bool | None:
        """Take in an ACK, RST or response; whether it belonged to a request of ours.

        ``None``: to one that is listened to; its listener acknowledges it.
        """
        if kind in (coap.ACK, coap.RST) and code == coap.EMPTY:
            return self._empty(peer, kind, mid)
        response = Response(code, payload, tuple(options))
        exchange = self._waiting.get(token)
        theirs = exchange is not None and exchange.peer == peer and (kind != coap.ACK or exchange.mid == mid)
        known = self._listeners.get(token)
        if kind != coap.ACK and known is not None and known[0] == peer:
            self._notify(peer, known[1], kind, mid, response)
            if exchange is not None and theirs and not exchange.answer.done():
                exchange.answer.set_result(response)
            return None
        if exchange is None or not theirs:
            return False
        if not exchange.answer.done():
            exchange.answer.set_result(response)
        return True

    def _notify(self, peer: Address, listener: Listener, kind: int, mid: int, response: Response) -> None:
        if kind == coap.CON:
            listener(response, mid, lambda: self._send(coap.encode(coap.ACK, coap.EMPTY, mid), peer))
        else:
            listener(response, mid, None)

    def _empty(self, peer: Address, kind: int, mid: int) -> bool:
        for key, exchange in self._waiting.items():
            if exchange.mid == mid and exchange.peer == peer:
                exchange.acknowledged = True
                if exchange.answer.done():
                    return True
                if kind == coap.RST:
                    exchange.answer.set_exception(BadReply(f"{peer[0]}:{peer[1]} reset the request"))
                elif key.startswith(_TOLD):
                    exchange.answer.set_result(Response(coap.EMPTY, b""))
                return True
        return False

    def close(self) -> None:
        """Give up on everything under way."""
        self._listeners.clear()
        for exchange in self._waiting.values():
            if not exchange.answer.done():
                exchange.answer.set_exception(DeviceSilent("the gateway is stopping"))


def options_of(path: str) -> list[tuple[int, bytes]]:
    """Uri-Path options of a path such as ``valve/close``."""
    return [(coap.URI_PATH, segment.encode()) for segment in path.strip("/").split("/") if segment]
