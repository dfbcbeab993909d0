"""An extract: filled in steps, each whole or not at all; readable while it is filled, and never changed by a reader."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.entry import Entry, Stored
from journal.errors import JournalError, JournalFull, JournalNewer, JournalUnusable
from journal.extract import PAGE, About, AlarmRow, DeviceRow, Extract, NoteRow, Progress, Step

ABOUT = About("east", "kitchen", "厨房 Kitchen", "Asia/Shanghai", 1, 2)
START = Progress(0, 0, 0, 0)


def stored(position: int, kind: str = "reading", body: bytes = b"x") -> Stored:
    return Stored(position, Entry(kind, f"id-{position}", 3, position, body))


def begun(path: Path) -> Extract:
    return Extract.begin(path, ABOUT, Step(START, alarms=[AlarmRow("a", 1, "CK-04", "gas:1", 1)]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence" / "one.sqlite"


def test_what_was_put_in_comes_out_and_the_file_stands_alone(path: Path) -> None:
    extract = begun(path)
    step = Step(
        Progress(5, 6, 7, 8),
        entries=[stored(3), stored(4, "alarm", bytes(range(256)))],
        requests=[stored(3, "request")],
        frames=[(9, "line-1", True, "peer", 3, b"\0\xff\n"), (9, "line-1", False, "", 5000, b"")],
        alarms=[AlarmRow("b", 2, "CK-02", "gas:2", 2)],
        devices=[DeviceRow("gas:1", "a/b", "line-1", "[]")],
        notes=[NoteRow(1, "a note")],
        end=9,
    )
    extract.store(step)
    reader = Extract.open(path)
    assert reader is not None
    assert reader.about == ABOUT._replace(end=9)
    assert reader.progress == step.progress
    assert list(reader.entries()) == step.entries
    assert list(reader.requests()) == step.requests
    assert list(reader.frames()) == step.frames
    assert [one.alarm for one in reader.alarms()] == ["a", "b"]
    assert (reader.devices(), reader.notes()) == (step.devices, step.notes)
    assert reader.frame_bytes == 3
    extract.store(Step(step.progress, is_closed=True))
    assert reader.about.is_closed
    with pytest.raises(JournalUnusable, match="readonly"):
        reader.store(step)
    reader.close()
    extract.close()
    assert [one.name for one in path.parent.iterdir()] == ["one.sqlite"]


@given(steps=st.lists(st.lists(st.integers(1, 50), max_size=8), max_size=6))
def test_an_entry_is_in_once_however_often_it_is_put_in(
    steps: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("extract") / "one.sqlite"
    extract = begun(path)
    for step in steps:
        extract.store(Step(START, entries=[stored(position) for position in step]))
    assert [one.position for one in extract.entries()] == sorted({position for step in steps for position in step})
    extract.close()


def test_a_step_that_fails_leaves_nothing_of_itself(path: Path) -> None:
    extract = begun(path)
    extract.store(Step(Progress(1, 0, 0, 0), entries=[stored(1)]))
    bad = Step(Progress(2, 0, 0, 0), entries=[stored(2)], frames=[(None, "line-1", True, "", 1, b"")])  # type: ignore[list-item]  # wrong on purpose
    with pytest.raises(JournalError):
        extract.store(bad)
    assert [one.position for one in extract.entries()] == [1]
    assert extract.progress.position == 1
    extract.store(Step(Progress(2, 0, 0, 0), entries=[stored(2)]))
    assert [one.position for one in extract.entries()] == [1, 2]
    extract.close()


def test_a_reader_goes_on_while_it_is_filled(path: Path) -> None:
    extract = begun(path)
    extract.store(Step(START, entries=[stored(position) for position in range(1, PAGE + 2)]))
    reader = Extract.open(path)
    assert reader is not None
    entries = reader.entries()
    assert next(entries).position == 1
    extract.store(Step(START, entries=[stored(PAGE + 2)]))
    assert [one.position for one in entries] == list(range(2, PAGE + 3))
    reader.close()
    extract.close()


def test_a_step_that_a_crash_cut_short_is_undone_and_spoils_no_later_file_of_the_name(path: Path) -> None:
    extract = begun(path)
    extract._connection.execute("PRAGMA cache_size = 1")
    extract._connection.execute("BEGIN IMMEDIATE")
    for position in range(200):
        extract._connection.execute("INSERT INTO note VALUES (?, ?)", (position, "x" * 4000))
    crashed = path.with_name("crashed.sqlite")
    for suffix in ("", "-journal"):
        shutil.copy(path.with_name(path.name + suffix), crashed.with_name(crashed.name + suffix))
    cut_short = shutil.copy(path.with_name(path.name + "-journal"), path.with_name("cut-short"))
    extract.close()
    again = Extract.open(crashed, to_write=True)
    assert again is not None
    assert (again.notes(), again.about) == ([], ABOUT)
    again.close()
    shutil.copy(cut_short, crashed.with_name("crashed.sqlite-journal"))
    fresh = begun(crashed)
    assert (fresh.notes(), fresh.about) == ([], ABOUT)
    fresh.close()


@pytest.mark.parametrize("left", [b"", None])
def test_what_was_not_begun_is_no_extract_and_is_replaced(path: Path, left: bytes | None) -> None:
    path.parent.mkdir()
    if left is None:
        sqlite3.connect(path).execute("CREATE TABLE about (half)").connection.close()
    else:
        path.write_bytes(left)
    assert Extract.open(path) is None
    begun(path).close()
    extract = Extract.open(path, to_write=True)
    assert extract is not None
    assert extract.about == ABOUT
    extract.close()


def test_another_release_s_file_and_what_is_none_are_told(path: Path) -> None:
    begun(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(JournalNewer, match="schema 7"):
        Extract.open(path)
    path.write_bytes(b"something else" * 100)
    with pytest.raises(JournalUnusable, match="not a database"):
        Extract.open(path)
    with pytest.raises(JournalUnusable):
        Extract.open(path.with_name("gone.sqlite"))


def test_a_full_disk_is_told_and_what_was_there_stays(small_disk: Path, fill: Callable[[Path], None]) -> None:
    extract = begun(small_disk / "one.sqlite")
    extract.store(Step(Progress(1, 0, 0, 0), entries=[stored(1)]))
    with pytest.raises(JournalFull):
        extract.store(Step(Progress(2, 0, 0, 0), entries=[stored(2, body=bytes(4 << 20))]))
    assert (extract.progress.position, [one.position for one in extract.entries()]) == (1, [1])
    extract.store(Step(Progress(2, 0, 0, 0), entries=[stored(2)]))
    assert [one.position for one in extract.entries()] == [1, 2]
    extract.close()
    fill(small_disk / "filler")
    with pytest.raises(JournalFull):
        begun(small_disk / "two.sqlite")
    assert not (small_disk / "two.sqlite").exists()
