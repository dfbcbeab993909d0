"""A console over a real gateway: two journals, the watch, the downlink and the asker, on a clock of the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alarms.engine import AlarmEngine
from console.app import create_app
from console.duty.desk import DutyDesk
from console.duty.run_board import RunBoard
from console.roles import Role
from console.services import ConsoleServices
from device_registry.devices import Site
from device_registry.load import load_site
from gateway.actuator import Actuator
from gateway.command_queue import CommandQueue, Ways
from gateway.counters import Counters
from gateway.downlink import Downlink, load_cursor
from gateway.pipeline import Pipeline, Verdict
from gateway.watch import Watch
from gengfu import rules
from gengfu.downlink import Asker
from gengfu.mode_side import make_modes
from gengfu.own_devices import report_places
from interlocks.engine import InterlockEngine
from journal.entry import PARTITIONS, Done, Stored
from journal.sqlite import SqliteJournal
from operations.photos import PhotoStore
from operations.plan_files import shipped_plans
from operations.sensors import Detector, SensorWatch
from operations.service import Operations
from operations.views import Area
from protocols.document import Text
from protocols.moment import Moment
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.reading import Origin, Value
from tests.console.conftest import BASE, SITE, START, Clock, reading_of
from tests.fixtures.waiting import wait_for_async

GAS = "t:gas:1"
OTHER = "t:gas:2"
LEAK = f"{GAS}~CK-04"
KITCHEN = "street/hotpot~restaurant-kitchen"
OPEN, CLOSED = 1.0, 2.0
QUIET: Mapping[str, Value] = {
    "methane": 0.0, "co": 0.0, "alarm": 0.0, "fault": 0.0, "over_range": 0.0, "valve": OPEN, "fan": 1.0,
}  # fmt: skip


@dataclass
class Line:
    """The way to the boards: takes every command, and keeps it."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        self.sent.append((device, command.name))
        sent("")


class Gateway:
    """The gateway's part. ``hears``: whether it takes what people ask."""

    def __init__(self, site: Site, up: SqliteJournal, down: SqliteJournal, now: Callable[[], Moment]) -> None:
        self._now = now
        self._up = up
        self.line = Line()
        book = rules.shipped()
        # A leak is one alarm here: these tests speak of the desk, and a fast rise (CK-03) has stories of its own.
        alarms = {name: rule for name, rule in book.alarms.items() if name != "CK-03"}
        interlocks = InterlockEngine(book.matrices, rules.zones(site), now())
        ways = Ways(site.find_profile, Origin.LIVE, interlocks.refusal, self._store, lambda: None)
        self.commands = CommandQueue(ways)
        self.watch = Watch(
            interlocks,
            AlarmEngine(alarms, [*rules.watched(site), *report_places.watched(site)], now()),
            Actuator(self.line, site.find_profile),
            self._store,
            self.commands.follow,
        )
        self.commands.issuer = self.watch
        state = up.load_state("")
        self.watch.load(state, now())
        self.commands.load(state, now())
        self.pipeline = Pipeline(site, up, Counters(CollectorRegistry()), (self.watch,))
        modes = make_modes(site, self.watch, book, Origin.LIVE, "boot", self._store, lambda: None)
        modes.reports.load(state, now())
        self._requests = Downlink(self.watch, self._store, load_cursor(state), self.commands, modes.verbs)
        self.hears = True
        down.subscribe(self._take)

    def _take(self, batch: Sequence[Stored]) -> None:
        if self.hears:
            self._requests.take(batch, self._now())

    def _store(self, verdict: Verdict, done: Done | None = None) -> None:
        self._up.submit(verdict.entries, done, verdict.state)

    def tick(self) -> None:
        self.commands.tick(self._now())
        self.watch.tick(self._now())


@dataclass
class Rig:
    """All of it. Clients are made with `client`."""

    clock: Clock
    gas: Profile
    up: SqliteJournal
    down: SqliteJournal
    gateway: Gateway
    desk: DutyDesk
    asker: Asker
    services: ConsoleServices
    app: FastAPI
    client: Callable[[Role | None], httpx.AsyncClient]

    def now(self) -> Moment:
        return moment(self.clock)

    async def hear(self, device: str = GAS, **values: Value) -> None:
        """A board reports; returns when the desk has seen what came of it."""
        await self.hear_of(self.gas, device, {**QUIET, **values})

    async def hear_of(self, profile: Profile, device: str, values: Mapping[str, Value], ago_s: int = 0) -> None:
        """A device of any kind reports just these points, as they were some seconds ago."""
        at = self.clock.at - ago_s * 10**9
        reading = reading_of(profile, device, at, values, received_at=self.clock.at)
        stored: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.gateway.pipeline.offer((reading,), "test", stored.set_result, self.now())
        assert await stored is None

    async def tick(self, seconds: float) -> None:
        """Time goes by, and the gateway looks at it."""
        self.clock.advance(seconds)
        self.gateway.tick()
        await self.up.append([])

    async def leak(self) -> None:
        """Both boards are quiet, then gas at one of them; the valves of both are closed and proved."""
        await self.hear()
        await self.hear(OTHER)
        self.clock.advance(2)
        await self.hear(methane=60.0)
        self.clock.advance(2)
        await self.hear(methane=60.0, valve=CLOSED)
        await self.hear(OTHER, valve=CLOSED)

    async def clear(self, seconds: int) -> None:
        """The gas is gone and stays so for a while; the boards report every four seconds."""
        for _ in range(0, seconds, 4):
            self.clock.advance(4)
            await self.hear(valve=CLOSED)
            await self.hear(OTHER, valve=CLOSED)
            self.gateway.watch.tick(self.now())
        await self.up.append([])


