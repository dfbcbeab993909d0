"""What is special of the SQLite journal: its files, its bound, its commits."""

import asyncio
import os
import shutil
import sqlite3
import threading

import pytest

from journal.entry import PARTITIONS
from journal.errors import JournalClosed, JournalError, JournalFull, JournalLocked, JournalNewer
from journal.file import OLD_NAME, position_of
from journal.sqlite import BUSY, GROUP, SqliteJournal
from journal.writer import Limit

ALL = range(PARTITIONS)
SECOND = 1_000_000_000
NOW_DUE = Limit(0, SECOND)
"""By this a segment with anything in it is sealed."""


@pytest.fixture
async def open_in(tmp_path, now):
    opened = []

    def open_it(**options):
        opened.append(SqliteJournal.open(tmp_path, **({"now": now} | options)))
        return opened[-1]

    yield open_it
    await asyncio.gather(*(journal.close() for journal in opened))


def _file(folder):
    """The newest segment."""
    return max((path for path in folder.iterdir() if position_of(path) is not None), key=position_of)


def _damage(path, start, length):
    content = bytearray(path.read_bytes())
    content[start : start + length] = os.urandom(length)
    path.write_bytes(content)


def _as_after_a_crash(folder):
    """The files as a crash leaves them: copied while the journal is open."""
    crashed = folder / "crashed"
    crashed.mkdir()
    for part in folder.glob("journal*.sqlite*"):
        shutil.copy(part, crashed)
    return crashed


async def test_commits_are_synced_to_the_disk_and_logged(open_in, tmp_path):
    journal = open_in()
    connection = journal._writer._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_submissions_share_commits(open_in, entry):
    journal = open_in(window_s=3600.0)
    commits = []
    journal.subscribe(lambda stored: commits.append(len(stored)))
    for number in range(GROUP + 100):
        journal.submit([entry(number)])
    await asyncio.gather(*(journal.append([entry(number)]) for number in range(28)))
    assert commits == [GROUP, GROUP]


async def test_who_begins_to_listen_while_a_commit_runs_hears_it(open_in, entry, monkeypatch):
    journal, heard = open_in(), []
    is_running, may_end = threading.Event(), threading.Event()
    store = journal._writer.store

    def slow(*arguments):
        is_running.set()
        may_end.wait(10)
        return store(*arguments)

    monkeypatch.setattr(journal._writer, "store", slow)
    journal.submit([entry(1)])
    journal.submit([entry(2, 64)])
    journal.submit([entry(3)])
    await asyncio.to_thread(is_running.wait, 10)
    journal.subscribe(heard.extend)
    may_end.set()
    with pytest.raises(JournalError):  # of the one that cannot be stored
        await journal.append([])
    assert [one.entry.id for one in heard] == [entry(1).id, entry(3).id]
    assert heard == journal.read(ALL, {}, 10)


async def test_a_patient_reading_shares_the_commit_of_the_next_that_is_not(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 3600.0)
    journal = open_in(window_s=0.001)
    commits = []
    journal.subscribe(lambda stored: commits.append(len(stored)))
    journal.submit([entry(1)], patient=True)
    journal.submit([entry(2)], patient=True)
    await journal.append([entry(3)])
    assert commits == [3]


async def test_an_alarm_is_never_patient(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 3600.0)
    journal = open_in(window_s=0.001)
    durable = asyncio.get_running_loop().create_future()
    journal.submit([entry(1), entry(2, kind="alarm")], durable.set_result, patient=True)
    assert await durable is None


async def test_a_patient_barrier_asks_for_no_commit_of_its_own(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 3600.0)
    journal = open_in(window_s=0.0)
    told = []
    journal.submit([], lambda error: told.append("barrier"), patient=True)
    journal.submit([entry(1)], lambda error: told.append("reading"), patient=True)
    journal.submit([], lambda error: told.append("barrier"), patient=True)
    async with asyncio.timeout(10):
        # A whole trip to the commit thread: a commit asked for at once would have been told by its end.
        assert await journal.prune(0, 0, []) == 0
        assert told == []
        await journal.append([])
    assert told == ["barrier", "reading", "barrier"]


async def test_a_barrier_that_is_not_patient_does_not_wait_for_those_that_are(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 3600.0)
    journal = open_in(window_s=0.001)
    durable = asyncio.get_running_loop().create_future()
    journal.submit([entry(1)], patient=True)
    journal.submit([], durable.set_result)
    async with asyncio.timeout(10):
        assert await durable is None


