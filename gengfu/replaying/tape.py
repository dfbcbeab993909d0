"""The tape: what a journal holds, in the order in which the gateway stored it, each with the time at which it came.

Read page by page beside the process that writes, as `journal.onlooker` does: nothing is locked, nothing is changed.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from alarms.alarm import AlarmTransition, decode_transition
from gateway.acceptance import READING
from gateway.watch import ALARM
from journal.entry import PARTITIONS, Entry
from journal.onlooker import Onlooker
from protocols.moment import SECOND
from protocols.reading import Reading, decode_reading
from telemetry.health import HEALTH

PAGE = 5000
"""Entries read at once."""
DISORDER_NS = 60 * SECOND
"""So much later than the end an entry has to be before nothing of the time before it is looked for any more: the wall
clock may have been set back, and connections do not store in the order in which they heard."""


class Sign(Enum):
    """Of an entry that nothing is replayed from, and that tells all the same that the gateway ran."""

    HEALTH = "health"
    OTHER = "other"


Said: TypeAlias = Reading | AlarmTransition | Sign


class Item(NamedTuple):
    """``at``: when the gateway heard or decided it, UTC ns."""

    at: int
    said: Said


class Tape:
    """One journal. ``lost``: damaged files that were left out; ``unreadable``: entries of another release; ``first``:
    the time of the oldest entry that was seen, whatever was asked for; ``next``: the first one after the end."""

    def __init__(self, folder: Path) -> None:
        self._onlooker = Onlooker(folder)
        self.lost: list[Path] = []
        self.unreadable = 0
        self.first: int | None = None
        self.next: Item | None = None

    def play(self, start: int, end: int) -> Iterator[Item]:
        """What came from ``start`` to ``end`` (UTC ns, not included). Raises `JournalError`."""
        for item in self._items(start):
            if self.first is None:
                self.first = item.at
            if start <= item.at < end:
                yield item
            elif item.at >= end:
                self.next = self.next or item
                if item.at >= end + DISORDER_NS:
                    return

    def _items(self, start: int) -> Iterator[Item]:
        position = max(0, self._onlooker.since(start) - 1)
        while True:
            found = self._onlooker.read(range(PARTITIONS), position, PAGE)
            self.lost += [path for path in found.lost if path not in self.lost]
            for stored in found.stored:
                try:
                    yield _item(stored.entry)
                except msgspec.DecodeError:
                    self.unreadable += 1
            if len(found.stored) < PAGE:
                return
            position = found.position


def _item(entry: Entry) -> Item:
    if entry.kind == READING:
        reading = decode_reading(entry.body)
        return Item(reading.received_at, reading)
    if entry.kind == ALARM:
        transition = decode_transition(entry.body)
        return Item(transition.at, transition)
    return Item(entry.at, Sign.HEALTH if entry.kind == HEALTH else Sign.OTHER)
