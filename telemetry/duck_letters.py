"""The dead letters of the embedded store, in its file: bounded, each with an id that is never given twice.

They change in the transaction of the rows, on the connection that writes. What comes beyond the bounds is only counted,
and said in the log: the journal has it until its retention.
"""

import logging
from collections.abc import Callable, Sequence

from duckdb import DuckDBPyConnection

from telemetry.duck_arrays import Arrays, numbers, show, texts
from telemetry.letters import MOST_BYTES, MOST_LETTERS, READING, Letter, Refusal, that_fit
from telemetry.sink import DeadLetter

log = logging.getLogger("gengfu.telemetry")

_NO_NUMBER = -(2**63)
"""Stands for NULL in a column of whole numbers."""

_BEYOND = "SELECT id, partition, position, reason, data, set_aside_at FROM dead_letter WHERE id > ? ORDER BY id LIMIT ?"
_SOME = """
SELECT id, partition, position, reason, data, set_aside_at FROM dead_letter
WHERE id IN (SELECT unnest(?::BIGINT[])) ORDER BY id
"""
_ADD = """
INSERT INTO dead_letter SELECT id, nullif(partition, ?::BIGINT), nullif(position, ?::BIGINT), reason, data, ?
FROM new_letter
"""
_REMOVE = "DELETE FROM dead_letter WHERE id IN (SELECT unnest(?::BIGINT[])) RETURNING octet_length(data)"
_REFUSE = "UPDATE dead_letter SET reason = r.reason, set_aside_at = ? FROM refusal AS r WHERE dead_letter.id = r.id"
_WEIGH = "SELECT count(*), coalesce(sum(octet_length(data)), 0)::BIGINT FROM dead_letter"


def letters(connection: DuckDBPyConnection, after: int, limit: int) -> list[Letter]:
    """Those beyond an id, oldest first."""
    return [_letter(*row) for row in connection.execute(_BEYOND, [after, limit]).fetchall()]


def some_letters(connection: DuckDBPyConnection, ids: Sequence[int]) -> list[Letter]:
    """Those of the ids that are there, oldest first."""
    return [_letter(*row) for row in connection.execute(_SOME, [list(ids)]).fetchall()]


def _letter(id_: int, partition: int | None, position: int | None, reason: str, data: bytes, at: int | None) -> Letter:
    return Letter(id_, partition, position, reason, READING, data, at)


class LetterBox:
    """The letters as the writing thread changes them, each call within the caller's transaction; after one that failed
    it is of no use. The counts may be read by any thread.

    ``count``: how many are kept. ``dropped``: how many were refused while there was no room for them, since the file
    was made. ``refused``: how many of either kind came since it was opened.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        now: Callable[[], int | None],
        most_letters: int = MOST_LETTERS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """``now``: UTC ns, or ``None`` where nobody knows. ``most_bytes``: of all letters' data."""
        self._connection = connection
        self._now = now
        self._most_letters = most_letters
        self._most_bytes = most_bytes
        self.refused = 0
        self.count: int
        self.dropped: int
        self.count, self._bytes = connection.execute(_WEIGH).fetchone() or (0, 0)
        self._last, self.dropped = connection.execute("SELECT last_id, dropped FROM letter_count").fetchone() or (0, 0)

    def add(self, dead: Sequence[DeadLetter]) -> None:
        """Set aside what there is room for."""
        if not dead:
            return
        kept = list(that_fit(dead, self._most_letters - self.count, self._most_bytes - self._bytes))
        if kept:
            self._insert(kept)
        over = len(dead) - len(kept)
        before, self.dropped = self.dropped, self.dropped + over
        self.refused += len(dead)
        self._connection.execute("UPDATE letter_count SET last_id = ?, dropped = ?", [self._last, self.dropped])
        self._tell(before)

    def settle(self, stored: Sequence[int], refused: Sequence[Refusal]) -> None:
        """Second tries: remove the letters that the store has now, and write down why the others were refused."""
        sizes = self._connection.execute(_REMOVE, [list(stored)]).fetchall() if stored else []
        if refused:
            reasons: Arrays = {
                "id": numbers([one.id for one in refused]),
                "reason": texts([one.reason for one in refused]),
            }
            show(self._connection, "refusal", reasons)
            self._connection.execute(_REFUSE, [self._now()])
        self.count -= len(sizes)
        self._bytes -= sum(size for (size,) in sizes)

    def _insert(self, kept: Sequence[DeadLetter]) -> None:
        first = self._last + 1
        self._last += len(kept)
        arrays: Arrays = {
            "id": numbers(list(range(first, self._last + 1))),
            "partition": numbers([_number(one.partition) for one in kept]),
            "position": numbers([_number(one.position) for one in kept]),
            "reason": texts([one.reason for one in kept]),
            "data": texts([one.data for one in kept]),
        }
        show(self._connection, "new_letter", arrays)
        self._connection.execute(_ADD, [_NO_NUMBER, _NO_NUMBER, self._now()])
        self.count += len(kept)
        self._bytes += sum(len(one.data) for one in kept)

    def _tell(self, before: int) -> None:
        """At 1, 2, 4, 8 ...: a store that refuses everything must not fill the log as well."""
        if self.dropped.bit_length() > before.bit_length():
            log.error(
                "the dead letters of DuckDB are full (%d, %d bytes): %d more were refused and are only counted; the "
                "journal has them until its retention. Mend the cause, then replay or delete letters",
                self.count,
                self._bytes,
                self.dropped,
            )


def _number(given: int | None) -> int:
    return _NO_NUMBER if given is None else given
