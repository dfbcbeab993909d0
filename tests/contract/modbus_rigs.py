"""The Modbus transports over a wire: libmodbus as the slave, socat as the serial server, our side as it is wired."""

import tomllib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from gengfu.modbus_side import ModbusSide
from protocols.profile.loader import shipped_profiles
from tests.contract.side_rig import SideRig
from tests.fixtures.modbus_peers import LibmodbusPeer, SerialServer
from tests.fixtures.ports import unused_port
from tests.fixtures.wires import PtyWire, TcpWire

DOCUMENT = Path(__file__).parents[2] / "docs/protocols/modbus.md"
PERIOD_S, TIMEOUT_S = 0.04, 0.15


def sample(transport: str) -> str:
    """The documented site of a transport."""
    blocks = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1:]
    found = [text for block in blocks if f'transport = "{transport}"' in (text := block.partition("```")[0])]
    assert len(found) == 1, f"docs/protocols/modbus.md has {len(found)} samples of {transport}"
    return found[0]


class ModbusRig(SideRig):
    """The site is the documented sample, with the place of the wire in it and everything faster."""

    lines = frozenset(
        {"read", "command", "silence", "garbage", "half", "slow", "late", "restart", "hang-up", "shutdown"}
    )
    transport: str
    wire: TcpWire | PtyWire
    peer: LibmodbusPeer
    side: ModbusSide

    @abstractmethod
    def place(self) -> dict[str, str | int]:
        """Where the connection leads."""

    @abstractmethod
    async def prepare(self) -> None:
        """Start the peer and open the wire."""

    async def open(self) -> None:
        await self.prepare()
        document = tomllib.loads(sample(self.transport))
        (connection,), (device,) = document["connection"], document["device"]
        connection.update(self.place(), timeout_s=TIMEOUT_S)
        device.update(period_s=PERIOD_S)
        site = self.compiled(document, shipped_profiles())
        (part,), (one,) = site.connections.values(), site.devices.values()
        assert (one.id, one.part.unit) == (self.device, 5)
        self.side = ModbusSide(part, [one], self.intake())
        self.begin()

    device = "east:gas:0001"

    def measure(self, percent: float) -> None:
        self.peer.set("input", 0, round(percent * 10))

    @property
    def is_closed(self) -> bool:
        return self.peer.coil(0)

    def counted(self) -> Mapping[str, float]:
        return asdict(self.side.bus.counters)


class RtuRig(ModbusRig):
    """A serial line."""

    lines = ModbusRig.lines | {"flipped"}

    transport = "modbus-rtu"

    async def prepare(self) -> None:
        self.wire = PtyWire(self.folder)
        self.peer = LibmodbusPeer("rtu", self.wire.peer_port, 5)
        self.peer.start()
        await self.wire.open()

    def place(self) -> dict[str, str | int]:
        return {"port": str(self.wire.port)}


class TcpRig(ModbusRig):
    """Modbus TCP; that no bit is flipped is TCP's own part."""

    transport = "modbus-tcp"

    async def prepare(self) -> None:
        port = unused_port()
        self.wire = TcpWire(port)
        self.peer = LibmodbusPeer("tcp", port)
        self.peer.start()
        await self.wire.open()

    def place(self) -> dict[str, str | int]:
        return {"host": "127.0.0.1", "port": self.wire.port}


class RtuTcpRig(ModbusRig):
    """A serial line behind socat."""

    lines = ModbusRig.lines | {"flipped"}

    transport = "modbus-rtu-tcp"

    async def prepare(self) -> None:
        self._server = SerialServer(unused_port())
        self._server.open()
        self.wire = TcpWire(self._server.port)
        self.peer = LibmodbusPeer("rtu", self._server.line, 5)
        self.peer.start()
        await self.wire.open()

    def place(self) -> dict[str, str | int]:
        return {"host": "127.0.0.1", "port": self.wire.port}

    async def close(self) -> None:
        await super().close()
        self._server.close()
