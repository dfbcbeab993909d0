"""What every journal promises (`journal.entry.Journal`)."""

import asyncio

import pytest

from journal.entry import PARTITIONS, partition_of
from journal.errors import JournalClosed, JournalError

ALL = range(PARTITIONS)


def test_partition_is_the_crc_of_the_device_id():
    # crc32("123456789") = 0xCBF43926, the check value of CRC-32/ISO-HDLC.
    assert partition_of("123456789") == 0xCBF43926 % 64


async def test_entries_come_back_unchanged(open_journal, entry):
    journal = await open_journal()
    entries = [entry(1, 3), entry(2, 63, kind="alarm"), entry(3, 0, at=0, size=5000)]
    await journal.append(entries)
    assert sorted(stored.entry for stored in journal.read(ALL, {}, 10)) == sorted(entries)


async def test_position_of_append_is_that_of_its_last_entry(open_journal, entry):
    journal = await open_journal()
    position = await journal.append([entry(1), entry(2)])
    assert [one.entry.id for one in journal.read([0], {0: position - 1}, 10)] == [entry(2).id]
    assert journal.read([0], {0: position}, 10) == []


async def test_order_within_a_partition_is_the_order_of_submission(open_journal, entry):
    journal = await open_journal()
    await asyncio.gather(*(journal.append([entry(number, number % 3)]) for number in range(600)))
    stored = journal.read(ALL, {}, 1000)
    for partition in range(3):
        ours = [one for one in stored if one.entry.partition == partition]
        assert [one.entry for one in ours] == [entry(number, partition) for number in range(partition, 600, 3)]
        assert [one.position for one in ours] == sorted(one.position for one in ours)


async def test_read_gives_only_the_partitions_asked_for(open_journal, entry):
    journal = await open_journal()
    await journal.append([entry(number, number) for number in range(PARTITIONS)])
    assert [one.entry.partition for one in journal.read([7, 9], {}, 100)] == [7, 9]
    assert journal.read([], {}, 100) == []


async def test_reading_on_from_the_last_positions_reaches_everything_once(open_journal, entry):
    journal = await open_journal()
    await journal.append([entry(number, number * 7 % 5) for number in range(100)])
    after: dict[int, int] = {}
    seen = []
    while batch := journal.read(ALL, after, 7):
        assert len(batch) <= 7
        seen += [one.entry.id for one in batch]
        after.update((one.entry.partition, one.position) for one in batch)
    assert sorted(seen) == sorted(entry(number, number * 7 % 5).id for number in range(100))


@pytest.mark.parametrize("partitions", [ALL, [1, 3], [9]])
@pytest.mark.parametrize("limit", [4, 100])
async def test_rows_are_what_read_gives_without_ids_and_times(open_journal, entry, partitions, limit):
    journal = await open_journal()
    last = await journal.append(
        [entry(number, number % 5, kind="alarm" if number == 7 else "reading") for number in range(20)]
    )
    for after in ({}, {1: last - 10, 2: last}, {1: last + 1000}):
        found = [(one.position, *one.entry) for one in journal.read(partitions, after, limit)]
        wanted = [(position, partition, kind, body) for position, kind, _, partition, _, body in found]
        assert journal.rows(partitions, after, limit) == wanted


async def test_an_idle_partition_that_speaks_again_is_read_on(open_journal, entry):
    journal = await open_journal()
    after = {5: await journal.append([entry(1, 5)])}
    after[6] = await journal.append([entry(number, 6) for number in range(50)])
    await journal.append([entry(2, 5)])
    assert [one.entry.id for one in journal.read(ALL, after, 10)] == [entry(2, 5).id]


async def test_count_is_what_read_would_give(open_journal, entry):
    journal = await open_journal()
    position = await journal.append([entry(number, number % 2) for number in range(10)])
    assert journal.count(ALL, {}) == 10
    assert journal.count([1], {}) == 5
    assert journal.count(ALL, {0: position}) == 5
    await journal.close()
    reopened = await open_journal()
    await reopened.append([entry(10, 0)])
    assert reopened.count(ALL, {}) == 11
    assert reopened.count(ALL, {0: position}) == 6


