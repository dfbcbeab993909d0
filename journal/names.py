"""Names: which entries a journal holds, by their ids, in 8 bytes each. To know again what is sent again.

To decode half a million entries at a start takes seconds. Their ids alone are read by SQLite in pieces, without the
interpreter's lock; what a name stands for is looked up in its piece when somebody asks for it.
"""

import logging
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from journal.entry import Entry
from journal.errors import JournalError
from journal.segments import Segments

log = logging.getLogger("gengfu.journal")

PIECE_BITS = 10
PIECES = 1 << PIECE_BITS
PIECE = 8_192
"""Entries that a name is looked for in; `PIECES` of them are the most that is known."""
_BETWEEN = "\n"
_PIECE = (
    "SELECT count(*), min(position), group_concat(id, char(10)) FROM"
    " (SELECT position, id FROM entry WHERE position < ? AND kind = ? ORDER BY position DESC LIMIT ?)"
)
_NAMED = "SELECT kind, id, partition, at, body FROM entry WHERE position >= ? AND position < ? AND kind = ? AND id = ?"


class _Piece(NamedTuple):
    start: int
    end: int


class Names:
    """Of the entries of one ``kind``. Make with `names_of`; `find` on one thread."""

    def __init__(self, segments: Segments, kind: str, pieces: Iterable[_Piece], sorted_names: "array[int]") -> None:
        self._segments = segments
        self._kind = kind
        self._pieces = tuple(pieces)
        # the hash of each, with the number of its piece in place of its lowest bits
        self._names = sorted_names
        self._left = len(sorted_names)

    def __len__(self) -> int:
        return len(self._names)

    def find(self, name: str) -> list[Entry]:
        """The entries with this id. Reads the disk only where there are some. When it was asked as often as it has
        names, it forgets them all: so many newer ones have come since."""
        names = self._names
        if not names:
            return []
        wanted = hash(name) >> PIECE_BITS << PIECE_BITS
        at = bisect_left(names, wanted)
        found = set()
        while at < len(names) and names[at] - wanted < PIECES:
            found.add(names[at] - wanted)
            at += 1
        self._left -= 1
        if not self._left:
            self._names = array("q")
        return [entry for number in sorted(found, reverse=True) for entry in self._look_up(self._pieces[number], name)]

    def _look_up(self, piece: _Piece, name: str) -> list[Entry]:
        try:
            return [
                Entry._make(row)
                for segment in self._segments.overlapping(*piece)
                for row in self._segments.query(segment, _NAMED, (*piece, self._kind, name))
            ]
        except JournalError as error:
            log.error("whether %s is stored already cannot be looked up, it is taken for new: %s", name, error)
            return []


def names_of(segments: Segments, kind: str, end: int, limit: int) -> Names:
    """Of the newest entries of a kind below position ``end``, ``limit`` at most and not more than `PIECES` of `PIECE`.
    Thread-safe; blocks on the disk, and does not hold the interpreter meanwhile."""
    pieces: list[_Piece] = []
    names: list[int] = []
    for segment in reversed(segments.all):
        while len(pieces) < PIECES and len(names) < limit:
            wanted = min(PIECE, limit - len(names))
            rows = segments.query(segment, _PIECE, (end, kind, wanted))
            count, start, text = rows[0] if rows else (0, end, "")
            if not count:
                break
            number = len(pieces)
            pieces.append(_Piece(start, end))
            names += [hash(name) >> PIECE_BITS << PIECE_BITS | number for name in text.split(_BETWEEN)]
            end = start
    names.sort()
    return Names(segments, kind, pieces, array("q", names))
