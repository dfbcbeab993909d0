"""Observes a resource of a device (RFC 7641, section 3): its notifications become readings, in their order.

A confirmable notification is acknowledged once it is durable. After Max-Age without one, or two and a half periods of
the device, the observation is registered anew, which is also how a restarted device is found again. A resource that
cannot be observed is read once in each period.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from gateway.backoff import Backoff
from gateway.errors import TransportError
from gateway.transports.coap.asking import Asker, Timing
from gateway.transports.coap.observers import OBSERVE
from gateway.transports.coap.requests import Address, Requests, Response, options_of
from gateway.uplink import Done
from protocols.coap_blocks import BLOCK2, block_of
from protocols.errors import DecodeError
from protocols.wire import coap

GRACE_S = (5.0, 15.0)
"""So long beyond Max-Age a notification may be on its way (section 3.3.1)."""
PERIODS_OF_SILENCE = 2.5
"""As the alarm rules count a device as lost."""
HASTY = Timing(transmissions=2)
"""At most 9 s until a device with life-safety points counts as silent: with the pause it is asked every 10 s (S23)."""
LONGEST_PAUSE_S = 60.0
LONGEST_LIFE_SAFETY_PAUSE_S = 4.0
_HALF = 1 << 23
_REORDERED_S = 128


class Resource(NamedTuple):
    """What is observed. ``where``: the device's address, ``None`` while it is not known. ``period_s``: of its
    reports."""

    device: str
    path: str
    where: Callable[[], Awaitable[Address | None]]
    period_s: float
    life_safety: bool


class Listens(Protocol):
    """What an observation tells."""

    def took(self, resource: Resource, payload: bytes, source: str, done: Done) -> None:
        """One representation. Raises `DecodeError`; else ``done`` is called as `gateway.uplink.Ingest` says."""

    def asked(self, device: str) -> None:
        """A request leaves."""

    def answered(self, device: str, seconds: float) -> None:
        """It was answered."""

    def failed(self, kind: str, device: str) -> None:
        """Something went wrong."""

    def lost(self, device: str, reason: str) -> None:
        """The device does not answer."""


def is_newer(known: tuple[int, float], serial: int, at_s: float) -> bool:
    """Whether a notification is newer than the ``known`` one (section 3.4): 24 bits that go round, or 128 s later."""
    before, before_s = known
    forward = (before < serial and serial - before < _HALF) or (before > serial and before - serial > _HALF)
    return forward or at_s > before_s + _REORDERED_S


class Observation:
    """One resource of one device. ``grace_s``: as `GRACE_S`."""

    def __init__(
        self,
        resource: Resource,
        requests: Requests,
        asker: Asker,
        listens: Listens,
        grace_s: tuple[float, float] = GRACE_S,
    ) -> None:
        self._resource = resource
        self._requests = requests
        self._asker = asker
        self._listens = listens
        self._grace_s = grace_s
        self._newest: tuple[int, float] | None = None
        self._settling: int | None = None
        self._taken: Response | None = None
        self._stale_at = 0.0
        self._looks = asyncio.Event()
        self._rounds = 0
        self._name = ""
        self._fetching: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Observe until cancelled."""
        longest_s = LONGEST_LIFE_SAFETY_PAUSE_S if self._resource.life_safety else LONGEST_PAUSE_S
        backoff = Backoff(0.5, longest_s)
        while True:
            try:
                peer = await self._resource.where()
                if peer is not None:
                    await self._observe(peer, backoff)
            except TransportError as error:
                self._listens.failed(error.kind, self._resource.device)
                self._listens.lost(self._resource.device, str(error))
            await asyncio.sleep(backoff.failed())

    async def _observe(self, peer: Address, backoff: Backoff) -> None:
        token = self._requests.listen(peer, self._notified)
        self._name = token.hex()
        try:
            while True:
                await self._register(peer, token)
                backoff.succeeded()
                await self._until_silent()
        finally:
            self._requests.forget(token)
            for task in self._fetching:
                task.cancel()

    async def _register(self, peer: Address, token: bytes) -> None:
        loop = asyncio.get_running_loop()
        device = self._resource.device
        options = [(OBSERVE, b""), *options_of(self._resource.path)]
        timing = HASTY if self._resource.life_safety else Timing()
        self._newest, self._settling = None, None
        self._rounds += 1
        self._listens.asked(device)
        began = loop.time()
        response = await self._requests.ask(
            peer,
            coap.GET,
            options,
            token=token,
            ack_timeout_s=timing.ack_timeout_s,
            transmissions=timing.transmissions,
        )
        self._listens.answered(device, loop.time() - began)
        if response is not self._taken:
            self._notified(response, 0, None)
        self._check()

    def _check(self) -> None:
        """Raises `TransportError` where the last answer or notification was none of the resource."""
        code = self._taken.code if self._taken is not None else coap.CONTENT
        if code >> 5 != 2:
            path = self._resource.path
            raise TransportError(f"{self._resource.device} gives no /{path}: {coap.code_text(code)}")

    async def _until_silent(self) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := self._stale_at - loop.time()) > 0:
            self._looks.clear()
            try:
                await asyncio.wait_for(self._looks.wait(), left_s)
            except TimeoutError:
                return
            self._check()

    def _notified(self, response: Response, mid: int, acknowledge: Callable[[], None] | None) -> None:
        """`gateway.transports.coap.requests.Listener`."""
        now_s = asyncio.get_running_loop().time()
        serial = coap.option(list(response.options), OBSERVE)
        self._taken = response
        self._stale_at = now_s + self._fresh_s(response, is_observed=serial is not None)
        self._looks.set()
        number = -1 if serial is None else coap.uint(serial)
        if response.code >> 5 != 2:
            _say(acknowledge)
        elif number >= 0 and number == self._settling:
            return  # its first copy is on its way to the disk, and will be acknowledged
        elif number >= 0 and self._newest is not None and not is_newer(self._newest, number, now_s):
            _say(acknowledge)
        else:
            self._newest = None if number < 0 else (number, now_s)
            self._settling = None if number < 0 else number
            self._begin(response, mid, number, acknowledge)

    def _fresh_s(self, response: Response, *, is_observed: bool) -> float:
        period_s = self._resource.period_s
        if not is_observed:
            return period_s
        told = coap.option(list(response.options), coap.MAX_AGE)
        max_age_s = coap.DEFAULT_MAX_AGE_S if told is None else coap.uint(told)
        grace_s = random.uniform(*self._grace_s)  # noqa: S311 - spreads the devices, no secret
        return min(max_age_s + grace_s, period_s * PERIODS_OF_SILENCE)

    def _begin(self, response: Response, mid: int, number: int, acknowledge: Callable[[], None] | None) -> None:
        try:
            block = block_of(list(response.options), BLOCK2)
        except coap.CoapError:
            self._wrong("block", acknowledge)
            return
        if block is None or not block.more:
            self._take(response, mid, number, acknowledge)
            return
        task = asyncio.get_running_loop().create_task(self._fetch(response, mid, number, acknowledge))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _fetch(self, response: Response, mid: int, number: int, acknowledge: Callable[[], None] | None) -> None:
        """The rest of a large representation; a notification brings its first block alone (RFC 7959, 2.6)."""
        peer = await self._resource.where()
        if peer is None:
            return
        try:
            options = options_of(self._resource.path)
            whole = await self._asker.rest(self._resource.device, peer, options, response)
        except TransportError as error:
            self._newest, self._settling = None, None
            self._listens.failed(error.kind, self._resource.device)
        else:
            self._take(whole, mid, number, acknowledge)

    def _take(self, response: Response, mid: int, number: int, acknowledge: Callable[[], None] | None) -> None:
        def done(error: Exception | None) -> None:
            if self._settling == number:
                self._settling = None
            if error is None:
                _say(acknowledge)
                return
            if self._newest is not None and self._newest[0] == number:
                self._newest = None  # the device sends it again, and then it is no repetition
            self._listens.failed("journal", self._resource.device)

        source = f"coap/{self._resource.device}/{self._resource.path}/{self._name}/{self._rounds}/{number}/{mid}"
        try:
            self._listens.took(self._resource, response.payload, source, done)
        except DecodeError as error:
            self._wrong(error.kind, acknowledge)

    def _wrong(self, kind: str, acknowledge: Callable[[], None] | None) -> None:
        """What cannot be read never will be: it is counted, and not sent again."""
        self._settling = None
        self._listens.failed(kind, self._resource.device)
        _say(acknowledge)


def _say(acknowledge: Callable[[], None] | None) -> None:
    if acknowledge is not None:
        acknowledge()
