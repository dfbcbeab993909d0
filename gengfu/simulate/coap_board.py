"""A virtual board on CoAP (RFC 7252): confirmable posts from a socket of its own, and commands by PUT at the same."""

import asyncio
import itertools
import random
from typing import Any

from gengfu.simulate.board import Board
from protocols.profile.schema import CommandPart
from protocols.wire import coap
from protocols.wire.coap import ACK, CHANGED, CON, NOT_FOUND, POST, PUT, TOO_MANY_REQUESTS

ACK_TIMEOUT_S = 2.0
TRANSMISSIONS = 5
"""RFC 7252, 4.8: ACK_TIMEOUT and MAX_RETRANSMIT + 1."""
PAUSE_S = 1.0
"""Before the same pack goes out in a new message, after no answer or one that says «later»."""
_OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON)))


class CoapBoard(asyncio.DatagramProtocol):
    """``chance``: of its message ids and time-outs."""

    def __init__(self, board: Board, chance: random.Random) -> None:
        self._board = board
        self._chance = chance
        self._mids = itertools.count(chance.randrange(0x10000))
        self._expected: tuple[int, asyncio.Future[int]] | None = None
        self._transport: Any = None

    async def run(self, gateway: tuple[str, int]) -> None:
        """Deliver, for ever."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=gateway)
        try:
            await asyncio.gather(self._board.measure(), self._deliver())
        finally:
            self._transport.close()

    async def _deliver(self) -> None:
        while True:
            await self._board.news.wait()
            code = await self._exchange(self._board.waiting[0])
            if code is not None and code >> 5 in (2, 4) and code != TOO_MANY_REQUESTS:
                self._board.settled(taken=code == CHANGED)
            else:
                await asyncio.sleep(PAUSE_S)

    async def _exchange(self, pack: bytes) -> int | None:
        """The code of the answer; ``None`` for none."""
        mid = next(self._mids) & 0xFFFF
        datagram = coap.encode(CON, POST, mid, mid.to_bytes(2, "big"), _OPTIONS, payload=pack)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._expected = mid, answer
        wait_s = ACK_TIMEOUT_S * self._chance.uniform(1, coap.ACK_RANDOM_FACTOR)
        for _ in range(TRANSMISSIONS):
            if not self._board.device.is_dead(self._board.pace.seconds()):
                self._transport.sendto(datagram)
            done, _ = await asyncio.wait([answer], timeout=wait_s)
            if done:
                return answer.result()
            wait_s *= 2
        return None

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet: the pack goes out again."""

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - the loop's signature
        """Called by the loop: an answer, or a command."""
        if self._board.device.is_dead(self._board.pace.seconds()):
            return
        try:
            kind, code, mid, token, options, payload = coap.decode(data)
        except coap.CoapError:
            return
        if kind == CON and code >> 5 == 0 and code:
            self._transport.sendto(coap.encode(ACK, self._obey(code, options, payload), mid, token))
        elif code >> 5 >= 2:
            if kind == CON:
                self._transport.sendto(coap.encode(ACK, coap.EMPTY, mid))
            self._answered(token, code)

    def _answered(self, token: bytes, code: int) -> None:
        if self._expected is not None and token == self._expected[0].to_bytes(2, "big"):
            answer = self._expected[1]
            if not answer.done():
                answer.set_result(code)

    def _obey(self, code: int, options: list[tuple[int, bytes]], payload: bytes) -> int:
        command = self._command(b"/".join(coap.path_of(options)).decode(errors="replace"), payload)
        if code not in (PUT, POST) or command is None:
            return NOT_FOUND
        self._board.device.obey(command, self._board.pace.seconds())
        self._board.tally.commands += 1
        return CHANGED

    def _command(self, path: str, payload: bytes) -> CommandPart | None:
        for command in self._board.device.profile.file.command:
            if command.coap is not None and (command.coap.path, command.coap.payload.encode()) == (path, payload):
                return command
        return None
