"""What the segments hold, as figures: how much stands beyond a cursor, and how old the files are. Reads the disk.

Gigabytes that a store has not read are not looked through to say how many entries they are: a sealed segment that
stands beyond the cursor as a whole is known by the counts that it was sealed with.
"""

from collections.abc import Sequence
from typing import NamedTuple

from journal.segments import Segment, Segments
from journal.writer import FLOORS

NOTHING = 2**63 - 1
"""A floor that no entry is beyond."""
_FIGURES = "count(*), coalesce(min(at), 0), coalesce(max(at), 0)"
_RANGE = f"position >= ? AND position < ? AND position > {FLOORS}"
_OF_KIND = "SELECT body FROM entry WHERE position >= ? AND position < ? AND kind = ? ORDER BY position"
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


def of_kind(segments: Segments, kind: str, start: int, end: int) -> list[bytes]:
    """The bodies of the entries of a kind at positions in [``start``, ``end``), oldest first."""
    found: list[bytes] = []
    for segment in segments.overlapping(start, end):
        found += [body for (body,) in segments.query(segment, _OF_KIND, (start, end, kind))]
    return found


def extent(segments: Segments, start: int, end: int, floors: Sequence[int]) -> Extent:
    """Of the entries at positions in [``start``, ``end``) beyond the ``floors`` of the partitions."""
    rows = [
        Extent(*row)
        for segment in segments.overlapping(start, end)
        for row in segments.query(segment, _EXTENT, (start, end, *floors))
    ]
    found = [row for row in rows if row.entries]
    if not found:
        return Extent(0, 0, 0)
    return Extent(sum(row.entries for row in found), min(row.first for row in found), max(row.last for row in found))


def parts(segments: Segments) -> Parts:
    """How many, and how old the oldest is."""
    known = segments.all
    rows = (row for one in known for row in segments.query(one, "SELECT begun FROM span", ()))
    (begun,) = next(rows)
    return Parts(len(known), begun)
