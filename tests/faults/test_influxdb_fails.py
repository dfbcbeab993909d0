"""InfluxDB killed, silent, slow, refusing, with a full disk, under the real program: short forms of `bench.faults`."""

from functools import partial
from pathlib import Path

import pytest

from tests.faults import kinds
from tests.faults.load import SHAPES
from tests.faults.scene import Scene
from tests.faults.stage import staged
from tests.fixtures.http_faults import FaultProxy, fault_proxy
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import missing, program
from tests.fixtures.waiting import wait_for_async

pytestmark = [pytest.mark.e2e, pytest.mark.server]
RATE = 200.0
TIMEOUT_S = 1.0


async def until_named(scene: Scene) -> None:
    """Until `/readyz` names the store."""
    await scene.until_told("influxdb")


async def test_influxdb_is_killed_and_refuses_a_part_of_the_lines(tmp_path: Path, influxd_own: Influxd) -> None:
    async with staged(tmp_path, influxd_own, RATE, seed=kinds.conflicting_lines()) as scene:
        await kinds.server_killed(scene, influxd_own, until_named)
        found = await scene.outcome()
    assert found.problems() == []
    assert "influxdb takes no data: StoreUnavailable" in found.told
    assert found.aside == found.acknowledged - found.influx, "those that were refused, and no others"
    assert found.acknowledged / (3 * len(SHAPES)) < found.aside < found.acknowledged / 2


async def test_influxdb_falls_silent_and_refuses_and_is_slow(tmp_path: Path, influxd: Influxd) -> None:
    with fault_proxy(influxd.url) as proxy:
        async with staged(tmp_path, influxd, RATE, url=proxy.url, timeout_s=TIMEOUT_S) as scene:
            async with scene.fault():
                await _met(scene, proxy)
            await kinds.server_fault(scene, proxy, "slow", partial(_hits, proxy=proxy), delay_s=TIMEOUT_S / 2)
            found = await scene.outcome()
    assert found.problems() == []
    assert {"influxdb takes no data: TimedOut", "influxdb takes no data: StoreUnavailable"} <= set(found.told)


async def _met(scene: Scene, proxy: FaultProxy) -> None:
    """Silence, then answers of 500 and of 429, each until it is told; all is well in between."""
    for reply in (None, kinds.SERVER_ERROR, kinds.QUOTA._replace(headers={})):
        proxy.begin("refuse" if reply else "silent", reply)
        await until_named(scene)
        proxy.heal()
        await scene.until_told("ready")


async def _hits(_scene: Scene, proxy: FaultProxy) -> None:
    before = proxy.hits
    await wait_for_async(lambda: proxy.hits >= before + 2, 30, "slow answers")


async def test_disk_of_influxdb_is_full(tmp_path: Path) -> None:
    binary = program("influxd")
    try:
        with kinds.small_disk(tmp_path / "disk", 64) as disk:
            server = Influxd(binary, disk)
            server.start()
            try:
                async with staged(tmp_path, server, RATE) as scene:
                    await kinds.disks_full(scene, [disk], until_named, server)
                    found = await scene.outcome()
            finally:
                server.stop()
    except PermissionError as error:
        missing(str(error))
    assert found.problems() == []
