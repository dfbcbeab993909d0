"""Random stories of a journal in several files, against the plain list of what went in."""

import asyncio
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from journal.entry import PARTITIONS, Entry, Stored
from journal.sqlite import SqliteJournal
from journal.writer import Limit

ALL = range(PARTITIONS)
DUE = Limit(0, 10**18)
PARTS = 4

Cursor = st.dictionaries(st.integers(0, PARTS - 1), st.integers(0, 60), max_size=PARTS)
"""How many of the entries, counted from the first, a consumer has passed in a partition."""


class Append(NamedTuple):
    """Entries of these partitions, and a change of the state."""

    partitions: list[int]
    key: int
    keeps: bool


class Prune(NamedTuple):
    """With these cursors."""

    cursors: list[dict[int, int]]


Appends = st.builds(
    Append, st.lists(st.integers(0, PARTS - 1), min_size=1, max_size=9), st.integers(0, 2), st.booleans()
)
Steps = st.lists(
    st.one_of(
        Appends, Appends, st.sampled_from(["seal", "reopen", "crash"]), st.builds(Prune, st.lists(Cursor, max_size=2))
    ),
    max_size=25,
)


class Story:
    """The journal, and what it must hold. ``segments``: the numbers of entries at which each one begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 10**18
        self.stored: list[Stored] = []
        self.state: dict[str, bytes] = {}
        self.segments = [0]
        self.gone = 0
        self.journal = self._open()

    def _open(self) -> SqliteJournal:
        return SqliteJournal.open(self.folder, now=self.now, window_s=0.0)

    async def do(self, step: Append | Prune | str) -> None:
        self.now += 10**9
        if isinstance(step, Append):
            await self._append(step)
        elif isinstance(step, Prune):
            await self._prune(step)
        elif step == "seal":
            has_entries = len(self.stored) > self.segments[-1]
            assert await self.journal.seal(self.now, DUE) == has_entries
            if has_entries:
                self.segments.append(len(self.stored))
        else:
            await self._reopen(crash=step == "crash")

    async def _append(self, step: Append) -> None:
        first = len(self.stored)
        entries = [
            Entry("reading", str(first + number), partition, first + number, b"x")
            for number, partition in enumerate(step.partitions)
        ]
        key, body = f"key/{step.key}", str(first).encode() if step.keeps else None
        last = await self.journal.append(entries, {key: body})
        self.stored += [Stored(last - len(entries) + 1 + number, one) for number, one in enumerate(entries)]
        self.state.pop(key, None)
        if body is not None:
            self.state[key] = body

    async def _prune(self, step: Prune) -> None:
        cursors = [self.cursor(one) for one in step.cursors]
        dropped = await self.journal.prune(self.now, 0, cursors)
        wanted = 0
        spans = list(zip(self.segments, self.segments[1:], strict=False))
        for start, end in spans:
            passed = all(
                one.position <= cursor.get(one.entry.partition, 0)
                for one in self.stored[start:end]
                for cursor in cursors
            )
            if not (cursors and passed):
                break
            wanted += 1
        assert dropped == wanted
        self.gone = self.segments[wanted]
        del self.segments[:wanted]

    async def _reopen(self, *, crash: bool) -> None:
        if crash:
            await self.journal.append([])
            self.journal._writer.close = lambda: None  # type: ignore[method-assign]  # the log stays beside the file
        await self.journal.close()
        self.journal = self._open()
        assert self.journal.warnings == ()

    def cursor(self, passed: dict[int, int]) -> dict[int, int]:
        return {
            partition: self.stored[number].position for partition, number in passed.items() if number < len(self.stored)
        }

    def check(self, partitions: list[int], passed: dict[int, int], limit: int) -> None:
        after = self.cursor(passed)
        left = self.stored[self.gone :]
        beyond = [
            one
            for one in left
            if one.entry.partition in partitions and one.position > after.get(one.entry.partition, 0)
        ]
        assert self.journal.read(partitions, after, limit) == beyond[:limit]
        assert self.journal.count(partitions, after) == len(beyond)
        assert self.journal.tail(limit) == left[-limit:]
        assert self.journal.load_state("key/") == self.state


@given(Steps, st.lists(st.integers(0, PARTS), max_size=PARTS, unique=True), Cursor, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_journal_holds_what_went_in_and_did_not_go(
    steps: list[Append | Prune | str], partitions: list[int], passed: dict[int, int], limit: int
) -> None:
    async def tell() -> None:
        with tempfile.TemporaryDirectory() as folder:
            story = Story(Path(folder))
            for step in steps:
                await story.do(step)
                story.check(list(ALL), {}, limit)
                story.check(partitions, passed, limit)
            await story.journal.close()

    asyncio.run(tell())
