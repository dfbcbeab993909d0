"""Who posts over CoAP: endpoints in a process beside ours, each with so many confirmable posts under way."""

import asyncio
import itertools
import time
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

from bench.processes import given
from protocols.wire import coap

ENDPOINTS, OUTSTANDING, DEVICES = 20, 10, 10
REPORT = (
    b'[{"bn":"%(device)s/","n":"boot","v":3},{"n":"seq","v":%(number)d},{"n":"methane","v":1.2},{"n":"co","v":4},'
    b'{"n":"alarm","vb":false},{"n":"fault","vb":false},{"n":"warm_up","vb":false},{"n":"over_range","vb":false},'
    b'{"n":"valve","v":1},{"n":"fan","v":1},{"n":"temperature","v":24.5},{"n":"supply","v":12.01}]'
)
ONE_VALUE = b'[{"n":"%(device)s/methane","v":1.2}]'
OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, b"\x6e"))
READ = "read"


class Endpoint(asyncio.DatagramProtocol):
    """Keeps so many posts under way; each answer lets the next one go."""

    def __init__(self, number: int, payload: bytes) -> None:
        self._devices = itertools.cycle([b"b:%d:%d" % (number, device) for device in range(DEVICES)])
        self._payload = payload
        self._numbers = itertools.count(1)
        self._sent: dict[int, float] = {}
        self.took: list[float] = []
        self.refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        for _ in range(OUTSTANDING):
            self._post()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        mid = data[2] << 8 | data[3]
        self.took.append(time.perf_counter() - self._sent.pop(mid))
        self.refused += data[1] != coap.CHANGED
        self._post()

    def _post(self) -> None:
        number = next(self._numbers)
        mid = number & 0xFFFF
        payload = self._payload % {b"device": next(self._devices), b"number": number}
        self._sent[mid] = time.perf_counter()
        self._transport.sendto(coap.encode(coap.CON, coap.POST, mid, b"\0\0", OPTIONS, payload=payload))


def post(told: Connection, port: int, payload: bytes) -> None:
    """The process beside ours. Whenever it is asked, it tells of the posts since then."""
    uvloop.run(_post(told, port, payload))


async def _post(told: Connection, port: int, payload: bytes) -> None:
    loop = asyncio.get_running_loop()
    ends = [Endpoint(number, payload) for number in range(ENDPOINTS)]
    for end in ends:
        await loop.create_datagram_endpoint(given(end), remote_addr=("127.0.0.1", port))
    while await loop.run_in_executor(None, told.recv) == READ:
        told.send(([took for end in ends for took in end.took], sum(end.refused for end in ends)))
        for end in ends:
            end.took = []


def device_names() -> list[str]:
    """Of all endpoints."""
    return [f"b:{end}:{number}" for end in range(ENDPOINTS) for number in range(DEVICES)]
