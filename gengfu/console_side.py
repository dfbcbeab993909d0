"""The console of a process, wired: live view, accounts, pages and the server."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter

import gengfu
from console import serve
from console.accounts import Accounts
from console.duty.bypass_board import BypassBoard
from console.duty.desk import TRIP, DutyDesk
from console.duty.hand_over import Desk
from console.duty.logbook import Logbook
from console.duty.mode_board import ModeBoard
from console.duty.proof_board import ProofBoard
from console.duty.report_board import ReportBoard
from console.duty.run_board import RunBoard
from console.errors import AccountsDamaged
from console.events import EventHub
from console.live import LiveView
from console.services import Connections, ConsoleServices, DeviceDoor, JournalDesk, Reload, RuleDesk
from device_registry.devices import Site
from gateway.uplink import Ingest
from gengfu import clock
from gengfu.alarm_metrics import AlarmMeters
from gengfu.damage import open_or_set_aside
from gengfu.downlink import Asker
from gengfu.duty_side import DutySide, Own, Seen
from gengfu.health import Health
from gengfu.http_ingest import HttpIngest
from gengfu.letter_board import LetterBoard
from gengfu.operations_side import OperationsSide
from gengfu.own_devices.desk_site import DeskSite
from gengfu.own_devices.watch import GatewayWatch, WatchAsk
from gengfu.rules import Rulebook
from gengfu.settings import Settings
from gengfu.staging import Staging
from gengfu.stores import Stores
from gengfu.supervisor import Supervisor
from journal.entry import Stored
from journal.follow import follow
from journal.sqlite import SqliteJournal
from protocols.profile.model import Profile
from protocols.reading import decode_reading
from telemetry import duck_extract

TAIL = 20_000
"""Entries of the journal's end that give the alarm history of the desk, and values that no store has yet."""
PIECE = 200
"""Entries and samples that are taken in before the gateway has its turn."""


T = TypeVar("T")


class LiveFeed:
    """Carries committed readings from the journal into the live view."""

    def __init__(self, site: Site, live: LiveView) -> None:
        self._live = live
        self._site = site
        self._points: dict[Profile, tuple[str, ...]] = {}

    def __call__(self, stored: Sequence[Stored]) -> None:
        """Listener of the journal."""
        for one in stored:
            if one.entry.kind == "reading":
                reading = decode_reading(one.entry.body)
                device = self._site.devices.get(reading.device)
                if device is not None:
                    self._live.observe(reading, self._names(device.profile))

    def _names(self, profile: Profile) -> tuple[str, ...]:
        names = self._points.get(profile)
        if names is None:
            names = self._points[profile] = tuple(point.name for point in profile.points)
        return names


class Gate(NamedTuple):
    """What the gateway of the process gives to its console."""

    ingest: Ingest
    device_door: DeviceDoor
    connections: Connections
    journal: JournalDesk
    rules: RuleDesk
    reload: Reload | None = None


