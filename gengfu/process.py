"""One process: gateway and console over one journal, started in order, stopped in reverse.

Order of the start: sockets first (a port in use is said before anything is opened), then the journal and the
stores, then the watch with what stood before, then the connections; the console answers last.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

import gengfu
from console import serve
from console.accounts import Accounts
from console.app import create_app
from console.errors import ConsoleError
from console.events import EventHub
from console.live import LiveView
from console.services import ConsoleServices
from device_registry.devices import Site
from gateway.errors import GatewayError
from gateway.transports import coap
from gengfu import clock
from gengfu.console_side import LiveFeed, feed, series_of
from gengfu.errors import MissingError
from gengfu.gateway_side import GatewaySide
from gengfu.http_ingest import HttpIngest
from gengfu.settings import Settings
from gengfu.supervisor import Supervisor
from journal.errors import JournalError
from journal.sqlite import SqliteJournal
from telemetry.duck import DuckStore
from telemetry.errors import StoreError
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import duck_sink
from telemetry.store import Series

log = logging.getLogger("gengfu")

MEBI = 1 << 20


@dataclass
class Process:
    """What runs, for those who add to it (the demo adds its boards). ``stop`` ends it."""

    settings: Settings
    site: Site
    folder: Path
    stop: asyncio.Event
    supervisor: Supervisor
    accounts: Accounts
    gateway: GatewaySide
    http_port: int
    coap_ports: dict[str, int]
    admin_password: str | None


@asynccontextmanager
async def running(
    settings: Settings, site: Site, folder: Path, banner: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """Start everything; at the end of the block stop it in reverse order.

    Raises `MissingError` for what is not there or taken (a port, a folder, a store of another version).
    """
    async with AsyncExitStack() as stack:
        try:
            yield await _start(stack, settings, site, folder, banner)
        except (GatewayError, ConsoleError, JournalError, StoreError) as error:
            raise MissingError(str(error)) from error


async def _start(
    stack: AsyncExitStack, settings: Settings, site: Site, folder: Path, banner: dict[str, str] | None
) -> Process:
    web = serve.bind(settings.http.host, settings.http.port)
    stack.callback(web.close)
    doors = {
        connection.id: coap.bind(*_host_port(connection.listen or ""))
        for connection in site.connections.values()
        if connection.transport == "coap"
    }
    ports = {name: door.getsockname()[1] for name, door in doors.items()}
    metrics = CollectorRegistry()
    supervisor = Supervisor(metrics)
    journal = SqliteJournal.open(folder / "journal", now=clock.wall(), max_bytes=settings.journal.max_mb * MEBI)
    stack.push_async_callback(journal.close)
    for aside in journal.warnings:
        log.error("%s", aside)
    series = series_of(site)
    store = DuckStore.open(folder / "telemetry.duckdb", series.get)
    stack.callback(store.close)
    live = LiveView()
    live.warm(await asyncio.to_thread(store.latest), clock.wall())
    stack.callback(journal.subscribe(LiveFeed(site, live)))
    await _feed_stores(stack, settings, folder, journal, store, series, supervisor)

    gateway = GatewaySide(site, journal, metrics)
    await gateway.start(doors)
    stack.push_async_callback(gateway.stop)

    accounts = Accounts(f"sqlite:///{folder / 'console.db'}", clock=lambda: clock.wall() / 1e9)
    stack.callback(accounts.close)
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    made_up = await asyncio.to_thread(accounts.ensure_admin, password)
    stop = asyncio.Event()
    hub = EventHub()
    services = ConsoleServices(
        ingest=HttpIngest(gateway.ingest, clock.wall),
        site=site,
        store=store,
        live=live,
        accounts=accounts,
        metrics=metrics,
        ready=lambda: {},
        stop=stop,
        banner=banner,
        version=gengfu.__version__,
        clock=clock.wall,
        metrics_public=settings.http.metrics_public,
        events=hub,
    )
    served = asyncio.create_task(serve.serve(create_app(services), web, stop), name="http")
    stack.push_async_callback(_finish, served, stop)
    stack.push_async_callback(supervisor.stop)
    return Process(
        settings, site, folder, stop, supervisor, accounts, gateway, web.getsockname()[1], ports, made_up
    )  # fmt: skip


async def _feed_stores(
    stack: AsyncExitStack,
    settings: Settings,
    folder: Path,
    journal: SqliteJournal,
    store: DuckStore,
    series: dict[str, Series],
    supervisor: Supervisor,
) -> None:
    consumers = [feed("duckdb", journal, duck_sink(store), settings.telemetry.flush_s)]
    influx = settings.telemetry.influx
    if influx.url:
        wanted = InfluxSettings(**influx.model_dump())
        sink = InfluxSink(wanted, series.get, folder / "influx.db")
        stack.callback(sink.close)
        consumers.append(feed("influxdb", journal, sink, settings.telemetry.flush_s))
    for consumer in consumers:
        consumer.start()
        stack.push_async_callback(consumer.stop)
        supervisor.run(f"store {consumer.name}", consumer.wait)


async def _finish(served: asyncio.Task[None], stop: asyncio.Event) -> None:
    stop.set()
    await served


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


async def until_signal(stop: asyncio.Event) -> None:
    """Return at Ctrl-C, SIGTERM, or when ``stop`` is set."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on uvloop."""

    async def call() -> None:
        await main()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())
