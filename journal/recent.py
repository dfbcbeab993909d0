"""RecentIdentities: which samples were already accepted, so that one that is sent again is stored once.

The journal has no unique index (13 µs a row); this memory answers instead, per key (device and origin), and is
rebuilt from the journal's tail at start. It is bounded: what fell out of it is taken as new, and is then
dropped by the stores, which are idempotent by (device, origin, at).

It knows nothing of readings. ``key``: device and origin; ``identity``: what makes a sample the same when it is
sent again; ``digest``: of its payload, the same in every process (crc32, not `hash`); ``at``: the time stamp
it was stored under, UTC ns.

Most samples are told apart by their stamps, and each is later than the one before: those cost 16 bytes and no object.
"""

from array import array
from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, TypeAlias

STEP_NS = 1_000
"""By so much the stamp of a second sample of the same instant is moved: 1 µs."""

DIGEST_BITS = 32
DIGEST = (1 << DIGEST_BITS) - 1

Identity: TypeAlias = str | int
"""A text, or the time stamp that the sample came with, UTC ns."""


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
    identity: Identity
    digest: int
    at: int


class _Row:
    """Samples whose identity is their stamp, each later than the one before: from ``start`` on, stamp and digest
    in turn."""

    __slots__ = ("numbers", "start")

    def __init__(self) -> None:
        self.numbers = array("q")
        self.start = 0

    def find(self, at: Identity) -> int | None:
        """Where the sample of this stamp stands."""
        numbers, start = self.numbers, self.start
        if not isinstance(at, int) or start == len(numbers):
            return None
        place = start + 2 * bisect_left(range(start, len(numbers), 2), at, key=numbers.__getitem__)
        return place if place < len(numbers) and numbers[place] == at else None

    def drop_first(self) -> None:
        self.start += 2
        if 2 * self.start >= len(self.numbers):
            del self.numbers[: self.start]
            self.start = 0

    def drain(self) -> list[tuple[int, int]]:
        """Stamps and digests, oldest first; nothing is left."""
        stamps, digests = self.numbers[self.start :: 2], self.numbers[self.start + 1 :: 2]
        del self.numbers[:]
        self.start = 0
        return list(zip(stamps, digests, strict=True))


class _Known(_Row):
    """Of one key. The newest samples stand in the row, where they fit in it, all before them in ``samples``, oldest
    first: stamp and digest in one number, by the hash of their identity. One whose identity is there with another
    digest is kept by the hash of both, in ``others`` with that of its identity; ``crowded``: how many of each.
    ``order``: the names in ``samples``, oldest first; ``times``: their stamps, sorted. ``newest``: none is later.

    Of an identity only the hash is kept (64 bits, secret in each process): a text costs as much again as all the rest.
    """

    __slots__ = ("crowded", "newest", "order", "others", "samples", "times")

    def __init__(self, at: int) -> None:
        super().__init__()
        self.newest = at - 1
        self.samples: dict[int, int] = {}
        self.others: dict[int, int] = {}
        self.crowded: dict[int, int] = {}
        self.order: deque[int] = deque()
        self.times = array("q")

    def __len__(self) -> int:
        return len(self.samples) + ((len(self.numbers) - self.start) >> 1)

    def take_next(self, identity: Identity, digest: int, at: int) -> bool:
        """Remember a sample that is later than all others and can stand after them as it is (then nothing was known of
        it); whether it can."""
        if at <= self.newest:
            return False
        if at == identity:
            if self.samples and self._is_before_the_row(hash(at)):
                return False
            append = self.numbers.append
            append(at)
            append(digest)
        else:
            name = hash(identity)
            if self.numbers or self._is_before_the_row(name):
                return False
            self.samples[name] = at << DIGEST_BITS | digest
            self.order.append(name)
            self.times.append(at)
        self.newest = at
        return True

    def has_identity(self, identity: Identity) -> bool:
        return self._is_before_the_row(hash(identity)) or self.find(identity) is not None

    def _is_before_the_row(self, hashed: int) -> bool:
        return hashed in self.samples or hashed in self.crowded

    def has_time(self, at: int) -> bool:
        return at <= self.newest and (self._time(at) is not None or self.find(at) is not None)

    def _time(self, at: int) -> int | None:
        """Where the stamp stands among ``times``."""
        place = bisect_left(self.times, at)
        return place if place < len(self.times) and self.times[place] == at else None

    def stamp_of(self, identity: Identity, digest: int) -> int | None:
        place = self.find(identity)
        if place is not None:
            return self.numbers[place] if self.numbers[place + 1] == digest else None
        name = self._name(hash(identity), digest)
        return None if name is None else self.samples[name] >> DIGEST_BITS

    def _name(self, hashed: int, digest: int) -> int | None:
        """Under which a sample stands in ``samples``."""
        sample = self.samples.get(hashed)
        if sample is not None and sample & DIGEST == digest:
            return hashed
        both = hash((hashed, digest))
        return both if both in self.others else None

    def add(self, identity: Identity, digest: int, at: int) -> None:
        """Remember one that cannot stand in the row."""
        if self.numbers:
            for stamp, its_digest in self.drain():
                self._add(stamp, its_digest, stamp)
        self._add(identity, digest, at)
        self.newest = max(self.newest, at)

    def _add(self, identity: Identity, digest: int, at: int) -> None:
        name = hash(identity)
        if self._is_before_the_row(name):
            self.crowded[name] = self.crowded.get(name, 0) + 1
            hashed, name = name, hash((name, digest))
            self.others[name] = hashed
        self.samples[name] = at << DIGEST_BITS | digest
        self.order.append(name)
        insort(self.times, at)

    def drop_oldest(self) -> None:
        if self.order:
            self._drop(self.order.popleft())
        else:
            self.drop_first()

    def drop(self, identity: Identity, digest: int) -> None:
        """Forget one that `stamp_of` knows."""
        place = self.find(identity)
        name = self._name(hash(identity), digest)
        if place is not None:
            del self.numbers[place : place + 2]
        elif name is not None:
            self.order.remove(name)
            self._drop(name)

    def _drop(self, name: int) -> None:
        """It is not in ``order`` any more."""
        at = self.samples.pop(name) >> DIGEST_BITS
        place = 0 if self.times[0] == at else self._time(at)
        if place is not None:
            del self.times[place]
        hashed = self.others.pop(name, None)
        if hashed is not None:
            self.crowded[hashed] -= 1
            if not self.crowded[hashed]:
                del self.crowded[hashed]