def moment(clock: Clock) -> Moment:
    return Moment(clock.at, clock.at - START + 10**12)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The kitchen with its two gas alarms; the bin stands at the corner."""
    corner = '[[area]]\nid = "corner"\ntitle = { zh = "东口", en = "Corner" }\nkind = "street"\n\n[[connection]]'
    kitchen, bin_ = SITE.replace("[[connection]]", corner).split('id = "t:bin:1"')
    file = tmp_path / "duty.toml"
    file.write_text(f'{kitchen}id = "t:bin:1"{bin_.replace("street/hotpot", "corner")}', encoding="utf-8")
    return load_site(file, shipped_profiles())


Open = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def open_rig(
    tmp_path: Path,
    site: Site,
    services: ConsoleServices,
    root: Path,
    clock: Clock,
    gas: Profile,
    bearer: Callable[[Role], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Open]:
    """Makes a rig; made again, it is the same site after a restart."""
    monkeypatch.setattr("gengfu.clock.wall", clock.ns)
    journals: list[SqliteJournal] = []
    clients: list[httpx.AsyncClient] = []

    async def open_(**more: Any) -> Rig:
        while journals:
            await journals.pop().close()
        up = SqliteJournal.open(tmp_path / "up", now=clock.at, window_s=0.0)
        down = SqliteJournal.open(tmp_path / "down", now=clock.at, window_s=0.0)
        journals.extend((down, up))
        desk = DutyDesk(site, rules.shipped(), services.events, more.get("runs"))
        desk.warm(up.load_state(""), up.tail(5000))
        asker = Asker(down)
        up.subscribe(asker.hear)  # first: the answer must not overtake the boards all the same
        up.subscribe(desk.listen)
        gateway = Gateway(site, up, down, lambda: moment(clock))
        parts = {
            "alarms": desk.alarms,
            "history": desk.history,
            "interlocks": desk.interlocks,
            "commands": desk.commands,
            "ask": asker,
        }
        wired = replace(services, **{**parts, **more})
        app = create_app(wired, root)

        def client(role: Role | None) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = bearer(role) if role else {}
            clients.append(httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers))
            return clients[-1]

        return Rig(clock, gas, up, down, gateway, desk, asker, wired, app, client)

    yield open_
    for one in clients:
        await one.aclose()
    while journals:
        await journals.pop().close()


@pytest.fixture
async def rig(open_rig: Open) -> Rig:
    """A rig that has just been started."""
    return await open_rig()


@pytest.fixture
def officer(rig: Rig) -> httpx.AsyncClient:
    """A duty officer at the rig's console."""
    return rig.client(Role.OFFICER)


async def published(rig: Rig, kind: str, do: Callable[[], Awaitable[object]]) -> list[dict[str, Any]]:
    """What is published of a kind while something is done, as a browser gets it."""
    with rig.services.events.reading() as reader:
        await do()
        reader.put(b": end\n\n")
        frames = (await reader.get()).decode().split("\n\n")
    return [json.loads(one.split("data: ", 1)[1]) for one in frames if one.startswith(f"event: {kind}\n")]


@dataclass
class Response:
    """A rig whose alarms open plans."""

    rig: Rig
    operations: Operations
    board: RunBoard

    async def carry(self) -> None:
        """What the journal has goes to operations, and what operations says into the journal."""
        after = self.operations.cursor()
        self.operations.consume(self.rig.up.read(range(PARTITIONS), after, 10_000), self.rig.now())
        entries = self.operations.outbox()
        if entries:
            await self.rig.up.append(entries)
            self.operations.confirm(entry.id for entry in entries)

    async def leak(self) -> str:
        """A leak opens a run, which the board has seen; its id."""
        await self.rig.leak()
        await self.carry()
        await wait_for_async(self.board.open_items)
        (run,) = self.operations.runs(self.rig.now(), "active")
        return run.id


@pytest.fixture
async def response(
    open_rig: Open, site: Site, services: ConsoleServices, clock: Clock, tmp_path: Path
) -> AsyncIterator[Response]:
    plans, now = shipped_plans(), moment(clock)
    areas = {
        one.id: Area(one.area.id, one.area.kind, Text(zh=one.area.title.zh, en=one.area.title.en))
        for one in site.devices.values()
    }
    detectors = [Detector(one.id, one.area.id, one.profile, 60.0) for one in site.devices.values()]
    sensors = SensorWatch(detectors, [one for plan in plans.values() for one in plan.permissives], now)
    operations = Operations.open(f"sqlite:///{tmp_path / 'operations.db'}", plans, areas, sensors, now)
    photos = PhotoStore(tmp_path / "photos")
    board = RunBoard(site, operations, lambda: moment(clock), services.events, photos)
    await board.warm()
    following = asyncio.create_task(board.follow())
    yield Response(await open_rig(runs=board, photos=photos), operations, board)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    operations.close()
