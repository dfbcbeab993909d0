"""A kitchen with a gas alarm on CoAP: it reports every second, leaks when told, and takes the command at its valve."""

import asyncio
import itertools
import time
from typing import Any, cast

from bench.processes import given
from protocols.wire import coap

DEVICE = "kitchen:gas:1"
ZERO, LEAK = 0, 60
OPEN, CLOSED = 1, 2
PERIOD_S = 1.0
_OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON)))
_PACK = (
    '[{"bn":"%s/","n":"boot","v":1},{"n":"seq","v":%d},{"n":"methane","v":%d},{"n":"valve","v":%d},{"n":"fan","v":1}]'
)


class Kitchen(asyncio.DatagramProtocol):
    """``commanded_after_s``: from the first frame of the leak to the first command; ``commands``: how many came."""

    def __init__(self) -> None:
        self._sequence = itertools.count(1)
        self._methane, self._valve = ZERO, OPEN
        self._leaks_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.commanded_after_s: float | None = None
        self.commands = self.acknowledged = 0
        self.answers: list[str] = []

    async def begin(self, port: int) -> None:
        """Report to the gateway's door on loopback from now on."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(given(self), remote_addr=("127.0.0.1", port))
        self._task = asyncio.create_task(self._report())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    async def _report(self) -> None:
        while True:
            self._post()
            await asyncio.sleep(PERIOD_S)

    def _post(self) -> None:
        number = next(self._sequence)
        pack = (_PACK % (DEVICE, number, self._methane, self._valve)).encode()
        token = number.to_bytes(4, "big")
        self._transport.sendto(coap.encode(coap.CON, coap.POST, number & 0xFFFF, token, _OPTIONS, payload=pack))

    def leak(self) -> None:
        """Gas, from now on."""
        self._methane = LEAK
        self._leaks_since = time.monotonic()
        self._post()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        kind, code, mid, token, _, _ = coap.decode(data)
        if code == coap.PUT:
            self._obey(mid, token)
        elif code != coap.EMPTY:
            self.answers.append(coap.code_text(code))
            if kind == coap.CON:
                self._transport.sendto(coap.encode(coap.ACK, coap.EMPTY, mid, b""))

    def _obey(self, mid: int, token: bytes) -> None:
        self.commands += 1
        self._transport.sendto(coap.encode(coap.ACK, coap.CHANGED, mid, token))
        if self._leaks_since is not None and self.commanded_after_s is None:
            self.commanded_after_s = time.monotonic() - self._leaks_since
        self._valve = CLOSED
        self._post()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens: the next report comes in a second."""

    def close(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()
            self._transport.close()
