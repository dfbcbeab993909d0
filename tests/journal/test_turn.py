"""The loop waits for the commit thread when, and only when, the thread is about to need the interpreter lock."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from journal.entry import PARTITIONS, Entry
from journal.sqlite import SqliteJournal
from journal.turn import Turn

FOR_EVER_S = 3600.0

MakeEntry = Callable[..., Entry]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    opened.execute("CREATE TABLE entry (position INTEGER PRIMARY KEY)")
    yield opened
    opened.close()


@pytest.fixture
def turn() -> Turn:
    return Turn(FOR_EVER_S)


def _order(wait: Callable[[], None], act: Callable[[], None]) -> list[str]:
    """Who came first, when the loop may go on only after the thread acted."""
    order: list[str] = []
    go = threading.Event()

    def work() -> None:
        go.wait()
        order.append("thread")
        act()

    thread = threading.Thread(target=work)
    thread.start()
    go.set()
    wait()
    order.append("loop")
    thread.join()
    return order


def test_the_loop_goes_on_when_sqlite_works(turn: Turn, connection: sqlite3.Connection) -> None:
    assert _order(turn.let_begin, lambda: turn.begun(connection)) == ["thread", "loop"]


def test_a_commit_with_nothing_for_sqlite_lets_the_loop_go_on_too(turn: Turn) -> None:
    assert _order(turn.let_begin, turn.ended) == ["thread", "loop"]


def test_the_loop_does_not_wait_while_sqlite_works(turn: Turn, connection: sqlite3.Connection) -> None:
    turn.let_end()
    turn.begun(connection)
    turn.let_begin()
    turn.let_end()


def test_the_loop_waits_for_the_result_once_sqlite_is_done(turn: Turn, connection: sqlite3.Connection) -> None:
    turn.begun(connection)
    connection.execute("INSERT INTO entry VALUES (1)")
    assert _order(turn.let_end, turn.ended) == ["thread", "loop"]
    turn.let_end()  # and does not wait again


def test_the_loop_does_not_wait_for_the_syncs_of_what_is_more_than_one_statement(
    turn: Turn, connection: sqlite3.Connection
) -> None:
    turn.begun(None)
    connection.execute("INSERT INTO entry VALUES (1)")
    turn.let_end()


def test_a_connection_that_was_closed_after_the_commit_is_nothing_to_wait_for(
    turn: Turn, connection: sqlite3.Connection
) -> None:
    turn.begun(connection)
    connection.close()
    turn.let_end()
    turn.let_end()


def test_a_thread_that_does_something_else_is_not_waited_for_long(connection: sqlite3.Connection) -> None:
    turn = Turn(longest_s=0.0)
    turn.let_begin()
    turn.begun(connection)
    connection.execute("INSERT INTO entry VALUES (1)")
    turn.let_end()
    turn._longest_s = FOR_EVER_S
    turn.let_end()  # once is enough
    turn.ended()


@pytest.mark.parametrize("longest_s", [0.0, FOR_EVER_S])
async def test_a_journal_commits_the_same_however_long_its_loop_may_wait(
    tmp_path: Path, entry: MakeEntry, now: int, longest_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Turn.__init__, "__defaults__", (longest_s,))
    journal = SqliteJournal.open(tmp_path, now=now, window_s=0.0)
    told: list[Exception | None] = []
    for number in range(600):
        journal.submit([entry(number, 64 if number % 50 == 7 else 0)], told.append)
        if number % 20 == 0:
            await journal.append([entry(1000 + number)], {f"key/{number}": b"1"} if number % 100 == 0 else None)
    await journal.append([entry(600, kind="alarm")])
    assert [number for number, error in enumerate(told) if error is not None] == list(range(7, 600, 50))
    assert len(journal.read(range(PARTITIONS), {}, 1000)) == 600 - 12 + 30 + 1
    assert len(journal.load_state("key/")) == 6
    await journal.close()
