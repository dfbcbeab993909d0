"""The pages in Chromium against the real console: served on a socket, with accounts, DuckDB and a live view."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from console.address import bind
from console.app import create_app
from console.events import EventHub
from console.roles import Role
from console.serve import serve
from console.services import ConsoleServices
from device_registry.devices import Site
from device_registry.load import load_site
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Value
from telemetry.duck import DuckStore
from tests.console.conftest import PASSWORDS, START, Clock, reading_of

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HERE = Path(__file__).parent
CALL_S = 20.0
T = TypeVar("T")
QUIET: Mapping[str, Mapping[str, Value]] = {
    "gengfu/gas-alarm": {
        "methane": 1.2,
        "co": 4.0,
        "alarm": 0.0,
        "alarm_level": 0.0,
        "co_alarm": 0.0,
        "over_range": 0.0,
        "fault": 0.0,
        "valve": 1.0,
        "fan": 1.0,
    },
    "gengfu/smart-bin": {"fill": 66.0, "temperature": 26.0, "fire": 0.0, "tilt": 2.0, "battery": 88.0},
}


class WallClock(Clock):
    """The real time, for the pages compare what they get with the server's clock; `advance` puts it forward."""

    def ns(self) -> int:
        return time.time_ns() + self.at - START

    def seconds(self) -> float:
        return self.ns() / 10**9


class Console:
    """The console on a loopback port, on a loop in a thread of its own; it can be stopped and started again."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._port = 0
        self.url = ""
        self.loop = asyncio.new_event_loop()
        self._served: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the console's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(CALL_S)

    def start(self) -> None:
        """Serve until `stop`, on the same port each time."""
        self.call(self._start())

    async def _start(self) -> None:
        self._services = replace(self._services, stop=asyncio.Event(), events=EventHub())
        app: FastAPI = create_app(await self.wire(self._services))
        sock = bind("127.0.0.1", self._port)
        self._port = sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._served = asyncio.create_task(serve(app, sock, self._services.stop))

    async def wire(self, services: ConsoleServices) -> ConsoleServices:
        """What the console is given at a start; with its event hub, which is a new one each time."""
        return services

    def stop(self) -> None:
        """End all streams and give the port up. Stopping twice does nothing more."""
        self.call(self._stop())

    async def _stop(self) -> None:
        self._services.stop.set()
        if self._served is not None:
            await self._served

    async def end(self) -> None:
        """Give up what was opened on the loop."""

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.call(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def hear(
        self,
        device: str,
        values: Mapping[str, Value] | None = None,
        quality: Mapping[str, Quality] | None = None,
        age_s: float = 0.0,
    ) -> None:
        """A reading of a device ``age_s`` old comes in: stored, and announced to the pages."""
        profile = self._services.site.devices[device].profile
        given = dict(QUIET[profile.id]) if values is None else values
        reading = reading_of(profile, device, time.time_ns() - int(age_s * 10**9), given, quality)
        self._services.store.write([reading], {})
        points = [point.name for point in profile.points]
        self.loop.call_soon_threadsafe(self._services.live.observe, reading, points)


class Visit:
    """A page, and what must stay empty: errors on its console, and requests to other hosts."""

    def __init__(self, page: Page, console: Console) -> None:
        self.page = page
        self.console = console
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _note(self, request: Request) -> None:
        if not request.url.startswith(f"{self.console.url}/"):
            self.elsewhere.append(request.url)

    def sign_in(self, role: Role = Role.OFFICER) -> Page:
        """Through the sign-in page to the desk."""
        self.page.goto(f"{self.console.url}/")
        self.page.locator("#username").fill(role.value)
        self.page.locator("#password").fill(PASSWORDS[role])
        self.page.locator("#submit").click()
        self.page.locator("#desk").wait_for()
        return self.page


@pytest.fixture
def clock() -> Clock:
    return WallClock()


@pytest.fixture
def site() -> Site:
    """Two kitchens and a bin, each in an area of its own."""
    return load_site(HERE / "site.toml", shipped_profiles())


@pytest.fixture
def root() -> Path:
    """The pages themselves."""
    return HERE.parents[2] / "console"


@pytest.fixture
def console(services: ConsoleServices, store: DuckStore) -> Iterator[Console]:
    """A console whose devices have all just been heard. An open stream looks after its session every 0.2 s."""
    running = Console(replace(services, ping_s=0.2))
    running.start()
    for device in services.site.devices:
        running.hear(device)
    yield running
    running.close()


@pytest.fixture(scope="module")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """One browser for the tests of a module; each test has a profile of its own.

    No longer than a module: while Playwright runs, it keeps a running event loop in this thread, which the
    asyncio tests of other modules need for themselves.
    """
    expect.set_options(timeout=15_000)  # a loaded machine is slow; a condition that never comes still fails
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, console: Console) -> Iterator[Callable[..., Visit]]:
    """Opens a visitor's browser; its language is Chinese unless said otherwise."""
    opened: list[BrowserContext] = []

    def open_visit(locale: str = "zh-CN", width: int = 1280, height: int = 800, **more: Any) -> Visit:
        context = chromium.new_context(locale=locale, viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(15_000)
        opened.append(context)
        return Visit(context.new_page(), console)

    yield open_visit
    for context in opened:
        context.close()
