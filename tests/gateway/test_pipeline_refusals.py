"""A journal that refuses: judged all the same, stored when it comes again, and no decision is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from gateway.pipeline import Verdict
from journal.entry import Done, Entry, partition_of
from journal.errors import JournalClosed, JournalFull
from protocols.moment import Moment
from protocols.reading import Reading
from tests.fixtures.pipelines import ALL, GAS_1, GAS_2, Bench, counted
from tests.fixtures.stories import WALL, at, gas_reading

State = Mapping[str, bytes | None] | None


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A pipeline over a journal of its own."""
    one = Bench(tmp_path / "journal")
    yield one
    await one.journal.close()


# -- a journal that refuses ------------------------------------------------------------------------------------------


async def test_refused_reading_was_judged_and_is_stored_when_it_comes_again(bench: Bench) -> None:
    await bench.reopen(max_waiting=0)
    bench.say(counted(1, 60.0))
    await asyncio.sleep(0)
    assert [type(one) for one in bench.settled] == [JournalFull]
    assert [one.values[0] for one in bench.judge.seen] == [60.0]
    await bench.reopen()
    bench.say(counted(1, 60.0), 2)
    await bench.durable()
    assert (len(bench.readings()), bench.settled[-1]) == (1, None)


async def test_commit_that_failed_is_forgotten(bench: Bench) -> None:
    await bench.reopen(max_bytes=1, reserve_bytes=0)
    bench.say(counted(1, 60.0))
    bench.say(counted(1, 60.0), 1)
    await bench.durable()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    assert bench.count("readings_total", transport="coap") == 0
    await bench.reopen()
    bench.say(counted(1, 60.0), 2)
    await bench.durable()
    assert (len(bench.readings()), bench.settled[-1]) == (1, None)


@pytest.mark.parametrize("at_once", [True, False])
async def test_refused_reading_is_not_taken_for_a_duplicate(bench: Bench, at_once: bool) -> None:
    refuse = _refusing(bench, at_once=at_once)
    bench.say(counted(1, 60.0))
    while not bench.settled:
        await asyncio.sleep(0)
    refuse(False)
    bench.say(counted(1, 60.0), 2)
    await bench.durable()
    assert ([type(one) for one in bench.settled], len(bench.readings())) == ([JournalFull, type(None)], 1)


async def test_repeat_that_changes_a_state_alone_waits_for_what_it_repeats(bench: Bench) -> None:
    await bench.reopen(max_bytes=1, reserve_bytes=10**9)
    bench.say(counted(1, 60.0))
    bench.judge.verdict = Verdict([], {"latch/1": b"1"})
    bench.say(counted(1, 60.0), 1)
    await bench.durable()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    assert bench.journal.load_state("latch/") == {"latch/1": b"1"}


async def test_pack_is_not_acknowledged_while_a_part_sent_before_is_not_durable(bench: Bench) -> None:
    """The commit of the first message runs and fails while the second repeats its reading and brings a new one."""
    await bench.reopen(max_bytes=1, reserve_bytes=10**9)
    bench.judge.verdict = Verdict([], {})
    bench.say(counted(1, 3.0), 0)
    bench.judge.verdict = Verdict([Entry("alarm", "a/1", 0, WALL, b"\x91\x01")], {})
    both = counted(1, 3.0)[:-1] + "," + counted(1, 5.0, device=GAS_2)[1:]
    bench.say(both, 1)
    await bench.durable()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    assert [one.device for one in bench.readings()] == [GAS_2]
    bench.judge.verdict = Verdict([], {})
    await bench.reopen()
    bench.say(both, 2)
    await bench.durable()
    assert (sorted(one.device for one in bench.readings()), bench.settled[-1]) == ([GAS_1, GAS_2], None)


async def test_reading_that_comes_again_while_others_hear_of_the_refusal_is_not_acknowledged(bench: Bench) -> None:
    await bench.reopen(max_bytes=1, reserve_bytes=0)
    number = 100
    for sequence in range(number):
        bench.say(counted(sequence, 60.0))
        await asyncio.sleep(0)
    while not bench.settled:
        await asyncio.sleep(0)
    assert len(bench.settled) < number, "some were told, and others were not"
    bench.say(counted(number - 1, 60.0), 1)
    await bench.durable()
    assert len(bench.settled) == number + 1
    assert {type(one) for one in bench.settled} == {JournalFull}


async def test_closed_journal_is_told_and_not_raised(bench: Bench) -> None:
    await bench.journal.close()
    bench.say(counted(1, 60.0))
    await asyncio.sleep(0)
    assert [type(one) for one in bench.settled] == [JournalClosed]


async def test_fault_of_a_judge_does_not_make_a_reading_known(bench: Bench) -> None:
    bench.judge.fault = ZeroDivisionError("a fault of ours")
    with pytest.raises(ZeroDivisionError):
        bench.say(counted(1, 60.0))
    bench.judge.fault = None
    bench.say(counted(1, 60.0), 1)
    await bench.durable()
    assert (len(bench.readings()), bench.settled) == (1, [None])


