"""A CoAP connection of a gateway, wired: the door, its protected devices, what is observed, the way for commands."""

import asyncio
import socket
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from device_registry.connections import CoapConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.intake import Intake
from gateway.transports.coap import door as transport
from gateway.transports.coap.asking import Asker
from gateway.transports.coap.observers import Standing
from gateway.transports.coap.observing import Observation, Resource
from gateway.transports.coap.oscore import Contexts, Credential, Keep
from gateway.transports.coap.requests import Address, Response, options_of
from gateway.uplink import Done
from gengfu.credentials import read_secret
from gengfu.supervisor import Supervisor
from protocols.payload import decode_payload
from protocols.profile.schema import CoapPart, CommandPart
from protocols.wire import coap

_METHODS = {"put": coap.PUT, "post": coap.POST}


class Handover(NamedTuple):
    """What a connection that was closed leaves to the next at its place: where its devices were heard (``peers``, for
    commands to them), and who observes their settings."""

    peers: Mapping[str, Address] = MappingProxyType({})
    observers: Standing = Standing()


class Doors(NamedTuple):
    """What outlives a connection: ``sockets`` that the process has bound, by connection id (one that is taken over is
    taken out), the journal's ``state``, the way to ``keep`` more of it, and what was ``handed`` over, by connection."""

    sockets: dict[str, socket.socket]
    state: Mapping[str, bytes]
    keep: Keep
    handed: Mapping[str, Handover] = MappingProxyType({})


