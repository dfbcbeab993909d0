"""Room that is kept for alarms: given up on a disk that is really full, and held again when there is space."""

import asyncio
import os

import pytest

from journal.ballast import NAME, Ballast
from journal.entry import PARTITIONS
from journal.errors import JournalFull
from journal.sqlite import SqliteJournal

ALL = range(PARTITIONS)


async def _fill_up(journal, entry, fill, place):
    """Until not even a small reading goes in."""
    fill(place / "filler")
    for number in range(1000):
        try:
            await journal.append([entry(number, size=500)])
        except JournalFull:
            return
    raise AssertionError("the disk is not full")


async def test_alarms_go_in_on_a_full_disk_and_readings_do_not(small_disk, fill, entry, now):
    journal = SqliteJournal.open(small_disk / "journal", now=now, window_s=0.0)
    assert journal.refusal is None
    await _fill_up(journal, entry, fill, small_disk)
    alarms = [entry(number, kind="alarm", size=3000) for number in range(5000, 5008)]
    for alarm in alarms:
        await journal.append([alarm])
        with pytest.raises(JournalFull, match="free space on it, nothing was stored"):
            await journal.append([entry(3000)])
    assert isinstance(journal.refusal, JournalFull)
    assert [one.entry.id for one in journal.read(ALL, {}, 1000) if one.entry.kind == "alarm"] == [
        alarm.id for alarm in alarms
    ]
    os.unlink(small_disk / "filler")
    await journal.append([entry(3001)])
    assert journal.refusal is None
    await journal.close()


async def test_an_alarm_and_the_reading_that_raised_it_go_in_together(small_disk, fill, entry, now):
    journal = SqliteJournal.open(small_disk / "journal", now=now, window_s=3600.0)
    fill(small_disk / "filler")
    results = await asyncio.gather(
        *(journal.append([entry(number, size=3000)]) for number in range(127)),
        journal.append([entry(200), entry(201, kind="alarm")]),
        return_exceptions=True,
    )
    assert {type(result) for result in results[:-1]} == {JournalFull}
    assert [one.entry.id for one in journal.read(ALL, {}, 10)] == [entry(200).id, entry(201).id]
    await journal.close()


def test_ballast_takes_an_eighth_of_a_small_disk_and_keeps_it_over_a_start(small_disk, fill):
    for _ in range(2):
        ballast = Ballast(small_disk)
        assert (small_disk / NAME).stat().st_size == 256 << 10
        ballast.close()


def test_ballast_is_given_up_piece_by_piece_and_held_again(small_disk, fill):
    ballast = Ballast(small_disk)
    fill(small_disk / "filler")
    assert ballast.give_way()
    fill(small_disk / "filler2")
    assert not ballast.hold()
    assert [ballast.give_way() for _ in range(4)] == [True] * 3 + [False]
    os.unlink(small_disk / "filler")
    assert ballast.hold()
    assert (small_disk / NAME).stat().st_blocks * 512 == 256 << 10
    ballast.close()
