"""The onlooker, in another process than the one that writes: it finds what the journal itself finds, and is in nobody's
way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.entry import PARTITIONS, Entry
from journal.onlooker import Onlooker
from journal.sqlite import SqliteJournal
from journal.writer import Limit
from protocols.moment import SECOND

START = 1_795_000_000 * SECOND
ALL = range(PARTITIONS)
DUE = Limit(0, 0)


def entry(number: int, partition: int) -> Entry:
    return Entry("reading", f"id-{number}", partition, START + number, b"body %d" % number)


async def filled(folder: Path, segments: int = 3, entries: int = 10) -> SqliteJournal:
    """Several files, in each entries of partitions 0 to 2."""
    journal = SqliteJournal.open(folder, now=START, window_s=0.0)
    for segment in range(segments):
        for number in range(segment * entries, (segment + 1) * entries):
            await journal.append([entry(number, number % 3)])
        if segment < segments - 1:
            assert await journal.seal(START + (segment + 1) * SECOND, DUE)
    return journal


async def test_it_finds_what_the_journal_finds_from_any_position_in_any_slices(tmp_path: Path) -> None:
    journal = await filled(tmp_path)
    looks = Onlooker(tmp_path)
    everything = journal.read(ALL, {}, 1000)
    positions = [0, *(one.position for one in everything)]
    for partitions in (ALL, [1], [0, 2], [5]):
        for after in positions:
            expected = journal.read(partitions, dict.fromkeys(ALL, after), 7)
            found = looks.read(partitions, after, 7)
            assert found.stored == expected
            assert found.position == (expected[-1].position if len(expected) == 7 else max(after, positions[-1]))
            assert found.lost == ()
    for second in range(4):
        assert looks.since(START + second * SECOND) == journal.since(START + second * SECOND)
    await journal.close()


async def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    journal = await filled(tmp_path)
    code = (
        "import json, sys; from pathlib import Path; from journal.onlooker import Onlooker;"
        "found = Onlooker(Path(sys.argv[1])).read(range(64), 0, 1000);"
        "print(json.dumps([one.entry.id for one in found.stored]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(told.stdout) == [f"id-{number}" for number in range(30)]
    await journal.append([entry(30, 0)])
    assert [one.entry.id for one in Onlooker(tmp_path).read([0], journal.tail(2)[0].position, 9).stored] == ["id-30"]
    await journal.close()


async def test_files_that_retention_took_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await filled(tmp_path)
    looks = Onlooker(tmp_path)
    paths = looks._paths()
    last = journal.tail(1)[0].position
    monkeypatch.setattr(looks, "_paths", lambda: paths)  # as they were a moment ago
    await journal.prune(START + 100 * SECOND, 0, [dict.fromkeys(ALL, last)])
    assert not paths[0].exists()
    assert [one.entry.id for one in looks.read(ALL, 0, 1000).stored] == [f"id-{number}" for number in range(20, 30)]
    await journal.close()


async def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    journal = await filled(tmp_path)
    await journal.close()
    looks = Onlooker(tmp_path)
    middle = looks._paths()[1]
    middle.write_bytes(b"no database at all " * 1000)
    found = looks.read(ALL, 0, 1000)
    assert [one.entry.id for one in found.stored] == [f"id-{number}" for number in (*range(10), *range(20, 30))]
    assert found.lost == (middle,)
    assert looks.read(ALL, found.position, 1000) == (found._replace(stored=[], lost=()))
    assert looks.since(START + 2 * SECOND) == int(middle.stem.partition("-")[2])


def test_a_folder_without_a_journal_holds_nothing(tmp_path: Path) -> None:
    looks = Onlooker(tmp_path)
    assert looks.read(ALL, 5, 10) == ([], 5, ())
    assert looks.since(START) == 0
    (tmp_path / "journal-00000000000000000001.sqlite").write_bytes(b"")
    assert looks.read(ALL, 5, 10) == ([], 5, ())


@given(after=st.integers(0, 2**62), limit=st.integers(1, 9))
def test_a_position_beyond_everything_stays(tmp_path_factory: pytest.TempPathFactory, after: int, limit: int) -> None:
    assert Onlooker(tmp_path_factory.getbasetemp()).read(ALL, after, limit).position == after
