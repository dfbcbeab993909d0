"""OPC UA over a disturbed network: node-opcua as the server, our side as it is wired, with the documented site."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from device_registry.connections import OpcUaConnection
from gengfu.opcua_side import OpcUaSide
from gengfu.sites import read_profiles
from tests.contract.side_rig import SideRig
from tests.fixtures.opcua_peers import OpcUaPeer, Secrets
from tests.fixtures.wires import TcpWire

DOCUMENT = Path(__file__).parents[2] / "docs/protocols/opcua.md"
PERIOD_S, PUBLISHING_S, TIMEOUT_S = 0.3, 0.05, 2.0


def samples() -> tuple[str, str]:
    """The documented profile and site."""
    profile, site = (block.partition("```")[0] for block in DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1:])
    return profile, site


class OpcUaRig(SideRig):
    """The site is the documented sample, with the place of the wire and the files in it and everything faster.

    Late: an answer carries the number of its request, and each message its own.
    """

    lines = frozenset(
        {"read", "push", "command", "silence", "garbage", "half", "flipped", "slow", "restart", "hang-up", "shutdown"}
    )
    device = "east:gas:0001"
    wire: TcpWire
    peer: OpcUaPeer
    side: OpcUaSide

    async def open(self) -> None:
        profile, site = samples()
        (self.folder / "profiles/acme").mkdir(parents=True)
        (self.folder / "profiles/acme/gas-cabinet.toml").write_text(profile, encoding="utf-8")
        profiles = read_profiles((self.folder / "profiles",))
        self.profile = profiles["acme/gas-cabinet"]
        document = tomllib.loads(site)
        (connection,), (device,) = document["connection"], document["device"]
        secrets = Secrets.made(self.folder, connection["username"])
        self.peer = OpcUaPeer(self.folder, **secrets.of_server)
        self.peer.start()
        self.wire = TcpWire(self.peer.port)
        await self.wire.open()
        station = device["opcua"]["values"]["station"]
        self._methane, self._closed = f"{station}.Methane", f"{station}.ValveClosed"
        self.peer.add(self._methane, "Int16", 0)
        self.peer.add(f"{station}.Status", "UInt32", 0)
        self.peer.add(self._closed, "Boolean", False)
        self.peer.add(f"{station}.CloseValve", "Boolean", False, writable=True, closes=self._closed)
        connection.update(secrets.of_gateway, url=f"opc.tcp://127.0.0.1:{self.wire.port}/station")
        connection.update(timeout_s=TIMEOUT_S, publishing_s=PUBLISHING_S)
        device.update(period_s=PERIOD_S)
        compiled = self.compiled(document, profiles)
        (part,), (one,) = compiled.connections.values(), compiled.devices.values()
        assert isinstance(part, OpcUaConnection)
        assert (one.id, part.security) == (self.device, "Basic256Sha256")
        self.side = OpcUaSide(part, [one], self.intake())
        self.begin()

    def measure(self, percent: float) -> None:
        self.peer.set(self._methane, round(percent * 10))

    @property
    def is_closed(self) -> bool:
        return self.peer.held(self._closed) is True

    def counted(self) -> Mapping[str, float]:
        return {**self.side.diagnosis.all_errors(), "connects": self.side.link.connects}
