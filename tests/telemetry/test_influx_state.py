"""The file beside an InfluxDB: what an older release wrote, letters up to their bound, ids that are given once."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from telemetry.errors import StoreNewer
from telemetry.influx_schema import SCHEMA_VERSION
from telemetry.influx_state import InfluxState
from telemetry.letters import Aside, Letter, Refusal
from tests.telemetry.readings import T0

Open = Callable[..., InfluxState]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """States of one file; the last one is closed before the next."""
    made: list[InfluxState] = []

    def make(**bounds: int) -> InfluxState:
        if made:
            made.pop().close()
        made.append(InfluxState(tmp_path / "influx.db", lambda: T0, **bounds))
        return made[-1]

    yield make
    if made:
        made.pop().close()


def asides(*numbers: int, size: int = 10) -> list[Aside]:
    return [Aside(3, number, "too bad", "reading", b"x" * size) for number in numbers]


def test_a_file_of_the_first_release_keeps_its_cursor_and_its_letters(tmp_path: Path, opened: Open) -> None:
    with closing(sqlite3.connect(tmp_path / "influx.db")) as old:
        old.executescript(
            """
            CREATE TABLE IF NOT EXISTS cursor (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS dead_letter (
                id INTEGER PRIMARY KEY, partition INTEGER, position INTEGER, reason TEXT NOT NULL, data BLOB NOT NULL);
            INSERT INTO cursor VALUES (3, 17);
            INSERT INTO dead_letter VALUES (1, 3, 4, '400: partial write: field type conflict', x'6101');
            INSERT INTO dead_letter VALUES (5, 3, 9, '4 values, but profile ''p'' has 2 points', x'62');
            INSERT INTO dead_letter VALUES (6, 3, 9, '413: Request Entity Too Large', x'63');
            PRAGMA user_version = 1;
            """
        )
        old.commit()
    state = opened()
    assert state.cursor() == {3: 17}
    assert state.letters() == [
        Letter(1, 3, 4, "400: partial write: field type conflict", "line", b"a\x01", None),
        Letter(5, 3, 9, "4 values, but profile 'p' has 2 points", "reading", b"b", None),
        Letter(6, 3, 9, "413: Request Entity Too Large", "line", b"c", None),
    ]
    assert (state.dead_letter_count(), state.dropped_letters) == (3, 0)
    state.advance({3: 18}, asides(18))
    assert [letter.id for letter in opened().letters()] == [1, 5, 6, 7]


def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path, opened: Open) -> None:
    with closing(sqlite3.connect(tmp_path / "influx.db")) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreNewer, match=f"schema {SCHEMA_VERSION + 1}"):
        opened()


def test_a_letter_says_when_it_was_set_aside(opened: Open) -> None:
    opened().advance({3: 1}, asides(1))
    assert opened().letters() == [Letter(1, 3, 1, "too bad", "reading", b"x" * 10, T0)]


def test_letters_beyond_their_number_are_counted_and_said(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    state = opened(most_letters=3)
    state.advance({3: 2}, asides(1, 2))
    with caplog.at_level(logging.ERROR):
        state.advance({3: 5}, asides(3, 4, 5))
    assert [letter.position for letter in state.letters()] == [1, 2, 3]
    assert (state.dead_letter_count(), state.dropped_letters, state.cursor()) == (3, 2, {3: 5})
    assert "the dead letters are full (3, 30 bytes): 2 more" in caplog.text
    again = opened(most_letters=3)
    assert (again.dead_letter_count(), again.dropped_letters) == (3, 2)


def test_letters_beyond_their_bytes_are_counted(opened: Open) -> None:
    state = opened(most_bytes=25)
    state.advance({3: 3}, asides(1, 2, 3))
    assert (state.dead_letter_count(), state.dropped_letters) == (2, 1)
    assert opened(most_bytes=25).dead_letter_count() == 2


def test_a_store_that_refuses_everything_does_not_fill_the_log(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    state = opened(most_letters=0)
    with caplog.at_level(logging.ERROR):
        for number in range(100):
            state.advance({3: number}, asides(number))
    assert [record.args[3] for record in caplog.records if isinstance(record.args, tuple)] == [1, 2, 4, 8, 16, 32, 64]


def test_room_is_there_again_when_letters_are_gone(opened: Open) -> None:
    state = opened(most_letters=2, most_bytes=25)
    state.advance({}, asides(1, 2))
    state.settle([1, 1, 99], [])
    assert state.dead_letter_count() == 1
    state.advance({}, asides(3, 4))
    assert [letter.position for letter in state.letters()] == [2, 3]
    assert state.dropped_letters == 1


def test_the_id_of_a_letter_is_never_given_again(opened: Open) -> None:
    state = opened()
    state.advance({}, asides(1, 2))
    state.settle([1, 2], [])
    opened().advance({}, asides(3))
    assert [letter.id for letter in opened().letters()] == [3]


def test_a_letter_that_is_refused_again_keeps_its_place_with_the_new_reason(opened: Open) -> None:
    state = opened()
    state.advance({}, asides(1, 2))
    state.settle([], [Refusal(1, "worse")])
    assert [(letter.id, letter.reason, letter.kind) for letter in opened().letters()] == [
        (1, "worse", "reading"),
        (2, "too bad", "reading"),
    ]


def test_many_letters_are_found_by_id(opened: Open) -> None:
    state = opened()
    state.advance({}, asides(*range(1, 1201)))
    found = state.some_letters([*range(2, 1300, 2), 0, -1])
    assert [letter.id for letter in found] == list(range(2, 1201, 2))


def test_letters_come_page_by_page(opened: Open) -> None:
    state = opened()
    state.advance({}, asides(*range(1, 6)))
    pages = [[letter.id for letter in state.letters(after, 2)] for after in (0, 2, 4, 5)]
    assert pages == [[1, 2], [3, 4], [5], []]