class CoapSide:
    """One connection and its devices.

    Raises `InputError` for a credential that cannot be used, `AddressInUse` where it binds a socket itself.
    """

    def __init__(self, connection: CoapConnection, devices: Sequence[Device], intake: Intake, doors: Doors) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self.door: transport.CoapDoor | None = None
        self._connection = connection
        self._intake = intake
        self._devices = {one.id: one for one in devices}
        self._contexts = _contexts(devices, doors)
        self._handed = doors.handed.get(self.name, Handover())
        bound = doors.sockets.pop(self.name, None)
        self._socket = transport.bind(*host_port(connection.listen)) if bound is None else bound
        self._family = self._socket.family
        self._supervisor: Supervisor | None = None
        self._running: list[asyncio.Task[None]] = []

    def start(self, supervisor: Supervisor) -> None:
        """Open the door, then observe."""
        self._supervisor = supervisor
        self._running.append(supervisor.run(f"coap {self.name}", self._open))

    async def _open(self) -> None:
        extras = transport.Extras(self._settings, self._contexts, self._connection.peer_rate, self.diagnosis)
        self.door = transport.listen(
            self._socket, self._intake.ingest, self._intake.counters, self._intake.now, self.name, extras
        )
        self.door.peers.update({one: at for one, at in self._handed.peers.items() if one in self._devices})
        self._asker = Asker(self.door.requests, self._contexts.of if self._contexts else {})
        self.diagnosis.up()
        for observed in self.door.observers.take_over(self._handed.observers):
            self.door.resources.changed(observed)
        for device in self._devices.values():
            for path in device.part.coap.observe if device.part.coap else ():
                self._observe(self.door, device, path)

    def _observe(self, door: transport.CoapDoor, device: Device, path: str) -> None:
        is_vital = any(point.life_safety for point in device.points)
        resource = Resource(device.id, path, partial(self._where, device.id), device.period_s, is_vital)
        observation = Observation(resource, door.requests, self._asker, _Listens(self))
        if self._supervisor is not None:
            self._running.append(self._supervisor.run(f"observe {device.id} {path}", observation.run))

    def took(self, resource: Resource, payload: bytes, source: str, done: Done) -> None:
        """A representation of an observed resource, as its profile's ``[payload]`` says."""
        device = self._devices[resource.device]
        readings = decode_payload(
            device.profile, payload, device=device.id, received_at=self._intake.now(), origin=self._intake.origin
        )
        self.diagnosis.heard(device.id)
        self._intake.offer(readings, "coap", done, source)

    def lost(self, device: str, reason: str) -> None:
        """An observed device does not answer."""
        self._intake.lost(device, reason)

    def _settings(self, device: str) -> Mapping[str, str] | None:
        """What the site's document wishes, under the names of the boards' own settings. Limits are not among them:
        the document holds none for one device (S11)."""
        found = self._devices.get(device)
        return None if found is None else {"period": f"{found.period_s:g}"}

    def _heard_at(self, device: str) -> Address | None:
        """Where it was last heard; ``None`` where the document names an address."""
        part = self._devices[device].part.coap
        return self.door.peers.get(device) if self.door is not None and (part is None or part.at is None) else None

    async def _where(self, device: str) -> Address | None:
        """The address that the document names, else where it was last heard."""
        part = self._devices[device].part.coap
        if part is None or part.at is None:
            return self._heard_at(device)
        host, port = host_port(part.at)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, family=self._family, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise TransportError(f"{device}: {host} has no address: {error.strerror}; correct coap.at") from None
        return found[0][4]

    def deliver(self, device: str, command: CommandPart) -> Awaitable[str]:
        """`gengfu.routes.Route.deliver`: one request; its answer says that the device took it, not that it acted.

        To a device that has spoken, a plain request is on its way when this returns.
        """
        part, peer = command.coap, self._heard_at(device)
        return self._outcome(device, part, None if part is None or peer is None else self._ask(device, peer, part))

    def _ask(self, device: str, peer: Address, part: CoapPart) -> "_Asked":
        self.diagnosis.asked(device)
        began, payload = asyncio.get_running_loop().time(), part.payload.encode()
        return _Asked(began, self._asker.ask(device, peer, _METHODS[part.method], options_of(part.path), payload))

    async def _outcome(self, device: str, part: CoapPart | None, asked: "_Asked | None") -> str:
        if part is None:
            return "its profile has no CoAP form of this command"
        if self.door is None:
            return "its connection is not open yet"
        if asked is None:
            peer = await self._where(device)
            if peer is None:
                return "the device was not heard since the gateway started, so its address is not known"
            asked = self._ask(device, peer, part)
        try:
            response = await asked.response
        except TransportError as error:
            self.diagnosis.failed(error.kind, device)
            raise
        self.diagnosis.answered(device, asyncio.get_running_loop().time() - asked.at)
        if response.code >> 5 == 2:
            return ""
        said = response.payload.decode(errors="replace")
        return f"the device answered {coap.code_text(response.code)} {said}".rstrip()

    def handover(self) -> Handover:
        """What the next side of this connection begins with."""
        return Handover() if self.door is None else Handover(dict(self.door.peers), self.door.observers.standing)

    async def close(self) -> None:
        """Let go of the socket."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._contexts is not None:
            self._contexts.close()
        if self.door is not None:
            self.door.close()
            while self._socket.fileno() >= 0:  # noqa: ASYNC110 - the loop lets go of it in a later turn, and tells nobody
                await asyncio.sleep(0)
        else:
            self._socket.close()
        self.diagnosis.down("the gateway closes it")


class _Asked(NamedTuple):
    """A request on its way, and the loop's time when it went."""

    at: float
    response: Awaitable[Response]


class _Listens:
    """`gateway.transports.coap.observing.Listens` of a side."""

    def __init__(self, side: CoapSide) -> None:
        self.took = side.took
        self.lost = side.lost
        self.asked = side.diagnosis.asked
        self.answered = side.diagnosis.answered
        self.failed = side.diagnosis.failed


def _contexts(devices: Sequence[Device], doors: Doors) -> Contexts | None:
    credentials = []
    for device in devices:
        part = device.part.oscore
        if part is not None:
            secret = read_secret(part.master_secret_file, f"device[{device.id}].oscore.master_secret_file")
            context = None if part.id_context is None else bytes.fromhex(part.id_context)
            ids = bytes.fromhex(part.sender_id), bytes.fromhex(part.recipient_id)
            credentials.append(Credential(device.id, *ids, secret, bytes.fromhex(part.master_salt), context))
    if not credentials:
        return None
    # Only a site with protected devices pays for the library.
    from gateway.transports.coap.cipher import Aes  # noqa: PLC0415 - only where a device has a credential

    return Contexts(credentials, Aes, doors.state, doors.keep)


def host_port(text: str) -> tuple[str, int]:
    """``host:port``, brackets around an IPv6 address taken off."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
