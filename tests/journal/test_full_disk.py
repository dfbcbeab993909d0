"""A disk that is really full, and one that really became read-only: a small file system of our own."""

import asyncio
import os
import sqlite3
import subprocess

import pytest

from journal.entry import PARTITIONS
from journal.errors import JournalFull, JournalUnusable
from journal.sqlite import SqliteJournal

ALL = range(PARTITIONS)


def _remount(place, mode):
    subprocess.run(["mount", "-o", f"remount,{mode}", place], check=True)


async def test_a_full_disk_refuses_and_everything_works_again_when_space_returns(small_disk, fill, entry, now):
    journal = SqliteJournal.open(small_disk / "journal", now=now, window_s=0.0)
    accepted = [await journal.append([entry(0)])]
    fill(small_disk / "filler")
    refusals: list[str] = []
    for number in range(1, 1000):
        try:
            accepted.append(await journal.append([entry(number, size=3000)]))
        except JournalFull as error:
            refusals.append(str(error))
        if len(refusals) == 3:
            break
    assert ["free space on it, nothing was stored" in refusal for refusal in refusals] == [True] * 3
    assert [one.position for one in journal.read(ALL, {}, 1000)] == accepted
    os.unlink(small_disk / "filler")
    accepted.append(await journal.append([entry(2000)]))
    await journal.close()
    reopened = SqliteJournal.open(small_disk / "journal", now=now)
    assert reopened.warnings == ()
    assert [one.position for one in reopened.read(ALL, {}, 1000)] == accepted
    await reopened.close()


async def test_every_waiter_of_a_commit_on_a_full_disk_is_told(small_disk, fill, entry, now):
    journal = SqliteJournal.open(small_disk / "journal", now=now)
    await journal.append([entry(0)])
    fill(small_disk / "filler")
    results = await asyncio.gather(
        *(journal.append([entry(number, size=60_000)]) for number in range(200)), return_exceptions=True
    )
    assert {type(result) for result in results} == {JournalFull}
    os.unlink(small_disk / "filler")
    await journal.append([entry(1)])
    await journal.close()


async def test_a_read_only_disk_is_named_and_the_journal_is_whole_once_it_can_be_written(small_disk, entry, now):
    journal = SqliteJournal.open(small_disk / "journal", now=now)
    position = await journal.append([entry(0)])
    await journal.close()
    _remount(small_disk, "ro")
    with pytest.raises(JournalUnusable, match="Read-only file system; choose a data folder"):
        SqliteJournal.open(small_disk / "journal", now=now)
    _remount(small_disk, "rw")
    reopened = SqliteJournal.open(small_disk / "journal", now=now)
    assert reopened.read(ALL, {}, 10)[0].position == position
    await reopened.close()


async def test_alarms_get_one_more_try_when_the_readings_beside_them_do_not_fit(tmp_path, entry, now):
    # In addition to the real disk: SQLite's own page limit fails the same way, at an exact place.
    journal = SqliteJournal.open(tmp_path, now=now, window_s=3600.0)
    connection = journal._writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    results = await asyncio.gather(
        *(journal.append([entry(number, size=1000)]) for number in range(127)),
        journal.append([entry(200, kind="alarm")]),
        return_exceptions=True,
    )
    assert {type(result) for result in results[:-1]} == {JournalFull}
    assert [one.entry.id for one in journal.read(ALL, {}, 10)] == [entry(200).id]
    await journal.close()


async def test_an_error_of_the_disk_is_of_our_tree(tmp_path, entry, now):
    journal = SqliteJournal.open(tmp_path, now=now, window_s=0.0)
    connection = journal._writer._connection
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalUnusable) as caught:
        await journal.append([entry(1)])
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    connection.execute("PRAGMA query_only = OFF")
    await journal.append([entry(1)])
    await journal.close()
