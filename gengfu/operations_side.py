"""Response plans of a process, wired: alarms of the journal open them, their events go back into it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from device_registry.devices import Site
from gengfu import clock
from gengfu.damage import open_or_set_aside
from gengfu.own_devices.devices import GatewayDevices, gateway_id
from gengfu.own_devices.report_places import ReportPlaces
from gengfu.settings import OperationsPart
from journal.entry import Stored
from journal.sqlite import SqliteJournal
from operations.errors import StoreUnusable
from operations.photos import PhotoStore
from operations.plan_files import shipped_plans
from operations.sensors import Detector, SensorWatch
from operations.service import KINDS, Operations
from operations.views import Area
from protocols.document import Text
from protocols.moment import SECOND
from protocols.reading import decode_reading

BATCH = 5_000
GATEWAY = "gateway"
"""The kind of area of the gateway's own alarms."""
AGAIN_S = 5.0
"""So often a server that does not answer at the start is asked again."""
IN_A_FILE = OperationsPart()
READINGS_EVERY_S = 2.0
"""Readings alone only move the cursor, which is a transaction of its own: so long they wait for others."""

log = logging.getLogger("gengfu.operations")


class OperationsSide:
    """The plans of a site over its journal. Build with `open_operations`; `follow` runs for ever.

    ``photos``: what people send as evidence of a step.
    """

    def __init__(
        self, service: Operations, sensors: SensorWatch, journal: SqliteJournal, photos: PhotoStore | None = None
    ) -> None:
        self.service = service
        self.photos = photos
        self._sensors = sensors
        self._journal = journal
        self._came = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None

    def follow_site(self, site: Site) -> None:
        """The site was changed. Blocks for as long as a plan is being written."""
        self.service.rearrange(_areas(site))
        self._sensors.rewatch(_detectors(site))

    def listen(self, batch: Sequence[Stored]) -> None:
        """Listener of the journal: sensors are followed at once, alarms in `follow`, at once too."""
        now = clock.now()
        has_news = False
        for stored in batch:
            if stored.entry.kind == "reading":
                self._sensors.observe(decode_reading(stored.entry.body), now)
            else:
                has_news = True
        if has_news:
            self._look()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(READINGS_EVERY_S, self._look)

    def _look(self) -> None:
        later, self._later = self._later, None
        if later is not None:
            later.cancel()
        self._came.set()

    async def follow(self) -> None:
        """Consume the journal, let deadlines act, publish what happened. Begun anew after an error it goes on."""
        # what a person does to a plan has to be told, and its deadlines watched, though no device says anything
        loop = asyncio.get_running_loop()
        self.service.on_change = lambda: _from_any_thread(loop, self._look)
        while True:
            self._came.clear()
            while await self._consume():
                pass
            await asyncio.to_thread(self.service.tick, clock.now())
            await self._publish()
            await self._wait()

    async def _consume(self) -> bool:
        cursor = self.service.cursor()
        batch, upto = await asyncio.to_thread(self._journal.survey.of_kinds, KINDS, cursor, BATCH)
        if any(one.position <= cursor.get(one.entry.partition, -1) for one in batch):
            log.warning("the journal is another one than the plans have followed: it is followed from its beginning")
            await asyncio.to_thread(self.service.forget_cursor)
            return True
        if batch or upto > min(cursor.values(), default=-1):
            await asyncio.to_thread(self.service.consume, batch, clock.now(), upto)
        return len(batch) == BATCH

    async def _publish(self) -> None:
        while events := await asyncio.to_thread(self.service.outbox):
            await self._journal.append(events)
            await asyncio.to_thread(self.service.confirm, [event.id for event in events])

    async def _wait(self) -> None:
        due = self.service.due()
        left_s = None if due is None else max(0, due - clock.now().mono) / SECOND
        with suppress(TimeoutError):
            # not `wait_for`: in 3.11 it swallows a cancellation that comes together with the event
            async with asyncio.timeout(left_s):
                await self._came.wait()


def _from_any_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(call)


async def open_when_there(
    stack: AsyncExitStack, site: Site, folder: Path, journal: SqliteJournal, kept: OperationsPart
) -> OperationsSide:
    """`open_operations` in a thread. A server that cannot be used is asked again until it can: the valves are watched
    meanwhile. Raises `operations.errors.StoreError` for what no waiting mends."""
    while True:
        try:
            return await asyncio.to_thread(open_operations, stack, site, folder, journal, kept)
        except StoreUnusable as error:
            if kept.database_url is None:
                raise
            log.error("%s; there is no desk until it answers; asked again in %g s", error, AGAIN_S)
            await asyncio.sleep(AGAIN_S)


def open_operations(
    stack: AsyncExitStack, site: Site, folder: Path, journal: SqliteJournal, kept: OperationsPart = IN_A_FILE
) -> OperationsSide:
    """Open the plans' database; ``stack`` closes it. Raises `operations.errors.StoreError`."""
    plans = shipped_plans()
    now = clock.now()
    conditions = [step.sensor for plan in plans.values() for step in plan.step if step.sensor]
    sensors = SensorWatch(_detectors(site), conditions, now)
    database = folder / "operations.db"
    if kept.database_url is None:
        service = open_or_set_aside(
            database, lambda: Operations.open(f"sqlite:///{database}", plans, _areas(site), sensors, now), StoreUnusable
        )
    else:
        url, password = kept.database_url.get_secret_value(), kept.password()
        service = Operations.open(url, plans, _areas(site), sensors, now, shared=True, password=password)
    stack.callback(service.close)
    return OperationsSide(service, sensors, journal, PhotoStore(folder / "photos"))


def _areas(site: Site) -> dict[str, Area]:
    """Of the devices, of the places where what people report stands, and of the gateway itself, which is in no area of
    the site: its plan is a kind of its own (R12)."""
    every = (*site.devices.values(), *ReportPlaces(site).values())
    areas = {one.id: Area(one.area.id, one.area.kind, one.area.title) for one in every}
    own = Area(gateway_id(site.id), GATEWAY, Text(zh="网关及其上行", en="Gateway and its uplink"))
    return {**areas, **dict.fromkeys(GatewayDevices(site), own)}


def _detectors(site: Site) -> list[Detector]:
    return [Detector(one.id, one.area.id, one.profile, one.period_s) for one in site.devices.values()]
