"""What the segments hold, without the readings: how much stands beyond a cursor, entries of some kinds, names, how old
the files are. Reads the disk, mostly without the interpreter's lock.

Gigabytes that a store has not read are not looked through to say how many entries they are: a sealed segment that
stands beyond the cursor as a whole is known by the counts that it was sealed with.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from journal.entry import PARTITIONS, Entry, Stored
from journal.names import Names, names_of
from journal.positions import PositionIndex
from journal.segments import Segment, Segments
from journal.writer import FLOORS

NOTHING = 2**63 - 1
"""A floor that no entry is beyond."""
ENTRIES = "SELECT position, kind, id, partition, at, body FROM entry"
"""Rows for `to_stored`."""
_FIGURES = "count(*), coalesce(min(at), 0), coalesce(max(at), 0)"
_RANGE = f"position >= ? AND position < ? AND position > {FLOORS}"
_OF_KIND = "SELECT body FROM entry WHERE position >= ? AND position < ? AND kind = ? ORDER BY position"
_CHOSEN = "kind IN (SELECT value FROM json_each(?))"
_OF_KINDS = f"{ENTRIES} WHERE {_CHOSEN} AND {_RANGE} ORDER BY position LIMIT ?"
_EXTENT = f"SELECT {_FIGURES} FROM entry WHERE {_RANGE}"  # noqa: S608 - constants


class Extent(NamedTuple):
    """Some entries: how many, and the least and the greatest of their times, UTC ns (0 where there are none)."""

    entries: int
    first: int
    last: int


class Parts(NamedTuple):
    """``files``: how many the journal has; ``begun``: when the oldest of them was begun, UTC ns."""

    files: int
    begun: int


def count(segments: Segments, start: int, end: int, floors: Sequence[int]) -> int:
    """How many entries at positions in [``start``, ``end``) are beyond the ``floors`` of the partitions. ``start``: not
    above the first of them."""
    known = 0
    for segment in segments.overlapping(start, end):
        rest = list(floors)
        if segment.ends_before(end):
            known += _count_whole(segments, segment, rest)
        if min(rest) < NOTHING:
            known += sum(more for more, _, _ in segments.query(segment, _EXTENT, (start, end, *rest)))
    return known


def _count_whole(segments: Segments, segment: Segment, rest: list[int]) -> int:
    """Of the partitions of which all entries in the segment are wanted, how many there are; in ``rest`` only the floors
    of those stay of which a part is."""
    assert segment.sealed is not None
    tail, known = segment.sealed.tail, 0
    for partition, floor in enumerate(rest):
        if segment.base <= floor < tail.get(partition, 0):
            continue
        if floor < segment.base and partition in tail:
            known += segments.counts(segment).get(partition, 0)
        rest[partition] = NOTHING
    return known


class Survey:
    """Of one journal. Thread-safe; raises `JournalError`."""

    def __init__(self, segments: Segments, index: PositionIndex) -> None:
        self._segments = segments
        self._index = index

    def of_kind(self, kind: str, after: int) -> tuple[list[bytes], int]:
        """The bodies of all entries of a kind beyond a position, oldest first, and the newest position."""
        end = self._index.next
        start = after + 1 if after < end else 0
        found: list[bytes] = []
        for segment in self._segments.overlapping(start, end):
            found += [body for (body,) in self._segments.query(segment, _OF_KIND, (start, end, kind))]
        return found, end - 1

    def of_kinds(self, kinds: Collection[str], after: Mapping[int, int], limit: int) -> tuple[list[Stored], int]:
        """Up to ``limit`` entries of some kinds beyond ``after``, in order of position over all partitions, and the
        position up to which there are no more of them. As with `Journal.read`, a position in ``after`` that this
        journal never gave counts as absent."""
        self._segments.check_open()
        after, end = self._index.own(after), self._index.next
        plan = self._index.plan(range(PARTITIONS), after)
        if plan is None:
            return [], end - 1
        chosen, floors = json.dumps(sorted(kinds)), floors_of(range(PARTITIONS), after)
        found: list[Stored] = []
        for segment in self._segments.overlapping(plan.start, end):
            given = (chosen, plan.start, end, *floors, limit - len(found))
            found += map(to_stored, self._segments.query(segment, _OF_KINDS, given))
            if len(found) == limit:
                return found, found[-1].position
        return found, end - 1

    def names(self, kind: str, end: int, limit: int) -> Names:
        """See `journal.names.names_of`."""
        return names_of(self._segments, kind, end, limit)

    def extent(self, after: Mapping[int, int], start: int, end: int) -> Extent:
        """Of the entries at [``start``, ``end``) that are beyond ``after``."""
        self._segments.check_open()
        given = (start, end, *floors_of(range(PARTITIONS), self._index.own(after)))
        rows = [
            Extent(*row)
            for segment in self._segments.overlapping(start, end)
            for row in self._segments.query(segment, _EXTENT, given)
        ]
        found = [row for row in rows if row.entries]
        if not found:
            return Extent(0, 0, 0)
        entries = sum(row.entries for row in found)
        return Extent(entries, min(row.first for row in found), max(row.last for row in found))

    def parts(self) -> Parts:
        """The files of the journal."""
        self._segments.check_open()
        known = self._segments.all
        rows = (row for one in known for row in self._segments.query(one, "SELECT begun FROM span", ()))
        (begun,) = next(rows)
        return Parts(len(known), begun)


def floors_of(partitions: Sequence[int], after: Mapping[int, int]) -> list[int]:
    """For `FLOORS`: entries beyond these are wanted; of partitions not asked for, none."""
    floors = [NOTHING] * PARTITIONS
    for partition in partitions:
        floors[partition] = after.get(partition, 0)
    return floors


def to_stored(row: tuple[int, str, str, int, int, bytes]) -> Stored:
    """Of a row of `ENTRIES`."""
    return Stored(row[0], Entry._make(row[1:]))
