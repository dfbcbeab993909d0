"""A control room over the rig: its logbook on disk, its people, and what its gateway asks for."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from console.app import create_app
from console.duty.bypass_board import BypassBoard
from console.duty.hand_over import Desk
from console.duty.logbook import Logbook
from console.roles import Role
from gengfu import rules
from gengfu.console_side import LiveFeed
from gengfu.duty_side import DutySide, Own, Seen
from gengfu.own_devices import canary_device
from protocols.reading import Origin
from tests.console.conftest import BASE, Clock, reading_of
from tests.console.duty.conftest import GAS, OTHER, QUIET, Open, Rig, moment

PEOPLE = {"li": Role.OFFICER, "wang": Role.OFFICER, "boss": Role.ADMIN, "guest": Role.VIEWER}
PASSWORD = "room-secret-1"


@dataclass
class Room:
    """``asked``: what the gateway asks for, by its point. ``book``: the file of the logbook."""

    rig: Rig
    side: DutySide
    people: dict[str, httpx.AsyncClient]
    book: Path
    asked: dict[str, Callable[[], float | None]] = field(default_factory=dict)

    async def get(self, path: str, who: str = "li") -> Any:
        """The answer to a viewing person, which must be one."""
        answer = await self.people[who].get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: dict[str, Any] | None = None, who: str = "li") -> tuple[int, Any]:
        answer = await self.people[who].post(f"/api/v1/{path}", json=body)
        return answer.status_code, answer.json()

    async def refused(self, path: str, body: dict[str, Any] | None = None, who: str = "li") -> tuple[int, str]:
        """Status and kind of the problem."""
        status, problem = await self.post(path, body, who)
        return status, problem["type"].rpartition(":")[2]

    def pass_time(self, seconds: float) -> None:
        """Time goes by, and the desk looks at it."""
        self.rig.clock.advance(seconds)
        self.side.duties.tick()

    async def quiet(self) -> None:
        """Every board reports all its life-safety points."""
        for device in (GAS, OTHER):
            await self.rig.hear(device, alarm_level=0.0, co_alarm=0.0)
        bin_ = self.rig.services.site.devices["t:bin:1"].profile
        await self.rig.hear_of(bin_, "t:bin:1", {"temperature": 20.0, "fire": 0.0})

    async def say(self, device: str, quality: Mapping[str, int], origin: Origin = Origin.LIVE) -> None:
        """A board reports, its values quiet and of these qualities."""
        reading = reading_of(self.rig.gas, device, self.rig.clock.at, QUIET, quality, origin)
        self.rig.gateway.pipeline.offer((reading,), "test", lambda _error: None, self.rig.now())
        await self.rig.up.append([])

    def spoil(self, statement: str) -> None:
        """Somebody gets at the file of the logbook."""
        with closing(sqlite3.connect(self.book)) as database, database:
            for change in ("UPDATE", "DELETE"):
                database.execute(f"DROP TRIGGER IF EXISTS desk_logbook_{change}")
            database.execute(statement)


OpenRoom = Callable[[], Awaitable[Room]]


@pytest.fixture(scope="session")
def rulebook() -> rules.Rulebook:
    """The shipped one, read once."""
    return rules.shipped()


@pytest.fixture(scope="session")
def apps() -> list[FastAPI]:
    """The application, given to one room after the other: its routes are made once, which takes half a second."""
    return []


@pytest.fixture
async def open_room(
    open_rig: Open,
    root: Path,
    tmp_path: Path,
    clock: Clock,
    rulebook: rules.Rulebook,
    apps: list[FastAPI],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[OpenRoom]:
    """Makes a room; made again, it is the same one after a restart."""
    monkeypatch.setattr("gengfu.rules.shipped", lambda: rulebook)
    monkeypatch.setattr("gengfu.clock.now", lambda: moment(clock))
    book = tmp_path / "accounts.db"
    books: list[Logbook] = []
    clients: list[httpx.AsyncClient] = []

    async def open_() -> Room:
        rig = await open_rig()
        site, live = rig.services.site, rig.services.live
        rig.gateway.watch.alarms.rewatch([*rules.watched(site), canary_device.watched()], rig.now())
        rig.gateway.watch.load(rig.up.load_state(""), rig.now())
        rig.up.subscribe(LiveFeed(site, live))
        asked: dict[str, Callable[[], float | None]] = {}
        books.append(Logbook(f"sqlite:///{book}"))
        bypasses = BypassBoard(site, rulebook.matrices)
        rig.up.subscribe(bypasses.listen)
        desk = Desk(rig.desk.alarms, rig.desk.interlocks, bypasses=bypasses)
        side = DutySide(
            books[-1],
            Seen(site, live, desk, rig.services.events, bypasses.bypassed),
            rig.asker,
            Own(lambda readings: rig.gateway.pipeline.judge(readings, rig.now()), asked.__setitem__),
        )
        await side.begin()
        rig.up.subscribe(side.canary.listen)
        wired = replace(rig.services, duties=side.duties)
        if not apps:
            apps.append(create_app(wired, root))
        app = apps[0]
        app.state.services = wired
        people = {}
        for name, role in PEOPLE.items():
            if name not in dict(rig.services.accounts.users()):
                rig.services.accounts.add_user(name, PASSWORD, role)
            secret = rig.services.accounts.login(name, PASSWORD, "test")
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {secret}"}
            people[name] = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
            clients.append(people[name])
        return Room(rig, side, people, book, asked)

    yield open_
    for client in clients:
        await client.aclose()
    for one in books:
        one.close()


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A control room that has just been opened."""
    return await open_room()
