"""One segment of a journal is damaged or gone: the others are read, and somebody is told."""

import logging
import os
from pathlib import Path

import pytest

from journal.errors import JournalUnusable
from tests.journal.three_segments import ALL, SECOND, MakeEntry, Open, ids, segments, three


def damage(path: Path) -> None:
    """All pages but the first, which names the tables."""
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


async def test_a_sealed_segment_that_turns_out_damaged_is_set_aside_alone_and_loudly(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_in()
    await three(journal, entry, now)
    (_, middle, _) = segments(tmp_path)
    damage(middle)
    with caplog.at_level(logging.ERROR, "gengfu.journal"):
        assert ids(journal) == [*range(10), *range(20, 30)]
    assert f"{middle}.corrupt-" in caplog.text
    assert "keep it and have it looked at" in caplog.text
    (aside,) = tmp_path.glob("*.corrupt-*")
    assert not middle.exists()
    assert aside.name.startswith(middle.name)
    caplog.clear()
    assert journal.count(ALL, {}) == 20
    assert ids(journal) == [*range(10), *range(20, 30)]
    assert caplog.text == ""


async def test_a_sealed_segment_that_is_found_damaged_at_the_start_is_set_aside_alone(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    await three(journal, entry, now)
    await journal.close()
    content = bytearray(segments(tmp_path)[0].read_bytes())
    content[4096 * 2 :] = os.urandom(len(content) - 4096 * 2)
    segments(tmp_path)[0].write_bytes(content)
    journal = open_in(at=now + SECOND)
    assert len(journal.warnings) == 1
    assert (ids(journal), journal.count(ALL, {})) == (list(range(10, 30)), 20)


async def test_a_sealed_segment_that_somebody_removed_is_told_and_the_rest_is_read(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_in()
    await three(journal, entry, now)
    segments(tmp_path)[0].unlink()
    assert ids(journal) == list(range(10, 30))
    assert "this part of the journal is gone" in caplog.text


async def test_a_damaged_newest_segment_leaves_the_state_of_the_one_before_it(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    positions = await three(journal, entry, now)
    await journal.close()
    damage(segments(tmp_path)[-1])
    journal = open_in(at=now + SECOND)
    (warning,) = journal.warnings
    assert "set aside and a new one begun" in str(warning)
    assert (ids(journal), journal.load_state("")) == (list(range(20)), {"part": b"1"})
    assert await journal.append([entry(30)]) > positions[-1]
    assert ids(journal, dict.fromkeys(range(3), positions[1])) == [30]


async def test_a_lost_newest_segment_and_a_clock_set_back_give_no_position_of_the_others_again(
    open_in: Open, entry: MakeEntry, now: int, tmp_path: Path
) -> None:
    journal = open_in()
    positions = await three(journal, entry, now)
    await journal.close()
    damage(segments(tmp_path)[-1])
    journal = open_in(at=0)
    assert await journal.append([entry(30)]) > positions[1]
    assert ids(journal) == [*range(20), 30]


async def test_damage_of_the_segment_that_is_written_to_is_an_error_and_no_empty_answer(
    open_in: Open, entry: MakeEntry, tmp_path: Path
) -> None:
    journal = open_in()
    await journal.append([entry(number, size=1000) for number in range(100)])
    journal._writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    damage(segments(tmp_path)[0])
    with pytest.raises(JournalUnusable):
        journal.read(ALL, {}, 1000)
