"""Batch: what the calls that share a commit put into the file, in as few SQL statements as can be. Touches no file.

Each statement gives the interpreter lock away four or five times, and getting it back from a busy event loop can cost a
whole switch interval each time. So rows go in by statements for a few counts of rows: the next larger one is taken and
filled up with rows that it leaves out.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from typing import NamedTuple

import msgspec

from journal.entry import PARTITIONS, Done, Entry, Stored
from journal.errors import JournalError

SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Rows of a statement. The writing connection keeps all of them prepared, three kinds of each."""

_LARGEST = SIZES[-1]


class _Kind(NamedTuple):
    """Statements by their rows, the values of a row, and the value that fills up."""

    sql: Mapping[int, str]
    columns: int
    filler: int | None


def _inserts(verb: str, columns: int, given: str) -> _Kind:
    """``given`` names a column that is 0 in the rows that fill up, and in no other. Not NULL, which Python's sqlite3
    takes six times as long to hand over."""
    mark = f"({','.join('?' * columns)})"
    sql = {
        size: f"{verb} SELECT * FROM (VALUES {','.join([mark] * size)}) WHERE {given} IS NOT 0"  # noqa: S608 - constants
        for size in SIZES
    }
    return _Kind(sql, columns, 0)


_ENTRIES = _inserts("INSERT INTO entry", 6, "column1")
# By the body, which has a length, as 0 has none; what a key is nobody looks at.
_PUTS = _inserts("INSERT OR REPLACE INTO state", 2, "column2")
_REMOVALS = _Kind(
    {size: f"DELETE FROM state WHERE key IN ({','.join('?' * size)})" for size in SIZES},  # noqa: S608 - constants
    1,
    None,
)

_ROW_OVERHEAD = 48
"""Bytes of a row beside its body, about; corrected by each exact measurement."""


BULK_KINDS = frozenset({"reading", "health"})
"""What is refused first when space runs out; everything else goes in up to the reserve."""


class Submission(msgspec.Struct):
    """One call of `submit`, and what became of it: ``error``, or ``position`` of its last entry. ``load``: about how
    many wait for it."""

    entries: Sequence[Entry]
    state: Mapping[str, bytes | None] | None
    done: Done | None
    future: asyncio.Future[int] | None
    bulk: bool
    load: int = 1
    error: JournalError | None = None
    position: int = 0

    @property
    def is_barrier(self) -> bool:
        return not self.entries and not self.state

    def tell(self) -> None:
        """Tell whoever waits; on the event loop."""
        if self.done is not None:
            self.done(self.error)
        elif self.future is not None and not self.future.done():
            if self.error is None:
                self.future.set_result(self.position)
            else:
                self.future.set_exception(self.error)


def is_bulk(entries: Sequence[Entry], state: Mapping[str, bytes | None] | None) -> bool:
    """One that carries an alarm, a trip or a change of state is not bulk: its readings are the evidence."""
    if len(entries) == 1:
        return not state and entries[0].kind in BULK_KINDS
    return bool(entries) and not state and all(entry.kind in BULK_KINDS for entry in entries)


class Statement(NamedTuple):
    """One DML statement and the values of its parameters."""

    sql: str
    parameters: Sequence[object]


class Content(NamedTuple):
    """``partitions``: of each entry, a byte; ``entry_bytes``, ``state_bytes``: what they take, about."""

    statements: list[Statement]
    partitions: bytes
    entry_bytes: int
    state_bytes: int


def gather(batch: Iterable[Submission], position: int) -> Content:
    """What to execute, in this order, for ``batch``, the first entry at ``position``. Gives each its last position.

    Raises TypeError, ValueError, OverflowError for what is no entry or no state.
    """
    rows: list[object] = []
    partitions = bytearray()
    changes: list[tuple[str, bytes | None]] = []
    size = 0
    for one in batch:
        for entry in one.entries:
            rows.append(position)
            rows += entry
            partitions.append(entry.partition)
            size += len(entry.body) + len(entry.id)
            position += 1
        one.position = position - 1
        if one.state:
            changes += one.state.items()
    if partitions and max(partitions) >= PARTITIONS:
        raise ValueError(f"partition {max(partitions)} is not below {PARTITIONS}")
    statements = [*_pieces(_ENTRIES, rows), *_state(changes)]
    state_size = sum(len(body) for _, body in changes if body is not None)
    return Content(statements, bytes(partitions), size + _ROW_OVERHEAD * len(partitions), state_size)


def _state(changes: Iterable[tuple[str, bytes | None]]) -> Iterator[Statement]:
    """In their order: the last change of a key counts."""
    for is_removal, run in groupby(changes, lambda change: change[1] is None):
        if is_removal:
            yield from _pieces(_REMOVALS, [key for key, _ in run])
        else:
            yield from _pieces(_PUTS, [*chain.from_iterable(run)])


def _pieces(kind: _Kind, values: list[object]) -> Iterator[Statement]:
    """The statements that take the ``values`` of all rows, a flat list."""
    most = _LARGEST * kind.columns
    for at in range(0, len(values), most):
        part = values[at : at + most]
        size = SIZES[bisect_left(SIZES, len(part) // kind.columns)]
        part += [kind.filler] * (size * kind.columns - len(part))
        yield Statement(kind.sql[size], part)


def stored_of(batch: Sequence[Submission]) -> list[Stored]:
    """What a commit that is over stored."""
    first = next((one.position + 1 - len(one.entries) for one in batch if one.entries and one.error is None), 0)
    return stored(batch, first)


def stored(batch: Iterable[Submission], position: int) -> list[Stored]:
    """What went in, from ``position`` on: positions are given in the order of the batch."""
    entries = chain.from_iterable(one.entries for one in batch if one.error is None)
    # As Stored(position, entry), at a third of the cost.
    return list(map(partial(tuple.__new__, Stored), enumerate(entries, position)))
