"""Answers that were given once and may be asked for again (RFC 7252, 4.5): those that must not be worked out twice.

Plain packs are not here: the pipeline knows a repeated one, also after a restart.
"""

from itertools import islice
from typing import NamedTuple

from gateway.transports.coap.requests import Address
from protocols.wire import coap

MOST = 4096
_LIFETIME_S = coap.EXCHANGE_LIFETIME_S


class Exchange:
    """One request. ``content``: hash of what it says. ``reply``: the datagram that answered it, ``None`` while that is
    being worked out."""

    __slots__ = ("content", "reply", "since")

    def __init__(self, content: int, since: float) -> None:
        self.content = content
        self.since = since
        self.reply: bytes | None = None


class _Key(NamedTuple):
    peer: Address
    mid: int


class Exchanges:
    """By peer and message id, the oldest first; bounded by number and by time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[_Key, Exchange] = {}

    def __len__(self) -> int:
        """Answers kept."""
        return len(self._known)

    def find(self, peer: Address, mid: int, content: int, now_s: float) -> Exchange | None:
        """The exchange that this message repeats. A restarted peer may use a message id for something else."""
        found = self._known.get(_Key(peer, mid))
        fresh = found is not None and found.content == content and now_s - found.since < _LIFETIME_S
        return found if fresh else None

    def begin(self, peer: Address, mid: int, content: int, now_s: float) -> Exchange:
        """Remember a request whose answer follows."""
        for key, one in list(islice(self._known.items(), 2)):
            if len(self._known) >= self._most or now_s - one.since >= _LIFETIME_S:
                del self._known[key]
        self._known.pop(_Key(peer, mid), None)
        exchange = self._known[_Key(peer, mid)] = Exchange(content, now_s)
        return exchange

    def forget(self, exchange: Exchange) -> None:
        """It was not worked out: its repetition is a new request."""
        for key, one in self._known.items():
            if one is exchange:
                del self._known[key]
                return
