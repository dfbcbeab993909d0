"""Our own CoAP requests to devices: confirmable, retransmitted as RFC 7252 section 4.2 says.

The endpoint's message ids are shared by requests and by NON answers, so both come from `next_mid`.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.errors import BadReply, DeviceSilent
from protocols.wire import coap

Address = tuple[Any, ...]
Send = Callable[[bytes, Address], None]


class Response(NamedTuple):
    """What a device answered: a code such as 0x44 (2.04) and its payload."""

    code: int
    payload: bytes


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

    def next_mid(self) -> int:
        """The next message id of this endpoint."""
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    async def put(
        self, peer: Address, path: str, payload: bytes, ack_timeout_s: float = coap.ACK_TIMEOUT_MS / 1000
    ) -> Response:
        """PUT plain text to a resource of the device.

        Raises `DeviceSilent` when every transmission went unanswered, `BadReply` for a Reset.
        """
        token = secrets.token_bytes(4)
        mid = self.next_mid()
        options = [(coap.URI_PATH, segment.encode()) for segment in path.split("/")]
        datagram = coap.encode(coap.CON, coap.PUT, mid, token, options, payload=payload)
        exchange = _Exchange(peer, mid, asyncio.get_running_loop().create_future())
        self._waiting[token] = exchange
        try:
            return await self._until_answered(exchange, datagram, ack_timeout_s)
        finally:
            del self._waiting[token]

    async def _until_answered(self, exchange: _Exchange, datagram: bytes, timeout_s: float) -> Response:
        timeout_s *= random.uniform(1, coap.ACK_RANDOM_FACTOR)  # noqa: S311 - section 4.2, no secret
        for _ in range(coap.MAX_RETRANSMIT + 1):
            if not exchange.acknowledged:
                self._send(datagram, exchange.peer)
            try:
                return await asyncio.wait_for(asyncio.shield(exchange.answer), timeout_s)
            except TimeoutError:
                timeout_s *= 2
        raise DeviceSilent(f"no answer from {exchange.peer[0]}:{exchange.peer[1]} over CoAP")

    def answered(self, peer: Address, kind: int, code: int, mid: int, token: bytes, payload: bytes) -> bool:
        """Take in an ACK, RST or response; whether it belonged to a request of ours."""
        if kind in (coap.ACK, coap.RST) and code == coap.EMPTY:
            return self._empty(peer, kind, mid)
        exchange = self._waiting.get(token)
        if exchange is None or exchange.peer != peer or (kind == coap.ACK and exchange.mid != mid):
            return False
        if not exchange.answer.done():
            exchange.answer.set_result(Response(code, payload))
        return True

    def _empty(self, peer: Address, kind: int, mid: int) -> bool:
        for exchange in self._waiting.values():
            if exchange.mid == mid and exchange.peer == peer:
                exchange.acknowledged = True
                if kind == coap.RST and not exchange.answer.done():
                    exchange.answer.set_exception(BadReply(f"{peer[0]}:{peer[1]} reset the request"))
                return True
        return False

    def close(self) -> None:
        """Give up on everything under way."""
        for exchange in self._waiting.values():
            if not exchange.answer.done():
                exchange.answer.set_exception(DeviceSilent("the gateway is stopping"))
