"""Dead letters as a person sees them and sends them again: what was set aside, and what became of a second try."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from protocols.reading import decode_reading
from telemetry.sink import UNDECODABLE, DeadLetter

LINE = "line"
"""Kind of a letter whose data is a line of the line protocol; every other kind is that of a journal entry, whose body
the data is."""

READING = "reading"

BATCH = 500
"""Letters of one request and of one transaction: at 64 KiB each, 32 MB of memory at the most."""

MOST_AT_ONCE = 5_000
"""Letters of one call: somebody waits for the answer."""

MOST_LETTERS = 100_000
MOST_BYTES = 256 << 20
"""Of all letters' data in one store. A line takes 150 to 600 B, so that the number is reached first, at some 30 MB."""

_DEVICE = re.compile(r"(?<!\\),device=([A-Za-z0-9._:-]{1,64})(?=[, ])")
_HEAD = re.compile(r"(?:[^\\ ]|\\.)*")
_STAMP = re.compile(r" (-?\d{1,19})\Z")


class Aside(NamedTuple):
    """Data to set aside, and why. ``kind``: `LINE`, or the kind of the entry whose body ``data`` is."""

    partition: int | None
    position: int | None
    reason: str
    kind: str
    data: bytes


_Dead = TypeVar("_Dead", Aside, DeadLetter)


def that_fit(dead: Sequence[_Dead], letters: int, size: int) -> Iterator[_Dead]:
    """The first of them, for which there is room: ``letters`` at the most, with ``size`` bytes of data together."""
    for one in dead[: max(0, letters)]:
        size -= len(one.data)
        if size < 0:
            return
        yield one


class Letter(NamedTuple):
    """Data that was set aside. ``id``: grows, and is never given twice. ``at``: when it was set aside, or refused
    again, UTC ns; ``None``: an older release did not write it down."""

    id: int
    partition: int | None
    position: int | None
    reason: str
    kind: str
    data: bytes
    at: int | None

    @property
    def dead(self) -> DeadLetter:
        """What every store says of it."""
        return DeadLetter(self.partition, self.position, self.reason, self.data)


class Refusal(NamedTuple):
    """A letter that was tried again and stays, with the reason of this time."""

    id: int
    reason: str


class Replayed(NamedTuple):
    """What became of letters that were tried again. ``stored``: the store has them, and they are gone from the
    table; ``gone``: ids that were asked for and were not there; ``next``: try those beyond this id next, ``None`` when
    none is left."""

    stored: int
    refused: Sequence[Refusal]
    gone: int
    next: int | None


class LetterPages(Protocol):
    """Where the letters of a store lie."""

    def letters(self, after: int = 0, limit: int = 1000) -> list[Letter]:
        """Those beyond an id, oldest first."""

    def some_letters(self, ids: Sequence[int]) -> list[Letter]:
        """Those of the ids that are there, oldest first."""


class Tried(NamedTuple):
    """What became of a batch: ids of the letters that are gone, and why the others were refused again."""

    stored: list[int]
    refused: list[Refusal]


TryBatch: TypeAlias = Callable[[Sequence[Letter]], Tried]
"""Tries a batch again; what came of it is written down when this returns."""


def replay_some(box: LetterPages, ids: Sequence[int], try_batch: TryBatch) -> Replayed:
    """Try these again. What ``try_batch`` raises leaves its batch, and what follows, as it was."""
    wanted = sorted(set(ids))
    stored, refused, found = 0, list[Refusal](), 0
    for first in range(0, len(wanted), BATCH):
        letters = box.some_letters(wanted[first : first + BATCH])
        tried = try_batch(letters)
        stored += len(tried.stored)
        refused += tried.refused
        found += len(letters)
    return Replayed(stored, refused, len(wanted) - found, None)


def replay_beyond(box: LetterPages, after: int, most: int, try_batch: TryBatch) -> Replayed:
    """Try up to ``most`` beyond an id again, oldest first. Raises as `replay_some`."""
    stored, refused, left = 0, list[Refusal](), most
    while letters := box.letters(after, min(BATCH, left)):
        tried = try_batch(letters)
        stored += len(tried.stored)
        refused += tried.refused
        after = letters[-1].id
        left -= len(letters)
        if not left:
            break
    has_more = bool(box.letters(after, 1))
    return Replayed(stored, refused, 0, after if has_more else None)


class Subject(NamedTuple):
    """Whose data it is, as far as it can be told. ``at``: UTC ns of the data itself."""

    device: str | None
    at: int | None


def subject(kind: str, data: bytes) -> Subject:
    """Reads the letter's data; what cannot be read is not told."""
    if kind == LINE:
        return _subject_of_line(data.decode("utf-8", "replace"))
    if kind == READING:
        try:
            reading = decode_reading(data)
        except UNDECODABLE:
            return Subject(None, None)
        return Subject(reading.device, reading.at)
    return Subject(None, None)


def _subject_of_line(line: str) -> Subject:
    # Up to the first space that is not escaped: what stands in a field is a value and names no device.
    head = _HEAD.match(line)
    device = _DEVICE.search(f"{head.group() if head else ''} ")
    stamp = _STAMP.search(line)
    return Subject(device.group(1) if device else None, int(stamp.group(1)) if stamp else None)
