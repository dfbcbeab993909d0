"""A long run of the real program under load, judged by what its stores hold at the end.

    python -m bench.soak [--minutes 30]        (make soak ARGS="--minutes 60")

A hundred devices report over confirmable CoAP, about 250 readings a second together; DuckDB and a real InfluxDB
are fed. For the first four fifths of the time one process runs without a restart, and InfluxDB is away for 20 s in
every 4 minutes; in the last fifth the process is killed with signal 9 every 20 s and started again. Every 10 s a
row goes to `bench/results/soak.csv`: it is there too when the run is cut off.

At the end every acknowledged reading must be in both stores once, or the run fails (exit code 1).
"""

import argparse
import asyncio
import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.machine import describe
from bench.processes import end_on_sigterm
from bench.servers import influxd
from tests.e2e.coap_fleet import Fleet
from tests.e2e.fleet_site import FleetSite, assert_each_exactly_once, fleet_names
from tests.e2e.program_run import Program
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "soak.csv"
BINS, ALARMS = 70, 30
PAUSE_S = 0.35
STEADY_SHARE = 0.8
SAMPLE_EVERY_S = 10.0
AWAY_EVERY_S, AWAY_S = 240.0, 20.0
KILL_EVERY_S = 20.0
LONGEST_SETTLE_S = 120.0


class Sample(NamedTuple):
    """The state of the run at one moment. ``lag``: journal entries that a store has not taken yet."""

    at_s: float
    phase: str
    acknowledged: int
    lag: int
    resident_mb: float
    open_files: int
    cpu_s: float
    ready: int


class Watch:
    """Writes a row every `SAMPLE_EVERY_S`, whatever else happens."""

    def __init__(self, site: FleetSite, fleet: Fleet, path: Path) -> None:
        self._site = site
        self._fleet = fleet
        self._path = path
        self._began = time.monotonic()
        self.phase = "steady"
        self.program: Program | None = None
        self.samples: list[Sample] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(",".join(Sample._fields) + "\n", encoding="utf-8")

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(SAMPLE_EVERY_S)
            sample = await asyncio.to_thread(self._sample)
            if sample is None:
                continue
            self.samples.append(sample)
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(sample)
            print("  ".join(f"{name} {value}" for name, value in sample._asdict().items()), flush=True)

    def _sample(self) -> Sample | None:
        """``None`` while the program is between two runs."""
        program = self.program
        if program is None:
            return None
        try:
            lag = int(self._site.metric("gengfu_store_lag_entries"))
            ready = httpx.get(f"http://127.0.0.1:{self._site.http}/readyz", trust_env=False).status_code
            resident_mb, open_files, cpu_s = _process(program.process.pid)
        except (httpx.TransportError, OSError):
            return None
        passed = round(time.monotonic() - self._began, 1)
        return Sample(passed, self.phase, self._fleet.acknowledged, lag, resident_mb, open_files, cpu_s, ready)


def _process(pid: int) -> tuple[float, int, float]:
    """Resident megabytes, open files and CPU seconds of a process."""
    place = Path(f"/proc/{pid}")
    pages = int((place / "statm").read_text().split()[1])
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1), len(list((place / "fd").iterdir())), round(cpu_s, 1)


async def _steady(watch: Watch, site: FleetSite, server: Influxd, seconds: float) -> None:
    until = time.monotonic() + seconds
    with site.start() as watch.program:
        while time.monotonic() < until:
            await asyncio.sleep(min(AWAY_EVERY_S, max(0.0, until - time.monotonic())))
            watch.phase = "influx away"
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(AWAY_S)
            await asyncio.to_thread(server.start)
            watch.phase = "steady"
        watch.program.kill()
    watch.program = None


async def _killed(watch: Watch, site: FleetSite, seconds: float) -> int:
    """How often it was killed."""
    until, kills = time.monotonic() + seconds, 0
    watch.phase = "kills"
    while time.monotonic() < until:
        with site.start() as watch.program:
            await asyncio.sleep(KILL_EVERY_S)
            watch.program.kill()
        kills += 1
    watch.program = None
    return kills


async def _soak(site: FleetSite, server: Influxd, minutes: float) -> dict[str, float]:
    async with site.fleet(PAUSE_S) as fleet:
        watch = Watch(site, fleet, RESULTS)
        task = asyncio.create_task(watch.run())
        await _steady(watch, site, server, minutes * 60 * STEADY_SHARE)
        kills = await _killed(watch, site, minutes * 60 * (1 - STEADY_SHARE))
        watch.phase = "settle"
        with site.start() as program:
            await fleet.settle(LONGEST_SETTLE_S)
            total = fleet.acknowledged
            await wait_for_async(lambda: site.points_in_influx() >= total, LONGEST_SETTLE_S, f"{total} in InfluxDB")
            assert program.interrupt(10) == 0, program.text
        task.cancel()
        assert_each_exactly_once(site, fleet)
    return _summary(watch.samples, total, kills)


def _summary(samples: list[Sample], total: int, kills: int) -> dict[str, float]:
    steady = [one for one in samples if one.phase != "kills"]
    quarter = max(1, len(steady) // 4)

    def mean(rows: list[Sample], of: Callable[[Sample], float]) -> float:
        return sum(map(of, rows)) / len(rows)

    return {
        "readings acknowledged, and in both stores once": total,
        "kill -9": kills,
        "resident MB, first quarter of the steady part": mean(steady[:quarter], lambda one: one.resident_mb),
        "resident MB, last quarter": mean(steady[-quarter:], lambda one: one.resident_mb),
        "open files, first quarter": mean(steady[:quarter], lambda one: one.open_files),
        "open files, last quarter": mean(steady[-quarter:], lambda one: one.open_files),
        "share of a core, %": 100 * (steady[-1].cpu_s - steady[0].cpu_s) / (steady[-1].at_s - steady[0].at_s),
        "largest lag of the stores, entries": max(one.lag for one in samples),
        "lag of the stores at the last steady sample, entries": steady[-1].lag,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache", help="on the disk to be judged")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    end_on_sigterm()
    print(describe(given.folder), flush=True)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        server = stack.enter_context(influxd(place))
        if server is None:
            print("no influxd; `make servers` fetches it", file=sys.stderr)
            return 1
        site = FleetSite(place, server, fleet_names(BINS, ALARMS), "soak")
        for name, value in asyncio.run(_soak(site, server, given.minutes)).items():
            print(f"{name:<56}{value:>14,.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
