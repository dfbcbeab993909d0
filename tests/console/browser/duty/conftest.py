"""The console of the page tests over a real gateway: pipeline, alarms, interlocks, plans, and both journals."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from console.duty.desk import DutyDesk
from console.duty.report_board import ReportBoard
from console.duty.run_board import RunBoard
from console.services import ConsoleServices, Item
from gengfu import clock, rules
from gengfu.console_side import LiveFeed
from gengfu.downlink import Asker
from gengfu.operations_side import open_operations
from gengfu.own_devices.desk_site import DeskSite
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND, Moment
from protocols.quality import Quality
from protocols.reading import Value
from tests.console.browser.conftest import CALL_S, QUIET, Console, WallClock
from tests.console.conftest import reading_of
from tests.console.duty.conftest import Gateway

LEAK = "t:gas:1~CK-04"
TAIL = 5000
CLOSED = 2.0


class Boards:
    """The demo's boards as the page's buttons reach them: keeps what was done."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str | None, bool]] = []

    def boards(self) -> Sequence[str]:
        return ("t:gas:1", "t:gas:2", "t:bin:1")

    async def act(self, verb: str, device: str | None, slow: bool) -> None:
        self.done.append((verb, device, slow))


class DutyConsole(Console):
    """Its time is the real one, as `gengfu.clock` has it. A new start shows what the journal and the plans keep."""

    def __init__(self, services: ConsoleServices, folder: Path) -> None:
        super().__init__(services)
        self._site = services.site
        self._stack = AsyncExitStack()
        self._followed: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], object] = lambda: None
        self.call(self._open(services, folder))

    async def _open(self, services: ConsoleServices, folder: Path) -> None:
        now = clock.wall()
        self._up = SqliteJournal.open(folder / "up", now=now, window_s=0.0)
        self._down = SqliteJournal.open(folder / "down", now=now, window_s=0.0)
        self._operations = open_operations(self._stack, services.site, folder, self._up)  # type: ignore[arg-type] # it is the registry's
        self._asker = Asker(self._down)
        for listener in (LiveFeed(services.site, services.live), self._operations.listen, self._asker.hear):  # type: ignore[arg-type] # as above
            self._up.subscribe(listener)
        self.gateway = Gateway(services.site, self._up, self._down, clock.now)  # type: ignore[arg-type] # as above
        self._plans = asyncio.create_task(self._operations.follow())

    async def wire(self, services: ConsoleServices) -> ConsoleServices:
        await self._unwire()
        runs = RunBoard(services.site, self._operations.service, clock.now, services.events)
        await runs.warm()
        desk = DutyDesk(DeskSite(services.site), rules.shipped(), services.events, runs)  # type: ignore[arg-type] # it is the registry's
        desk.warm(self._up.load_state(""), self._up.tail(TAIL))
        reports = ReportBoard(services.site)
        reports.warm(self._up.load_state(""))
        ways_out = [self._up.subscribe(one) for one in (reports.listen, desk.listen)]
        self._unsubscribe = lambda: [leave() for leave in ways_out]
        self._followed = [asyncio.create_task(runs.follow())]
        return replace(
            services,
            alarms=desk.alarms,
            history=desk.history,
            interlocks=desk.interlocks,
            commands=desk.commands,
            runs=runs,
            reports=reports,
            ask=self._asker,
        )

    async def _unwire(self) -> None:
        self._unsubscribe()
        await _cancel(self._followed)

    async def end(self) -> None:
        await self._unwire()
        await _cancel([self._plans])
        await self._down.close()
        await self._up.close()
        await self._stack.aclose()

    def hear(
        self,
        device: str,
        values: Mapping[str, Value] | None = None,
        quality: Mapping[str, Quality] | None = None,
        age_s: float = 0.0,
    ) -> None:
        """A reading goes the whole way; returns when it and what came of it are in the journal."""
        profile = self._site.devices[device].profile
        at = clock.wall() - int(age_s * SECOND)
        given = {**QUIET[profile.id], **(values or {})}
        reading = reading_of(profile, device, at, given, quality, received_at=clock.wall())

        async def offer() -> None:
            stored: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
            self.gateway.pipeline.offer((reading,), "test", stored.set_result, clock.now())
            assert await asyncio.wait_for(stored, CALL_S) is None

        self.call(offer())

    def tick(self) -> None:
        """Time acts on the gateway: what waits is written down, then sent."""

        async def act() -> None:
            for _ in range(2):
                self.gateway.tick()
                await self._up.append([])

        self.call(act())

    def leak(self, device: str = "t:gas:1") -> None:
        """Gas at a board; its valve is closed by the gateway and reported closed."""
        self.hear(device, {"methane": 61.9})
        self.hear(device, {"methane": 61.9, "valve": CLOSED})

    def publish(self, kind: str, item: Item) -> None:
        """An event to all pages."""
        self.loop.call_soon_threadsafe(self._services.events.publish, kind, item)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def alarm(page: Page, name: str = LEAK) -> Locator:
    return page.locator(f"[data-alarm='{name}']")


def zone(page: Page) -> Locator:
    return page.locator("[data-interlock='street/hotpot~restaurant-kitchen']")


def step(page: Page, name: str) -> Locator:
    return page.locator(f"[data-step='{name}']")


def press(within: Page | Locator, verb: str) -> None:
    within.locator(f"[data-act='{verb}']").click()


@pytest.fixture
def time_moves(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The real clock, which a test may put forward."""
    moving = WallClock()
    monkeypatch.setattr(clock, "wall", moving.ns)
    monkeypatch.setattr(clock, "now", lambda: Moment(moving.ns(), moving.ns()))
    return moving


@pytest.fixture
def boards() -> Boards:
    return Boards()


@pytest.fixture
def is_demo() -> bool:
    return False


@pytest.fixture
def console(
    services: ConsoleServices, tmp_path: Path, time_moves: WallClock, boards: Boards, is_demo: bool
) -> Iterator[DutyConsole]:
    """A console over a gateway whose devices have all just been heard."""
    running = DutyConsole(replace(services, ping_s=0.2, demo=boards if is_demo else None), tmp_path)
    running.start()
    for device in services.site.devices:
        running.hear(device)
    yield running
    running.close()
