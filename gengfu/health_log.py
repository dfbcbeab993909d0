"""Once a minute, how the process, its stores, connections and devices are, as entries of the journal.

Through the journal, so that InfluxDB gets the minutes of its own outage too; as bulk, so that it never stands in the
way of an alarm: a full journal refuses it as it refuses readings, and then that minute is missing.
"""

import asyncio
import logging
import os
import resource
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import prometheus_client

import gengfu
from console.live import LiveView
from device_registry.devices import Site
from gengfu import clock
from gengfu.consumers import Consumers
from gengfu.device_health import SiteHealth
from gengfu.gateway_side import GatewaySide
from gengfu.letter_board import LetterBoard
from gengfu.stores import Stores
from journal.entry import Entry, partition_of
from journal.errors import JournalError
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.reading import Origin
from telemetry.errors import StoreError
from telemetry.health import (
    HEALTH,
    ConsumerHealth,
    DeviceState,
    GatewayHealth,
    Health,
    encode_health,
)

log = logging.getLogger("gengfu.health")

T = TypeVar("T")

EVERY_S = 60.0
SLICE = 100
"""Devices that are looked at without a pause, and that one entry holds: 2 ms of the event loop, and 6 KB."""


class Seen(NamedTuple):
    """What is looked at. ``folder``: where the process keeps its data; ``max_bytes``: the bound of its journal."""

    site: Site
    gateway: GatewaySide
    live: LiveView
    consumers: Consumers
    stores: Stores
    folder: Path
    max_bytes: int


class _OnDisk(NamedTuple):
    """What only the disk knows."""

    consumers: tuple[ConsumerHealth, ...]
    disk_free_bytes: int


class HealthLog:
    """Begin with `run`."""

    def __init__(self, journal: SqliteJournal, seen: Seen) -> None:
        self._journal = journal
        self._seen = seen
        self._letters = LetterBoard(seen.stores.duck, seen.stores.influx)
        self._origin = Origin.SIMULATED if seen.site.simulated else Origin.LIVE
        self._began = clock.now().mono
        self._is_refused = False

    async def run(self) -> None:
        """Write at once, so that the counters are seen to begin at 0, then once a minute, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.write()
            due = max(due + EVERY_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def write(self) -> None:
        """Look at everything, and return when it is durable or refused."""
        at = clock.wall()
        entries = await self._entries(at)
        try:
            await self._journal.append(entries)
        except JournalError as error:
            if not self._is_refused:
                log.warning("how the gateway is goes unwritten until the journal takes it again: %s", error)
            self._is_refused = True
        else:
            self._is_refused = False

    async def _entries(self, at: int) -> list[Entry]:
        """A slice of the devices, or of the connections, in each: those of 5,000 devices are one commit."""
        seen = self._seen
        on_disk = await asyncio.to_thread(self._ask_disk, at)
        diagnoses = seen.gateway.diagnoses()
        look = SiteHealth(diagnoses, seen.live, self._origin, at)
        bodies: list[bytes] = []
        for devices in _slices(tuple(seen.site.devices.values())):
            bodies.append(self._body(at, devices=tuple(map(look.device, devices))))
            await asyncio.sleep(0)
        for some in _slices(tuple(diagnoses.values())):
            bodies.append(self._body(at, connections=tuple(map(look.connection, some))))
            await asyncio.sleep(0)
        bodies.append(self._body(at, gateway=self._gateway(on_disk, look.total()), consumers=on_disk.consumers))
        partition = partition_of(seen.site.id)
        return [Entry(HEALTH, f"{at}.{number}", partition, at, body) for number, body in enumerate(bodies)]

    def _body(self, at: int, **parts: Any) -> bytes:
        return encode_health(Health(at, self._origin, self._seen.site.id, **parts))

    def _ask_disk(self, at: int) -> _OnDisk:
        try:
            letters = {one["store"]: one["count"] for one in self._letters.stores()}
        except StoreError:  # one of them is being opened anew
            letters = {}
        return _OnDisk(self._seen.consumers.look(at, letters), shutil.disk_usage(self._seen.folder).free)

    def _gateway(self, on_disk: _OnDisk, states: Counter[DeviceState]) -> GatewayHealth:
        counters = self._seen.gateway.counters
        used = resource.getrusage(resource.RUSAGE_SELF)
        return GatewayHealth(
            gengfu.__version__,
            (clock.now().mono - self._began) / SECOND,
            _resident_bytes(),
            used.ru_utime + used.ru_stime,
            on_disk.disk_free_bytes,
            self._journal.used_bytes,
            self._seen.max_bytes,
            _total(counters.readings),
            _total(counters.duplicates),
            _total(counters.refused),
            len(self._seen.gateway.pipeline.unknown),
            states.total(),
            states[DeviceState.SILENT],
            states[DeviceState.LOST],
            states[DeviceState.UNHEARD],
        )


def _slices(items: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    return (items[first : first + SLICE] for first in range(0, len(items), SLICE))


def _resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _total(counter: prometheus_client.Counter) -> float:
    """Over all labels."""
    return sum(one.value for metric in counter.collect() for one in metric.samples if one.name.endswith("_total"))
