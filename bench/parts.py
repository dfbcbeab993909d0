"""Parts that several benchmarks share: a site made of data, a gateway over a journal, a process beside ours."""

import multiprocessing
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import collector
from gengfu.gateway_side import GatewaySide
from gengfu.process import SWITCH_INTERVAL_S
from gengfu.rules import Rulebook
from gengfu.supervisor import Supervisor
from journal.sqlite import SqliteJournal
from protocols.profile.model import Profile
from tests.fixtures.influx import Influxd
from tests.fixtures.programs import Program
from tools.test_servers import environment, locate

TEXT = {"zh": "测", "en": "bench"}


def make_site(
    profiles: Mapping[str, Profile],
    areas: Mapping[str, str],
    connections: Iterable[dict[str, Any]],
    devices: Iterable[dict[str, Any]],
) -> Site:
    """A site. ``areas``: id -> kind; ``connections`` and ``devices`` as in a site's document."""
    document = {
        "site": {"id": "bench", "title": TEXT},
        "area": tuple({"id": id_, "title": TEXT, "kind": kind} for id_, kind in areas.items()),
        "connection": tuple(connections),
        "device": tuple({"title": TEXT, **one} for one in devices),
    }
    return compile_site(SiteConfig.model_validate(document), profiles)


class Gateway(GatewaySide):
    """A gateway that ends as in the program: who works for it first, then its connections."""

    def __init__(self, *parts: Any, supervisor: Supervisor) -> None:
        super().__init__(*parts, supervisor)
        self._working = supervisor
        self._settled = ExitStack()

    async def start(self, doors: dict[str, socket.socket]) -> None:
        """With the collector set as in the program."""
        await super().start(doors)
        self._working.run("collector", collector.sweep)
        self._settled.enter_context(collector.settled())

    async def stop(self) -> None:
        """May be called again."""
        self._settled.close()
        await self._working.stop()
        await super().stop()


@asynccontextmanager
async def gateway(folder: Path, site: Site, book: Rulebook, window_s: float = 0.005) -> AsyncIterator[Gateway]:
    """A gateway over journals in ``folder``, not started; stopped at the end."""
    journal = SqliteJournal.open(folder / "journal", now=time.time_ns(), window_s=window_s)
    downlink = SqliteJournal.open(folder / "downlink", now=time.time_ns())
    metrics = CollectorRegistry()
    made = Gateway(site, book, journal, downlink, metrics, supervisor=Supervisor(metrics))
    try:
        yield made
    finally:
        await made.stop()
        await downlink.close()
        await journal.close()


@contextmanager
def beside(work: Callable[..., None], *arguments: Any, daemon: bool = True) -> Iterator[Connection]:
    """``work(connection, *arguments)`` in a process of its own, whose CPU time is not ours; ended by its pid.

    ``daemon=False``: it may start processes of its own.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *arguments), daemon=daemon)
    process.start()
    there.close()
    try:
        yield here
    finally:
        process.terminate()
        process.join()
        here.close()


@contextmanager
def influxd(folder: Path) -> Iterator[Influxd | None]:
    """A real InfluxDB, or ``None`` where there is none (``make servers`` fetches it)."""
    path = locate("influxd")
    if path is None:
        yield None
        return
    server = Influxd(Program(path, environment()), folder / "influxd")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def as_the_program() -> None:
    """The interpreter as the program sets it, and as many open sockets as the system lets us have."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def counted(gateway: GatewaySide, transport: str) -> float:
    """Readings stored so far over a transport."""
    return float(gateway.counters.readings.labels(transport)._value.get())
