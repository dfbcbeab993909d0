"""The gateway of a process, wired: pipeline, watch, actuator and the connections of the site over one journal."""

import asyncio
import socket
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from alarms.engine import AlarmEngine
from device_registry.devices import Site
from gateway.actuator import Actuator
from gateway.counters import Counters
from gateway.pipeline import Pipeline, Verdict
from gateway.transports import coap
from gateway.uplink import Done, Uplink
from gateway.watch import Watch
from gengfu import clock, rules
from gengfu.routes import CoapRoute, Routes
from gengfu.wakeup import Wakeup
from interlocks.engine import InterlockEngine
from journal.sqlite import SqliteJournal

TAIL = 50_000
"""Entries of the journal's end that are read at start, to know again what was stored already."""


class GatewaySide:
    """Everything between the devices and the journal. Begin with `start`, end with `stop`."""

    def __init__(self, site: Site, journal: SqliteJournal, metrics: CollectorRegistry) -> None:
        self.site = site
        self.journal = journal
        self.counters = Counters(metrics)
        self._wakeup = Wakeup(self._due, self._tick)
        self.routes = Routes({device.id: device.connection for device in site.devices.values()}, self._tick)
        now = clock.now()
        self.watch = Watch(
            InterlockEngine(rules.matrices(), rules.zones(site), now),
            AlarmEngine(rules.alarm_rules(), rules.watched(site), now),
            Actuator(self.routes, site.find_profile),
            self._store,
        )
        self.pipeline = Pipeline(site, journal, self.counters, (self.watch,))
        self._doors: list[coap.CoapDoor] = []

    async def start(self, doors: Mapping[str, socket.socket]) -> None:
        """Take back the state, then open the connections. ``doors``: bound sockets by connection id."""
        state = self.journal.load_state("interlock/") | self.journal.load_state("alarm/")
        self.watch.load(state, clock.now())
        self.pipeline.rebuild(await asyncio.to_thread(self.journal.tail, TAIL))
        for connection, bound in doors.items():
            door = await coap.listen(bound, self.ingest, self.counters, clock.wall)
            self._doors.append(door)
            self.routes.add(connection, CoapRoute(door))
        self._wakeup.again()

    def ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        """`gateway.uplink.Ingest` on the present time."""
        devices = self.pipeline.ingest(uplink, done, clock.now())
        self._wakeup.again()
        return devices

    def _due(self) -> int | None:
        return self.watch.due()

    def _tick(self) -> None:
        self.watch.tick(clock.now())
        self._wakeup.again()

    def _store(self, verdict: Verdict) -> None:
        self.journal.submit(verdict.entries, None, verdict.state)

    async def stop(self) -> None:
        """Close the connections and stop acting on time."""
        self._wakeup.close()
        for door in self._doors:
            door.close()
        await self.routes.close()
