"""An OPC UA connection: one session and one subscription for all its devices, made anew whenever they end.

Changes come by subscription; every device is also looked at once per period, all of its points in one read: a
subscription that is silent is not a value that is unchanged. The connection counts as dead when the server is silent
for longer than its keep-alive, or leaves a read unanswered; then every device is lost, at once, until it is looked at
again.

Nothing that changed between two publishes is lost as long as the queues at the server hold it; where they do not the
server says so, and it is counted as ``overflow``. A publish that never came is asked for again; one that the server
cannot tell again is counted as ``gap`` of the connection and of each device, and all of them are read at once.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from gateway.backoff import Backoff
from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceRefused, TransportError
from gateway.transports.opcua.parts import OpcUaDevice, Pace, Session
from protocols.errors import ProtocolError
from protocols.opcua.readings import DeviceValues
from protocols.opcua.status import is_good, name_of
from protocols.opcua.values import UNREADABLE, Sample, parts_of
from protocols.opcua.writes import WriteGate, node_of
from protocols.profile.node_ids import NodeIdError, NodeKey
from protocols.profile.schema import CommandPart
from protocols.reading import Origin, Reading

LONGEST_PAUSE_S = 60.0
LIFE_SAFETY_EVERY_S = 10.0
"""Between the beginnings of two tries to sign in, as far as ``timeout_s`` of the connection lets it (S23)."""
FIRST_PAUSE_S = 0.5
PROOF_PERIOD_S = 0.1
"""How often the read-back point is asked for while a command waits for its proof."""
_NODE_UNKNOWN = 0x80340000


class _Watched(NamedTuple):
    device: str
    point: int
    node: NodeKey


class _Live(NamedTuple):
    """A session that stands, and what its server's namespaces make of our nodes. Handles are keys of ``watched``."""

    session: Session
    gate: WriteGate
    watched: dict[int, _Watched]
    handles: dict[str, list[int]]
    unwatched: set[int]
    """Handles whose node is not subscribed to: not yet, or the server refused, or its value cannot be decoded."""
    refused: set[int]


