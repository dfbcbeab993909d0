"""The logbook is only ever written on: a line that was changed, taken out or put in shows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from console.duty.logbook import Entry, Logbook
from console.errors import LogbookUnusable
from tests.console.conftest import START
from tests.console.duty.room.conftest import OpenRoom, Room


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    opened = Logbook(f"sqlite:///{tmp_path}/book.db")
    for n in range(4):
        opened.write(Entry(START + n, "verdict" if n % 2 else "take-over", f"alarm {n}", "li", "原因", {"n": n}))
    yield opened
    opened.close()


def spoil(tmp_path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(tmp_path / "book.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def shown(book: Logbook) -> dict[int, bool]:
    return {line.number: line.is_intact for line in book.page(10)}


def test_lines_are_read_as_they_were_written(book: Logbook) -> None:
    (newest, before) = book.page(2)
    assert newest.entry == Entry(START + 3, "verdict", "alarm 3", "li", "原因", {"n": 3})
    assert [line.number for line in book.page(10, before=before.number)] == [2, 1]
    assert [line.number for line in book.newest(("verdict",), 10)] == [2, 4]
    assert [line.number for line in book.newest(("verdict", "take-over"), 1)] == [4]
    assert [line.number for line in book.since(("take-over",), 2)] == [3]
    assert shown(book) == dict.fromkeys((4, 3, 2, 1), True)


@pytest.mark.parametrize("statement", ["UPDATE desk_logbook SET why = ''", "DELETE FROM desk_logbook"])
def test_database_refuses_a_change(book: Logbook, tmp_path: Path, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only ever written on"):
        spoil(tmp_path, statement)
    assert len(shown(book)) == 4


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE desk_logbook SET who = 'wang' WHERE number = 2", [2]),
        ("UPDATE desk_logbook SET body = '{\"n\": 7}' WHERE number = 4", [4]),
        ("UPDATE desk_logbook SET at = at + 1 WHERE number = 1", [1]),
        ("DELETE FROM desk_logbook WHERE number = 2", [3]),
        ("DELETE FROM desk_logbook WHERE number = 1", [2]),
        ("UPDATE desk_logbook SET digest = 'ab' WHERE number = 2", [3, 2]),
    ],
)
def test_change_that_got_past_it_shows(book: Logbook, tmp_path: Path, statement: str, wrong: list[int]) -> None:
    spoil(tmp_path, "DROP TRIGGER desk_logbook_UPDATE", "DROP TRIGGER desk_logbook_DELETE", statement)
    assert [number for number, is_intact in shown(book).items() if not is_intact] == wrong


def test_book_goes_on_where_it_was(book: Logbook, tmp_path: Path) -> None:
    again = Logbook(f"sqlite:///{tmp_path}/book.db")
    assert again.write(Entry(START, "verdict", "", "li", "", {})).number == 5
    assert shown(book)[5]
    again.close()


async def test_what_cannot_be_written_is_not_done(room: Room) -> None:
    room.spoil("DROP TABLE desk_logbook")
    assert await room.refused("duty/presence", {"sound_heard": True}) == (503, "logbook-unavailable")
    assert await room.refused("duty/hand-overs") == (503, "logbook-unavailable")
    assert (await room.get("duty"))["attendance"]["state"] == "stood-down"
    assert (await room.people["li"].get("/api/v1/duty/logbook")).status_code == 503


async def test_a_book_that_cannot_be_read_at_start_stops_nobody_and_asks_who_is_there(open_room: OpenRoom) -> None:
    room = await open_room()
    await room.post("duty/presence", {"sound_heard": True})
    room.spoil("ALTER TABLE desk_logbook RENAME COLUMN why TO because")
    again = await open_room()
    assert (await again.get("duty"))["attendance"]["state"] == "asked"
    assert await again.side.canary.sing()
    again.pass_time(120)
    assert again.asked["desk_unattended"]() == 120
    assert await again.refused("duty/presence", {"sound_heard": True}) == (503, "logbook-unavailable")


def test_book_that_cannot_be_read_says_so(book: Logbook, tmp_path: Path) -> None:
    spoil(tmp_path, "DROP TABLE desk_logbook")
    with pytest.raises(LogbookUnusable, match="no such table"):
        book.page(1)


async def test_pages_of_the_book_follow_on_one_another(room: Room) -> None:
    for _ in range(3):
        await room.post("duty/presence", {"sound_heard": True})
    first = await room.get("duty/logbook?limit=2", "guest")
    rest = await room.get(f"duty/logbook?limit=2&after={first['next']}", "guest")
    assert ([one["number"] for one in first["items"] + rest["items"]], rest["next"]) == ([3, 2, 1], None)
    assert {(one["kind"], one["who"], one["intact"]) for one in rest["items"]} == {("presence", "li", True)}