async def test_patient_readings_are_committed_after_a_while_or_when_they_are_many(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 0.001)
    journal = open_in(window_s=0.0)
    durable = asyncio.get_running_loop().create_future()
    journal.submit([entry(1)], durable.set_result, patient=True)
    assert await durable is None
    monkeypatch.setattr("journal.sqlite.PATIENCE_S", 3600.0)
    many = asyncio.get_running_loop().create_future()
    journal.submit([entry(number) for number in range(GROUP)], many.set_result, patient=True)
    assert await many is None


async def test_a_lonely_entry_is_committed_after_the_window(open_in, entry):
    journal = open_in(window_s=0.001)
    async with asyncio.timeout(10):
        assert await journal.append([entry(1)]) > 0


async def test_behind_many_that_wait_the_next_share_a_longer_window(open_in, entry, monkeypatch):
    monkeypatch.setattr("journal.sqlite.BUSY_WINDOWS", 3_600_000)
    journal, commits, told = open_in(window_s=0.001), [], []
    journal.subscribe(lambda stored: commits.append(len(stored)))
    await asyncio.gather(*(journal.append([entry(number)]) for number in range(BUSY)))
    journal.submit([entry(BUSY)], told.append)
    await asyncio.sleep(0.02)
    assert told == []
    monkeypatch.setattr("journal.sqlite.BUSY_WINDOWS", 1)
    await asyncio.gather(*(journal.append([entry(BUSY + number)]) for number in range(1, GROUP)))
    assert commits == [BUSY, GROUP]
    await asyncio.wait_for(journal.append([entry(1000)]), 10)


async def test_the_second_owner_of_a_folder_is_told_who_the_first_is(open_in):
    open_in()
    with pytest.raises(JournalLocked, match=f"process {os.getpid()} already uses this journal; stop it or choose"):
        open_in()


async def test_a_closed_journal_can_be_owned_again(open_in, entry):
    first = open_in()
    await first.append([entry(1)])
    await first.close()
    assert len(open_in().read([0], {}, 10)) == 1


async def test_a_file_of_a_newer_program_is_refused_and_left_alone(open_in, tmp_path):
    await open_in().close()
    with sqlite3.connect(_file(tmp_path)) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    before = _file(tmp_path).read_bytes()
    with pytest.raises(JournalNewer, match=r"newer program \(schema 3, this program knows 2\); start the newer"):
        open_in()
    assert _file(tmp_path).read_bytes() == before


async def test_a_refused_file_leaves_the_folder_unlocked(open_in, tmp_path):
    with sqlite3.connect(tmp_path / OLD_NAME) as connection:
        connection.execute("CREATE TABLE person (name TEXT)")
    connection.close()
    with pytest.raises(JournalError, match=r"not a journal \(tables \['person'\]\)"):
        open_in()
    (tmp_path / OLD_NAME).unlink()
    open_in()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path, now):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"file/journal: .*choose a data folder"):
        SqliteJournal.open(tmp_path / "file" / "journal", now=now)


@pytest.mark.parametrize(("start", "length"), [(0, 100), (4096 * 3, 4096 * 4)], ids=["header", "pages"])
async def test_a_damaged_file_is_set_aside_and_never_deleted(open_in, entry, tmp_path, now, start, length):
    journal = open_in()
    position = await journal.append([entry(number, size=1000) for number in range(200)])
    await journal.close()
    path = _file(tmp_path)
    _damage(path, start, length)
    damaged = path.read_bytes()
    replaced = open_in(now=now + SECOND)
    (warning,) = replaced.warnings
    assert warning.path.name == f"{path.name}.corrupt-20260921T141321Z"
    assert warning.path.read_bytes() == damaged
    assert "set aside and a new one begun" in str(warning)
    assert replaced.read(ALL, {}, 10) == []
    assert await replaced.append([entry(1)]) > position


async def test_each_damaged_file_keeps_a_name_of_its_own(open_in, entry, tmp_path):
    for _ in range(3):
        journal = open_in()
        await journal.append([entry(1)])
        await journal.close()
        _damage(_file(tmp_path), 0, 100)
    open_in()
    assert len(list(tmp_path.glob("journal-*.sqlite.corrupt-*"))) == 3


async def test_a_lost_file_does_not_take_positions_back(open_in, entry, tmp_path, now):
    journal = open_in()
    before = await journal.append([entry(number) for number in range(1000)])
    await journal.close()
    _file(tmp_path).unlink()
    assert await open_in(now=now + SECOND).append([entry(1)]) > before


async def test_a_cursor_kept_from_a_lost_file_skips_nothing_though_the_clock_was_set_back(open_in, entry, tmp_path):
    journal = open_in()
    cursor = {0: await journal.append([entry(1)])}
    await journal.close()
    _file(tmp_path).unlink()
    journal = open_in(now=0)
    await journal.append([entry(2)])
    assert [one.entry.id for one in journal.read(ALL, cursor, 10)] == [entry(2).id]
    assert journal.count(ALL, cursor) == 1


