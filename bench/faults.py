"""Faults of the kind that happen to a gateway, done to the real program under load; one row for each.

    python -m bench.faults [--only killed,silent-150] [--rate 1000] [--folder DIR]        (make faults ARGS=...)

`gengfu up` with DuckDB and a real InfluxDB takes confirmable CoAP posts of 200 bins while the fault lasts, and gas
leaks in a kitchen meanwhile. Afterwards nobody lends a hand. Every acknowledged reading must then be in both stores
once, the valve's command must have come, and `/readyz` must say that all is well: else the case fails (exit code 1).
Rows go to `bench/results/faults.csv` and, as lines of docs/reliability.md, to the terminal.
"""

import argparse
import csv
import os
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.machine import describe
from bench.processes import end_on_sigterm
from tests.faults import kinds
from tests.faults.load import Rate
from tests.faults.scene import Outcome
from tests.faults.stage import staged
from tests.faults.wall_clock import WallClock, before_2038
from tests.fixtures.http_faults import Fault, fault_proxy
from tests.fixtures.http_peer import Reply
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import Program
from tools.test_servers import environment, locate

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "faults.csv"
RATE, KILL_RATE, SLOW_RATE = 1000.0, 5000.0, 400.0
MOST_LIFE_S = 20
"""A program lives by chance up to so long between two kills: some are killed while they catch up after the last kill,
some while they take everything."""
KILL_SAMPLES = 5
"""Readings in a pack of each second bin: as many messages as readings are more than two cores can send and take."""
KILL_UNDER_WAY = 256
"""The bins go on measuring while the program is not there: what they sent to nobody must not keep them from it."""
HOUR_S, YEAR_S = 3600.0, 365 * 86_400.0
INFLUX_DISK_MB, DATA_DISK_MB = 64, 192
HEADINGS = (
    "fault",
    "`--only`",
    "1/s",
    "offered",
    "acknowledged",
    "refused once and more",
    "DuckDB: stored, missing, doubled",
    "InfluxDB: stored, missing, doubled",
    "leak to command, s",
    "MB, first and most",
    "caught up after, s",
    "`/readyz` in the fault",
)


class Ground(NamedTuple):
    """What a case stands on: a folder of its own, InfluxDB in it, and the rate that was asked for, if one was."""

    folder: Path
    server: Influxd
    rate: float | None


async def killed(ground: Ground, times: int) -> Outcome:
    rate = ground.rate or KILL_RATE
    async with staged(ground.folder, ground.server, Rate(rate, KILL_SAMPLES, KILL_UNDER_WAY)) as scene:
        await kinds.killed(scene, times, int(rate * MOST_LIFE_S))
        return await scene.outcome()


async def server_killed(ground: Ground, seconds: float) -> Outcome:
    async with staged(ground.folder, ground.server, ground.rate or RATE) as scene:
        await kinds.server_killed(scene, ground.server, partial(kinds.lasting, seconds=seconds))
        return await scene.outcome()


async def server_fault(
    ground: Ground, fault: Fault, seconds: float, reply: Reply | None = None, delay_s: float = 0.0
) -> Outcome:
    hold = partial(kinds.lasting, seconds=seconds)
    with fault_proxy(ground.server.url) as proxy:
        async with staged(ground.folder, ground.server, ground.rate or RATE, url=proxy.url) as scene:
            await kinds.server_fault(scene, proxy, fault, hold, reply, delay_s)
            return await scene.outcome()


async def partly_refused(ground: Ground, seconds: float) -> Outcome:
    seed = kinds.conflicting_lines()
    async with staged(ground.folder, ground.server, ground.rate or SLOW_RATE, seed=seed) as scene:
        await kinds.partly_refused(scene, partial(kinds.lasting, seconds=seconds))
        return await scene.outcome()


async def disks_full(ground: Ground, which: str, seconds: float) -> Outcome:
    hold = partial(kinds.lasting, seconds=seconds / 2)
    with ExitStack() as stack:
        server, data, full = ground.server, None, []
        if "influx" in which:
            disk = stack.enter_context(kinds.small_disk(ground.folder / "influx-disk", INFLUX_DISK_MB))
            server = Influxd(_influxd(), disk)
            stack.callback(server.stop)
            server.start()
            full.append(disk)
        if "journal" in which:
            disk = stack.enter_context(kinds.small_disk(ground.folder / "data-disk", DATA_DISK_MB))
            data = disk / "data"
            full.append(disk)
        async with staged(ground.folder, server, ground.rate or SLOW_RATE, data=data) as scene:
            await kinds.disks_full(scene, full, hold, server if "influx" in which else None)
            return await scene.outcome(tasks_die=data is not None)


async def clock_stepped(ground: Ground, steps_s: Callable[[], list[float]], seconds: float) -> Outcome:
    hold = partial(kinds.lasting, seconds=seconds)
    with WallClock(ground.folder) as clock:
        env = clock.environment
        async with staged(ground.folder, ground.server, ground.rate or RATE, environment=env) as scene:
            await kinds.clock_stepped(scene, clock, steps_s(), hold)
            return await scene.outcome()


