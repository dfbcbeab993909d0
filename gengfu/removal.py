"""What housekeeping is about to remove from a journal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Removal(NamedTuple):
    """The arguments of `journal.sqlite.SqliteJournal.prune`, the same for whoever has to know before."""

    now: int
    keep_ns: int
    cursors: Sequence[Mapping[int, int]]
