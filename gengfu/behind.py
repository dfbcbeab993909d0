"""Behind the gateway: stores, plans, console, and the keeping of the house. Nobody in the field waits for any of it.

Loaded and opened when the gateway takes data already: what was stored meanwhile is read from the journal.
"""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from device_registry.in_use import SiteInUse
from gengfu import clock, collector, stores
from gengfu.connection_board import ConnectionBoard
from gengfu.console_side import ConsoleSide, Gate, open_accounts
from gengfu.consumers import Consumers
from gengfu.duty_side import Own, open_logbook
from gengfu.evidence.keeper import EvidenceKeeper
from gengfu.gateway_side import GatewaySide
from gengfu.health import Health
from gengfu.health_log import HealthLog, Seen
from gengfu.housekeeping import Taker, keep_downlink, keep_house
from gengfu.huge_pages import keep_heap_in_huge_pages
from gengfu.operations_side import open_when_there
from gengfu.reload import Followers, SiteReload
from gengfu.rule_desk import RuleDesk, running
from gengfu.rules import Rulebook
from gengfu.settings import Settings
from gengfu.staging import Staging
from gengfu.stores import Stores
from gengfu.supervisor import Supervisor
from journal.follow import follow
from journal.sqlite import SqliteJournal


class Front(NamedTuple):
    """What runs already. ``newest``: position of the last that was stored before the gateway began; 0 for none."""

    settings: Settings
    in_use: SiteInUse
    folder: Path
    book: Rulebook
    journal: SqliteJournal
    downlink: SqliteJournal
    max_bytes: int
    evidence: EvidenceKeeper
    gateway: GatewaySide
    metrics: CollectorRegistry
    supervisor: Supervisor
    newest: int


async def open_behind(
    stack: AsyncExitStack, after_gateway: AsyncExitStack, front: Front, web: socket.socket, staging: Staging
) -> ConsoleSide:
    """``stack`` ends it; what must not end before the gateway, ``after_gateway``. Raises what opening a store, the
    plans and the console does."""
    site, folder, journal, supervisor = front.in_use.site, front.folder, front.journal, front.supervisor
    opened = await stores.open_stores(after_gateway, site, folder, front.book, journal, front.settings.telemetry)
    # in threads: databases take a tenth of a second each, and a leak does not wait for them
    operations = await open_when_there(after_gateway, site, folder, journal, front.settings.operations)
    accounts = await asyncio.to_thread(open_accounts, after_gateway, folder)
    console = ConsoleSide(front.settings, site, accounts, front.book, journal, front.downlink, opened, operations)
    await console.warm(after_gateway, front.newest)
    after_gateway.callback(follow(journal, front.newest, operations.listen))
    supervisor.run("operations", operations.follow)
    stores.start(after_gateway, opened, supervisor)
    gateway, metrics = front.gateway, front.metrics
    health = Health(journal, front.max_bytes, opened.feeds, gateway.bus_counters, gateway.diagnoses)
    metrics.register(health)
    consumers = Consumers(journal, front.max_bytes, opened.feeds)
    metrics.register(consumers)
    _keep_house(front, opened, consumers)
    _log_health(front, console, opened, consumers)
    supervisor.run("collector", collector.sweep)
    supervisor.run("huge pages", keep_heap_in_huge_pages)
    board = ConnectionBoard(site, gateway.diagnoses, clock.wall)
    reload = _listen_for_reload(stack, front, Followers(gateway, console, operations, opened))
    logbook = await asyncio.to_thread(open_logbook, after_gateway, folder)
    await console.begin_duties(stack, logbook, Own(gateway.judge, gateway.own.feed), supervisor)
    gate = Gate(gateway.ingest, gateway.device_door, board, consumers, _look_at_rules(front), reload)
    await console.start(stack, web, gate, health, metrics, supervisor, staging)
    return console


def _keep_house(front: Front, opened: Stores, consumers: Consumers) -> None:
    journal, max_bytes, days = front.journal, front.max_bytes, front.settings.journal.keep_days
    takers: list[Taker] = [*opened.feeds, front.evidence]
    front.supervisor.run("housekeeping", lambda: keep_house(journal, max_bytes, takers, days, consumers))
    front.supervisor.run(
        "housekeeping of the downlink", lambda: keep_downlink(front.downlink, max_bytes, journal, days)
    )


def _log_health(front: Front, console: ConsoleSide, opened: Stores, consumers: Consumers) -> None:
    """Only for InfluxDB: the embedded store has no place for it."""
    if opened.influx is not None:
        seen = Seen(front.in_use.site, front.gateway, console.live, consumers, opened, front.folder, front.max_bytes)
        front.supervisor.run("health", HealthLog(front.journal, seen).run)


def _look_at_rules(front: Front) -> RuleDesk:
    gateway = front.gateway
    desk = RuleDesk(
        front.settings.site,
        front.in_use,
        lambda: running(gateway.watch, front.book),
        lambda found: gateway.own.report("changed_rules", float(found)),
    )
    front.supervisor.run("approved rules", desk.run)
    return desk


def _listen_for_reload(stack: AsyncExitStack, front: Front, followers: Followers) -> SiteReload | None:
    """SIGHUP takes the site's document anew; ``None`` where there is none (the demo makes its own)."""
    if front.settings.site is None:
        return None
    reload = SiteReload(front.settings, front.in_use, front.book, front.journal, followers)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: front.supervisor.run("reload", reload.on_signal))
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    return reload
