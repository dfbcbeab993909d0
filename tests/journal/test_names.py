"""Names of what is stored: over segments, pieces and kinds; what is not there any more is not found."""

from pathlib import Path

import pytest

from journal import names
from journal.names import Names
from journal.sqlite import SqliteJournal
from tests.journal.three_segments import MakeEntry, segments, three

FAR = 2**62


@pytest.fixture
def pieces_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PIECE", 4)


def found(known: Names, name: str) -> list[int]:
    """The times of the entries, by which `three` numbers them."""
    return [one.at for one in known.find(name)]


def name_of(number: int) -> str:
    return f"device:{number % 10 % 3}~0#1.{number}"


@pytest.mark.usefixtures("pieces_of_four")
async def test_each_is_found_over_segments_and_pieces(tmp_path: Path, entry: MakeEntry, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    await three(journal, entry, now)
    for limit, first in ((1000, 0), (30, 0), (29, 1), (13, 17), (1, 29)):
        known = journal.survey.names("reading", FAR, limit)
        assert [found(known, name_of(number)) for number in range(first, 30)] == [[n] for n in range(first, 30)]
        known = journal.survey.names("reading", FAR, limit)
        assert [found(known, name_of(number)) for number in range(first)] == [[]] * first
    await journal.close()


@pytest.mark.usefixtures("pieces_of_four")
async def test_only_what_stands_below_the_end_and_is_of_the_kind(tmp_path: Path, entry: MakeEntry, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    _, second, _ = await three(journal, entry, now)
    await journal.append([entry(50, kind="alarm")])
    known = journal.survey.names("reading", second + 1, 1000)
    assert (len(known), found(known, name_of(19)), found(known, name_of(20))) == (20, [19], [])
    known = journal.survey.names("alarm", FAR, 1000)
    assert (len(known), found(known, "device:0~0#1.50"), found(known, name_of(19))) == (1, [50], [])
    await journal.close()


@pytest.mark.usefixtures("pieces_of_four")
async def test_all_of_a_name_are_found_oldest_first(tmp_path: Path, entry: MakeEntry, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    await journal.append([entry(number % 5, at=number) for number in range(15)])
    known = journal.survey.names("reading", FAR, 1000)
    assert found(known, "device:0~0#1.3") == [3, 8, 13]
    await journal.close()


async def test_no_more_pieces_than_their_numbers_reach(
    tmp_path: Path, entry: MakeEntry, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PIECE", 2)
    journal = SqliteJournal.open(tmp_path, now=now)
    await journal.append([entry(number) for number in range(2 * names.PIECES + 3)])
    known = journal.survey.names("reading", FAR, 10**6)
    assert len(known) == 2 * names.PIECES
    assert [found(known, f"device:0~0#1.{number}") for number in (2, 3, 2 * names.PIECES + 2)] == [
        [],
        [3],
        [2 * names.PIECES + 2],
    ]
    await journal.close()


async def test_they_are_forgotten_when_as_many_newer_ones_were_asked_for(
    tmp_path: Path, entry: MakeEntry, now: int
) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    await journal.append([entry(number) for number in range(3)])
    known = journal.survey.names("reading", FAR, 1000)
    assert [found(known, "device:0~0#1.1") for _ in range(4)] == [[1], [1], [1], []]
    assert len(known) == 0
    await journal.close()


async def test_of_an_empty_journal_nothing_is_known(tmp_path: Path, now: int) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    assert journal.survey.names("reading", FAR, 1000).find("anything") == []
    await journal.close()


async def test_what_was_pruned_or_is_damaged_is_not_found(
    tmp_path: Path, entry: MakeEntry, now: int, caplog: pytest.LogCaptureFixture
) -> None:
    journal = SqliteJournal.open(tmp_path, now=now)
    _, second, _ = await three(journal, entry, now)
    known = journal.survey.names("reading", FAR, 1000)
    assert await journal.prune(now + 10**9, 0, [dict.fromkeys(range(64), second - 10)]) == 1
    path = segments(tmp_path)[0]
    path.write_bytes(b"\0" * path.stat().st_size)
    assert [found(known, name_of(number)) for number in (5, 15, 25)] == [[], [], [25]]
    assert "set aside" in caplog.text
    await journal.close()
    assert found(known, name_of(25)) == []
    assert "cannot be looked up" in caplog.text
