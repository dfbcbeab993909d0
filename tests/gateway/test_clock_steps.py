"""Steps of the wall clock: how old something is in spite of them, and that a repeated message stays the same one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock_steps import ClockSteps
from gateway.uplink import Uplink
from protocols.moment import SECOND, Moment
from tests.fixtures.pipelines import Bench, untimed
from tests.fixtures.stories import MONO, WALL

HOUR, YEARS = 3600.0, 10 * 365 * 86_400.0
Look = tuple[float, float]
"""Seconds of the clock that never steps, and by how much the wall clock is off."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A pipeline over a journal of its own."""
    one = Bench(tmp_path / "journal")
    yield one
    await one.journal.close()


def moment(look: Look) -> Moment:
    seconds, off = look
    return Moment(WALL + round((seconds + off) * SECOND), MONO + round(seconds * SECOND))


@pytest.mark.parametrize(
    ("before", "then", "age_s"),
    [
        ([(0, 0)], (5, 0), 5),
        ([(0, 0)], (5, HOUR), 5),
        ([(0, 0)], (5, -HOUR), 5),
        ([(0, 0)], (5, YEARS), 5),
        ([(0, 0), (1, HOUR), (2, -HOUR)], (5, 0), 5),
        ([(0, 0), (300, HOUR)], (600, HOUR), 600),
        ([(0, 0), (10, 0.4), (20, 0.8)], (30, 1.2), 30),
    ],
)
def test_age_is_that_of_the_clock_that_never_steps(before: list[Look], then: Look, age_s: float) -> None:
    steps = ClockSteps()
    for look in (*before, then):
        steps.look(moment(look))
    assert steps.age(moment(before[0]).wall, moment(then)) / SECOND == pytest.approx(age_s, abs=0.9)


def test_what_came_after_a_step_is_as_old_as_the_wall_clock_says() -> None:
    steps = ClockSteps()
    for look in ((0, 0), (10, HOUR), (15, HOUR)):
        steps.look(moment(look))
    assert steps.age(moment((12, HOUR)).wall, moment((15, HOUR))) == 3 * SECOND


@pytest.mark.parametrize("step_s", [HOUR, -HOUR, YEARS])
async def test_message_that_is_repeated_over_a_step_of_the_clock_is_stored_once(bench: Bench, step_s: float) -> None:
    for look in ((0.0, 0.0), (2.0, step_s), (6.0, 0.0)):
        now = moment(look)
        uplink = Uplink("coap", untimed(3.0).encode(), 110, "coap/127.0.0.1:40000/1/ab", now.wall)
        bench.pipeline.ingest(uplink, bench.settled.append, now)
    await bench.durable()
    assert (len(bench.readings()), bench.settled) == (1, [None] * 3)
