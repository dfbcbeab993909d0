"""The garbage collector while a gateway runs, and after it."""

import asyncio
import gc

import pytest

from gengfu import collector
from tests.fixtures.waiting import wait_for_async


def test_what_stands_at_the_start_is_left_alone_until_the_end() -> None:
    with collector.quiet():
        collector.settle()
        assert gc.get_freeze_count() > 0
        assert not gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()


class Knot:
    """Refers to itself; tells when it is gone."""

    def __init__(self, gone: list[str]) -> None:
        self.itself = self
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append("gone")


async def test_a_sweep_finds_garbage_with_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "SWEEP_S", 0.001)
    gone: list[str] = []
    with collector.quiet():
        Knot(gone)
        assert gone == []
        sweeping = asyncio.create_task(collector.sweep())
        assert await wait_for_async(lambda: gone) == ["gone"]
        sweeping.cancel()


async def test_a_sweep_is_put_off_while_there_is_much_that_will_go_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "SWEEP_S", 0.001)
    counts: list[int] = []

    def many() -> tuple[int, int, int]:
        counts.append(len(counts))
        return collector.MANY, 0, 0

    monkeypatch.setattr(gc, "get_count", many)
    gone: list[str] = []
    with collector.quiet():
        Knot(gone)
        sweeping = asyncio.create_task(collector.sweep())
        await wait_for_async(lambda: gone)
        sweeping.cancel()
    assert len(counts) > collector.MOST_PUT_OFF


async def test_young_garbage_that_piles_up_does_not_wait_for_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LOOK_S", 0.001)
    gone: list[str] = []
    with collector.quiet():
        sweeping = asyncio.create_task(collector.sweep())
        for _ in range(collector.ENOUGH):
            Knot(gone)
        await wait_for_async(lambda: len(gone) == collector.ENOUGH)
        sweeping.cancel()


async def test_a_batch_that_comes_and_goes_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LOOK_S", 0.001)
    seen: list[int] = []

    def comes_and_goes() -> tuple[int, int, int]:
        seen.append(0 if len(seen) % collector.LOOKS == 0 else collector.MANY)
        return seen[-1], 0, 0

    monkeypatch.setattr(gc, "get_count", comes_and_goes)
    gone: list[str] = []
    with collector.quiet():
        Knot(gone)
        sweeping = asyncio.create_task(collector.sweep())
        await wait_for_async(lambda: len(seen) > 10 * collector.LOOKS)
        sweeping.cancel()
        assert gone == []
