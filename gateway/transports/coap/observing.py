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
from gateway.errors import BadReply, TransportError
from gateway.transports.coap.asking import Asker, Timing, unprotected
from gateway.transports.coap.observers import OBSERVE
from gateway.transports.coap.requests import Address, Options, Requests, Response, options_of
from gateway.uplink import Done
from protocols.coap_blocks import BLOCK2, block_of
from protocols.errors import DecodeError
from protocols.wire import coap, oscore

GRACE_S = (5.0, 15.0)
"""So long beyond Max-Age a notification may be on its way (section 3.3.1)."""
PERIODS_OF_SILENCE = 2.5
"""As the alarm rules count a device as lost."""
HASTY = Timing(transmissions=2)
"""At most 9 s until a device with life-safety points counts as silent: with the pause it is asked every 10 s (S23)."""
LONGEST_PAUSE_S = 60.0
LONGEST_LIFE_SAFETY_PAUSE_S = 4.0


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
        self._registration = asker.registration(resource.device)
        self._newest: tuple[int, float] | None = None
        self._settling: int | None = None
        self._heard: Response | None = None
        self._taken: Response | None = None
        self._stale_at = 0.0
        self._is_fresh = False
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
        self._newest, self._settling, self._is_fresh = None, None, False
        self._listens.asked(device)
        began = loop.time()
        said = await self._ask(peer, token, options)
        echo = coap.option(list(said.options), oscore.ECHO)
        if said.code == coap.UNAUTHORIZED and echo is not None:
            # a device that was restarted asks for a proof that this is no old registration (RFC 9175, 2.3)
            await self._ask(peer, token, [*options, (oscore.ECHO, echo)])
        if not self._is_fresh:
            # nothing of it counts: it would be asked without end, and be blind
            raise BadReply(f"{device} answers under OSCORE numbers that it has used: give it a new credential")
        self._listens.answered(device, loop.time() - began)
        self._check()

    async def _ask(self, peer: Address, token: bytes, options: Options) -> Response:
        """One registration; its answer, which was taken in."""
        timing = HASTY if self._resource.life_safety else Timing()
        self._rounds += 1
        request = await self._registration.request(options)
        response = await self._requests.ask(
            peer,
            request.code,
            request.options,
            request.payload,
            token=token,
            ack_timeout_s=timing.ack_timeout_s,
            transmissions=timing.transmissions,
        )
        if response is not self._heard:
            try:
                self._hear(response, 0, None)
            except oscore.OscoreError as error:
                raise unprotected(response, error) from None
        return self._taken or response

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
                async with asyncio.timeout(left_s):
                    await self._looks.wait()
            except TimeoutError:
                return
            self._check()

    def _notified(self, response: Response, mid: int, acknowledge: Callable[[], None] | None) -> None:
        """`gateway.transports.coap.requests.Listener`. What cannot be opened is not acknowledged: it need not come from
        the device."""
        try:
            self._hear(response, mid, acknowledge)
        except oscore.OscoreError:
            self._listens.failed("oscore", self._resource.device)

    def _hear(self, said: Response, mid: int, acknowledge: Callable[[], None] | None) -> None:
        now_s = asyncio.get_running_loop().time()
        told = self._registration.opened(said)
        response, number = told.response, told.number
        self._heard = said
        is_old = self._registration.is_old(told, self._newest, now_s)
        if not is_old:
            self._taken, self._is_fresh = response, True
            self._stale_at = now_s + self._fresh_s(response, is_observed=told.is_observed)
            self._looks.set()
        has_place = number >= 0 or told.is_first
        if response.code >> 5 != 2:
            self._registration.settled(number)
            _say(acknowledge)
        elif has_place and number == self._settling:
            return  # its first copy is on its way to the disk, and will be acknowledged
        elif is_old:
            _say(acknowledge)
        else:
            self._newest = None if number < 0 else (number, now_s)
            self._settling = number if has_place else None
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
            self._wrong("block", number, acknowledge)
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
            self._registration.refused(number)
            self._listens.failed(error.kind, self._resource.device)
        else:
            self._take(whole, mid, number, acknowledge)

    def _take(self, response: Response, mid: int, number: int, acknowledge: Callable[[], None] | None) -> None:
        def done(error: Exception | None) -> None:
            if self._settling == number:
                self._settling = None
            if error is None:
                self._registration.settled(number)
                _say(acknowledge)
                return
            # the device sends it again, and then it is no repetition
            self._registration.refused(number)
            if self._newest is not None and self._newest[0] == number:
                self._newest = None
            self._listens.failed("journal", self._resource.device)

        place = f"{self._rounds}/{number}/{mid}"
        if self._registration.is_protected and number >= 0:
            place = f"oscore/{number}"  # no two of the device's messages have it
        source = f"coap/{self._resource.device}/{self._resource.path}/{self._name}/{place}"
        try:
            self._listens.took(self._resource, response.payload, source, done)
        except DecodeError as error:
            self._wrong(error.kind, number, acknowledge)

    def _wrong(self, kind: str, number: int, acknowledge: Callable[[], None] | None) -> None:
        """What cannot be read never will be: it is counted, and not sent again."""
        self._settling = None
        self._registration.settled(number)
        self._listens.failed(kind, self._resource.device)
        _say(acknowledge)


def _say(acknowledge: Callable[[], None] | None) -> None:
    if acknowledge is not None:
        acknowledge()
