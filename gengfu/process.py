"""One process: gateway and console over one journal, started in order, stopped in reverse.

Order of the start: sockets first (a port in use is said before anything is opened), then the journal and the
stores, then the watch with what stood before, then the connections; the console answers last.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from console import serve
from console.errors import ConsoleError
from device_registry.connections import CoapConnection, SerialPart
from device_registry.devices import Site
from device_registry.in_use import SiteInUse
from gateway.errors import GatewayError
from gateway.transports.coap import door as coap
from gengfu import clock, collector, stores
from gengfu.coap_side import host_port
from gengfu.connection_board import ConnectionBoard
from gengfu.console_side import NO_STAGING, ConsoleSide, Gate, Staging
from gengfu.consumers import Consumers
from gengfu.errors import MissingError
from gengfu.evidence.keeper import EvidenceKeeper, open_evidence
from gengfu.gateway_side import GatewaySide
from gengfu.health import Health
from gengfu.health_log import HealthLog, Seen
from gengfu.housekeeping import Taker, keep_downlink, keep_house
from gengfu.huge_pages import keep_heap_in_huge_pages
from gengfu.operations_side import open_operations
from gengfu.precedence import precedence
from gengfu.reload import Followers, SiteReload
from gengfu.rules import Rulebook
from gengfu.settings import Settings
from gengfu.supervisor import Supervisor
from journal.errors import JournalError
from journal.sqlite import SqliteJournal
from operations.errors import OperationsError
from telemetry.errors import StoreError

log = logging.getLogger("gengfu")

MEBI = 1 << 20


@dataclass(frozen=True)
class Process:
    """What runs, for those who add to it (the demo adds its boards). ``coap_ports``: by connection id."""

    settings: Settings
    site: Site
    folder: Path
    supervisor: Supervisor
    gateway: GatewaySide
    console: ConsoleSide
    http_port: int
    coap_ports: dict[str, int]


@asynccontextmanager
async def running(
    settings: Settings, site: Site, folder: Path, book: Rulebook, staging: Staging = NO_STAGING
) -> AsyncIterator[Process]:
    """Start everything; at the end of the block stop it in reverse order.

    Raises `MissingError` for what is not there or taken (a port, a folder, a store of another version).
    """
    async with AsyncExitStack() as stack:
        try:
            yield await _start(stack, settings, site, folder, book, staging)
        except (GatewayError, ConsoleError, JournalError, StoreError, OperationsError) as error:
            raise MissingError(str(error)) from error


async def _start(
    stack: AsyncExitStack, settings: Settings, site: Site, folder: Path, book: Rulebook, staging: Staging
) -> Process:
    _tell_missing_lines(site)
    stack.enter_context(precedence())  # before any thread begins: each has what its starter has
    in_use = SiteInUse(site)
    site = in_use.site
    web = serve.bind(settings.http.host, settings.http.port)
    stack.callback(web.close)
    doors = _bind_doors(stack, site)
    ports = {name: door.getsockname()[1] for name, door in doors.items()}
    metrics = CollectorRegistry()
    supervisor = Supervisor(metrics)
    max_bytes = settings.journal.max_mb * MEBI
    journal = _open_journal(stack, folder / "journal", max_bytes)
    downlink = _open_journal(stack, folder / "downlink", max_bytes)
    opened = await stores.open_stores(stack, site, folder, book, journal, settings.telemetry)
    operations = open_operations(stack, site, folder, journal)
    console = ConsoleSide(settings, site, folder, book, journal, downlink, opened, operations)
    await console.warm(stack)
    stack.callback(journal.subscribe(operations.listen))
    supervisor.run("operations", operations.follow)
    stores.start(stack, opened, supervisor)
    evidence = _open_evidence(stack, site, folder, journal)
    # a start that fails further on must not leave a task that begins while its store is being closed
    stack.push_async_callback(supervisor.stop)
    await evidence.start(supervisor, metrics)
    gateway = GatewaySide(site, book, journal, downlink, metrics, supervisor, evidence.frames)
    # before the start: one that fails half-way must let go of the connections that it has opened
    stack.push_async_callback(gateway.stop)
    await gateway.start(doors)
    health = Health(journal, max_bytes, opened.feeds, gateway.bus_counters, gateway.diagnoses)
    metrics.register(health)
    consumers = Consumers(journal, max_bytes, opened.feeds)
    metrics.register(consumers)
    days = settings.journal.keep_days
    takers: list[Taker] = [*opened.feeds, evidence]
    supervisor.run("housekeeping", lambda: keep_house(journal, max_bytes, takers, days, consumers))
    supervisor.run("housekeeping of the downlink", lambda: keep_downlink(downlink, max_bytes, journal, days))
    _log_health(supervisor, journal, Seen(site, gateway, console.live, consumers, opened, folder, max_bytes))
    _keep_memory(supervisor)
    board = ConnectionBoard(site, gateway.diagnoses, clock.wall)
    followers = Followers(gateway, console, operations, opened)
    reload = _listen_for_reload(stack, settings, SiteReload(settings, in_use, book, journal, followers), supervisor)
    gate = Gate(gateway.ingest, gateway.device_door, board, consumers, reload)
    await console.start(stack, web, gate, health, metrics, supervisor, staging)
    stack.push_async_callback(supervisor.stop)
    stack.enter_context(collector.settled())
    return Process(settings, site, folder, supervisor, gateway, console, web.getsockname()[1], ports)


def _bind_doors(stack: AsyncExitStack, site: Site) -> dict[str, socket.socket]:
    doors = {
        part.id: coap.bind(*host_port(part.listen))
        for part in site.connections.values()
        if isinstance(part, CoapConnection)
    }
    stack.callback(_close_all, doors)
    return doors


def _open_evidence(stack: AsyncExitStack, site: Site, folder: Path, journal: SqliteJournal) -> EvidenceKeeper:
    evidence = open_evidence(site, folder, journal)
    stack.push_async_callback(evidence.stop)
    return evidence


def _log_health(supervisor: Supervisor, journal: SqliteJournal, seen: Seen) -> None:
    """Only for InfluxDB: the embedded store has no place for it."""
    if seen.stores.influx is not None:
        supervisor.run("health", HealthLog(journal, seen).run)


def _keep_memory(supervisor: Supervisor) -> None:
    supervisor.run("collector", collector.sweep)
    supervisor.run("huge pages", keep_heap_in_huge_pages)


def _listen_for_reload(
    stack: AsyncExitStack, settings: Settings, reload: SiteReload, supervisor: Supervisor
) -> SiteReload | None:
    """SIGHUP takes the site's document anew; ``None`` where there is none (the demo makes its own)."""
    if settings.site is None:
        return None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: supervisor.run("reload", reload.on_signal))
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    return reload


def _open_journal(stack: AsyncExitStack, folder: Path, max_bytes: int) -> SqliteJournal:
    journal = SqliteJournal.open(folder, now=clock.wall(), max_bytes=max_bytes)
    stack.push_async_callback(journal.close)
    for aside in journal.warnings:
        log.error("%s", aside)
    return journal


def _tell_missing_lines(site: Site) -> None:
    """A wrong name or a missing plug: somebody must look. But one adapter that does not come back after a power cut
    must not blind the watch over all the others: its line is opened when it is there, its devices are lost (S23)."""
    for part in site.connections.values():
        if isinstance(part, SerialPart) and not Path(part.port).exists():
            log.error(
                "connection %s: serial line %s is not there; plug it in, or correct its port in the site document "
                "(names that last are in /dev/serial/by-id)",
                part.id,
                part.port,
            )


def _close_all(doors: dict[str, socket.socket]) -> None:
    """Those that no connection has taken over."""
    for door in doors.values():
        door.close()
