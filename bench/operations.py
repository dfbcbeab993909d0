"""Response plans: what one event of the engine takes, and a hundred plans that run, on SQLite and on PostgreSQL.

    python -m bench.operations [--events 300]

An event is one transaction, durable when it returns: a person's act, a missed deadline, an alarm that opens a run of
the shipped plan of a mall and its first steps. The CPU seconds are of our process; those of the PostgreSQL server stand
in a row of their own. The load is a minute on a clock that the benchmark moves: a hundred plans of which 1,000
deadlines are missed one by one, each told, put into the outbox and confirmed, and all of which wait for a sensor
condition that is judged every second.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from alarms.alarm import AlarmTransition, alarm_id, encode
from alarms.states import AlarmState, Event
from bench.missing import tell_missing
from bench.parts import percentile
from bench.processes import cpu_s, end_on_sigterm
from bench.rows import Row, print_rows
from journal.entry import Entry, Stored, partition_of
from operations.actions import Action
from operations.course import Course
from operations.plan import Plan
from operations.plan_files import shipped_plans
from operations.sensors import Detector, SensorWatch
from operations.service import SENSE_EVERY_NS, Operations
from operations.store import Store
from operations.views import Area
from protocols.document import Text
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin
from tests.fixtures.postgres import Postgres
from tests.fixtures.programs import Program
from tools.test_servers import environment, locate

PLAN = "mall-gas-leak-dongkeng"
EVENTS = 300
RUNS, TIMERS = 100, 10
START = 1_790_000_000 * SECOND
NOTHING: Mapping[str, str] = {}
CALL = {"call_log": "from outside"}
TICKS = os.sysconf("SC_CLK_TCK")


class _Took:
    """Milliseconds of CPU and of the clock, a pair for each call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._cpu: list[float] = []
        self._wall: list[float] = []

    def of(self, call: Callable[[], object]) -> None:
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        call()
        self._cpu.append((time.process_time_ns() - cpu) / 1e6)
        self._wall.append((time.perf_counter_ns() - wall) / 1e6)

    def rows(self) -> list[Row]:
        return [
            Row(f"{self._name}: {what} {name}", percentile(values, share), "ms")
            for what, values in (("CPU", self._cpu), ("clock", self._wall))
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ]


class _Town:
    """Malls with one detector each, and their plans over one database."""

    def __init__(self, url: str, plan: Plan, malls: int) -> None:
        self.devices = [f"mall:{number}:gas:1" for number in range(malls)]
        self.areas = {one: Area(one, "mall", Text(zh="商场", en="mall")) for one in self.devices}
        self.now = Moment(START, 5 * SECOND)
        self.sensed_at = 0
        gas = shipped_profiles()["gengfu/gas-alarm"]
        detectors = [Detector(one, one, gas, 60.0) for one in self.devices]
        sensors = SensorWatch(detectors, plan.permissives, self.now)
        self.operations = Operations.open(url, {PLAN: plan}, self.areas, sensors, self.now)

    def alarm(self, number: int) -> None:
        """A leak of the second level in a mall: its plan opens in stage full."""
        device, at = self.devices[number], self.now.wall
        one = AlarmTransition(
            alarm_id(device, "CK-04", Origin.LIVE), device, "methane", "CK-04", Origin.LIVE, "critical", True,
            Event.RAISE, AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, at, at, 60.0, 0, at, False,
        )  # fmt: skip
        entry = Entry("alarm", f"{one.alarm}@{number}", partition_of(device), at, encode(one))
        self.operations.consume([Stored(number, entry)], self.now)

    def act(self, run: str, step: str, evidence: Mapping[str, str] = NOTHING) -> None:
        """A step is finished by the property's desk."""
        self.operations.act(run, step, "finish", "Li Wei", "property-desk", evidence, "as reported", self.now)

    def publish(self) -> None:
        """As the program does, but the journal."""
        while events := self.operations.outbox():
            self.operations.confirm([one.id for one in events])

    def wait(self, ns: int) -> None:
        self.now = Moment(self.now.wall + ns, self.now.mono + ns)

    def open_all(self, apart_ns: int = 0) -> list[str]:
        """The runs, the oldest first."""
        for number in range(len(self.devices)):
            self.wait(apart_ns)
            self.alarm(number)
        runs = self.operations.runs(self.now)
        assert len(runs) == len(self.devices)
        return [run.id for run in reversed(runs)]