async def test_a_crash_after_pruning_everything_and_a_clock_set_back_do_not_take_positions_back(
    open_in, entry, tmp_path, now
):
    journal = open_in()
    before = await journal.append([entry(1, 5)])
    assert await journal.seal(now, NOW_DUE)
    assert await journal.prune(now + SECOND, 0, [{5: before}]) == 1
    reopened = SqliteJournal.open(_as_after_a_crash(tmp_path), now=0)
    assert reopened.read(ALL, {}, 10) == []
    assert await reopened.append([entry(2, 6)]) > before
    await reopened.close()


async def test_what_a_commit_wrote_is_not_read_before_the_journal_knows_of_it(open_in, entry, tmp_path):
    journal = open_in()
    position = await journal.append([entry(1)])
    # The moment between the commit and its note in memory: a row that the index has not seen.
    connection = sqlite3.connect(_file(tmp_path))
    with connection:
        connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", (position + 1, *entry(2)))
    connection.close()
    assert [one.position for one in journal.read(ALL, {}, 10)] == [position]
    assert [one.position for one in journal.read([0], {}, 10)] == [position]
    assert [one.position for one in journal.tail(10)] == [position]


async def test_a_crash_forgets_no_partition(open_in, entry, tmp_path, now):
    journal = open_in()
    await journal.append([entry(number, number) for number in range(PARTITIONS)])
    reopened = SqliteJournal.open(_as_after_a_crash(tmp_path), now=now)
    assert reopened.read(ALL, {}, 100) == journal.read(ALL, {}, 100)
    await reopened.close()


async def test_used_bytes_follow_the_file_not_the_guess(open_in, entry):
    journal = open_in()
    # Two bodies of this size do not fit into one page: a sum of their lengths would be half of the truth.
    for start in range(0, 600, 100):
        await journal.append([entry(number, size=2100) for number in range(start, start + 100)])
    pages = journal._writer._connection.execute("PRAGMA page_count").fetchone()[0]
    assert abs(journal.used_bytes - pages * 4096) < 400_000


async def test_a_restart_knows_the_tails_of_partitions_not_written_since(open_in, entry):
    journal = open_in()
    position = await journal.append([entry(1, 5)])
    await journal.close()
    journal = open_in()
    await journal.append([entry(2, 6)])
    await journal.close()
    assert [one.entry.id for one in open_in().read(ALL, {5: position}, 10)] == [entry(2, 6).id]


async def test_prune_of_a_closed_journal_says_so(open_in):
    journal = open_in()
    await journal.close()
    with pytest.raises(JournalClosed):
        await journal.prune(1, 0, [])
    with pytest.raises(JournalClosed):
        await journal.seal(1, NOW_DUE)


async def _fill(journal, entry, kind):
    """Append until refused; how many went in."""
    before = journal.count(ALL, {})

    async def append_for_ever():
        for number in range(10_000):
            await journal.append([entry(number, kind=kind, size=4000)])

    with pytest.raises(JournalFull, match="let the consumers catch up"):
        await append_for_ever()
    return journal.count(ALL, {}) - before


async def test_at_the_bound_readings_are_refused_and_alarms_go_in_up_to_the_reserve(open_in, entry):
    journal = open_in(max_bytes=400_000, reserve_bytes=200_000, window_s=0.0)
    readings = await _fill(journal, entry, "reading")
    assert 60 < readings < 100
    mixed = [entry(1, size=4000), entry(2, kind="trip", size=4000)]
    await journal.append(mixed)
    await journal.append([entry(3)], {"alarm/x": b"standing"})
    alarms = await _fill(journal, entry, "alarm")
    assert 20 < alarms < 50
    assert journal.used_bytes >= 600_000
    assert await journal.append([]) > 0
    assert journal.count(ALL, {}) == readings + alarms + 3


async def test_pruning_makes_room_below_the_bound(open_in, entry, now):
    journal = open_in(max_bytes=400_000, window_s=0.0)
    await _fill(journal, entry, "reading")
    (last,) = journal.read(ALL, {}, 10_000)[-1:]
    await journal.seal(now, NOW_DUE)
    await journal.prune(now + SECOND, 0, [{0: last.position}])
    await journal.append([entry(1)])


async def test_readings_are_refused_at_once_when_too_many_wait_for_the_disk(open_in, entry):
    journal = open_in(max_waiting=3, window_s=3600.0)
    journal.submit([entry(1), entry(2)])
    with pytest.raises(JournalFull, match="2 entries wait for the disk; try again later"):
        journal.submit([entry(3), entry(4)])
    told = []
    journal.submit([entry(5, kind="trip"), entry(6)], told.append)
    await journal.close()
    assert told == [None]
