"""One process: the gateway first, then what people look at, over one journal; stopped in reverse.

Order of the start: sockets first (a port in use is said before anything is opened), then the journal, the watch with
what stood before, and the connections. From then on data is taken. What stands behind the gateway (`gengfu.behind`) is
loaded and opened afterwards; the console answers last.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from console import address
from console.errors import ConsoleError
from device_registry.connections import CoapConnection, SerialPart
from device_registry.devices import Site
from device_registry.in_use import SiteInUse
from gateway.errors import GatewayError
from gateway.transports.coap import door as coap
from gengfu import clock, collector
from gengfu.coap_side import host_port
from gengfu.errors import MissingError
from gengfu.evidence.keeper import EvidenceKeeper, open_evidence
from gengfu.gateway_side import GatewaySide
from gengfu.own_side import watch_itself
from gengfu.precedence import precedence
from gengfu.rules import Rulebook
from gengfu.settings import Settings
from gengfu.site_rules.in_alarm import withhold
from gengfu.staging import NO_STAGING, Field, Staging
from gengfu.supervisor import Supervisor
from journal.errors import JournalError
from journal.sqlite import SqliteJournal
from operations.errors import OperationsError
from telemetry.errors import StoreError

if TYPE_CHECKING:  # loaded with what stands behind the gateway
    from gengfu.console_side import ConsoleSide

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
    console: "ConsoleSide"
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
    stack.enter_context(collector.quiet())
    stack.enter_context(precedence())  # before any thread begins: each has what its starter has
    in_use = SiteInUse(site)
    web = address.bind(settings.http.host, settings.http.port)
    stack.callback(web.close)
    doors = _bind_doors(stack, in_use.site)
    ports = {name: door.getsockname()[1] for name, door in doors.items()}
    metrics = CollectorRegistry()
    supervisor = Supervisor(metrics)
    # a start that fails further on must not leave a task that begins while its store is being closed
    stack.push_async_callback(supervisor.stop)
    staging.begin(Field(folder, in_use.site, ports, supervisor))
    max_bytes = settings.journal.max_mb * MEBI
    journal = _open_journal(stack, folder / "journal", max_bytes)
    downlink = _open_journal(stack, folder / "downlink", max_bytes)
    stored = journal.tail(1)
    after_gateway = await stack.enter_async_context(AsyncExitStack())
    evidence = _open_evidence(stack, in_use.site, folder, journal)
    stack.push_async_callback(supervisor.stop)  # before what they work for is closed
    await evidence.start(supervisor, metrics)
    book, left_out = withhold(settings.site, in_use.site, book, journal.load_state)
    for line in left_out:
        log.critical("%s", line)
    gateway = GatewaySide(in_use.site, book, journal, downlink, metrics, supervisor, evidence.frames)
    # before the start: one that fails half-way must let go of the connections that it has opened
    stack.push_async_callback(gateway.stop)
    await gateway.start(doors)
    watch_itself(gateway, folder, max_bytes, supervisor)
    await asyncio.to_thread(import_module, "gengfu.behind")  # the gateway goes on meanwhile
    from gengfu.behind import Front, open_behind  # noqa: PLC0415 - most of the imports: the gateway does not wait

    newest = stored[-1].position if stored else 0
    front = Front(
        settings, in_use, folder, book, journal, downlink, max_bytes, evidence, gateway, metrics, supervisor, newest
    )
    console = await open_behind(stack, after_gateway, front, web, staging)
    stack.push_async_callback(supervisor.stop)
    collector.settle()
    return Process(settings, in_use.site, folder, supervisor, gateway, console, web.getsockname()[1], ports)


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