async def test_done_is_called_in_order_when_the_entries_are_durable(open_journal, entry):
    journal = await open_journal()
    told = []

    def tell(number, error):
        told.append((number, error, len(journal.read([0], {}, 1000)) > number))

    for number in range(300):
        journal.submit([entry(number)], lambda error, number=number: tell(number, error))
    await journal.append([])
    assert told == [(number, None, True) for number in range(300)]


async def test_an_empty_call_is_done_when_everything_before_it_is(open_journal, entry):
    journal = await open_journal()
    told = []
    journal.submit([entry(1)], lambda error: told.append("entry"))
    journal.submit([], lambda error: told.append("barrier"))
    journal.submit([entry(2)], lambda error: told.append("entry"))
    await journal.append([])
    assert told == ["entry", "barrier", "entry"]


async def test_listeners_hear_each_entry_before_its_submitter_is_told(open_journal, entry):
    journal = await open_journal()
    order = []
    leave = journal.subscribe(lambda stored: order.extend(("heard", one.entry.id) for one in stored))
    journal.submit([entry(1)], lambda error: order.append(("told", entry(1).id)))
    await journal.append([])
    leave()
    await journal.append([entry(2)])
    assert order == [("heard", entry(1).id), ("told", entry(1).id)]


async def test_what_a_listener_hears_is_what_read_gives(open_journal, entry):
    journal = await open_journal()
    heard = []
    journal.subscribe(heard.extend)
    await asyncio.gather(*(journal.append([entry(number, number % 64)]) for number in range(200)))
    assert heard == sorted(journal.read(ALL, {}, 1000))


async def test_a_listener_does_not_hear_what_was_refused(open_journal, entry):
    journal = await open_journal()
    heard = []
    journal.subscribe(heard.extend)
    for number, partition in ((1, 0), (2, 64), (3, 1)):
        journal.submit([entry(number, partition)])
    await journal.append([entry(4, 2)])
    assert [one.entry.id for one in heard] == [entry(1, 0).id, entry(3, 1).id, entry(4, 2).id]
    assert heard == journal.read(ALL, {}, 10)


async def test_the_tail_is_the_newest_entries_oldest_first(open_journal, entry):
    journal = await open_journal()
    await journal.append([entry(number, number % 3) for number in range(10)])
    assert [one.entry.at for one in journal.tail(4)] == [6, 7, 8, 9]
    assert journal.tail(100) == journal.read(ALL, {}, 100)


async def test_state_changes_with_its_entries(open_journal, entry):
    journal = await open_journal()
    await journal.append([entry(1, kind="alarm")], {"alarm/a": b"1", "alarm/b": b"2", "alarmist": b"3"})
    await journal.append([], {"alarm/a": None, "alarm/b": b"4"})
    assert journal.load_state("alarm/") == {"alarm/b": b"4"}
    await journal.close()
    assert (await open_journal()).load_state("") == {"alarm/b": b"4", "alarmist": b"3"}


@pytest.mark.parametrize("prefix", ["%", "_", "警", "a%"])
async def test_state_prefix_is_taken_literally(open_journal, prefix):
    journal = await open_journal()
    await journal.append([], {"%": b"1", "_x": b"2", "警报": b"3", "a%": b"4", "ab": b"5"})
    found = {"%": {"%"}, "_": {"_x"}, "警": {"警报"}, "a%": {"a%"}}
    assert set(journal.load_state(prefix)) == found[prefix]


