"""A fault while devices report: what was offered, acknowledged and stored, and how the program behaved meanwhile."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

import httpx

from tests.e2e.program_run import Program
from tests.faults.kitchen import Kitchen
from tests.faults.load import Load
from tests.faults.place import Place, in_duckdb, in_influx
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for_async

T = TypeVar("T")
SAMPLE_S = 0.5
START_S = 60.0
MOST_MB = 512.0
"""Resident memory that the program may take in any of these faults."""


class Outcome(NamedTuple):
    """``rate``: readings acknowledged a second, the median over the half seconds in which any was; ``*_missing``:
    acknowledged, and neither stored nor set aside; ``*_doubled``: stored more than once; ``strange``: stored and never
    sent. ``command_s``: from the leak to the command at the valve. ``told``: what `/readyz` said in the fault.
    ``caught_up_s``: from its end until everything was stored and `/readyz` said so."""

    fault: str
    rate: float
    offered: int
    acknowledged: int
    refused: int
    duck: int
    duck_missing: int
    duck_doubled: int
    influx: int
    influx_missing: int
    influx_doubled: int
    aside: int
    strange: int
    command_s: float | None
    alarms: tuple[str, ...]
    first_mb: float
    most_mb: float
    told: tuple[str, ...]
    caught_up_s: float

    def problems(self) -> list[str]:
        """What is not as promised, in words."""
        wrong = {
            f"{self.offered - self.acknowledged} offered and never acknowledged": self.offered != self.acknowledged,
            f"{self.duck_missing} acknowledged and not in DuckDB": self.duck_missing,
            f"{self.influx_missing} acknowledged and not in InfluxDB": self.influx_missing,
            f"{self.duck_doubled} doubled in DuckDB": self.duck_doubled,
            f"{self.influx_doubled} doubled in InfluxDB": self.influx_doubled,
            f"{self.strange} stored that nobody sent": self.strange,
            "no command at the valve": self.command_s is None,
            "no alarm told": not self.alarms,
            f"{self.most_mb:.0f} MB of memory": self.most_mb > MOST_MB,
        }
        return [problem for problem, is_wrong in wrong.items() if is_wrong]


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Scene:
    """One place with its load. ``program`` is the one that runs now."""

    def __init__(self, place: Place, server: Influxd, load: Load, environment: Mapping[str, str]) -> None:
        self.place = place
        self.server = server
        self.load = load
        self.kitchen = Kitchen()
        self.program: Program | None = None
        self.told: list[str] = []
        self.resident: list[float] = []
        self.alarms: tuple[str, ...] = ()
        self.answers_of_leak: list[str] = []
        self._in_fault = False
        self._rates: list[float] = []
        self._fault_over = 0.0
        self.caught_up_s = 0.0
        self._environment = environment
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> Program:
        """The program; returns when its start is over."""
        self.program = program = self.place.start(self._environment)
        await asyncio.to_thread(program.says, "Ctrl-C stops", START_S)
        return program

    async def begin(self, warm_up: int) -> None:
        """The program, then the load, until so many readings are acknowledged."""
        await self.start()
        await asyncio.to_thread(self.place.sign_in)
        self._watching = asyncio.create_task(self._watch())
        await self.load.begin(self.place.coap)
        await self.kitchen.begin(self.place.coap)
        await self.acknowledged(warm_up)

    async def kill(self) -> None:
        """``kill -9``."""
        program, self.program = self.program, None
        assert program is not None
        await asyncio.to_thread(program.kill)

    async def acknowledged(self, more: int, timeout: float = 60.0) -> None:
        """Until so many more readings are acknowledged."""
        until = self.load.acknowledged + more
        await wait_for_async(lambda: self.load.acknowledged >= until, timeout, f"{more} acknowledgements")

    async def until(self, condition: Callable[[], T], timeout: float, what: str) -> T:
        """The first truthy answer of what asks the program, in a thread; nobody answering is no answer."""

        def ask() -> T | None:
            with suppress(httpx.TransportError):
                return condition()
            return None

        async with asyncio.timeout(timeout):
            while not (answer := await asyncio.to_thread(ask)):
                await asyncio.sleep(0.1)
        assert answer, what
        return answer

    async def leak(self) -> None:
        """Gas in the kitchen, until the command is at the valve and the alarm is told by the API."""
        before = len(self.kitchen.answers)
        self.kitchen.leak()
        await wait_for_async(
            lambda: self.kitchen.commanded_after_s is not None, 60, "the command that closes the valve"
        )
        self.alarms = tuple(await self.until(self.place.standing, 60, "the alarm of the leak"))
        self.answers_of_leak = self.kitchen.answers[before:]

    def readiness(self) -> str:
        """What `/readyz` says; it is kept for the outcome."""
        said = self.place.readiness()
        if self._in_fault and said not in self.told:
            self.told.append(said)
        return said

    async def until_told(self, what: str) -> None:
        """Until `/readyz` says so."""
        await self.until(lambda: what in self.readiness(), 30, f"/readyz to tell of {what}")

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """What `/readyz` says within is kept apart; afterwards everything must be stored without a hand."""
        self._in_fault = True
        yield
        self._in_fault = False
        self._fault_over = time.monotonic()

    async def recovers(self, timeout: float) -> None:
        """Wait until the load goes on, every store has everything, and `/readyz` says that all is well."""
        await self.acknowledged(20, timeout)
        self.load.pause()
        await wait_for_async(lambda: not self.load.waiting, timeout, "the last acknowledgement")
        total = self.load.acknowledged

        def is_well() -> bool:
            return (
                self.place.metric("gengfu_store_lag_entries") == 0
                and self.place.readiness() == "ready"
                and self.load.acknowledged >= total
            )

        self.kitchen.close()
        await self.until(is_well, timeout, "the stores to have everything")
        self.caught_up_s = time.monotonic() - self._fault_over

    async def _watch(self) -> None:
        looked_at, before = time.monotonic(), self.load.acknowledged
        while True:
            await asyncio.sleep(SAMPLE_S)
            now, acknowledged = time.monotonic(), self.load.acknowledged
            self._rates.append((acknowledged - before) / (now - looked_at))
            looked_at, before = now, acknowledged
            program = self.program
            if program is None:
                continue
            with suppress(httpx.TransportError, OSError):
                await asyncio.to_thread(self.readiness)
                self.resident.append(resident_mb(program.process.pid))

    async def outcome(self, fault: str = "", *, tasks_die: bool = False) -> Outcome:
        """End the program in order, and count. ``tasks_die``: the fault ends tasks, which are begun anew."""
        assert self.program is not None
        aside = await asyncio.to_thread(self.place.letters)
        program, self.program = self.program, None
        assert await asyncio.to_thread(program.interrupt, 10) == 0, program.text
        assert tasks_die or "Traceback" not in program.text, program.text[-4000:]
        duck = await asyncio.to_thread(in_duckdb, self.place.data)
        influx = await asyncio.to_thread(in_influx, self.server, self.place)
        offered = set[object]().union(*(end.offered for end in self.load.ends))
        told = set[object]().union(*(end.acknowledged for end in self.load.ends))
        return Outcome(
            fault,
            median(rate for rate in self._rates if rate),
            len(offered),
            len(told),
            sum(self.load.refused.values()),
            len(duck),
            len(told - set(duck)),
            sum(times - 1 for times in duck.values()),
            len(influx),
            max(0, len(told - set(influx)) - aside),
            sum(times - 1 for times in influx.values()),
            aside,
            len((set(duck) | set(influx)) - offered),
            self.kitchen.commanded_after_s,
            self.alarms,
            self.resident[0],
            max(self.resident),
            tuple(self.told),
            self.caught_up_s,
        )

    def close(self) -> None:
        """Whatever still runs."""
        if self._watching is not None:
            self._watching.cancel()
        self.load.close()
        self.kitchen.close()
        if self.program is not None:
            self.program.kill()
        self.place.close()