async def burst(ground: Ground) -> Outcome:
    async with staged(ground.folder, ground.server, ground.rate or SLOW_RATE) as scene:
        await kinds.burst(scene, 500)
        return await scene.outcome()


async def second_process(ground: Ground) -> Outcome:
    async with staged(ground.folder, ground.server, ground.rate or SLOW_RATE) as scene:
        await kinds.second_process(scene)
        return await scene.outcome()


CASES: dict[str, tuple[str, Callable[[Ground], Awaitable[Outcome]]]] = {
    "killed": ("kill -9 at random, 20 times", partial(killed, times=20)),
    "influx-killed": ("InfluxDB killed, back after 20 s", partial(server_killed, seconds=20)),
    "slow": (
        "InfluxDB: each answer 30 s late, for 120 s",
        partial(server_fault, fault="slow", seconds=120, delay_s=30),
    ),
    "silent-30": ("InfluxDB silent for 30 s", partial(server_fault, fault="silent", seconds=30)),
    "silent-150": ("InfluxDB silent for 150 s", partial(server_fault, fault="silent", seconds=150)),
    "500": (
        "InfluxDB answers 500 for 20 s",
        partial(server_fault, fault="refuse", seconds=20, reply=kinds.SERVER_ERROR),
    ),
    "429": (
        "InfluxDB answers 429, Retry-After 5, for 20 s",
        partial(server_fault, fault="refuse", seconds=20, reply=kinds.QUOTA),
    ),
    "400": ("InfluxDB refuses a quarter of the lines for 20 s (400)", partial(partly_refused, seconds=20)),
    "influx-full": ("disk full under InfluxDB for 20 s", partial(disks_full, which="influx", seconds=20)),
    "journal-full": ("disk full under the data folder for 20 s", partial(disks_full, which="journal", seconds=20)),
    "both-full": ("both disks full for 20 s", partial(disks_full, which="influx journal", seconds=20)),
    "clock-back": ("clock 1 h back", partial(clock_stepped, steps_s=lambda: [-HOUR_S], seconds=10)),
    "clock-ahead": ("clock 1 h ahead", partial(clock_stepped, steps_s=lambda: [HOUR_S], seconds=10)),
    "clock-ten-years": (
        "clock 10 years ahead, and right again",
        partial(clock_stepped, steps_s=lambda: [10 * YEAR_S, 0.0], seconds=10),
    ),
    "clock-2038": (
        "clock over 2038-01-19T03:14:08Z",
        partial(clock_stepped, steps_s=lambda: [before_2038(5)], seconds=10),
    ),
    "burst": ("500 unstamped readings of one bin at once", burst),
    "two": ("a second process on the data folder", second_process),
}


def _influxd() -> Program:
    path = locate("influxd")
    if path is None:
        raise SystemExit("no influxd; `make servers` fetches it")
    return Program(path, environment())


def line(name: str, one: Outcome) -> str:
    """A line of the table in docs/reliability.md."""
    command = "never" if one.command_s is None else f"{one.command_s:.3f}"
    aside = f", {one.aside:,} set aside" if one.aside else ""
    cells = (
        one.fault,
        f"`{name}`",
        f"{one.rate:,.0f}",
        f"{one.offered:,}",
        f"{one.acknowledged:,}",
        f"{one.refused:,}",
        f"{one.duck:,}, {one.duck_missing}, {one.duck_doubled}",
        f"{one.influx:,}, {one.influx_missing}, {one.influx_doubled}{aside}",
        command,
        f"{one.first_mb:.0f}, {one.most_mb:.0f}",
        f"{one.caught_up_s:.1f}",
        " / ".join(one.told),
    )
    return f"| {' | '.join(cells)} |"


def _measure(folder: Path, name: str, rate: float | None) -> Outcome:
    title, case = CASES[name]
    with tempfile.TemporaryDirectory(dir=folder) as made, ExitStack() as stack:
        place = Path(made)
        server = Influxd(_influxd(), place / "influxd")
        stack.callback(server.stop)
        server.start()
        return uvloop.run(_named(case(Ground(place, server, rate)), title))


async def _named(case: Awaitable[Outcome], title: str) -> Outcome:
    return (await case)._replace(fault=title)


def _keep(outcome: Outcome) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    is_new = not RESULTS.exists()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        if is_new:
            table.writerow(("at", *Outcome._fields))
        table.writerow((datetime.now(UTC).isoformat(timespec="seconds"), *outcome))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--rate", type=float, help="readings a second, in place of each case's own")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    end_on_sigterm()
    print(describe(given.folder), flush=True)
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    failed = 0
    for name in names:
        try:
            outcome = _measure(given.folder, name, given.rate)
        except (AssertionError, TimeoutError, PermissionError):
            traceback.print_exc()
            failed += 1
            continue
        _keep(outcome)
        print(line(name, outcome), f" load {os.getloadavg()[0]:.1f}", flush=True)
        if problems := outcome.problems():
            failed += 1
            print(f"FAILED {name}: {', '.join(problems)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
