"""The gateway of a process, wired: pipeline, watch, actuator and the connections of the site over one journal."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from alarms.engine import AlarmEngine, Watched
from device_registry.connections import ModbusConnection
from device_registry.devices import Site
from gateway.acceptance import READING, readings_in
from gateway.actuator import Actuator
from gateway.command_queue import CommandQueue, Ways
from gateway.counters import Counters
from gateway.decisions import nobody_waits
from gateway.diagnostics import Diagnosis
from gateway.downlink import Downlink, load_cursor
from gateway.frame_log import FrameLog
from gateway.intake import Intake
from gateway.pipeline import Pipeline, Verdict
from gateway.slots import SlotTimer
from gateway.transports.modbus.bus import BusCounters
from gateway.uplink import Done, Uplink
from gateway.watch import Watch
from gengfu import clock, rules
from gengfu.boot import boot_id
from gengfu.coap_side import CoapSide, Doors, Handover
from gengfu.device_clocks import DeviceClocks
from gengfu.evidence.members import vital_connections
from gengfu.http_side import DeviceDoor, HttpSide
from gengfu.modbus_side import ModbusSide
from gengfu.mode_side import make_modes
from gengfu.own_devices import canary_device, report_places
from gengfu.own_devices.device import GatewayDevice
from gengfu.routes import Routes
from gengfu.rules import Rulebook
from gengfu.side import Side
from gengfu.sides import open_side
from gengfu.supervisor import Supervisor
from gengfu.wakeup import Wakeup
from interlocks.engine import InterlockEngine
from journal.entry import PARTITIONS, Stored
from journal.names import Names
from journal.sqlite import SqliteJournal
from protocols.command import CommandEvent
from protocols.moment import Moment
from protocols.reading import Origin, Reading

log = logging.getLogger("gengfu.gateway")

TAIL = 50_000
"""Entries of the journal's end that are read at start, to know again what was stored already."""
NAMED = 250_000
"""Readings before these of which only the names are read. At 5,000 a second both are a minute: longer than a message is
sent again (MAX_TRANSMIT_SPAN is 45 s, RFC 7252, 4.8.2)."""


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
        frames: FrameLog | None = None,
    ) -> None:
        self.site = site
        self.journal = journal
        self._down = downlink
        self._supervisor = supervisor
        self._frames = frames
        self.counters = Counters(metrics)
        self._wakeup = Wakeup(self._due, self._tick)
        self._connection_of = _connections_of(site)
        self.routes = Routes(self._connection_of, self._tick)
        now = clock.now()
        origin = Origin.SIMULATED if site.simulated else Origin.LIVE
        self.own = GatewayDevice(site, origin, self.judge)
        interlocks = InterlockEngine(book.matrices, rules.zones(site), now)
        self.commands = CommandQueue(
            Ways(site.find_profile, origin, interlocks.refusal, self._store, self._wakeup.again)
        )
        self.watch = Watch(
            interlocks, AlarmEngine(book.alarms, self._watched(), now), Actuator(self.routes, site.find_profile),
            self._store, self.commands.follow, self._heed,
        )  # fmt: skip
        self.commands.issuer = self.watch
        self._clocks = DeviceClocks()
        self.modes = make_modes(site, self.watch, book, origin, boot_id(), self._store, self._wakeup.again)
        judges = (self.watch, self._clocks)
        self.pipeline = Pipeline(site, journal, self.counters, judges, origin=origin, marker=self.modes.bump_tests)
        self._intake = Intake(
            self.ingest,
            self._offer,
            self._lost,
            self.counters,
            origin,
            clock.wall,
            SlotTimer(asyncio.get_running_loop()),
            self.judge,
        )
        self._leave: Callable[[], None] = lambda: None
        self.sides: dict[str, Side] = {}
        self._handed: dict[str, Handover] = {}

    def _heed(self, event: CommandEvent, now: Moment) -> Verdict:
        return self.modes.proof_tests.heed(event, now)

    async def start(self, doors: dict[str, socket.socket]) -> None:
        """Take back the state, then open the connections. ``doors``: bound sockets by connection id;
        those that are taken over are taken out."""
        state = self.journal.load_state("")
        self.watch.load(state, clock.now())
        self.commands.load(state, clock.now())
        self.modes.load(state, clock.now())
        tail = await asyncio.to_thread(self.journal.tail, TAIL)
        older = await self._names_before(tail)
        named = [*readings_in(one.entry for one in tail)]
        self.watch.recall(filter(self._speaks_of_today, (reading for _, reading in named)), clock.now())
        self.pipeline.rebuild(named, older)
        self.begin(await self.build(self.site, self.site.connections, doors))
        await self._listen_to_people(state)
        self._wakeup.again()

    def _names_before(self, tail: Sequence[Stored]) -> asyncio.Future[Names]:
        """Of what the journal has before its end; read from now on, in a thread."""
        end, most = (tail[0].position, NAMED) if len(tail) == TAIL else (0, 0)
        return asyncio.get_running_loop().run_in_executor(None, self.journal.survey.names, READING, end, most)

    def _speaks_of_today(self, reading: Reading) -> bool:
        """Whether its device is still there and has the profile still by which its values are told apart."""
        device = self.site.devices.get(reading.device)
        return device is not None and device.profile.id == reading.profile

    async def build(
        self, site: Site, connections: Iterable[str], doors: dict[str, socket.socket] | None = None
    ) -> dict[str, Side]:
        """The ends of some connections of ``site``, not begun. Raises what `open_side` raises; those that were built
        before have let go of everything then."""
        given = Doors({} if doors is None else doors, self.journal.load_state(""), self._keep_state, self._handed)
        built: dict[str, Side] = {}
        try:
            for name in connections:
                devices = [one for one in site.devices.values() if one.connection == name]
                side = open_side(site.connections[name], devices, self._intake, given)
                if side is not None:
                    built[name] = side
        except BaseException:
            for side in built.values():
                await side.close()
            raise
        return built

    def begin(self, sides: Mapping[str, Side]) -> None:
        """Begin with what `build` built. The site is the one that it was built from."""
        for name, side in sides.items():
            self.sides[name] = side
            self.routes.add(name, side)
        self._clocks.diagnosis_of = {
            device.id: self.sides[device.connection].diagnosis
            for device in self.site.devices.values()
            if device.connection in self.sides
            and not isinstance(self.site.connections[device.connection], ModbusConnection)
        }
        self._record_frames()
        for side in sides.values():
            side.start(self._supervisor)

    def _record_frames(self) -> None:
        """Of the connections that watch over life."""
        if self._frames is None:
            return
        vital = vital_connections(self.site)
        for name, side in self.sides.items():
            side.diagnosis.wire.recorder = self._frames.recorder(name) if name in vital else None

    async def end(self, connections: Iterable[str]) -> None:
        """Close these connections; nothing comes from them afterwards."""
        for name in connections:
            side = self.sides.pop(name, None)
            if side is not None:
                self.routes.remove(name)
                if isinstance(side, CoapSide):
                    self._handed[name] = side.handover()
                await side.close()

    def rearrange(self) -> None:
        """The site was changed: judge by what it is now. What stood stands on (S10, S11)."""
        self._connection_of.clear()
        self._connection_of.update(_connections_of(self.site))
        self.watch.rearrange(rules.zones(self.site), self._watched(), clock.now())
        self.modes.follow_site(clock.now())
        self._wakeup.again()

    def _watched(self) -> list[Watched]:
        """The devices of the site, the gateway itself, and where reports of people stand."""
        own = (*self.own.devices.watched(), canary_device.watched())
        return [*rules.watched(self.site), *own, *report_places.watched(self.site)]

    async def _keep_state(self, state: Mapping[str, bytes | None]) -> int:
        return await self.journal.append((), state)

    async def _listen_to_people(self, state: dict[str, bytes]) -> None:
        """What was asked while the gateway was down is answered first, then what comes."""
        requests = Downlink(self.watch, self.pipeline.store, load_cursor(state), self.commands, self.modes.verbs)
        self._leave = self._down.subscribe(lambda batch: self._take(requests, batch))
        self._take(requests, await asyncio.to_thread(self._down.read, range(PARTITIONS), requests.cursor, TAIL))

    def _take(self, requests: Downlink, batch: Sequence[Stored]) -> None:
        requests.take(batch, clock.now())
        self._wakeup.again()

    def _offer(self, readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
        try:
            self.pipeline.offer(readings, transport, done, clock.now(), source=source)
        finally:
            if self.watch.is_stirred:  # as `_follow`: a call less for each reading
                self._wakeup.again()

    def judge(self, readings: Sequence[Reading]) -> None:
        """Judge readings that are not stored; what is decided is."""
        try:
            self.pipeline.judge(readings, clock.now())
        finally:
            self._follow()

    def _follow(self) -> None:
        """After readings, whatever became of them: the watch may be due earlier, but for ordinary ones."""
        if self.watch.is_stirred:
            self._wakeup.again()

    def _lost(self, device: str, reason: str) -> None:
        log.warning("%s does not answer: %s", device, reason)
        known = self.site.devices.get(device)
        if known is None:
            return
        if known.connection in self.sides:
            self.sides[known.connection].diagnosis.lost(device, reason)
        self.watch.lost(device, clock.now())
        self._wakeup.again()

    def ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        """`gateway.uplink.Ingest` on the present time."""
        try:
            return self.pipeline.ingest(uplink, done, clock.now())
        finally:
            if self.watch.is_stirred:  # as `_follow`
                self._wakeup.again()

    def _due(self) -> int | None:
        due = self.watch.due()
        for other in (self.commands.due(), self.modes.due()):
            if other is not None and (due is None or other < due):
                due = other
        return due

    def _tick(self) -> None:
        self.commands.tick(clock.now())
        self.modes.tick(clock.now())
        self.watch.tick(clock.now())
        self._wakeup.again()

    def _store(self, verdict: Verdict, done: Done = nobody_waits) -> None:
        self.pipeline.store(verdict, done)

    def device_door(self, token: str) -> DeviceDoor | None:
        """The door of the device that holds ``token``, over HTTP (`console.services.DeviceDoor`)."""
        sides = (side for side in self.sides.values() if isinstance(side, HttpSide))
        return next((door for side in sides if (door := side.door_of(token)) is not None), None)

    def diagnoses(self) -> dict[str, Diagnosis]:
        """What each connection knows of itself, by its id. From any thread."""
        return {name: side.diagnosis for name, side in tuple(self.sides.items())}

    def bus_counters(self) -> dict[str, BusCounters]:
        """What happened on the Modbus buses, by connection id."""
        sides = tuple(self.sides.items())
        return {name: side.bus.counters for name, side in sides if isinstance(side, ModbusSide)}

    async def stop(self) -> None:
        """Close the connections and stop acting on time."""
        self._wakeup.close()
        self._leave()
        for side in self.sides.values():
            await side.close()
        await self.routes.close()


def _connections_of(site: Site) -> dict[str, str]:
    return {device.id: device.connection for device in site.devices.values()}