async def test_a_refused_call_keeps_nothing_and_harms_nobody_else(open_journal, entry):
    journal = await open_journal()
    results = await asyncio.gather(
        journal.append([entry(1)]),
        journal.append([entry(2), entry(3, partition=64)], {"key": b"of the refused"}),
        journal.append([entry(4)]),
        return_exceptions=True,
    )
    assert [isinstance(result, JournalError) for result in results] == [False, True, False]
    assert [one.entry.id for one in journal.read(ALL, {}, 10)] == [entry(1).id, entry(4).id]
    assert journal.load_state("") == {}
    assert results[2] == journal.read(ALL, {}, 10)[-1].position


async def test_a_barrier_shares_the_error_of_what_stood_before_it(open_journal, entry):
    journal = await open_journal()
    told = []
    journal.submit([entry(1, partition=64)])
    journal.submit([], told.append)
    await journal.append([entry(2)])
    await journal.append([])
    assert [type(error) for error in told] == [JournalError]


async def test_a_barrier_behind_a_running_commit_shares_its_error(open_journal, entry):
    journal = await open_journal()
    told = []
    for _ in range(128):
        journal.submit([entry(1, partition=64)])
    await asyncio.sleep(0)
    journal.submit([], told.append)
    with pytest.raises(JournalError):
        await journal.append([])
    await journal.append([])
    assert [type(error) for error in told] == [JournalError]


async def test_a_barrier_asked_for_while_others_are_still_being_told_of_a_failure_shares_it(open_journal, entry):
    journal = await open_journal()
    told = []
    journal.submit([entry(0)], lambda error: journal.submit([], told.append))
    for number in range(1, 100):
        journal.submit([entry(number, partition=64)])
    await journal.append([entry(100)])
    await journal.append([entry(101)])
    assert [type(error) for error in told] == [JournalError]


async def test_a_failure_that_everybody_was_told_of_is_over(open_journal, entry):
    journal = await open_journal()
    told = []
    with pytest.raises(JournalError):
        await journal.append([entry(1, partition=64)])
    journal.submit([], told.append)
    await journal.append([entry(2)])
    assert told == [None]


async def test_a_callback_that_raises_silences_nobody(open_journal, entry):
    journal = await open_journal()
    reported, told = [], []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

    def listener(stored):
        raise RuntimeError("listener")

    def done(error):
        raise RuntimeError("done")

    journal.subscribe(listener)
    journal.submit([entry(1)], done)
    journal.submit([entry(2)], told.append)
    await journal.append([])
    assert told == [None]
    assert [str(error) for error in reported] == ["listener", "done"]


async def test_a_cancelled_submitter_does_not_stop_the_others(open_journal, entry):
    journal = await open_journal()
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    given_up = asyncio.ensure_future(journal.append([entry(1)]))
    kept = asyncio.ensure_future(journal.append([entry(2)]))
    await asyncio.sleep(0)
    given_up.cancel()
    await kept
    assert len(journal.read([0], {}, 10)) == 2
    assert reported == []


async def test_any_thread_may_read(open_journal, entry):
    journal = await open_journal()
    await journal.append([entry(number) for number in range(100)])
    results = await asyncio.gather(*(asyncio.to_thread(journal.read, ALL, {}, 1000) for _ in range(8)))
    assert [len(result) for result in results] == [100] * 8


async def test_close_commits_what_was_submitted(open_journal, entry):
    journal = await open_journal()
    told = []
    for number in range(300):
        journal.submit([entry(number)], told.append)
    await journal.close()
    assert told == [None] * 300
    assert len((await open_journal()).read([0], {}, 1000)) == 300


async def test_a_closed_journal_says_so(open_journal, entry):
    journal = await open_journal()
    await journal.close()
    await journal.close()
    with pytest.raises(JournalClosed, match="open it again"):
        await journal.append([entry(1)])
    with pytest.raises(JournalClosed):
        journal.read([0], {}, 1)
    with pytest.raises(JournalClosed):
        journal.load_state("")


async def test_positions_grow_over_a_restart(open_journal, entry):
    journal = await open_journal()
    before = await journal.append([entry(1)])
    await journal.close()
    assert await (await open_journal()).append([entry(2)]) > before
