"""RecentIdentities: which samples were already accepted, so that one that is sent again is stored once.

The journal has no unique index (13 µs a row); this memory answers instead, per key (device and origin), and is
rebuilt from the journal's tail at start. It is bounded: what fell out of it is taken as new, and is then
dropped by the stores, which are idempotent by (device, origin, at).

It knows nothing of readings. ``key``: device and origin; ``identity``: what makes a sample the same when it is
sent again; ``digest``: of its payload, the same in every process (crc32, not `hash`); ``at``: the time stamp
it was stored under, UTC ns.
"""

from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

STEP_NS = 1_000
"""By so much the stamp of a second sample of the same instant is moved: 1 µs."""


class Answer(Enum):
    """What is known of an identity."""

    FREE = "free"
    """Not seen: accept it."""
    DUPLICATE = "duplicate"
    """Seen with the same payload: acknowledge it once everything submitted is durable, store nothing."""
    CONFLICT = "conflict"
    """Seen with another payload: accept it under a free time stamp, quality UNCERTAIN_CLOCK."""


class Accepted(NamedTuple):
    """One accepted sample."""

    key: str
    identity: str
    digest: int
    at: int


class _Known:
    """Of one key: the stamp of each (identity, digest), oldest first; how often an identity is there; stamps."""

    __slots__ = ("identities", "stamps", "times")

    def __init__(self) -> None:
        self.stamps: dict[tuple[str, int], int] = {}
        self.identities: dict[str, int] = {}
        self.times: set[int] = set()

    def drop(self, sample: tuple[str, int]) -> None:
        self.times.discard(self.stamps.pop(sample))
        identity = sample[0]
        self.identities[identity] -= 1
        if not self.identities[identity]:
            del self.identities[identity]


class RecentIdentities:
    """Remember the last ``per_key`` samples of each key, ``total`` at most; the longest silent key goes first."""

    def __init__(self, per_key: int = 1024, total: int = 500_000) -> None:
        self._per_key = per_key
        self._total = total
        self._keys: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def check(self, key: str, identity: str, digest: int) -> Answer:
        """What is known of this identity; changes nothing."""
        known = self._keys.get(key)
        if known is None or identity not in known.identities:
            return Answer.FREE
        return Answer.DUPLICATE if (identity, digest) in known.stamps else Answer.CONFLICT

    def accepted_at(self, key: str, identity: str, digest: int) -> int | None:
        """The time stamp under which this sample was accepted, UTC ns; ``None`` when it is not known."""
        known = self._keys.get(key)
        return None if known is None else known.stamps.get((identity, digest))

    def free_time(self, key: str, at: int) -> int:
        """``at``, or the next instant in steps of 1 µs that no remembered sample of ``key`` uses."""
        known = self._keys.get(key)
        if known is not None:
            while at in known.times:
                at += STEP_NS
        return at

    def take_new(self, key: str, identity: str, digest: int, at: int) -> bool:
        """`remember` a sample where nothing is known of its identity nor of its instant; else ``False``, and nothing
        is changed."""
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = _Known()
        elif identity in known.identities or at in known.times:
            return False
        self._keep(known, key, identity, digest, at)
        return True

    def remember(self, key: str, identity: str, digest: int, at: int) -> None:
        """The sample is accepted (submitted): call before the commit, and `forget` when that fails."""
        self.forget(key, identity, digest)
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = _Known()
        self._keep(known, key, identity, digest, at)

    def _keep(self, known: _Known, key: str, identity: str, digest: int, at: int) -> None:
        self._keys.move_to_end(key)
        known.stamps[identity, digest] = at
        known.identities[identity] = known.identities.get(identity, 0) + 1
        known.times.add(at)
        self._size += 1
        if len(known.stamps) > self._per_key:
            known.drop(next(iter(known.stamps)))
            self._size -= 1
        while self._size > self._total and len(self._keys) > 1:
            self._size -= len(self._keys.popitem(last=False)[1].stamps)

    def forget(self, key: str, identity: str, digest: int) -> None:
        """Its commit failed: the device will send it again and must find it free. Unknown: nothing to do."""
        known = self._keys.get(key)
        if known is None or (identity, digest) not in known.stamps:
            return
        known.drop((identity, digest))
        self._size -= 1
        if not known.stamps:
            del self._keys[key]

    def rebuild(self, accepted: Iterable[Accepted]) -> None:
        """At start: what the journal's tail holds, oldest first."""
        for one in accepted:
            self.remember(*one)