def _acts(kind: str, url: str, events: int) -> list[Row]:
    town = _Town(url, shipped_plans()[PLAN], events)
    opening = _Took(f"{kind}: an alarm that opens a run and its first steps")
    act, viewed = _Took(f"{kind}: a person's act"), _Took(f"{kind}: a person's act and the view that answers it")
    for number in range(events):
        town.wait(SECOND // 1000)
        opening.of(partial(town.alarm, number))
    runs = [run.id for run in town.operations.runs(town.now)]
    for run in runs:
        town.act(run, "S02")
    for run in runs:
        finish = Action("S3a1", "finish", "Li Wei", "property-desk", CALL, "as reported")
        # what `Operations.act` does, but its view
        act.of(partial(town.operations._claim, run, partial(_do, finish, town.now.wall), town.now))
    for run in runs:
        viewed.of(partial(town.act, run, "S3a2", CALL))
    town.operations.close()
    return [*opening.rows(), *act.rows(), *viewed.rows()]


def _do(action: Action, now: int, _store: Store, course: Course) -> None:
    course.act(action, None, now)


def _plan_of_timers() -> Plan:
    """Ten steps that open at once, whose deadlines are 6 s apart, and one that waits for its sensors."""
    data = json.loads(shipped_plans()[PLAN].model_dump_json(by_alias=True))
    steps = {step["id"]: step for step in data["step"]}
    timed = [
        {**steps["S02"], "id": f"D{number}", "after": [], "done_min": 1 + number / TIMERS} for number in range(TIMERS)
    ]
    held = {**steps["S09"], "after": [], "start_min": None, "done_min": None}
    data["step"] = [*timed, held]
    return Plan.model_validate_json(json.dumps(data))


def _minute(kind: str, url: str, server: Postgres | None) -> list[Row]:
    town = _Town(url, _plan_of_timers(), RUNS)
    town.open_all(60 * SECOND // RUNS // TIMERS)
    town.publish()
    missed, looks, fired = (
        _Took(f"{kind}: a missed deadline"),
        _Took(f"{kind}: a look at the sensors of {RUNS} plans"),
        0,
    )
    # the deadlines of the first run are 60 s after its opening, which was 6 s ago
    town.wait(54 * SECOND)
    begun, before, server_before = town.now.mono, cpu_s(), _cpu_of(server)
    until = begun + 60 * SECOND
    while (due := town.operations.due()) is not None and due <= until:
        town.wait(due - town.now.mono)
        if town.now.mono - town.sensed_at >= SENSE_EVERY_NS:
            town.sensed_at = town.now.mono
            looks.of(partial(town.operations.tick, town.now))
        else:
            missed.of(partial(town.operations.tick, town.now))
        town.publish()
    cpu, server_cpu = cpu_s() - before, _cpu_of(server) - server_before
    for run in town.operations.runs(town.now):
        fired += sum(event.event == "step-overdue" for event in run.events)
    assert fired == RUNS * TIMERS, f"{fired} deadlines were told"
    town.operations.close()
    load = f"{kind}: {RUNS} plans that run, {RUNS * TIMERS} deadlines a minute"
    rows = [*missed.rows(), *looks.rows(), Row(f"{load}: share of a core", 100 * cpu / 60, "% of a core")]
    return rows if server is None else [*rows, Row(f"{load}: the server's share", 100 * server_cpu / 60, "% of a core")]


def _cpu_of(server: Postgres | None) -> float:
    """CPU seconds of the server's processes."""
    if server is None:
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = stat.read_text(encoding="utf-8").partition(" ")
            fields = rest.rpartition(")")[2].split()
            if server.pid in (int(pid), int(fields[1])):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


@contextmanager
def _server(folder: Path) -> Iterator[Postgres | None]:
    """A server that syncs each commit to the disk, or ``None`` where there is none."""
    programs = [locate("postgres"), locate("initdb")]
    if None in programs:
        tell_missing("PostgreSQL", "servers")
        yield None
        return
    place = Path(tempfile.mkdtemp(dir=folder))
    server = Postgres(place, *(Program(path, environment()) for path in programs if path), {})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(place)


def measure(folder: Path, events: int = EVENTS) -> list[Row]:
    """All rows; those of PostgreSQL only where there is a server."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        rows = _acts("SQLite", f"sqlite:///{place}/acts.db", events)
        rows += _minute("SQLite", f"sqlite:///{place}/minute.db", None)
    with _server(folder) as server:
        if server is not None:
            rows += _acts("PostgreSQL", server.database(), events)
            rows += _minute("PostgreSQL", server.database(), server)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to be judged")
    given = parser.parse_args()
    end_on_sigterm()
    print_rows(measure(given.folder, given.events))


if __name__ == "__main__":
    main()
