"""The garbage collector while a gateway runs, and after it."""

import asyncio
import gc

import pytest

from gengfu import collector
from tests.fixtures.waiting import wait_for_async


def test_what_stands_at_the_start_is_left_alone_until_the_end() -> None:
    with collector.settled():
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
    with collector.settled():
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
    with collector.settled():
        Knot(gone)
        sweeping = asyncio.create_task(collector.sweep())
        await wait_for_async(lambda: gone)
        sweeping.cancel()
    assert len(counts) > collector.MOST_PUT_OFF
