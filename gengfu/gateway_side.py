"""The gateway of a process, wired: pipeline, watch, actuator and the connections of the site over one journal."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from alarms.engine import AlarmEngine
from device_registry.devices import Site
from device_registry.site import ConnectionPart
from gateway.actuator import Actuator
from gateway.counters import Counters
from gateway.downlink import Downlink, load_cursor
from gateway.pipeline import READING, Pipeline, Verdict
from gateway.slots import SlotTimer
from gateway.transports import coap
from gateway.transports.modbus_bus import BusCounters
from gateway.uplink import Done, Uplink
from gateway.watch import Watch
from gengfu import clock, rules
from gengfu.modbus_side import ModbusSide
from gengfu.routes import CoapRoute, Routes
from gengfu.rules import Rulebook
from gengfu.supervisor import Supervisor
from gengfu.wakeup import Wakeup
from interlocks.engine import InterlockEngine
from journal.entry import PARTITIONS, Stored
from journal.sqlite import SqliteJournal
from protocols.profile.model import Profile
from protocols.reading import Origin, Reading, Value, decode_reading

log = logging.getLogger("gengfu.gateway")

TAIL = 50_000
"""Entries of the journal's end that are read at start, to know again what was stored already."""


class GatewaySide:
    """Everything between the devices and the journal. Begin with `start`, end with `stop`."""

    def __init__(
        self,
        site: Site,
        book: Rulebook,
        journal: SqliteJournal,
        downlink: SqliteJournal,
        metrics: CollectorRegistry,
        supervisor: Supervisor,
    ) -> None:
        self.site = site
        self.journal = journal
        self._down = downlink
        self._supervisor = supervisor
        self.counters = Counters(metrics)
        self._wakeup = Wakeup(self._due, self._tick)
        self.routes = Routes({device.id: device.connection for device in site.devices.values()}, self._tick)
        now = clock.now()
        self.watch = Watch(
            InterlockEngine(book.matrices, rules.zones(site), now),
            AlarmEngine(book.alarms, rules.watched(site), now),
            Actuator(self.routes, site.find_profile),
            self._store,
        )
        self.pipeline = Pipeline(site, journal, self.counters, (self.watch,))
        self._timer = SlotTimer(asyncio.get_running_loop())
        self._leave: Callable[[], None] = lambda: None
        self._doors: list[coap.CoapDoor] = []
        self._lines: list[ModbusSide] = []

    async def start(self, doors: dict[str, socket.socket]) -> None:
        """Take back the state, then open the connections. ``doors``: bound sockets by connection id;
        those that are taken over are taken out."""
        state = self.journal.load_state("")
        self.watch.load(state, clock.now())
        tail = await asyncio.to_thread(self.journal.tail, TAIL)
        self.pipeline.rebuild(tail)
        readings = (decode_reading(one.entry.body) for one in tail if one.entry.kind == READING)
        self.watch.recall((one for one in readings if one.device in self.site.devices), clock.now())
        for connection in list(doors):
            door = await coap.listen(doors[connection], self.ingest, self.counters, clock.wall, connection)
            del doors[connection]
            self._doors.append(door)
            self.routes.add(connection, CoapRoute(door))
        for part in self.site.connections.values():
            if part.transport != "coap":
                self._poll(part)
        await self._listen_to_people(state)
        self._wakeup.again()

    def _poll(self, connection: ConnectionPart) -> None:
        devices = [one for one in self.site.devices.values() if one.connection == connection.id]
        line = ModbusSide(connection, devices, self._on_values, self._on_lost, self._timer)
        self._lines.append(line)
        self.routes.add(connection.id, line)
        line.start(self._supervisor)

    async def _listen_to_people(self, state: dict[str, bytes]) -> None:
        """What was asked while the gateway was down is answered first, then what comes."""
        requests = Downlink(self.watch, self.pipeline.store, load_cursor(state))
        self._leave = self._down.subscribe(lambda batch: self._take(requests, batch))
        self._take(requests, await asyncio.to_thread(self._down.read, range(PARTITIONS), requests.cursor, TAIL))

    def _take(self, requests: Downlink, batch: Sequence[Stored]) -> None:
        requests.take(batch, clock.now())
        self._wakeup.again()

    def _on_values(
        self, device: str, profile: Profile, at: int, received: int, values: tuple[Value, ...], quality: tuple[int, ...]
    ) -> None:
        reading = Reading(device, profile.id, at, received, Origin.LIVE, values, quality)
        self.pipeline.offer((reading,), "modbus", self._polled, clock.now())
        self._wakeup.again()

    def _polled(self, error: Exception | None) -> None:
        """Nobody waits for an acknowledgement of a poll: what the journal refused is counted."""
        if error is not None:
            self.counters.refused.labels("modbus", "journal").inc()

    def _on_lost(self, device: str, _at: int, reason: str) -> None:
        log.warning("%s does not answer: %s", device, reason)
        self.watch.lost(device, clock.now())
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
        self.pipeline.store(verdict)

    def bus_counters(self) -> dict[str, BusCounters]:
        """What happened on the Modbus buses, by connection id."""
        return {line.name: line.bus.counters for line in self._lines}

    async def stop(self) -> None:
        """Close the connections and stop acting on time."""
        self._wakeup.close()
        self._leave()
        for line in self._lines:
            await line.close()
        for door in self._doors:
            door.close()
        await self.routes.close()
