"""Polled readings of one turn of the loop are stored in one call; nothing is told, kept or ordered otherwise for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.pipeline import Verdict
from journal.entry import Entry, partition_of
from journal.errors import JournalFull
from tests.fixtures.pipelines import ALL, GAS_1, GAS_2, Bench
from tests.fixtures.stories import WALL, at, gas_reading

ALARM = Entry("alarm", "a/1", partition_of(GAS_2), WALL, b"\x91\x01")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A pipeline over a journal of its own."""
    one = Bench(tmp_path / "journal")
    yield one
    await one.journal.close()


def poll(bench: Bench, *seconds: int, device: str = GAS_1) -> None:
    """One call of a transport for each second."""
    for second in seconds:
        bench.pipeline.offer([gas_reading(second, device)], "modbus", bench.settled.append, at(second))


def watch_submissions(bench: Bench, patch: pytest.MonkeyPatch) -> list[list[str]]:
    """The kinds of the entries of each call of the journal from now on."""
    submit, calls = bench.journal.submit, []

    def noting(entries: Sequence[Entry], *rest: Any, **more: Any) -> None:
        calls.append([entry.kind for entry in entries])
        submit(entries, *rest, **more)

    patch.setattr(bench.journal, "submit", noting)
    return calls


def fill_up(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    """The journal takes no entry until the patch is undone."""
    submit = bench.journal.submit

    def refuse(entries: Sequence[Entry], *rest: Any, **more: Any) -> None:
        if entries:
            raise JournalFull("the disk is full")
        submit(entries, *rest, **more)

    patch.setattr(bench.journal, "submit", refuse)


def stored(bench: Bench) -> list[tuple[str, int]]:
    """Kind and stamp, in the order of the journal."""
    return [(one.entry.kind, one.entry.at) for one in bench.journal.read(ALL, {}, 100)]


async def test_the_readings_of_one_turn_are_one_call_and_each_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = watch_submissions(bench, monkeypatch)
    poll(bench, 0, 1)
    poll(bench, 2, device=GAS_2)
    assert (calls, len(bench.judge.seen)) == ([], 3), "judged at once, stored at the end of the turn"
    await asyncio.sleep(0)
    poll(bench, 3)
    await bench.durable()
    assert [kinds for kinds in calls if kinds] == [["reading"] * 3, ["reading"]]
    assert (len(bench.readings()), bench.settled) == (4, [None] * 4)
    assert bench.count("readings_total", transport="modbus") == 4


async def test_a_decision_comes_after_what_was_read_before_it(bench: Bench) -> None:
    poll(bench, 0, 1)
    bench.judge.verdict = Verdict([ALARM], {"alarm/a": b"1"})
    poll(bench, 2, device=GAS_2)
    bench.judge.verdict = Verdict([], {})
    poll(bench, 3)
    bench.pipeline.store(Verdict([ALARM._replace(id="a/2")], {}))
    await bench.durable()
    kinds = [kind for kind, _ in stored(bench)]
    assert kinds == ["reading", "reading", "alarm", "reading", "reading", "alarm"]
    assert [one.at for one in bench.readings()] == [at(second).wall for second in range(4)]


async def test_what_was_refused_together_is_stored_when_it_comes_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_up(bench, monkeypatch)
    poll(bench, 0, 1)
    poll(bench, 1, device=GAS_2)
    await asyncio.sleep(0)
    assert [type(one) for one in bench.settled] == [JournalFull] * 3
    monkeypatch.undo()
    poll(bench, 0, 1)
    poll(bench, 1, device=GAS_2)
    await bench.durable()
    assert (bench.settled[3:], len(bench.readings())) == ([None] * 3, 3)
    assert bench.count("readings_duplicate_total", transport="modbus") == 0


async def test_what_comes_twice_in_a_turn_shares_the_refusal(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_up(bench, monkeypatch)
    poll(bench, 0, 0)
    await bench.durable()
    monkeypatch.undo()
    assert [type(one) for one in bench.settled] == [JournalFull, JournalFull]
    poll(bench, 0)
    await bench.durable()
    assert (bench.settled[2:], len(bench.readings())) == ([None], 1)


async def test_one_who_cannot_be_told_does_not_silence_the_others(bench: Bench) -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))

    def cannot(_error: Exception | None) -> None:
        raise ZeroDivisionError

    poll(bench, 0)
    bench.pipeline.offer([gas_reading(1, GAS_1)], "modbus", cannot, at(1))
    poll(bench, 2)
    await bench.durable()
    assert ([type(one) for one in faults], bench.settled) == ([ZeroDivisionError], [None, None])
