"""What the segments hold, as figures: how much stands beyond a cursor, and how old the files are. Reads the disk."""

from collections.abc import Sequence
from typing import NamedTuple

from journal.segments import Segments
from journal.writer import FLOORS

_FIGURES = "count(*), coalesce(min(at), 0), coalesce(max(at), 0)"
_RANGE = f"position >= ? AND position < ? AND position > {FLOORS}"
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
