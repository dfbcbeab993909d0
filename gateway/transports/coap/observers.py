"""Who observes a resource of ours (RFC 7641, 4): told by confirmable messages, forgotten when they go unheard.

Who registered under OSCORE is told under OSCORE (RFC 8613, section 4.1.3.5.2)."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.errors import TransportError
from gateway.transports.coap.oscore import Bound, Secured
from gateway.transports.coap.requests import Address, Options, Requests
from journal.errors import JournalError
from protocols.wire import coap

OBSERVE = 6
MOST = 256
MOST_OF_PEER = 4
_SERIAL_END = 1 << 24


class _Key(NamedTuple):
    peer: Address
    token: bytes


class _Wish(NamedTuple):
    """``form``: the content format that was accepted. ``bound``: ``None`` for a plain registration."""

    device: str
    form: int
    bound: Bound | None = None


class Standing(NamedTuple):
    """The observations of a door that was closed, for the one that takes its place."""

    serial: int = 1
    known: Mapping[_Key, _Wish] = MappingProxyType({})


class Observers:
    """Those who observe the settings of a device. ``serial``: of the newest notification (section 4.4)."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._known: dict[_Key, _Wish] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._secured: Mapping[str, Secured] = {}
        self.serial = 1

    def __len__(self) -> int:
        """Observations that stand."""
        return len(self._known)

    def protect(self, secured: Mapping[str, Secured]) -> None:
        """The contexts of the devices that have a credential, by device."""
        self._secured = secured

    def add(self, peer: Address, token: bytes, device: str, form: int, bound: Bound | None = None) -> bool:
        """Begin an observation or renew it; ``False`` where there are too many (the answer is then a plain one)."""
        key = _Key(peer, token)
        of_peer = sum(known.peer == peer for known in self._known)
        if key not in self._known and (len(self._known) >= MOST or of_peer >= MOST_OF_PEER):
            return False
        self._known[key] = _Wish(device, form, bound)
        return True

    @property
    def standing(self) -> Standing:
        """What stands now."""
        return Standing(self.serial, dict(self._known))

    def take_over(self, standing: Standing) -> tuple[str, ...]:
        """Go on with the observations of another door; the devices whose settings are observed.

        Those end whose credential was changed, and plain ones of a device that was given one.
        """
        self.serial = standing.serial
        taken = {key: self._taken_over(wish) for key, wish in standing.known.items()}
        self._known.update({key: wish for key, wish in taken.items() if wish is not None})
        return tuple({wish.device: None for wish in self._known.values()})

    def _taken_over(self, wish: _Wish) -> _Wish | None:
        if wish.bound is None:
            return None if wish.device in self._secured else wish
        secured = self._secured.get(wish.bound.secured.device)
        if secured is None or secured.key != wish.bound.secured.key:
            return None
        return wish._replace(bound=wish.bound._replace(secured=secured))

    def remove(self, peer: Address, token: bytes) -> None:
        """End one, if it stands."""
        self._known.pop(_Key(peer, token), None)

    def tell(self, device: str, body_of: Callable[[int], bytes]) -> None:
        """Notify everybody who observes ``device``. ``body_of``: the representation in a content format."""
        self.serial = (self.serial + 1) % _SERIAL_END
        for key, wish in self._known.items():
            if wish.device == device:
                options = (
                    (OBSERVE, coap.uint_bytes(self.serial)),
                    (coap.CONTENT_FORMAT, coap.uint_bytes(wish.form)),
                )
                work = self._tell(key, options, body_of(wish.form), wish)
                task = asyncio.get_running_loop().create_task(work)
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def _tell(self, key: _Key, options: Options, body: bytes, wish: _Wish) -> None:
        try:
            if wish.bound is not None:
                _, options, body = await wish.bound.seal(coap.CONTENT, list(options), body)
            await self._requests.tell(key.peer, coap.CONTENT, key.token, options, body)
        except (TransportError, JournalError):
            if self._known.get(key) is wish:  # one that was renewed meanwhile stands
                del self._known[key]

    def close(self) -> None:
        """Tell nobody any more."""
        for task in self._telling:
            task.cancel()
