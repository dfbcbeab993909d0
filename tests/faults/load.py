"""Bins that report over confirmable CoAP at a given rate, many from one endpoint; each keeps a reading until 2.04 came.

A reading's number counts up by device and stands in its point `uptime`: what the stores hold is known by (device,
number), whatever becomes of its time stamp. The bins tell themselves apart by what they send: a time, a time and a
sequence, a sequence alone, nothing. Those with a time may send several readings in a pack, as one that slept does.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from bench.processes import given
from protocols.wire import coap

ENDPOINTS = 32
"""Each has 65,536 message ids in 247 s: together they are good for 8,000 readings a second."""
UNDER_WAY = 64
"""Exchanges of one endpoint; when so many wait, its bins do not measure anything new."""


class Rate(NamedTuple):
    """``readings`` a second of all bins together, as long as the gateway answers; ``samples``: readings in each pack of
    those that send a time; ``under_way``: as `UNDER_WAY`."""

    readings: float
    samples: int = 1
    under_way: int = UNDER_WAY


TICK_S = 0.01
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 4.0
TRANSMISSIONS = 4
LOOK_S = 0.2
_OPTIONS = ((coap.URI_PATH, b"readings"), (coap.CONTENT_FORMAT, coap.uint_bytes(coap.SENML_JSON)))
_HEADS = (
    '{"bn":"%(bin)s/","bt":%(at)s,',
    '{"bn":"%(bin)s/","bt":%(at)s,"n":"boot","v":1},{"n":"seq","v":%(number)d},{',
    '{"bn":"%(bin)s/","n":"boot","v":1},{"n":"seq","v":%(number)d},{',
    '{"bn":"%(bin)s/",',
)
TIMED = (0, 1)
_VALUES = '"n":"uptime","v":%(number)d},{"n":"fill","v":40}'
WARM = 1
"""The shape that tells a temperature as well."""
SHAPES = tuple(
    head + _VALUES + (',{"n":"temperature","v":20}' if shape == WARM else "") for shape, head in enumerate(_HEADS)
)
ANONYMOUS = 3
"""The shape that is known by its message alone: only the same datagram may repeat it."""


class Number(NamedTuple):
    """A reading: the how manieth of which bin."""

    device: str
    number: int


@dataclass(slots=True)
class _Exchange:
    numbers: tuple[Number, ...]
    shape: int
    payload: bytes
    datagram: bytes
    wait_s: float
    due: float
    sent: int = 1


class Bin:
    """One device, and what it has sent so far. ``samples``: readings a pack."""

    def __init__(self, name: str, shape: int, samples: int = 1) -> None:
        self.name = name
        self.shape = shape
        self.samples = samples
        self._number = 0
        self._last_ms = 0

    def measure(self, now_ms: int) -> tuple[tuple[Number, ...], bytes]:
        """The next readings and their pack; two of one bin never have the same time."""
        begin = max(now_ms - self.samples, self._last_ms) + 1
        samples = [self._sample(at) for at in range(begin, begin + self.samples)]
        numbers = range(self._number - self.samples + 1, self._number + 1)
        return tuple(Number(self.name, one) for one in numbers), f"[{','.join(samples)}]".encode()

    def _sample(self, at: int) -> str:
        self._number += 1
        self._last_ms = at
        return SHAPES[self.shape] % {"bin": self.name, "at": f"{at // 1000}.{at % 1000:03d}", "number": self._number}


class Endpoint(asyncio.DatagramProtocol):
    """Some of the bins at one address. ``refused``: answers that were no 2.04, by code."""

    def __init__(self, bins: list[Bin], under_way: int) -> None:
        self._bins = itertools.cycle(bins)
        self._under_way = under_way
        self._numbers = itertools.count(random.randrange(0x10000))
        self._transport: asyncio.DatagramTransport | None = None
        self._open: dict[bytes, _Exchange] = {}
        self.offered: set[Number] = set()
        self.acknowledged: set[Number] = set()
        self.refused: Counter[str] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def waiting(self) -> int:
        """Exchanges that are under way."""
        return len(self._open)

    def measure(self, now: float) -> int:
        """A new pack of the next bin, unless too many wait; how many readings it has."""
        return self.measure_of(next(self._bins), now) if len(self._open) < self._under_way else 0

    def measure_of(self, bin_: Bin, now: float) -> int:
        """A new pack of this bin, however many wait."""
        numbers, payload = bin_.measure(time.time_ns() // 1_000_000)
        self.offered.update(numbers)
        self._begin(numbers, bin_.shape, payload, now)
        return len(numbers)

    def _say(self, datagram: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(datagram)

    def _begin(self, numbers: tuple[Number, ...], shape: int, payload: bytes, now: float, after_s: float = 0.0) -> None:
        """In a new message, now or later."""
        number = next(self._numbers)
        token = number.to_bytes(4, "big")
        datagram = coap.encode(coap.CON, coap.POST, number & 0xFFFF, token, _OPTIONS, payload=payload)
        due = now + (after_s or FIRST_WAIT_S)
        self._open[token] = _Exchange(numbers, shape, payload, datagram, FIRST_WAIT_S, due, 0 if after_s else 1)
        if not after_s:
            self._say(datagram)

    def send_again(self, now: float) -> None:
        """What was not answered: the same datagram, and after four of them a new message."""
        for token, wait in [(token, wait) for token, wait in self._open.items() if wait.due <= now]:
            if wait.sent >= TRANSMISSIONS and wait.shape != ANONYMOUS:
                del self._open[token]
                self._begin(wait.numbers, wait.shape, wait.payload, now)
                continue
            wait.sent += 1
            wait.wait_s = min(2 * wait.wait_s, LONGEST_WAIT_S)
            wait.due = now + wait.wait_s
            self._say(wait.datagram)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        kind, code, mid, token, _, _ = coap.decode(data)
        if code == coap.EMPTY:
            return  # the answer comes in a message of its own
        if kind == coap.CON:
            self._say(coap.encode(coap.ACK, coap.EMPTY, mid, b""))
        wait = self._open.pop(token, None)
        if wait is None:
            return
        if code == coap.CHANGED:
            self.acknowledged.update(wait.numbers)
            return
        self.refused[coap.code_text(code)] += 1
        self._begin(wait.numbers, wait.shape, wait.payload, asyncio.get_running_loop().time(), FIRST_WAIT_S)

    def close(self) -> None:
        """Let go of the address, if there is one."""
        if self._transport is not None:
            self._transport.close()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens: it is sent again when it is due."""


