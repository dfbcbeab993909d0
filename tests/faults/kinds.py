"""The faults, one function for each. Every one begins with a scene at work and ends when everything is well again."""

import asyncio
import errno
import random
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.place import BURST
from tests.faults.scene import Scene
from tests.faults.wall_clock import WallClock
from tests.fixtures.http_faults import Fault, FaultProxy
from tests.fixtures.http_peer import Reply
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

Hold = Callable[[Scene], Awaitable[None]]
"""How long a fault lasts."""
RECOVERY_S = 300.0
HOUR = 3600 * 10**9
MISSING = 3
"""Exit code of a program that lacks something it needs."""
SERVER_ERROR = Reply(500, {"Content-Type": "application/json"}, b'{"error":"engine: wal is busy"}')
QUOTA = Reply(429, {"Retry-After": "5"}, b'{"code":"too many requests","message":"quota"}')


async def killed(scene: Scene, times: int, most_between: int) -> None:
    """``kill -9`` again and again, each after by chance up to so many acknowledgements; in the middle gas leaks while
    nobody is there."""
    leaking: asyncio.Task[None] | None = None
    async with scene.fault():
        for number in range(times):
            await scene.acknowledged(random.randrange(1, most_between))
            await scene.kill()
            if number == times // 2:
                leaking = asyncio.create_task(scene.leak())
            await scene.start()
        assert leaking is not None
        await leaking
    await scene.recovers(RECOVERY_S)


async def server_killed(scene: Scene, server: Influxd, hold: Hold) -> None:
    """InfluxDB is killed, and started again."""
    async with scene.fault():
        await asyncio.to_thread(server.kill)
        await scene.leak()
        await hold(scene)
        await asyncio.to_thread(server.start)
    await scene.recovers(RECOVERY_S)


async def server_fault(
    scene: Scene, proxy: FaultProxy, fault: Fault, hold: Hold, reply: Reply | None = None, delay_s: float = 0.0
) -> None:
    """InfluxDB is silent, slow, or refuses."""
    async with scene.fault():
        proxy.begin(fault, reply, delay_s)
        await scene.leak()
        await wait_for_async(lambda: proxy.hits, 60, "the fault to be met")
        await hold(scene)
        proxy.heal()
    await scene.recovers(RECOVERY_S)


def conflicting_lines() -> str:
    """What makes InfluxDB refuse a part of the bins' lines from now on: a field of theirs, of another type."""
    now = time.time_ns()
    return "\n".join(f'smart_bin,device=other temperature="warm" {now + hours * HOUR}' for hours in (-1, 0, 1))


async def partly_refused(scene: Scene, hold: Hold) -> None:
    """InfluxDB answers 400 to some of the lines: those, and no others, must be set aside."""
    async with scene.fault():
        await scene.leak()
        await hold(scene)
    await scene.recovers(RECOVERY_S)


async def disks_full(scene: Scene, disks: list[Path], hold: Hold, server: Influxd | None = None) -> None:
    """No byte is left on these disks; then there is space again. ``server``: InfluxDB, where its disk is among them:
    a 1.6.7 whose log broke off may say that there is no space until it is started again."""
    async with scene.fault():
        for disk in disks:
            await asyncio.to_thread(fill, disk)
        filling = asyncio.create_task(_keep_full(disks))
        try:
            await hold(scene)
            await scene.leak()
            await hold(scene)
        finally:
            filling.cancel()
            for disk in disks:
                for one in disk.glob("filler*"):
                    one.unlink()
        if server is not None:
            await asyncio.to_thread(server.restart)
    await scene.recovers(RECOVERY_S)


async def _keep_full(disks: list[Path]) -> None:
    """What a program gives back to the disk is taken by somebody else."""
    while True:
        await asyncio.sleep(0.05)
        for disk in disks:
            fill(disk)


def fill(disk: Path) -> None:
    """Takes all the space that is left."""
    with open(disk / f"filler{time.monotonic_ns()}", "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
        if not file.tell():
            Path(file.name).unlink()


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own. Raises `PermissionError` where this user may not mount one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        raise PermissionError(errno.EPERM, f"mounting a file system needs root: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


async def clock_stepped(scene: Scene, clock: WallClock, steps_s: list[float], hold: Hold) -> None:
    """The program's wall clock is off by so much, at once; gas leaks behind the first step."""
    async with scene.fault():
        for step_s in steps_s:
            clock.set_off_by(step_s)
            if scene.kitchen.commanded_after_s is None:
                await scene.leak()
            await hold(scene)
    await scene.recovers(RECOVERY_S)


async def burst(scene: Scene, readings: int) -> None:
    """A bin sends what it kept, at once, with nothing to tell its readings apart but the messages; gas leaks beside."""
    async with scene.fault():
        scene.load.burst(BURST, readings)
        await scene.leak()
    await scene.recovers(RECOVERY_S)


async def second_process(scene: Scene) -> None:
    """Somebody starts the program once more."""
    async with scene.fault():
        await refused(scene)
        await scene.leak()
    await scene.recovers(RECOVERY_S)


async def refused(scene: Scene) -> None:
    """A second program on the data folder ends and says why."""
    with scene.place.start() as second:
        assert await asyncio.to_thread(second.ends, 60) == MISSING, second.text
    assert "is in use by process" in second.text


async def lasting(_scene: Scene, seconds: float) -> None:
    """So long, by the clock."""
    await asyncio.sleep(seconds)
