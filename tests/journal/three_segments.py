"""A journal of three segments, and what it holds."""

from collections.abc import Callable
from pathlib import Path

from journal.entry import PARTITIONS, Entry
from journal.file import position_of
from journal.sqlite import SqliteJournal
from journal.writer import Limit

ALL = range(PARTITIONS)
SECOND = 10**9
DUE = Limit(0, 3600 * SECOND)
"""By this a segment with anything in it is sealed."""

MakeEntry = Callable[..., Entry]
Open = Callable[..., SqliteJournal]


def segments(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted((path for path in folder.iterdir() if position_of(path) is not None), key=lambda one: one.name)


async def three(journal: SqliteJournal, entry: MakeEntry, now: int) -> list[int]:
    """Three segments of 10 entries over 3 partitions, the last of them written to; the position after each."""
    positions = []
    for part in range(3):
        positions.append(
            await journal.append(
                [entry(10 * part + number, number % 3) for number in range(10)], {"part": str(part).encode()}
            )
        )
        if part < 2:
            assert await journal.seal(now + part, DUE)
    return positions


def ids(journal: SqliteJournal, after: dict[int, int] | None = None) -> list[int]:
    return [one.entry.at for one in journal.read(ALL, after or {}, 1000)]
