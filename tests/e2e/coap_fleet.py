"""A fleet of devices that report over confirmable CoAP: each keeps a reading until 2.04 came for it.

As the firmware does: one exchange at a time, the same datagram again when no answer came (RFC 7252, 4.2; the
time-outs are shorter here), and after the last retransmission, or a refusal to be tried again, the same reading
in a new message.
"""

import asyncio
import itertools
import random
import secrets
import socket
import time
from typing import Any, NamedTuple

from protocols.wire import coap

ACK_TIMEOUT_S = 0.15
TRANSMISSIONS = 4
PAUSE_S = 0.02
MILLISECOND_NS = 1_000_000
_OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON)))


class Id(NamedTuple):
    """A reading as the stores know it. ``at``: UTC ns."""

    device: str
    at: int


class Device:
    """One device with a socket of its own. ``acknowledged``: every reading for which 2.04 came."""

    def __init__(self, name: str, point: str, gateway: tuple[str, int], pause_s: float) -> None:
        self.name = name
        self._pause_s = pause_s
        self.sent: set[Id] = set()
        self.acknowledged: set[Id] = set()
        self.refusals: list[str] = []
        self._point = point
        self._gateway = gateway
        self._mids = itertools.count(random.randrange(0x10000))
        self._chance = random.Random(name)

    async def report_until(self, stop: asyncio.Event) -> None:
        """Report again and again; the last reading too is sent until it is acknowledged."""
        boot = time.time_ns() // 1_000_000_000
        last_ms = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.bind(("127.0.0.1", 0))
            for sequence in itertools.count(1):
                last_ms = max(time.time_ns() // MILLISECOND_NS, last_ms + 1)
                one = Id(self.name, last_ms * MILLISECOND_NS)
                self.sent.add(one)
                await self._deliver(door, self._pack(last_ms, boot, sequence))
                self.acknowledged.add(one)
                if stop.is_set():
                    return
                await asyncio.sleep(self._chance.uniform(0, 2 * self._pause_s))

    def _pack(self, at_ms: int, boot: int, sequence: int) -> bytes:
        at = f"{at_ms // 1000}.{at_ms % 1000:03d}"
        return (
            f'[{{"bn":"{self.name}/","bt":{at},"n":"boot","v":{boot}}},{{"n":"seq","v":{sequence}}},'
            f'{{"n":"{self._point}","v":{sequence % 90}}}]'
        ).encode()

    async def _deliver(self, door: socket.socket, pack: bytes) -> None:
        while True:
            mid, token = next(self._mids) & 0xFFFF, secrets.token_bytes(4)
            datagram = coap.encode(coap.CON, coap.POST, mid, token, _OPTIONS, payload=pack)
            code = await self._exchange(door, datagram, mid, token)
            if code == coap.CHANGED:
                return
            if code is not None:
                self.refusals.append(coap.code_text(code))
                await asyncio.sleep(ACK_TIMEOUT_S)

    async def _exchange(self, door: socket.socket, datagram: bytes, mid: int, token: bytes) -> int | None:
        loop = asyncio.get_running_loop()
        timeout_s = ACK_TIMEOUT_S * self._chance.uniform(1, coap.ACK_RANDOM_FACTOR)
        for _ in range(TRANSMISSIONS):
            await loop.sock_sendto(door, datagram, self._gateway)
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._answer(door, mid, token)
            except TimeoutError:
                timeout_s = min(2 * timeout_s, 4 * ACK_TIMEOUT_S)
        return None

    async def _answer(self, door: socket.socket, mid: int, token: bytes) -> int:
        """The code of the answer to this message; answers to earlier ones are passed over."""
        loop = asyncio.get_running_loop()
        while True:
            kind, code, answered, said, _, _ = coap.decode(await loop.sock_recv(door, 2048))
            if kind == coap.ACK and (answered, said) == (mid, token):
                return code


class Fleet:
    """Many devices that report from now on. End with `settle`."""

    def __init__(self, devices: dict[str, str], port: int, pause_s: float = PAUSE_S) -> None:
        """``devices``: id -> the point it reports; ``port``: of the gateway on loopback; ``pause_s``: mean time
        between a device's acknowledgement and its next reading."""
        self.devices = [Device(name, point, ("127.0.0.1", port), pause_s) for name, point in devices.items()]
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(one.report_until(self._stop)) for one in self.devices
        ]

    @property
    def acknowledged(self) -> int:
        """How many readings were acknowledged so far."""
        return sum(len(one.acknowledged) for one in self.devices)

    async def settle(self, timeout: float = 20.0) -> None:
        """No new readings; return when every one that was sent is acknowledged."""
        self._stop.set()
        async with asyncio.timeout(timeout):
            await asyncio.gather(*self._tasks)

    async def abandon(self) -> None:
        """Give up on what is not acknowledged (after a failed test)."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ids(self, which: str) -> set[Id]:
        """All ``sent`` or ``acknowledged`` readings of the fleet."""
        return set().union(*(getattr(one, which) for one in self.devices))
