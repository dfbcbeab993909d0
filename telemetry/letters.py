"""Dead letters as a person sees them and sends them again: what was set aside, and what became of a second try."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from protocols.reading import decode_reading
from telemetry.sink import UNDECODABLE, DeadLetter

LINE = "line"
"""Kind of a letter whose data is a line of the line protocol; every other kind is that of a journal entry, whose body
the data is."""

READING = "reading"

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
