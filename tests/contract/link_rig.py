"""The serial link over a disturbed line: a gas alarm's firmware in its own interpreter, our side as it is wired."""

import asyncio
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from device_registry.connections import SerialLinkConnection
from device_registry.load import compile_site
from device_registry.rules import check
from device_registry.site import SiteConfig
from gateway.pipeline import Pipeline
from gateway.uplink import Done, Uplink
from gengfu import clock, places
from gengfu.link_side import LinkSide
from gengfu.supervisor import Supervisor
from journal.entry import Stored
from journal.sqlite import SqliteJournal
from protocols.profile.loader import shipped_profiles
from protocols.reading import decode_reading
from tests.contract.rig import Rig
from tests.firmware.bench import Board
from tests.fixtures.still_board import still_sensors
from tests.fixtures.wires import Deliver, PtyWire

DOCUMENT = Path(__file__).parents[2] / "docs/protocols/serial-link.md"
PERIOD_S = 0.1


def sample() -> str:
    """The documented site."""
    (block,) = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1:]
    return block.partition("```")[0]


class LinkWire(PtyWire):
    """A report comes in several pieces. Byte by byte, too, one goes after the other."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._drops: deque[tuple[Deliver, bytes]] = deque()

    def _trickle(self, data: bytes, deliver: Deliver) -> None:
        drips = bool(self._drops)
        self._drops.extend((deliver, bytes([byte])) for byte in data)
        if not drips:
            self._drip()

    def _drip(self) -> None:
        deliver, byte = self._drops.popleft()
        deliver(byte)
        if self._drops:
            asyncio.get_running_loop().call_soon(self._drip)


class LinkRig(Rig):
    """A board whose sensors do not tremble; the site is the documented sample with the place of the wire in it.

    Late: an answer carries its turn, and each report its own sequence number.
    """

    lines = frozenset(
        {"push", "command", "silence", "garbage", "half", "flipped", "slow", "restart", "hang-up", "shutdown"}
    )
    device = "east:gas:0001"
    wire: LinkWire

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._supervisor = Supervisor(CollectorRegistry())
        self._percent = 0.0
        self._shut = False

    async def open(self) -> None:
        self.wire = LinkWire(self.folder)
        await self.wire.open()
        document = tomllib.loads(sample())
        (connection,), (device,) = document["connection"], document["device"]
        connection.update(port=str(self.wire.port), poll_s=0.02)
        config = SiteConfig.model_validate(document, strict=False)
        assert list(check(config, shipped_profiles())) == []
        site = compile_site(config, shipped_profiles())
        (part,), (one,) = site.connections.values(), site.devices.values()
        assert isinstance(part, SerialLinkConnection)
        assert (one.id, one.part.unit, connection["baud"]) == (self.device, device["unit"], 115200)
        intake = self.intake()
        self._journal = SqliteJournal.open(self.folder / "journal", now=clock.wall(), window_s=0.0)
        self._journal.subscribe(self._look)
        self._pipeline = Pipeline(site, self._journal, intake.counters)
        # The rig's own has no place for payloads.
        self.side = LinkSide(part, [one], intake._replace(ingest=self._ingest))
        self._routes = self.route(part.id, self.side)
        self._unit = one.part.unit
        await self.start()
        self.side.start(self._supervisor)
        await self.sees(0.0)
        # What it measured before it was told is nobody's concern.
        self.seen.clear()

    def _ingest(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        return self._pipeline.ingest(uplink, done, clock.now())

    def _look(self, batch: Sequence[Stored]) -> None:
        for stored in batch:
            self.take(decode_reading(stored.entry.body))

    async def start(self) -> None:
        self._board = Board(
            places.micropython(),
            "none",
            self.folder / "flash",
            planted=still_sensors(self.folder),
            device=self.device,
            serial_link=self.wire.peer_port,
            unit=self._unit,
            baud=115200,
            period=PERIOD_S,
        )
        self.measure(self._percent)

    def measure(self, percent: float) -> None:
        self._percent = percent
        self._board.say(f"gas {percent}")

    @property
    def is_closed(self) -> bool:
        return self._board.of("command") == [{"event": "command", "name": "close-valve"}]

    def counted(self) -> Mapping[str, float]:
        return {**self.side.diagnosis.all_errors(), "connects": self.side.link.connects}

    def kill(self) -> None:
        self._board.stop(kill=True)

    async def shut(self) -> None:
        self._shut = True
        await self._routes.close()
        await self.side.close()
        await self._supervisor.stop()
        await self._journal.close()

    async def close(self) -> None:
        if self._board.process.poll() is None:
            self._board.stop()
        if not self._shut:
            await self.shut()
        await self.wire.close()
