"""A small site with a clock that is moved by hand: alarms and readings go in as the journal would bring them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from alarms.alarm import AlarmTransition, alarm_id, encode
from alarms.states import AlarmState, Event
from journal.entry import Entry, Stored, partition_of
from operations.errors import ActionRefused
from operations.plan import Evidence, Plan
from operations.plan_files import shipped_plans
from operations.sensors import Detector, SensorWatch
from operations.service import Operations
from operations.views import Area, EvidenceView, RunView, StepView
from protocols.document import Text
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin, Reading

START = 1_790_000_000 * SECOND
PERIOD_S = 60.0
MALL, DUCT = "mall:gas:1", "mall:duct:1"
MALL_2 = "mall:gas:2"
KITCHEN = "street:gas:1"
HOME, STATION, BIN, GATEWAY = "home:gas:1", "station:plc", "street:bin:1", "gateway:east"
WHOLE_MALL = "gateway:east:REPORTS:mall-building"
TO_S08 = ("S02", "S3a1", "S3a2", "S3a3", "S3b", "S4a", "S4b", "S4c", "S05", "S06", "S07", "P06")
"""What has to be done in the mall before ventilation."""
AREA_MALL = Area("mall", "mall", Text(zh="商场", en="Mall"))
AREAS = {
    MALL: AREA_MALL,
    MALL_2: AREA_MALL,
    DUCT: Area("mall/duct", "mall-duct", Text(zh="风道", en="Duct")),
    KITCHEN: Area("street/hotpot", "commercial-kitchen", Text(zh="厨房", en="Kitchen")),
    HOME: Area("home/one", "home-kitchen", Text(zh="住宅", en="Home")),
    STATION: Area("station/one", "hydrogen-station", Text(zh="加氢站", en="Hydrogen station")),
    BIN: Area("street/corner", "street", Text(zh="投放点", en="Bin point")),
    WHOLE_MALL: Area("mall/whole", "mall-building", Text(zh="整个商场", en="The whole mall")),
    GATEWAY: Area(GATEWAY, "gateway", Text(zh="网关", en="Gateway")),
}
PROFILES = {
    STATION: "gengfu/hydrogen-station",
    BIN: "gengfu/smart-bin",
    GATEWAY: "gengfu/gateway",
    WHOLE_MALL: "gengfu/reports",
}
"""Of the devices that are no gas alarms."""


@cache
def plans() -> Mapping[str, Plan]:
    return shipped_plans()


@cache
def profile_of(device):
    return shipped_profiles()[PROFILES.get(device, "gengfu/gas-alarm")]


def gas_profile():
    return profile_of(MALL)


def gas_reading(device, value, now, quality=Quality.GOOD, origin=Origin.LIVE, at=None):
    points = len(gas_profile().points)
    values = (value, *[None] * (points - 1))
    codes = (int(quality), *[0] * (points - 1))
    return Reading(device, "gengfu/gas-alarm", now.wall if at is None else at, now.wall, origin, values, codes)


def reading_of(device, values, now):
    """A good reading of the points named in ``values``."""
    profile = profile_of(device)
    row = tuple(values.get(one.name) for one in profile.points)
    return Reading(device, profile.id, now.wall, now.wall, Origin.LIVE, row, (0,) * len(row))


def transition(device, rule, at, event=Event.RAISE, after=None, origin=Origin.LIVE, late=False, life_safety=True):
    if after is None:
        after = {Event.RAISE: AlarmState.UNACKNOWLEDGED, Event.RETURN: AlarmState.RETURNED_UNACKNOWLEDGED}.get(
            event, AlarmState.NORMAL
        )
    return AlarmTransition(
        alarm_id(device, rule, origin), device, "methane", rule, origin, "critical", life_safety, event,
        AlarmState.NORMAL, after, at, at, 30.0, 0, at, late,
    )  # fmt: skip


def alarm_entry(one: AlarmTransition, number: int) -> Entry:
    return Entry("alarm", f"{one.alarm}@{number}", partition_of(one.device), one.at, encode(one))


def answer(item: Evidence | EvidenceView, at: int) -> str:
    """A right answer for what is to be written down. ``at``: wall ns."""
    match item.kind:
        case "count":
            return str(item.at_least)
        case "reading":
            return "0.0"
        case "time":
            return datetime.fromtimestamp(at // SECOND, UTC).isoformat()
        case "choice":
            return item.options[0].id
        case "checklist":
            return " ".join(one.id for one in item.options)
    return "ok"


def watch(now: Moment, devices: Iterable[str] = AREAS) -> SensorWatch:
    detectors = [Detector(name, AREAS[name].id, profile_of(name), PERIOD_S) for name in devices]
    return SensorWatch(detectors, [one for plan in plans().values() for one in plan.permissives], now)


class Site:
    """Operations on a real database. Minutes count from its start."""

    def __init__(self, folder: Path, shipped: Mapping[str, Plan] | None = None, url: str | None = None) -> None:
        self.url = url or f"sqlite:///{folder / 'operations.db'}"
        self.plans = plans() if shipped is None else shipped
        self.now = Moment(START, 5 * SECOND)
        self.position = 0
        self.journal: list[Stored] = []
        self.open()

    def open(self) -> None:
        self.watch = watch(self.now)
        self.operations = Operations.open(self.url, self.plans, AREAS, self.watch, self.now)

    def restart(self, down_min: float = 0.0) -> None:
        """As after a crash: memory is gone, the clocks go on."""
        self.operations.close()
        self.pass_time(down_min)
        self.open()

    def close(self) -> None:
        self.operations.close()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Past the program, into its database."""
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            done = connection.execute(text(statement))
            rows = [tuple(row) for row in done] if done.returns_rows else []
        engine.dispose()
        return rows

    # -- time --------------------------------------------------------------------------------------------

    def pass_time(self, minutes: float) -> None:
        step = int(minutes * 60 * SECOND)
        self.now = Moment(self.now.wall + step, self.now.mono + step)

    def wait(self, minutes: float) -> None:
        self.pass_time(minutes)
        self.operations.tick(self.now)

    def breathe(self, minutes: int, value: float = 1.0, devices: Iterable[str] = (MALL, MALL_2)) -> None:
        """Every detector reports once a minute, and time acts."""
        for _ in range(minutes):
            self.pass_time(1)
            for device in devices:
                self.watch.observe(gas_reading(device, value, self.now), self.now)
            self.operations.tick(self.now)

    # -- what comes in -------------------------------------------------------------------------------------

    def alarm(self, device, rule, event=Event.RAISE, **more) -> Stored:
        self.position += 1
        entry = alarm_entry(transition(device, rule, self.now.wall, event, **more), self.position)
        stored = Stored(self.position, entry)
        self.operations.consume([stored], self.now)
        return stored

    def act(self, step, verb="finish", role=None, evidence=None, who="Li Wei", why="as reported") -> RunView:
        view = self.step(step)
        needed = {"finish": "finish", "release": "release"}.get(verb)
        if evidence is None:
            evidence = {one.id: answer(one, self.now.wall) for one in view.evidence if one.at == needed}
        if role is None:
            role = view.sensor.release_by.id if verb == "release" else view.actors[0].id
        return self.operations.act(self.run.id, step, verb, who, role, evidence, why, self.now)

    def refused(self, step, verb="finish", **more) -> str:
        """Why the act is refused; empty when it was done."""
        try:
            self.act(step, verb, **more)
        except ActionRefused as error:
            return error.en
        return ""

    def do(self, *steps: str) -> None:
        for step in steps:
            self.act(step)

    # -- what is seen --------------------------------------------------------------------------------------

    @property
    def run(self) -> RunView:
        """The newest run."""
        return self.operations.runs(self.now)[0]

    def step(self, step: str) -> StepView:
        return next(one for one in self.run.steps if one.id == step)

    def states(self, *names: str) -> list[str]:
        by_id = {one.id: one.state for one in self.run.steps}
        return [by_id[name] for name in names]

    def open_steps(self) -> list[str]:
        return [one.id for one in self.run.steps if one.state in ("open", "started", "held", "releasable")]

    def told(self, event: str) -> list[str]:
        return [one.step or one.rule for one in self.run.events if one.event == event]


def to_measuring(site):
    """A full run whose next steps are P07 and S09, with the gas low for a long time."""
    site.alarm(MALL, "CK-04")
    site.do(*TO_S08)
    site.breathe(11)
    site.do("S08", "P07")


def to_repair(site):
    """On from `to_measuring`: the crew is at the pipe."""
    to_measuring(site)
    site.breathe(1)
    site.act("S09", "release")
    site.act("S09")
    site.breathe(1)
    site.act("S10", "release")
    site.act("S10", "start", evidence={})
