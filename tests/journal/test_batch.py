"""A commit puts in exactly what it was given, in as few statements as can be, and all of it or nothing."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from journal.batch import SIZES, Submission
from journal.entry import Entry
from journal.errors import JournalError, JournalFull
from journal.segments import open_folder
from journal.turn import Turn
from journal.writer import Bound, Writer

MakeEntry = Callable[..., Entry]

ROWS = "SELECT position, kind, id, partition, at, body FROM entry ORDER BY position"
TYPES = (
    "SELECT DISTINCT typeof(position), typeof(kind), typeof(id), typeof(partition), typeof(at), typeof(body) FROM entry"
)


@pytest.fixture
def writer(tmp_path: Path, now: int) -> Iterator[Writer]:
    segments, connection = open_folder(tmp_path, now)
    yield Writer(connection, segments, Bound(1 << 30, 1 << 20), now)
    segments.close()
    connection.close()


@pytest.fixture
def connection(writer: Writer) -> sqlite3.Connection:
    return writer._connection


@pytest.fixture
def executed(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """The first word of each statement that SQLite ran; what it runs by itself comes as a remark."""
    words: list[str] = []
    connection.set_trace_callback(lambda sql: words.append(sql.split(maxsplit=1)[0]))
    yield words
    connection.set_trace_callback(None)


def _call(entries: Sequence[Entry] = (), state: Mapping[str, bytes | None] | None = None) -> Submission:
    return Submission(entries, state, None, None, False)


def test_exactly_the_rows_given_are_stored_whatever_their_number(
    writer: Writer, connection: sqlite3.Connection, entry: MakeEntry
) -> None:
    expected: list[tuple[object, ...]] = []
    for count in range(1, 301):
        entries = [entry(count * 1000 + number, number % 64) for number in range(count)]
        first = writer.index.next
        one = _call(entries)
        assert [stored.entry for stored in writer.store([one], True)] == entries
        assert (one.error, one.position) == (None, first + count - 1)
        expected += [(first + number, *given) for number, given in enumerate(entries)]
    assert connection.execute(ROWS).fetchall() == expected


def test_columns_keep_the_types_of_the_schema(writer: Writer, connection: sqlite3.Connection) -> None:
    # What looks like another type, is empty, or is 0 as the rows that fill a statement up are.
    entries = [
        Entry("reading", "0", 0, 0, b"0"),
        Entry("", "", 63, -(2**63), b""),
        Entry("12", "1.5", 1, 2**63 - 1, b"12"),
    ]
    assert len(entries) not in SIZES
    writer.store([_call(entries)], False)
    assert connection.execute(TYPES).fetchall() == [("integer", "text", "text", "integer", "integer", "blob")]
    assert [row[1:] for row in connection.execute(ROWS)] == entries


@pytest.mark.parametrize("count", [1, 3, 53, 127, 256])
def test_a_usual_batch_is_one_statement_that_is_its_own_transaction(
    writer: Writer, executed: list[str], entry: MakeEntry, count: int
) -> None:
    writer.store([_call([entry(number)]) for number in range(count)], False)
    assert executed == ["INSERT"]


@pytest.mark.parametrize("count", [1, 300])
def test_the_loop_is_let_go_when_sqlite_takes_over(
    writer: Writer, connection: sqlite3.Connection, entry: MakeEntry, count: int
) -> None:
    turn = Turn()
    waiting: list[bool] = []
    connection.set_trace_callback(lambda sql: waiting.append(turn._begun.locked()))
    writer.store([_call([entry(number)]) for number in range(count)], False, turn)
    connection.set_trace_callback(None)
    assert not any(waiting)
    assert waiting


def test_a_large_batch_or_one_with_state_is_one_transaction(
    writer: Writer, executed: list[str], entry: MakeEntry
) -> None:
    large = [_call([entry(number)]) for number in range(300)]
    writer.store([*large, _call(state={"a": b"1", "b": b"2"}), _call(state={"a": None, "c": None})], False)
    assert executed == ["BEGIN", "INSERT", "INSERT", "INSERT", "DELETE", "COMMIT"]


def test_the_last_change_of_a_key_in_a_batch_counts(writer: Writer, connection: sqlite3.Connection) -> None:
    calls: list[dict[str, bytes | None]] = [
        {"a": b"1", "b": b"1"},
        {"a": b"2"},
        {"a": None, "c": b"0"},
        {"a": b"3", "b": None},
    ]
    writer.store([_call(state=state) for state in calls], False)
    assert connection.execute("SELECT * FROM state ORDER BY key").fetchall() == [("a", b"3"), ("c", b"0")]


def test_a_key_that_is_no_text_is_kept_as_text(writer: Writer, connection: sqlite3.Connection) -> None:
    wrong: dict[Any, bytes | None] = {0: b"1"}
    writer.store([_call(state=wrong)], False)
    assert connection.execute("SELECT * FROM state").fetchall() == [("0", b"1")]


@pytest.mark.parametrize("count", range(1, 40))
def test_exactly_the_keys_given_are_set_and_removed(writer: Writer, connection: sqlite3.Connection, count: int) -> None:
    kept = {"": b"", "0": b"0", "kept": b"\x00"}
    writer.store([_call(state=kept)], False)
    given = {f"key/{number}": b"" for number in range(count)}
    writer.store([_call(state=given)], False)
    assert dict(connection.execute("SELECT key, body FROM state").fetchall()) == kept | given
    assert connection.execute("SELECT DISTINCT typeof(key), typeof(body) FROM state").fetchall() == [("text", "blob")]
    writer.store([_call(state=dict.fromkeys(given))], False)
    assert dict(connection.execute("SELECT key, body FROM state").fetchall()) == kept


@pytest.mark.parametrize("count", [3, 300])
def test_of_a_call_that_does_not_fit_nothing_is_stored(
    writer: Writer, connection: sqlite3.Connection, entry: MakeEntry, count: int
) -> None:
    writer.store([_call([entry(0)])], False)
    before = connection.execute(ROWS).fetchall()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    one = _call([entry(number, size=9000 // count) for number in range(1, count)] + [entry(count, size=9000)])
    assert writer.store([one], True) == []
    assert isinstance(one.error, JournalFull)
    assert not connection.in_transaction
    assert connection.execute(ROWS).fetchall() == before
    assert writer.index.next == before[-1][0] + 1


@pytest.mark.parametrize(
    "bad",
    [
        (None, "id", 0, 1, b""),
        ("reading", None, 0, 1, b""),
        ("reading", "id", 0, None, b""),
        ("reading", "id", 0, 2**63, b""),
        ("reading", "\ud800", 0, 1, b""),
        ("reading", "id", 0, 1, [1]),
        ("reading", "id", 64, 1, b""),
        ("reading", "id", -1, 1, b""),
    ],
)
def test_bad_data_fails_alone_and_with_its_whole_call(
    writer: Writer, connection: sqlite3.Connection, entry: MakeEntry, bad: tuple[Any, ...]
) -> None:
    calls = [_call([entry(1), entry(2)]), _call([entry(3), Entry._make(bad)], {"key": b"refused"}), _call([entry(4)])]
    stored = writer.store(calls, True)
    assert [type(one.error) for one in calls] == [type(None), JournalError, type(None)]
    assert [one.entry.id for one in stored] == [entry(number).id for number in (1, 2, 4)]
    assert [row[2] for row in connection.execute(ROWS)] == [entry(number).id for number in (1, 2, 4)]
    assert connection.execute("SELECT * FROM state").fetchall() == []


@pytest.mark.parametrize("state", [{None: b"1"}, {"key": 5}, {"key": [1]}])
def test_state_that_cannot_be_stored_is_refused(
    writer: Writer, connection: sqlite3.Connection, entry: MakeEntry, state: dict[Any, Any]
) -> None:
    bad, good = _call([entry(1)], state), _call([entry(2)], {"other": b"1"})
    writer.store([bad, good], False)
    assert [type(one.error) for one in (bad, good)] == [JournalError, type(None)]
    assert [row[2] for row in connection.execute(ROWS)] == [entry(2).id]
    assert connection.execute("SELECT * FROM state").fetchall() == [("other", b"1")]
