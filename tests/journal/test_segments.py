"""A journal in several files: sealed, read over, removed, begun half-way."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journal import writer as writing
from journal.errors import JournalFull
from journal.file import OLD_NAME, path_of
from journal.segments import COUNTS, Segment, Segments, seal
from journal.writer import CLOCK_AHEAD_NS, Limit
from tests.journal.three_segments import ALL, DUE, SECOND, MakeEntry, Open, ids, segments, three


async def test_entries_are_read_over_all_segments_in_order(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    positions = await three(journal, entry, now)
    assert len(segments(tmp_path)) == 3
    assert ids(journal) == list(range(30))
    assert ids(journal, dict.fromkeys(range(3), positions[0] + 5)) == list(range(15, 30))
    assert [one.entry.at for one in journal.read([1], {}, 5)] == [1, 4, 7, 11, 14]
    assert [one.entry.at for one in journal.read(ALL, {}, 12)] == list(range(12))
    assert [one.entry.at for one in journal.tail(15)] == list(range(15, 30))
    assert journal.count(ALL, {}) == 30
    await journal.close()
    journal = open_in()
    assert ids(journal) == list(range(30))
    assert journal.count([2], {2: positions[0]}) == 6


@pytest.fixture
def looked_through(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose entries were counted, one name for each query."""
    found: list[Path] = []
    query = Segments.query

    def noting(self: Segments, segment: Segment, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        if "count(*)" in sql:
            found.append(segment.path)
        return query(self, segment, sql, parameters)

    monkeypatch.setattr(Segments, "query", noting)
    return found


CURSORS: list[tuple[dict[int, int], list[int]]] = [
    ({}, [2]),
    ({0: -10, 1: -10, 2: -10}, [2]),
    ({0: -15, 1: -15, 2: -15}, [1, 2]),
    ({0: -15, 1: -25}, [0, 1, 2]),
    ({0: -19, 1: -19, 2: -19}, [1, 2]),
    ({0: -4, 1: -4, 2: -4}, [2]),
    ({0: -2, 1: -5, 2: -15}, [1, 2]),
]
"""Positions, the newest entry being at 0, and which of three segments must be looked through for what stands beyond."""


@pytest.mark.parametrize(("cursor", "counted"), CURSORS)
async def test_what_stands_beyond_a_cursor_is_counted_without_looking_through_all_of_it(
    open_in: Open,
    entry: MakeEntry,
    now: int,
    tmp_path: Path,
    looked_through: list[Path],
    cursor: dict[int, int],
    counted: list[int],
) -> None:
    """5 GB that no store had read took more than a minute each time that `/metrics` was asked."""
    journal = open_in()
    newest = (await three(journal, entry, now))[-1]
    await journal.close()
    after = {partition: newest + back for partition, back in cursor.items()}
    journal = open_in()
    assert journal.count(ALL, after) == len(ids(journal, after))
    assert looked_through == [segments(tmp_path)[number] for number in counted]
    assert [journal.count([one], after) for one in range(3)] == [
        len(journal.read([one], after, 100)) for one in range(3)
    ]


async def test_a_segment_that_nobody_counted_is_looked_through_once(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path, looked_through: list[Path]
) -> None:
    """It was sealed by an earlier program, or begun in the run before."""
    journal = open_in()
    await three(journal, entry, now)
    await journal.close()
    first, second, third = segments(tmp_path)
    with closing(sqlite3.connect(second)) as connection, connection:
        assert connection.execute("DELETE FROM state WHERE key = ?", (COUNTS,)).rowcount == 1
    journal = open_in()
    await journal.append([entry(30)])
    await journal.seal(now, DUE)
    await journal.append([entry(31)])
    assert [journal.count(ALL, {}), journal.count(ALL, {})] == [32, 32]
    assert looked_through.count(second) == 1
    assert first not in looked_through
    await journal.close()
    looked_through.clear()
    journal = open_in()
    assert [journal.count(ALL, {}), journal.count(ALL, {})] == [32, 32]
    assert [looked_through.count(one) for one in (first, second, third)] == [0, 1, 1]
    assert journal.load_state("segment/") == {}


async def test_state_goes_with_the_segment_that_is_written_to(open_in: Open, entry: MakeEntry, now: int) -> None:
    journal = open_in()
    await journal.append([entry(1)], {"kept": b"1", "removed": b"2", "changed": b"3"})
    await journal.seal(now, DUE)
    await journal.append([], {"removed": None, "changed": b"4"})
    assert journal.load_state("") == {"kept": b"1", "changed": b"4"}
    await journal.close()
    assert open_in().load_state("") == {"kept": b"1", "changed": b"4"}


async def test_a_segment_is_sealed_when_it_is_large_or_old_and_never_when_it_is_empty(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    assert not await journal.seal(now + 10**18, DUE)
    await journal.append([entry(1, size=20_000)])
    assert not await journal.seal(now, Limit(1 << 20, 10 * SECOND))
    assert await journal.seal(now, Limit(1 << 14, 10 * SECOND))
    await journal.append([entry(2)])
    assert not await journal.seal(now + 10 * SECOND - 1, Limit(1 << 20, 10 * SECOND))
    assert await journal.seal(now + 10 * SECOND, Limit(1 << 20, 10 * SECOND))


async def test_a_clock_that_was_years_ahead_neither_keeps_a_segment_open_nor_on_the_disk(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in(at=now + 10 * CLOCK_AHEAD_NS)
    position = await journal.append([entry(1)])
    assert await journal.seal(now, Limit(1 << 20, SECOND))
    await journal.append([entry(2)])
    await journal.seal(now + 2 * CLOCK_AHEAD_NS, DUE)
    await journal.append([entry(3)])
    assert await journal.prune(now, 0, [{0: position + 1}]) == 0  # sealed at this very moment
    assert await journal.prune(now + 1, 0, [{0: position + 1}]) == 2
    assert ids(journal) == [3]


async def test_segments_go_oldest_first_when_they_are_old_and_every_cursor_has_passed_them(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    positions = await three(journal, entry, now)
    before = journal.used_bytes
    assert before > sum(path.stat().st_size for path in segments(tmp_path)[:2])
    far, near = dict.fromkeys(range(3), positions[2]), dict.fromkeys(range(3), positions[0])
    late = now + 100 * SECOND
    assert await journal.prune(late, 0, []) == 0
    assert await journal.prune(late, 0, [far, near | {1: positions[0] - 3}]) == 0
    assert await journal.prune(late, 100 * SECOND, [far]) == 0
    assert await journal.prune(late, 0, [far, near]) == 1
    assert (ids(journal), journal.count(ALL, {}), len(segments(tmp_path))) == (list(range(10, 30)), 20, 2)
    assert journal.used_bytes < before
    assert await journal.prune(late, 0, [far]) == 1
    assert await journal.prune(late, 0, [far]) == 0
    assert ids(journal) == list(range(20, 30))
    (left,) = segments(tmp_path)
    assert [path.name for path in tmp_path.glob("journal*.sqlite*") if not path.name.startswith(left.name)] == []
    await journal.close()
    assert ids(open_in()) == list(range(20, 30))


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_segment_waits_only_for_the_partitions_that_are_in_it(
    open_in: Open, entry: MakeEntry, now: int, reopened: bool
) -> None:
    journal = open_in()
    first = await journal.append([entry(1, 5)])
    await journal.seal(now, DUE)
    second = await journal.append([entry(2, 6)])
    await journal.seal(now, DUE)
    if reopened:
        await journal.close()
        journal = open_in()
    assert await journal.prune(now + 1, 0, [{5: first}]) == 1
    assert await journal.prune(now + 1, 0, [{6: second}]) == 1


async def test_a_reader_on_the_way_through_what_is_removed_gets_what_is_left(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    positions = await three(journal, entry, now)
    (first, *_) = journal._segments.all
    await journal.prune(now + SECOND, 0, [dict.fromkeys(range(3), positions[0])])
    assert journal._segments.query(first, "SELECT 1", ()) == []
    assert ids(journal) == list(range(10, 30))


async def test_a_file_of_schema_1_is_taken_over(open_in: Open, entry: MakeEntry, now: int, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / OLD_NAME) as connection:
        connection.executescript(
            "CREATE TABLE entry (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
            " partition INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);"
            "CREATE TABLE state (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE tail (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL);"
            "PRAGMA user_version = 1;"
        )
        connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", (7, *entry(1, 5)))
        connection.execute("INSERT INTO state VALUES ('key', x'31')")
        connection.execute("INSERT INTO tail VALUES (5, 7)")
    connection.close()
    journal = open_in()
    position = await journal.append([entry(2, 6)])
    assert (ids(journal), journal.load_state("")) == ([1, 2], {"key": b"1"})
    await journal.seal(now, DUE)
    await journal.append([entry(3)])
    assert [path.name for path in segments(tmp_path)] == [path_of(tmp_path, position + 1).name, OLD_NAME]
    assert await journal.prune(now + 1, 0, [{5: 6, 6: position}]) == 0
    assert await journal.prune(now + 1, 0, [{5: 7, 6: position}]) == 1
    assert ids(journal) == [3]


@pytest.mark.parametrize("moment", ["before the old one is sealed", "after"])
async def test_a_crash_between_two_segments_loses_and_doubles_nothing(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    crashed = tmp_path / "crashed"

    def crash(
        connection: sqlite3.Connection, tail: Mapping[int, int], at: int, counts: Mapping[int, int] | None
    ) -> None:
        if moment == "after":
            seal(connection, tail, at, counts)
        crashed.mkdir()
        for path in tmp_path.glob("journal*.sqlite*"):
            shutil.copy(path, crashed)
        raise sqlite3.OperationalError("crash")

    journal = open_in()
    position = await journal.append([entry(number, number % 3) for number in range(10)], {"key": b"1"})
    monkeypatch.setattr(writing, "seal", crash)
    with pytest.raises(Exception, match="crash"):
        await journal.seal(now, DUE)
    assert len(segments(crashed)) == 2
    again = open_in(crashed, now + SECOND)
    assert (ids(again), again.load_state(""), again.warnings) == (list(range(10)), {"key": b"1"}, ())
    assert await again.append([entry(10)]) > position
    assert ids(again, dict.fromkeys(range(3), position)) == [10]
    assert await again.prune(now + 3 * SECOND, 0, [dict.fromkeys(range(3), position)]) == 1


async def test_a_segment_that_could_not_be_begun_leaves_the_old_one_as_it_was(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise sqlite3.OperationalError("no")

    journal = open_in()
    await journal.append([entry(1)])
    monkeypatch.setattr(writing, "seal", full)
    with pytest.raises(Exception, match="no"):
        await journal.seal(now, DUE)
    monkeypatch.undo()
    assert len(segments(tmp_path)) == 1
    await journal.append([entry(2)])
    assert await journal.seal(now, DUE)
    assert ids(journal) == [1, 2]


async def test_a_file_that_was_begun_and_never_finished_goes(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    position = await journal.append([entry(1)], {"key": b"1"})
    await journal.close()
    path_of(tmp_path, position + 1).write_bytes(b"")
    journal = open_in()
    assert (ids(journal), journal.load_state(""), len(segments(tmp_path))) == ([1], {"key": b"1"}, 1)


async def test_threads_read_everything_once_while_segments_come_and_go(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    done = False

    def follow(name: int) -> list[int]:
        after: dict[int, int] = {}
        seen: list[int] = []
        while True:
            ended = done
            rows = journal.read(ALL, after, 50)
            seen += [one.entry.at for one in rows]
            after.update((one.entry.partition, one.position) for one in rows)
            slowest[name] = dict(after)
            if ended and not rows:
                return seen

    slowest: dict[int, dict[int, int]] = {}
    readers = []
    for name in range(3):
        slowest[name] = {}
        readers.append(asyncio.ensure_future(asyncio.to_thread(follow, name)))
        await asyncio.sleep(0.01)
    dropped = 0
    for part in range(40):
        await journal.append([entry(25 * part + number, number % 5) for number in range(25)])
        await journal.seal(now + part, DUE)
        dropped += await journal.prune(now + 100 + part, 0, list(slowest.values()))
    done = True
    for seen in await asyncio.gather(*readers):
        assert seen == list(range(1000))
    assert dropped


async def test_what_was_stored_since_a_time_stands_behind_the_position_that_is_told_for_it(
    open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in()
    first, second, _ = await three(journal, entry, now)  # sealed at `now` and a nanosecond later
    for _ in range(2):
        assert [journal.since(at) - 1 - first for at in (now + 1, now + 2)] == [0, second - first]
        assert journal.since(now) == journal.since(0) <= first - 9
        assert ids(journal, dict.fromkeys(ALL, journal.since(now + 1) - 1)) == list(range(10, 30))
        await journal.close()
        journal = open_in()


async def test_a_full_disk_lets_no_segment_begin_and_loses_nothing(
    small_disk: Path, fill: Callable[[Path], None], open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in(small_disk / "journal")
    await journal.append([entry(number, size=3000) for number in range(100)])
    fill(small_disk / "filler")
    with pytest.raises(JournalFull):
        await journal.seal(now, DUE)
    assert len(segments(small_disk / "journal")) == 1
    assert ids(journal) == list(range(100))
    os.unlink(small_disk / "filler")
    await journal.append([entry(100)])
    assert await journal.seal(now, DUE)
    assert ids(journal) == list(range(101))


async def test_what_is_sealed_can_be_read_from_a_full_disk_and_makes_room_there(
    small_disk: Path, fill: Callable[[Path], None], open_in: Open, entry: MakeEntry, now: int
) -> None:
    journal = open_in(small_disk / "journal")
    positions = await three(journal, entry, now)
    fill(small_disk / "filler")
    assert ids(journal) == list(range(30))
    assert await journal.prune(now + SECOND, 0, [dict.fromkeys(range(3), positions[1])]) == 2
    await journal.append([entry(30)])
    assert ids(journal) == list(range(20, 31))


async def test_what_a_reader_kept_from_being_folded_into_a_sealed_file_is_read_from_its_log(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    await journal.append([entry(1)])
    (first,) = journal._segments.all
    with first.readers.lend() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM entry").fetchall()
        await journal.append([entry(2)])
        assert await journal.seal(now, DUE)
        assert (tmp_path / f"{first.path.name}-wal").stat().st_size
        assert ids(journal) == [1, 2]
        reader.execute("COMMIT")
    assert not (tmp_path / f"{first.path.name}-wal").exists()
    assert ids(journal) == [1, 2]
