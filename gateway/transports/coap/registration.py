"""What is told to a device to observe a resource of it, and who may answer: plain (RFC 7641), or under OSCORE where the
device has a credential (RFC 8613, sections 4.1.3.5, 7.4.1 and 8.4).

Under OSCORE the Partial IVs give the order, and one that was taken is never taken again, also not much later: what is
outside counts for nothing.
"""

from typing import NamedTuple

from gateway.errors import TransportError
from gateway.transports.coap.observers import OBSERVE
from gateway.transports.coap.oscore import Secured
from gateway.transports.coap.requests import Options, Response
from journal.errors import JournalError
from protocols import oscore_observe
from protocols.wire import coap, oscore

_HALF = 1 << 23
_REORDERED_S = 128


class Told(NamedTuple):
    """A representation. ``number``: its place in the order, -1 where it has none. ``is_observed``: more will follow.
    ``is_first``: the answer to a protected registration, before all that has a number; ``is_late``: one that was told
    before, or overtaken."""

    response: Response
    number: int
    is_observed: bool
    is_first: bool = False
    is_late: bool = False


class Registration:
    """Of one resource; it is made anew as often as need be. ``secured``: the device's context, if it has one."""

    def __init__(self, secured: Secured | None = None) -> None:
        self._secured = secured
        self._bindings: list[oscore.Binding] = []
        self._highest = -1
        self._has_first = self._has_more = False

    @property
    def is_protected(self) -> bool:
        """Whether the device must prove what it tells."""
        return self._secured is not None

    async def request(self, options: Options) -> oscore_observe.Sealed:
        """The request to send. ``options``: ascending, with Observe. Raises `TransportError`."""
        wish = list(options)
        if self._secured is None:
            return oscore_observe.Sealed(coap.GET, wish, b"")
        try:
            number = await self._secured.numbers.take()
        except JournalError as error:
            raise TransportError(f"no OSCORE sequence number can be reserved: {error}") from None
        sealed, binding = oscore_observe.protect_registration(self._secured.context, number, coap.GET, wish)
        # a notification of the registration before may be on its way
        self._bindings = [binding, *self._bindings[:1]]
        self._has_first = self._has_more = False
        return sealed

    def opened(self, response: Response) -> Told:
        """What an answer or a notification says. Raises `oscore.OscoreError` for what the device did not protect for
        this registration or the one before."""
        if self._secured is None:
            serial = coap.option(list(response.options), OBSERVE)
            return Told(response, -1 if serial is None else coap.uint(serial), serial is not None)
        context, failure = self._secured.context, oscore.OscoreError(coap.UNAUTHORIZED, "nothing was asked")
        for binding in self._bindings:
            try:
                found = oscore_observe.unprotect_notification(
                    context, binding, list(response.options), response.payload
                )
            except oscore.OscoreError as error:
                failure = error
            else:
                return self._placed(found, is_newest=binding is self._bindings[0])
        raise failure

    def _placed(self, found: oscore_observe.Opened, *, is_newest: bool) -> Told:
        """Without a Partial IV there is one answer, before all notifications: what comes later is that one again."""
        inside = Response(found.code, found.payload, tuple(found.options))
        if found.number >= 0:
            self._has_more = self._has_more or is_newest
            return Told(inside, found.number, found.is_notification)
        is_late = self._has_first or self._has_more or not is_newest
        self._has_first = self._has_first or is_newest
        return Told(inside, -1, found.is_notification, is_first=True, is_late=is_late)

    def is_old(self, told: Told, newest: tuple[int, float] | None, now_s: float) -> bool:
        """Whether it was overtaken or is told again. ``newest``: number and time of the newest that was taken."""
        if told.number < 0:
            return told.is_late
        if self._secured is None:
            return newest is not None and not is_newer(newest, told.number, now_s)
        return told.number <= self._highest or (newest is not None and told.number <= newest[0])

    def settled(self, number: int) -> None:
        """What had this number is durable, or never will be."""
        self._highest = max(self._highest, number)

    def refused(self, number: int) -> None:
        """What had this number is not durable: it may be told again."""
        if number < 0:
            self._has_first = False


def is_newer(known: tuple[int, float], serial: int, at_s: float) -> bool:
    """Whether a plain notification is newer than the ``known`` one (RFC 7641, 3.4): 24 bits that go round, or 128 s
    later."""
    before, before_s = known
    forward = (before < serial and serial - before < _HALF) or (before > serial and before - serial > _HALF)
    return forward or at_s > before_s + _REORDERED_S