class ConsoleSide:
    """Begin with `start`. ``stop`` ends the event streams; ``made_up`` is the password of a first start."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        accounts: Accounts,
        book: Rulebook,
        journal: SqliteJournal,
        downlink: SqliteJournal,
        stores: Stores,
        operations: OperationsSide,
    ) -> None:
        self._settings = settings
        self._site = site
        self._journal = journal
        self._stores = stores
        self._letters = LetterBoard(stores.duck, stores.influx)
        self._events = EventHub()
        self._runs = RunBoard(site, operations.service, clock.now, self._events, operations.photos)
        self._photos = operations.photos
        self._desk = DutyDesk(DeskSite(site), book, self._events, self._runs, self._runs.open_areas)
        self._modes = ModeBoard(site)
        self._bypasses = BypassBoard(site, book.matrices)
        self._proofs = ProofBoard(site, clock.wall)
        self._reports = ReportBoard(site)
        self._asker = Asker(downlink)
        self._watch = GatewayWatch(site, book.alarms, journal, self._desk.tell)
        self._meters = AlarmMeters(journal, book)
        self._duties: DutySide | None = None
        self.live = LiveView()
        self.stop = asyncio.Event()
        self.accounts = accounts
        self.made_up: str | None = None

    def follow_site(self) -> None:
        """The site was changed: pages begin anew with what there is now."""
        self._desk.follow_site()
        self._events.publish("site", {})
        self._events.publish("resync", {})

    async def warm(self, stack: AsyncExitStack, begun: int) -> None:
        """Show what was known before: what the store has, then what the journal has beyond it. In pieces: the gateway
        takes data meanwhile, since the entry at the position ``begun``."""
        for samples in _pieces(await asyncio.to_thread(self._stores.duck.latest)):
            self.live.warm(samples, clock.wall())
            await asyncio.sleep(0)
        await self._runs.warm()
        feed = LiveFeed(self._site, self.live)
        tail = await asyncio.to_thread(self._journal.tail, TAIL)
        for stored in _pieces(tail):
            feed(stored)
            await asyncio.sleep(0)
        state = self._journal.load_state("")
        trips, _ = await asyncio.to_thread(self._journal.survey.of_kind, TRIP, begun)
        self._desk.warm(state | self._watch.warm(state), tail, trips)
        stack.callback(self._watch.close)
        self._modes.warm(state)
        self._bypasses.warm(state)
        self._proofs.warm(state)
        self._reports.warm(state)
        self._meters.warm(tail, is_all=len(tail) < TAIL, now=clock.wall())
        newest = tail[-1].position if tail else 0
        shown = (self._modes.listen, self._bypasses.listen, self._proofs.listen, self._reports.listen)
        desk = (self._desk.listen, self._watch.listen, *shown, self._meters.listen, self._asker.hear)
        for listener in (feed, *desk):
            stack.callback(follow(self._journal, newest, listener))

    async def begin_duties(self, stack: AsyncExitStack, book: Logbook, own: Own, supervisor: Supervisor) -> None:
        """After `warm`."""
        desk = Desk(self._desk.alarms, self._desk.interlocks, self._modes, self._bypasses, self._runs)
        seen = Seen(self._site, self.live, desk, self._events, self._bypasses.bypassed)
        self._duties = side = DutySide(book, seen, self._asker, own)
        await side.begin()
        stack.callback(self._journal.subscribe(side.canary.listen))
        supervisor.run("duties of the desk", side.follow)
        supervisor.run("canary", side.canary.run)

    async def start(
        self,
        stack: AsyncExitStack,
        web: socket.socket,
        gate: Gate,
        health: Health,
        metrics: CollectorRegistry,
        supervisor: Supervisor,
        stage: Staging,
    ) -> None:
        """Answer on ``web`` until `stop` is set, which the end of ``stack`` does."""
        password = self._settings.admin_password
        given = password.get_secret_value() if password else None
        self.made_up = await asyncio.to_thread(self.accounts.ensure_admin, given)
        self._add_metrics(metrics)
        supervisor.run("runs on the desk", self._runs.follow)
        app = await asyncio.to_thread(serve.load, self._services(gate, health, metrics, stage))
        served = asyncio.create_task(serve.serve(app, web, self.stop, self.malformed.inc), name="http")
        served.add_done_callback(lambda _task: self.stop.set())
        stack.push_async_callback(self._finish, served)

    def _services(self, gate: Gate, health: Health, metrics: CollectorRegistry, stage: Staging) -> ConsoleServices:
        return ConsoleServices(
            ingest=HttpIngest(gate.ingest, clock.wall),
            site=self._site,
            store=self._stores.duck,
            live=self.live,
            accounts=self.accounts,
            metrics=metrics,
            ready=health.checks,
            stop=self.stop,
            banner=stage.banner,
            version=gengfu.__version__,
            clock=clock.wall,
            metrics_public=self._settings.http.metrics_public,
            events=self._events,
            alarms=self._desk.alarms,
            history=self._desk.history,
            interlocks=self._desk.interlocks,
            commands=self._desk.commands,
            modes=self._modes,
            bypasses=self._bypasses,
            proof_tests=self._proofs,
            reports=self._reports,
            ask=WatchAsk(self._watch, self._asker),
            runs=self._runs,
            photos=self._photos,
            demo=stage.demo,
            connections=gate.connections,
            reload=gate.reload,
            device_door=gate.device_door,
            extracts=duck_extract.of_store(self._stores.duck),
            journal=gate.journal,
            rules=gate.rules,
            letters=self._letters,
            alarm_metrics=self._meters,
            duties=self._duties.duties if self._duties is not None else None,
        )

    def _add_metrics(self, metrics: CollectorRegistry) -> None:
        metrics.register(self._letters)
        metrics.register(self._meters)
        self.malformed = Counter(
            "gengfu_http_malformed", "Connections whose bytes were no HTTP, or ended within a request", registry=metrics
        )

    async def _finish(self, served: asyncio.Task[None]) -> None:
        self.stop.set()
        await served


def open_accounts(stack: AsyncExitStack, folder: Path) -> Accounts:
    """Open or begin the accounts; ``stack`` closes them. Blocks on the disk."""
    path = folder / "console.db"
    accounts = open_or_set_aside(
        path, lambda: Accounts(f"sqlite:///{path}", clock=lambda: clock.wall() / 1e9), AccountsDamaged
    )
    stack.callback(accounts.close)
    return accounts


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[at : at + PIECE] for at in range(0, len(items), PIECE))