class Load:
    """The bins at work."""

    def __init__(self, bins: list[str], rate: Rate) -> None:
        shapes = (number // ENDPOINTS % len(SHAPES) for number in range(len(bins)))
        made = [Bin(*one, rate.samples if one[1] in TIMED else 1) for one in zip(bins, shapes, strict=True)]
        self.ends = [Endpoint(made[number::ENDPOINTS], rate.under_way) for number in range(min(ENDPOINTS, len(made)))]
        self._rate = rate.readings
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, port: int) -> None:
        """Report to the gateway's door on loopback from now on."""
        loop = asyncio.get_running_loop()
        for end in self.ends:
            await loop.create_datagram_endpoint(given(end), remote_addr=("127.0.0.1", port))
        self._tasks = [asyncio.create_task(self._measure()), asyncio.create_task(self._send_again())]

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        turn = itertools.cycle(self.ends)
        last, owed = loop.time(), 0.0
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            owed = min(owed + (now - last) * self._rate, self._rate * 0.1 + 1)
            last = now
            while owed >= 1:
                owed -= next(turn).measure(now) or 1

    async def _send_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            now = asyncio.get_running_loop().time()
            for end in self.ends:
                end.send_again(now)

    @property
    def acknowledged(self) -> int:
        """Readings that were acknowledged so far."""
        return sum(len(end.acknowledged) for end in self.ends)

    @property
    def offered(self) -> int:
        """Readings that were sent at least once so far."""
        return sum(len(end.offered) for end in self.ends)

    @property
    def refused(self) -> Counter[str]:
        """Answers that were no 2.04 so far, by code. Whoever got one says the same again."""
        return sum((end.refused for end in self.ends), start=Counter())

    @property
    def waiting(self) -> int:
        """Readings that were sent and not acknowledged yet."""
        return sum(end.waiting for end in self.ends)

    def pause(self) -> None:
        """Nothing new is measured."""
        self._tasks[0].cancel()

    def burst(self, bin_: str, readings: int) -> None:
        """So many readings of one bin that sends neither time nor sequence, as fast as the socket takes them."""
        one, now = Bin(bin_, ANONYMOUS), asyncio.get_running_loop().time()
        for _ in range(readings):
            self.ends[0].measure_of(one, now)

    def close(self) -> None:
        """No more."""
        for task in self._tasks:
            task.cancel()
        for end in self.ends:
            end.close()
