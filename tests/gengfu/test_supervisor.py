"""A task that dies is logged, counted and started again; one that ends is left alone; stop ends all."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from gengfu import supervisor
from gengfu.supervisor import Supervisor
from tests.fixtures.waiting import wait_for_async


@pytest.fixture
def metrics():
    return CollectorRegistry()


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that were made; none of them takes time."""
    made = []
    real = asyncio.sleep

    async def sleep(seconds):
        made.append(seconds)
        await real(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", sleep)
    yield made
    monkeypatch.undo()


async def test_a_task_that_dies_comes_back_in_growing_pauses_and_is_counted(metrics, pauses, caplog):
    lives = []

    async def work():
        lives.append(1)
        if len(lives) < 10:
            raise ZeroDivisionError("the third cable")

    over = Supervisor(metrics)
    over.run("poll line", work)
    while len(lives) < 10:
        await asyncio.tasks.sleep(0)
    assert pauses[:9] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]
    assert metrics.get_sample_value("gengfu_task_restarts_total", {"task": "poll line"}) == 9
    assert caplog.records[0].getMessage() == "task poll line died; starting it again in 0.5 s"
    assert "the third cable" in caplog.text
    await over.stop()


async def test_the_pauses_of_a_task_that_was_well_meanwhile_begin_anew(metrics, pauses, monkeypatch):
    lives = []

    async def work():
        lives.append(1)
        if len(lives) == 4:
            monkeypatch.setattr(supervisor, "WELL_AFTER_S", 0.0)
        if len(lives) < 6:
            raise ZeroDivisionError

    over = Supervisor(metrics)
    over.run("poll line", work)
    while len(lives) < 6:
        await asyncio.tasks.sleep(0)
    assert pauses[:5] == [0.5, 1.0, 2.0, 0.5, 0.5]
    await over.stop()


async def test_one_that_dies_does_not_stop_the_others(metrics, pauses, caplog):
    steps = []

    async def dies():
        raise ZeroDivisionError

    async def lives():
        while True:
            steps.append(1)
            await asyncio.tasks.sleep(0)

    over = Supervisor(metrics)
    over.run("dies", dies)
    over.run("lives", lives)
    await wait_for_async(lambda: len(steps) > 5 and len(caplog.records) > 2)
    await over.stop()


async def test_one_that_ends_by_itself_is_not_started_again(metrics):
    lives = []

    async def work():
        lives.append(1)

    over = Supervisor(metrics)
    over.run("once", work)
    await over.stop()
    await asyncio.sleep(0)
    assert len(lives) <= 1
    assert metrics.get_sample_value("gengfu_task_restarts_total", {"task": "once"}) is None


async def test_stop_waits_until_each_task_has_cleaned_up(metrics):
    cleaned = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(1)

    over = Supervisor(metrics)
    for name in "abc":
        over.run(name, work)
    await asyncio.sleep(0)
    await over.stop()
    assert cleaned == [1, 1, 1]
