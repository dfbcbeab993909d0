"""What a transport brings to be held to the contract: a gateway's end, a peer that is not ours, a wire between them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from prometheus_client import CollectorRegistry

from gateway.actuator import Actuator
from gateway.counters import Counters
from gateway.intake import Intake
from gateway.slots import SlotTimer
from gateway.uplink import Done, Uplink
from gengfu import clock
from gengfu.routes import Route, Routes
from protocols.command import Command, CommandEvent
from protocols.moment import SECOND
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from tests.fixtures.waiting import TooLate, wait_for_async
from tests.fixtures.wires import Wire

GAS = shipped_profiles()["gengfu/gas-alarm"]
CLOSED = 2.0


class Rig(ABC):
    """One gas alarm of ``profile``. ``lines``: the parts of the contract that this transport has a place for. ``seen``:
    the methane values that the gateway took as good, in order; ``lost``: why the device was told lost, each time."""

    lines: ClassVar[frozenset[str]]
    profile: Profile = GAS
    device: ClassVar[str]
    wire: Wire

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[float] = []
        self.valve: list[float] = []
        self.lost: list[str] = []
        self.events: list[CommandEvent] = []
        self._actuator: Actuator

    @abstractmethod
    async def open(self) -> None:
        """Start the peer, the wire and the gateway's end."""

    @abstractmethod
    async def shut(self) -> None:
        """Close the gateway's end, and only that."""

    @abstractmethod
    async def close(self) -> None:
        """Close everything that is still open."""

    @abstractmethod
    def measure(self, percent: float) -> None:
        """The peer measures this from now on."""

    @abstractmethod
    def kill(self) -> None:
        """The peer loses its supply."""

    @abstractmethod
    async def start(self) -> None:
        """It has it again, at the same address."""

    @property
    @abstractmethod
    def is_closed(self) -> bool:
        """Whether the peer itself says that its valve is closed."""

    @abstractmethod
    def counted(self) -> Mapping[str, float]:
        """What the gateway's end counted as wrong, by kind."""

    async def sees(self, percent: float) -> None:
        """The peer measures this, and the gateway comes to know."""
        self.measure(percent)
        try:
            await wait_for_async(lambda: percent in self.seen[-1:], timeout=30, what=f"{percent} %LEL to be taken")
        except TooLate as error:
            error.add_note(f"counted: {self.counted()}; lost: {self.lost[-3:]}")
            raise

    async def noticed(self) -> None:
        """Wait until the gateway's end has told that the peer is silent."""
        await wait_for_async(lambda: self.lost, what="the loss")

    async def disturbed(self, pieces: int = 3) -> None:
        """Wait until so many pieces were not passed on as they are."""
        until = self.wire.disturbed + pieces
        await wait_for_async(lambda: self.wire.disturbed >= until, what="something to disturb")

    def intake(self) -> Intake:
        """What a side that makes the readings itself hands them to."""

        def offer(readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
            del transport, source
            for reading in readings:
                self.take(reading)
            done(None)

        def ingest(uplink: Uplink, done: Done) -> tuple[str, ...]:
            del done
            raise AssertionError(f"a payload came where readings are made by the side: {uplink}")

        timer = SlotTimer(asyncio.get_running_loop())
        counters = Counters(CollectorRegistry())
        return Intake(
            ingest,
            offer,
            lambda _device, reason: self.lost.append(reason),
            counters,
            Origin.LIVE,
            clock.wall,
            timer,
            self._judge,
        )

    def _judge(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            self.take(reading)

    def take(self, reading: Reading) -> None:
        """What the gateway's end gives to the pipeline."""
        at, place = (self.profile.by_name[name].index for name in ("methane", "valve"))
        methane, valve = reading.values[at], reading.values[place]
        if isinstance(methane, float) and reading.quality_of(at) is Quality.GOOD:
            self.seen.append(methane)
        if isinstance(valve, float):
            self.valve.append(valve)
        self._actuator.observe(reading, clock.now())

    def route(self, connection: str, route: Route) -> Routes:
        """The way for commands."""
        routes = Routes({self.device: connection}, lambda: None)
        routes.add(connection, route)
        self._actuator = Actuator(routes, {self.device: self.profile}.get)
        return routes

    def close_valve(self) -> None:
        """A trip tells the device to close its valve."""
        now = clock.now()
        command = Command("c1", self.device, "close-valve", Origin.LIVE, "trip/1", now.wall, now.wall + 60 * SECOND)
        self._actuator.issue(command, now)

    def statuses(self) -> list[str]:
        """What became of it so far."""
        events, _ = self._actuator.drain()
        self.events += events
        return [event.status for event in self.events]