# -- what the judges decide ------------------------------------------------------------------------------------------


def alarm(number: int) -> Entry:
    """An entry of an alarm."""
    return Entry("alarm", f"a/{number}", partition_of(GAS_1), WALL, b"\x91\x01")


async def test_decision_is_in_the_commit_of_its_reading(bench: Bench) -> None:
    batches: list[list[str]] = []
    bench.journal.subscribe(lambda stored: batches.append([one.entry.kind for one in stored]))
    bench.judge.verdict = Verdict([alarm(1)], {"alarm/a": b"1"})
    bench.say(counted(1, 60.0))
    await bench.durable()
    assert batches == [["alarm", "reading"]]
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"1"}


async def test_decision_that_was_refused_is_stored_with_the_next_commit_that_succeeds(bench: Bench) -> None:
    refuse = _refusing(bench)
    bench.judge.verdict = Verdict([alarm(1)], {"alarm/a": b"1", "alarm/b": b"1"})
    bench.say(counted(1, 60.0))
    bench.judge.verdict = Verdict([alarm(2)], {"alarm/a": b"2"})
    bench.say(counted(2, 60.0))
    bench.judge.verdict = Verdict([], {})
    refuse(False)
    bench.say(counted(3, 60.0))
    await bench.durable()
    await bench.durable()
    stored = [one.entry.id for one in bench.journal.read(ALL, {}, 100) if one.entry.kind == "alarm"]
    assert sorted(stored) == ["a/1", "a/2"]
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"2", "alarm/b": b"1"}
    assert len(bench.readings()) == 1, "a reading that was refused is sent again by its device"


async def test_kept_state_never_overwrites_a_younger_one(bench: Bench) -> None:
    refuse = _refusing(bench)
    bench.pipeline.store(Verdict([alarm(1)], {"alarm/a": b"1"}))
    refuse(False)
    bench.pipeline.store(Verdict([alarm(2)], {"alarm/a": b"2"}))
    await bench.durable()
    await bench.durable()
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"2"}
    assert len(bench.journal.read(ALL, {}, 100)) == 2


async def test_state_whose_commit_failed_never_overwrites_one_that_was_submitted_after_it(bench: Bench) -> None:
    refuse = _refusing(bench, at_once=False)
    bench.pipeline.store(Verdict([alarm(1)], {"alarm/a": b"1"}))
    refuse(False)
    bench.pipeline.store(Verdict([alarm(2)], {"alarm/a": b"2"}))
    for _ in range(3):
        await bench.durable()
    assert bench.journal.load_state("alarm/") == {"alarm/a": b"2"}
    assert {one.entry.id for one in bench.journal.read(ALL, {}, 100)} == {"a/1", "a/2"}


def _refusing(bench: Bench, *, at_once: bool = True) -> Callable[[bool], None]:
    """Let the journal refuse, at once or at its commit; returns the switch."""
    submit = bench.journal.submit
    refuses = True

    def refusing(
        entries: Sequence[Entry], done: Done | None = None, state: State = None, *, patient: bool = False
    ) -> None:
        if not refuses:
            submit(entries, done, state, patient=patient)
        elif at_once or done is None:
            raise JournalFull("the disk is full")
        else:
            asyncio.get_running_loop().call_soon(done, JournalFull("the disk is full"))

    def switch(to: bool) -> None:
        nonlocal refuses
        refuses = to

    bench.journal.submit = refusing  # type: ignore[method-assign]  # the one fault that no small disk gives on demand
    return switch


# -- a judge that fails ----------------------------------------------------------------------------------------------


def _offer(bench: Bench) -> Callable[[list[Reading], Moment], None]:
    return lambda readings, now: bench.pipeline.offer(readings, "coap", bench.settled.append, now)


class _Deciding:
    """Decides, before the judge that fails."""

    def observe(self, reading: Reading, now: Moment) -> Verdict:
        return Verdict([Entry("trip", "t/1", 0, WALL, b"\x91\x01")], {"latch/1": b"1"})


@pytest.mark.parametrize("over_rate", [False, True])
async def test_what_was_decided_before_a_judge_failed_is_stored(bench: Bench, over_rate: bool) -> None:
    """Its effects have left: without the entry nobody would know why."""
    bench.pipeline._judges = (_Deciding(), bench.judge)
    bench.judge.fault = RuntimeError("no room")
    readings = [gas_reading(0, GAS_1)]
    take = bench.pipeline.judge if over_rate else _offer(bench)
    with pytest.raises(RuntimeError, match="no room"):
        take(readings, at(0))
    await bench.durable()
    assert [one.entry.id for one in bench.journal.read(ALL, {}, 10)] == ["t/1"]
    assert bench.journal.load_state("latch/") == {"latch/1": b"1"}
