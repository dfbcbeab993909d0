"""The gateway killed, its disk full, its clock stepped, a burst, a second process: short forms of `bench.faults`."""

from functools import partial
from pathlib import Path

import pytest

from tests.faults import kinds
from tests.faults.load import Rate
from tests.faults.place import BURST
from tests.faults.scene import Scene
from tests.faults.stage import staged
from tests.faults.wall_clock import WallClock, before_2038
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.e2e, pytest.mark.server]
RATE = 200.0
REFUSES = "journal its disk takes no readings: JournalFull"
HOUR_S = 3600.0
YEAR_S = 365 * 86_400.0


async def more(scene: Scene, readings: int) -> None:
    """Until so many more are acknowledged."""
    await scene.acknowledged(readings)


async def test_kills_under_load_a_burst_and_a_second_process(tmp_path: Path, influxd: Influxd) -> None:
    async with staged(tmp_path, influxd, Rate(300, samples=3)) as scene:
        scene.load.burst(BURST, 500)
        await kinds.refused(scene)
        await kinds.killed(scene, 3, 400)
        assert (await scene.outcome()).problems() == []


async def test_disk_of_the_journal_is_full(tmp_path: Path, influxd: Influxd) -> None:
    async def refused(scene: Scene) -> None:
        before = scene.load.refused["5.03"]
        await wait_for_async(lambda: scene.load.refused["5.03"] > before, 30, "readings to be refused")
        await scene.until_told(REFUSES)

    try:
        with kinds.small_disk(tmp_path / "disk", 192) as disk:
            async with staged(tmp_path, influxd, RATE, data=disk / "data") as scene:
                await kinds.disks_full(scene, [disk], refused)
                answers = scene.answers_of_leak
                found = await scene.outcome(tasks_die=True)
    except PermissionError as error:
        missing(str(error))
    assert found.problems() == []
    assert "2.04" in answers, "the leak's reading goes in with its alarm"


async def test_clock_goes_back_and_ahead_over_2038_and_right_again(tmp_path: Path, influxd: Influxd) -> None:
    with WallClock(tmp_path) as clock:
        async with staged(tmp_path, influxd, RATE, environment=clock.environment) as scene:
            steps_s = [-HOUR_S, HOUR_S, before_2038(1), 10 * YEAR_S, 0.0]
            await kinds.clock_stepped(scene, clock, steps_s, partial(more, readings=300))
            found = await scene.outcome()
    assert (found.problems(), found.told) == ([], ("ready",))
