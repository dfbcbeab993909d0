"""Parts that several benchmarks share: a site made of data, and a gateway over a journal, without the
rest of the program."""

import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from device_registry.devices import Site
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import collector
from gengfu.evidence.keeper import EvidenceKeeper, open_evidence
from gengfu.gateway_side import GatewaySide
from gengfu.huge_pages import keep_heap_in_huge_pages
from gengfu.precedence import precedence
from gengfu.rules import Rulebook, shipped
from gengfu.supervisor import Supervisor
from journal.sqlite import SqliteJournal
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile

TEXT = {"zh": "测", "en": "bench"}
THREE = ("CK-01", "CK-02", "CK-04")


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


def gas_alarms(connection: dict[str, Any], devices: Sequence[str]) -> Site:
    """Gas alarms at one connection, each in a kitchen of its own."""
    areas = {one: one.replace(":", "-") for one in devices}
    return make_site(
        shipped_profiles(),
        dict.fromkeys(areas.values(), "commercial-kitchen"),
        [connection],
        [
            {"id": one, "profile": "gengfu/gas-alarm", "area": area, "connection": connection["id"]}
            for one, area in areas.items()
        ],
    )


def three_rules() -> Rulebook:
    """Three of the shipped rules on methane, no interlock."""
    book = shipped()
    return book._replace(alarms={name: book.alarms[name] for name in THREE}, matrices=())


class Gateway(GatewaySide):
    """A gateway that ends as in the program: who works for it first, then its connections; evidence is kept of it."""

    def __init__(
        self, site: Site, book: Rulebook, journals: tuple[SqliteJournal, SqliteJournal], evidence: EvidenceKeeper
    ) -> None:
        metrics = CollectorRegistry()
        supervisor = Supervisor(metrics)
        super().__init__(site, book, *journals, metrics, supervisor, evidence.frames)
        self._evidence = evidence
        self._metrics = metrics
        self._working = supervisor
        self._settled = ExitStack()

    async def start(self, doors: dict[str, socket.socket]) -> None:
        """With collector and memory set as in the program."""
        self._settled.enter_context(collector.quiet())
        await self._evidence.start(self._working, self._metrics)
        await super().start(doors)
        self._working.run("collector", collector.sweep)
        self._working.run("huge pages", keep_heap_in_huge_pages)
        collector.settle()

    async def stop(self) -> None:
        """May be called again."""
        self._settled.close()
        await self._working.stop()
        await super().stop()


@asynccontextmanager
async def gateway(folder: Path, site: Site, book: Rulebook, window_s: float = 0.005) -> AsyncIterator[Gateway]:
    """A gateway over journals in ``folder``, not started; stopped at the end. It goes first on the machine, as in the
    program, and so do the threads that begin meanwhile."""
    with precedence():
        async with _gateway(folder, site, book, window_s) as made:
            yield made


@asynccontextmanager
async def _gateway(folder: Path, site: Site, book: Rulebook, window_s: float) -> AsyncIterator[Gateway]:
    journal = SqliteJournal.open(folder / "journal", now=time.time_ns(), window_s=window_s)
    downlink = SqliteJournal.open(folder / "downlink", now=time.time_ns())
    evidence = open_evidence(site, folder, journal)
    made = Gateway(site, book, (journal, downlink), evidence)
    try:
        yield made
    finally:
        await made.stop()
        await evidence.stop()
        await downlink.close()
        await journal.close()


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def counted(gateway: GatewaySide, transport: str) -> float:
    """Readings stored so far over a transport."""
    return float(gateway.counters.readings.labels(transport)._value.get())
