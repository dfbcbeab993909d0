"""Whose a frame is, on a wire that many devices share: the one that names itself in it, or that its peer named before.

A frame is left out of an area's evidence only where it surely is of others: it names a device of the site and none of
the area, or it names none and its peer only ever named others. What is encrypted names nobody and is kept.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from gateway.frame_files import Logged

SHORTEST = 4
"""Bytes of an id: shorter ones stand in other bytes by chance, so that nothing is decided by them."""
MOST_PEERS = 1 << 16

_ID = re.compile(rb"[A-Za-z0-9._:-]{%d,}" % SHORTEST)
_HEAD = 3
"""An id may follow bytes that look like a part of it: the head of a CBOR text or of a CoAP option has up to so many."""


class Speakers:
    """Who spoke from which peer, as far as it was seen. Beyond `MOST_PEERS` they are forgotten; more is kept then."""

    def __init__(self) -> None:
        self._names: frozenset[bytes] = frozenset()
        self._shared: frozenset[str] = frozenset()
        self._peers: dict[tuple[str, str], frozenset[bytes]] = {}

    def become(self, shared: Iterable[str], names: Iterable[str]) -> None:
        """The site has these shared connections and devices on them."""
        self._shared = frozenset(shared)
        self._names = frozenset(name.encode() for name in names if len(name) >= SHORTEST)

    def sort(self, frames: Iterable[Logged]) -> "Sorted":
        """Frames in the order in which they went over the wire."""
        found = Sorted()
        for one in frames:
            connection, peer, data = one.frame.connection, one.frame.peer, one.frame.data
            if connection not in self._shared:
                found.add_open(connection, one)
                continue
            named = self._named_in(data)
            known = self._peers.get((connection, peer), frozenset())
            if not named <= known:
                known = self._remember((connection, peer), known | named)
            found.add(connection, named or known, one)
        return found

    def _remember(self, peer: tuple[str, str], names: frozenset[bytes]) -> frozenset[bytes]:
        if len(self._peers) >= MOST_PEERS:
            self._peers.clear()
        self._peers[peer] = names
        return names

    def _named_in(self, data: bytes) -> frozenset[bytes]:
        names = self._names
        return frozenset(
            name
            for found in _ID.findall(data)
            for name in (found[skipped:] for skipped in range(_HEAD + 1))
            if name in names
        )


class Sorted:
    """Frames by the devices that they are of, and by connection those that may be anyone's."""

    def __init__(self) -> None:
        self._open: dict[str, list[Logged]] = {}
        self._of: dict[tuple[str, bytes], list[Logged]] = {}

    def add(self, connection: str, devices: Collection[bytes], one: Logged) -> None:
        """Of these devices; of none: it may be anyone's."""
        if not devices:
            self.add_open(connection, one)
        for device in devices:
            self._of.setdefault((connection, device), []).append(one)

    def add_open(self, connection: str, one: Logged) -> None:
        """It may be of anyone who speaks over the connection."""
        self._open.setdefault(connection, []).append(one)

    def of(self, speakers: Collection[tuple[str, str]]) -> Sequence[Logged]:
        """Those of the devices, each given as (device, connection), in order."""
        found = {
            one.place: one for device, connection in speakers for one in self._of.get((connection, device.encode()), ())
        }
        for connection in {connection for _, connection in speakers}:
            found.update((one.place, one) for one in self._open.get(connection, ()))
        return [found[place] for place in sorted(found)]