class RecentIdentities:
    """Remember the last ``per_key`` samples of each key, ``total`` at most; the longest silent key goes first."""

    def __init__(self, per_key: int = 1024, total: int = 500_000) -> None:
        self._per_key = per_key
        self._row_full = 2 * per_key
        self._total = total
        self._keys: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def check(self, key: str, identity: Identity, digest: int) -> Answer:
        """What is known of this identity; changes nothing."""
        known = self._keys.get(key)
        if known is None or not known.has_identity(identity):
            return Answer.FREE
        return Answer.CONFLICT if known.stamp_of(identity, digest) is None else Answer.DUPLICATE

    def accepted_at(self, key: str, identity: Identity, digest: int) -> int | None:
        """The time stamp under which this sample was accepted, UTC ns; ``None`` when it is not known."""
        known = self._keys.get(key)
        return None if known is None else known.stamp_of(identity, digest)

    def free_time(self, key: str, at: int) -> int:
        """``at``, or the next instant in steps of 1 µs that no remembered sample of ``key`` uses."""
        known = self._keys.get(key)
        if known is not None:
            while known.has_time(at):
                at += STEP_NS
        return at

    def take_new(self, key: str, identity: Identity, digest: int, at: int) -> bool:
        """`remember` a sample where nothing is known of its identity nor of its instant; else ``False``, and nothing
        is changed."""
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = _Known(at)
        if not known.take_next(identity, digest, at):
            if known.has_identity(identity) or known.has_time(at):
                return False
            known.add(identity, digest, at)
        self._bound(key, known)
        return True

    def remember(self, key: str, identity: Identity, digest: int, at: int) -> None:
        """The sample is accepted (submitted): call before the commit, and `forget` when that fails."""
        if not self.take_new(key, identity, digest, at):
            self.forget(key, identity, digest)
            known = self._keys.get(key)
            if known is None:
                known = self._keys[key] = _Known(at)
            known.add(identity, digest, at)
            self._bound(key, known)

    def _bound(self, key: str, known: _Known) -> None:
        """One more is remembered of ``key``."""
        self._keys.move_to_end(key)
        self._size += 1
        if len(known.numbers) + 2 * len(known.samples) > self._row_full:
            self._bound_one(known)
        while self._size > self._total and len(self._keys) > 1:
            self._size -= len(self._keys.popitem(last=False)[1])

    def _bound_one(self, known: _Known) -> None:
        if len(known) > self._per_key:
            known.drop_oldest()
            self._size -= 1

    def forget(self, key: str, identity: Identity, digest: int) -> None:
        """Its commit failed: the device will send it again and must find it free. Unknown: nothing to do."""
        known = self._keys.get(key)
        if known is None or known.stamp_of(identity, digest) is None:
            return
        known.drop(identity, digest)
        self._size -= 1
        if not known:
            del self._keys[key]

    def rebuild(self, accepted: Iterable[Accepted]) -> None:
        """At start: what the journal's tail holds, oldest first."""
        for one in accepted:
            self.remember(*one)