class OpcUaLink:
    """``connects``: how often it came to stand. ``opened``: signs in. ``on_lost(device, reason)``: once per loss; the
    next reading ends it. ``now``: UTC ns; ``clock``: monotonic seconds.

    Raises `ProtocolError` for devices whose nodes or commands cannot be.
    """

    def __init__(
        self,
        opened: Callable[[], Awaitable[Session]],
        devices: Sequence[OpcUaDevice],
        pace: Pace,
        diagnosis: Diagnosis,
        *,
        origin: Origin,
        on_readings: Callable[[list[Reading]], None],
        on_lost: Callable[[str, str], None],
        now: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = opened
        self._devices = {one.id: one for one in devices}
        self._pace = pace
        self._diagnosis = diagnosis
        self._on_readings = on_readings
        self._on_lost = on_lost
        self._now = now
        self._clock = clock
        self.connects = 0
        self._lost: set[str] = set()
        self._held: dict[tuple[str, int], list[Sample]] = {}
        self._live: _Live | None = None
        self._why = "not connected yet"
        self._values = {one.id: self._values_of(one, origin) for one in devices}
        self._life_safety = any(point.life_safety for one in devices for point in one.profile.points)
        self._backoff = Backoff(FIRST_PAUSE_S, LIFE_SAFETY_EVERY_S if self._life_safety else LONGEST_PAUSE_S)
        gate = WriteGate()
        for one in devices:
            gate.allow(one.id, one.profile, one.names)

    def _values_of(self, one: OpcUaDevice, origin: Origin) -> DeviceValues:
        def note(word: str) -> None:
            self._diagnosis.failed(word, one.id)

        return DeviceValues(one.id, one.profile, parts_of(one.profile), origin, note)

    async def run(self) -> None:
        """Keep the connection, for ever; cancel the task to end."""
        while True:
            began = self._clock()
            try:
                await self._connected()
            except (TransportError, ProtocolError) as error:
                self._broken(str(error), error.kind if isinstance(error, TransportError) else "profile")
            except Exception as error:  # raised again for the supervisor: its devices are told lost first
                self._broken(f"a fault of this program: {error!r}", "fault")
                raise
            pause_s = self._pause_s(self._clock() - began)
            self._diagnosis.down(self._why, pause_s)
            await asyncio.sleep(pause_s)

    def _pause_s(self, took_s: float) -> float:
        """After a try that took so long."""
        pause_s = self._backoff.failed()
        return min(pause_s, max(FIRST_PAUSE_S, LIFE_SAFETY_EVERY_S - took_s)) if self._life_safety else pause_s

    def _broken(self, why: str, kind: str) -> None:
        self._why = why
        self._diagnosis.failed(kind)
        for device in self._devices:
            self._tell_lost(device, self._why)

    def _tell_lost(self, device: str, reason: str) -> None:
        if device not in self._lost:
            self._lost.add(device)
            self._diagnosis.lost(device, reason)
            self._on_lost(device, reason)

    async def _connected(self) -> None:
        """One session, from sign-in to its end. Raises `TransportError`, `ProtocolError` for writes that cannot be."""
        session = await self._opened()
        try:
            live = self._prepared(session)
            await session.subscribe(self._pace.publishing_s)
            live.unwatched.update(live.watched)
            self._live = live
            self.connects += 1
            self._diagnosis.up()
            await self._look(live, list(live.handles))
            self._backoff.succeeded()
            await _first_end(self._listen(live), self._look_again(live))
        finally:
            self._live = None
            await session.close()

    def _prepared(self, session: Session) -> _Live:
        live = _Live(session, WriteGate(session.namespaces), {}, {}, set(), set())
        for one in self._devices.values():
            parts = self._values[one.id].parts
            try:
                live.gate.allow(one.id, one.profile, one.names)
                nodes = {index: node_of(part.node, one.names, session.namespaces) for index, part in parts.items()}
            except NodeIdError as error:
                self._diagnosis.failed("node", one.id)
                self._tell_lost(one.id, str(error))
                continue
            first = len(live.watched) + 1
            live.watched.update(
                (handle, _Watched(one.id, index, node)) for handle, (index, node) in enumerate(nodes.items(), first)
            )
            live.handles[one.id] = list(range(first, first + len(nodes)))
        return live

    async def _listen(self, live: _Live) -> None:
        while True:
            changes = await live.session.changes()
            told: dict[str, list[tuple[int, Sample]]] = defaultdict(list)
            for handle, sample in changes.samples:
                watched = live.watched.get(handle)
                if watched is None:
                    self._diagnosis.failed("handle")
                elif (held := self._held.get((watched.device, watched.point))) is not None:
                    held.append(sample)
                else:
                    told[watched.device].append((watched.point, sample))
            for device, samples in told.items():
                self._told(device, samples)
            if changes.republished:
                self._diagnosis.failed("republished", times=changes.republished)
            if changes.gap:
                await self._look_after_gap(live)

    async def _look_after_gap(self, live: _Live) -> None:
        """Nobody knows what never came: each device may have told of a leak. How all stand now is read at once: a leak
        that lasts is judged like any other (S9). A look that fails ends the session, and then all are lost."""
        self._diagnosis.failed("gap")
        for device in live.handles:
            self._diagnosis.failed("gap", device)
        await self._look(live, list(live.handles))

    async def _look_again(self, live: _Live) -> None:
        """Look at each device once per period; those with the same period in the same read."""
        loop = asyncio.get_running_loop()
        due = {device: loop.time() + self._devices[device].period_s for device in live.handles}
        if not due:
            raise BusDown("the server has the nodes of none of its devices")
        while True:
            await asyncio.sleep(max(0.0, min(due.values()) - loop.time()))
            now = loop.time() + self._pace.publishing_s / 2
            devices = [device for device, at in due.items() if at <= now]
            await self._look(live, devices)
            after = loop.time()
            for device in devices:
                period_s = self._devices[device].period_s
                missed = max(0, int((after - due[device]) / period_s))
                self._diagnosis.skipped(device, missed)
                due[device] += (missed + 1) * period_s

    async def _look(self, live: _Live, devices: Sequence[str]) -> None:
        handles = [handle for device in devices for handle in live.handles[device]]
        loop = asyncio.get_running_loop()
        began = loop.time()
        for device in devices:
            self._diagnosis.asked(device)
        try:
            samples = await live.session.read([live.watched[handle].node for handle in handles])
        except TransportError as error:
            for device in devices:
                self._diagnosis.failed(error.kind, device)
            raise
        received = self._now()
        by_handle = dict(zip(handles, samples, strict=True))
        for device in devices:
            self._diagnosis.answered(device, loop.time() - began)
            points = ((live.watched[handle].point, by_handle[handle]) for handle in live.handles[device])
            seen = [(point, sample) for point, sample in points if (device, point) not in self._held]
            self._hand_over(device, [self._values[device].look(seen, received)])
        if live.unwatched:
            await self._watch(live, by_handle)

    async def _watch(self, live: _Live, samples: Mapping[int, Sample]) -> None:
        """Subscribe to what can be read and is not subscribed to: all of it at first; a node that the server refuses is
        tried again when it was seen to be good, as one that a server gets some time after its start."""
        tried = self._is_tried(live, samples)
        if not tried:
            return
        nodes = {handle: live.watched[handle].node for handle in tried}
        refused = await live.session.watch(nodes, self._pace.sampling_s, self._pace.queue)
        live.unwatched.difference_update(nodes.keys() - refused.keys())
        for handle in refused:
            live.refused.add(handle)
            self._diagnosis.failed("node", live.watched[handle].device)

    def _is_tried(self, live: _Live, samples: Mapping[int, Sample]) -> list[int]:
        seen = ((handle, samples[handle]) for handle in live.unwatched if handle in samples)
        return [
            handle
            for handle, sample in seen
            if sample.value is not UNREADABLE and (handle not in live.refused or is_good(sample.status))
        ]

    def _hand_over(self, device: str, readings: list[Reading]) -> None:
        why_silent = self._values[device].why_silent
        if why_silent:
            self._tell_lost(device, why_silent)
        elif readings:
            self._lost.discard(device)
            self._diagnosis.heard(device)
            for one in readings:
                if one.at != one.received_at:
                    self._diagnosis.stamped(device, one.claimed_at or one.at, one.received_at)
            self._on_readings(readings)

    def _standing(self) -> _Live:
        if self._live is None:
            raise BusDown(f"the connection does not stand: {self._why}")
        return self._live

    async def write(self, device: str, command: CommandPart) -> None:
        """Send one command of the device's profile. Raises `TransportError`, `WriteRefused`."""
        live = self._standing()
        write = live.gate.write_of(device, self._devices[device].profile, command)
        with self._proof_held(device, command):
            status = await live.session.write(write)
        if not is_good(status):
            raise DeviceRefused(
                f"the server answered the write of {write.type} {write.value} with {name_of(status)}", 0
            )

    @contextmanager
    def _proof_held(self, device: str, command: CommandPart) -> Iterator[None]:
        """Keep the proof back until the server took the command: it may tell of the effect in the same breath."""
        back = command.read_back
        if back is None:
            yield
            return
        point = self._devices[device].profile.by_name[back.point].index
        self._held.setdefault((device, point), [])
        try:
            yield
        finally:
            held = [(point, sample) for sample in self._held.pop((device, point), ())]
            asyncio.get_running_loop().call_soon(self._told, device, held)

    def _told(self, device: str, samples: list[tuple[int, Sample]]) -> None:
        self._hand_over(device, self._values[device].changes(samples, self._now()))

    async def prove(self, device: str, command: CommandPart) -> None:
        """Look at the read-back point until it is as it should be, or its time is over; each look is handed over."""
        back = command.read_back
        if back is None:
            return
        profile = self._devices[device].profile
        index = profile.by_name[back.point].index
        loop = asyncio.get_running_loop()
        until = loop.time() + back.within_s
        while loop.time() < until:
            live = self._standing()
            handle = next((one for one in live.handles.get(device, ()) if live.watched[one].point == index), None)
            if handle is None:
                return  # the proof comes over another way
            (sample,) = await live.session.read([live.watched[handle].node])
            reading = self._values[device].look([(index, sample)], self._now())
            if reading.values[index] == back.equals:
                self._hand_over(device, [reading])
                return
            await asyncio.sleep(PROOF_PERIOD_S)


async def _first_end(*works: Coroutine[object, object, None]) -> None:
    """Run them until one ends, end the others, and raise what ended it."""
    tasks = [asyncio.ensure_future(one) for one in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
