"""The CoAP connection of the documented sample over a disturbed network: aiocoap as the device, a real journal."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiocoap
import aiocoap.error
import aiocoap.resource

from device_registry.devices import Site
from tests.contract.rig import Rig
from tests.fixtures.datagrams import Address
from tests.fixtures.gates import EAST, PROTECTED, SideGate, coap_site
from tests.fixtures.oscore_gateway import SECRET, protecting, security_in
from tests.fixtures.wires import Deliver, Wire

PERIOD_S = 0.03
"""Of the board's reports."""


class Hasty(aiocoap.TransportTuning):
    """Repeats soon and gives up soon: tests need not wait."""

    ACK_TIMEOUT = 0.05
    ACK_RANDOM_FACTOR = 1.0
    MAX_RETRANSMIT = 2


class _Side(asyncio.DatagramProtocol):
    """One side of a `UdpWire`."""

    def __init__(self, wire: "UdpWire", *, of_gateway: bool) -> None:
        self.transport: asyncio.DatagramTransport
        self._wire = wire
        self._of_gateway = of_gateway

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's has the methods, but not the base class

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._wire.carry(data, addr, of_gateway=self._of_gateway)

    def send(self, data: bytes, addr: Address) -> None:
        if addr and not self.transport.is_closing():
            self.transport.sendto(data, addr)


class UdpWire(Wire):
    """A network between one device and the gateway's door; the device sends to ``address``."""

    def __init__(self, door: Address) -> None:
        super().__init__()
        self._door = door
        self._device: Address = ()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        bound = ("127.0.0.1", 0)
        _, self._outer = await loop.create_datagram_endpoint(lambda: _Side(self, of_gateway=False), local_addr=bound)
        _, self._inner = await loop.create_datagram_endpoint(lambda: _Side(self, of_gateway=True), local_addr=bound)
        self.address: Address = self._outer.transport.get_extra_info("sockname")

    def carry(self, data: bytes, addr: Address, *, of_gateway: bool) -> None:
        """A datagram came; what the device says comes from one address, as through a router."""
        if of_gateway:
            self.up(data, lambda piece: self._outer.send(piece, self._device))
        else:
            self._device = addr
            self.down(data, lambda piece: self._inner.send(piece, self._door))

    def _trickle(self, data: bytes, deliver: Deliver) -> None:
        """A datagram comes whole or not at all: this one comes twice."""
        deliver(data)
        deliver(data)

    @property
    def taken(self) -> int:
        return 0

    async def hang_up(self) -> None:
        """UDP has no connection."""

    async def close(self) -> None:
        self._outer.transport.close()
        self._inner.transport.close()
        await asyncio.sleep(0)


class Valve(aiocoap.resource.Resource):
    """The device's valve: PUT «close» closes it, which it tells with its next report."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    async def render_put(self, request: aiocoap.Message) -> aiocoap.Message:
        """Called by aiocoap."""
        self.closed = self.closed or request.payload == b"close"
        return aiocoap.Message(code=aiocoap.CHANGED)


class CoapRig(Rig):
    """A board that reports by itself until it is acknowledged. Hang-up: UDP has none. Late: a report carries its own
    sequence number and is never taken for another."""

    lines = frozenset({"push", "command", "silence", "garbage", "half", "slow", "restart", "shutdown"})
    device = EAST
    wire: UdpWire

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._percent = 0.0
        self._valve = Valve()
        self._boot = self._sequence = 0
        self._reporting: asyncio.Task[None] | None = None
        self._gone: asyncio.Task[None] | None = None
        self._shut = False

    async def open(self) -> None:
        self._gate = SideGate(self.folder / "journal", self._site())
        await self._gate.open()
        self._stored = 0
        self._gate.journal.subscribe(lambda _batch: self._look())
        self._routes = self.route("coap", self._gate.side)
        self.wire = UdpWire(self._gate.address)
        await self.wire.open()
        await self.start()

    def _look(self) -> None:
        readings = self._gate.readings()
        for reading in readings[self._stored :]:
            self.take(reading)
        self._stored = len(readings)

    async def noticed(self) -> None:
        """A door does not tell that a device is silent: the alarm engine does, by the device's period."""
        await self.disturbed(2)

    async def start(self) -> None:
        if self._gone is not None:
            await self._gone
        self._boot += 1
        site = aiocoap.resource.Site()
        site.add_resource(["valve"], self._valve)
        self._context = await self._serve(site)
        self._reporting = asyncio.get_running_loop().create_task(self._report())

    def _site(self) -> Site:
        return coap_site()

    async def _serve(self, site: aiocoap.resource.Site) -> aiocoap.Context:
        """The board with its valve, at an address of its own."""
        return await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", 0), transports=["udp6"])

    async def _report(self) -> None:
        """Tell the present values until they are acknowledged, then the next."""
        while True:
            self._sequence += 1
            pack = (
                f'[{{"bn":"{self.device}/","n":"boot","v":{self._boot}}},{{"n":"seq","v":{self._sequence}}},'
                f'{{"n":"methane","v":{self._percent}}},{{"n":"valve","v":{2 if self._valve.closed else 1}}}]'
            )
            uri = f"coap://127.0.0.1:{self.wire.address[1]}/readings"
            request = aiocoap.Message(
                code=aiocoap.POST, uri=uri, payload=pack.encode(), content_format=110, transport_tuning=Hasty()
            )
            try:
                await self._context.request(request).response
            except aiocoap.error.Error:
                self._sequence -= 1
            await asyncio.sleep(PERIOD_S)

    def measure(self, percent: float) -> None:
        self._percent = percent

    @property
    def is_closed(self) -> bool:
        return self._valve.closed

    def counted(self) -> Mapping[str, float]:
        return self._gate.refused()

    def kill(self) -> None:
        assert self._reporting is not None
        self._reporting.cancel()
        self._gone = asyncio.get_running_loop().create_task(self._context.shutdown())

    async def shut(self) -> None:
        self._shut = True
        await self._routes.close()
        await self._gate.close()

    async def close(self) -> None:
        self.kill()
        assert self._gone is not None
        await self._gone
        if not self._shut:
            await self.shut()
        await self.wire.close()


class CoapProtectedRig(CoapRig):
    """The same board with a credential: everything is protected, both ways."""

    def _site(self) -> Site:
        secret = self.folder / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        return coap_site(PROTECTED, oscore={"master_secret_file": str(secret)})

    async def _serve(self, site: aiocoap.resource.Site) -> aiocoap.Context:
        # numbers go on where an earlier life stopped, and its window is lost, as on a board
        security = security_in(self.folder / f"life-{self._boot}", "01", "02", lost_at=1000 * self._boot)
        context = await aiocoap.Context.create_server_context(
            protecting(site, security), bind=("127.0.0.1", 0), transports=["oscore", "udp6"]
        )
        context.client_credentials[f"coap://127.0.0.1:{self.wire.address[1]}/*"] = security
        return context
