"""The OPC UA connections of a gateway, wired: a link each, and the route for commands."""

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path

from device_registry.connections import OpcUaConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.intake import Intake
from gateway.transports.opcua.link import OpcUaLink
from gateway.transports.opcua.parts import Access, OpcUaDevice, Pace, Session
from gengfu.errors import InputError
from gengfu.supervisor import Supervisor
from protocols.errors import ProtocolError
from protocols.profile.schema import CommandPart
from protocols.reading import Reading

SESSION_MODULE = "gateway.transports.opcua.session"


class OpcUaSide:
    """One connection and its devices. Raises `InputError` for devices whose nodes or commands cannot be."""

    def __init__(self, connection: OpcUaConnection, devices: Sequence[Device], intake: Intake) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self._access = access_of(connection)
        self._intake = intake
        self._running: asyncio.Task[None] | None = None
        self._proving: set[asyncio.Task[None]] = set()
        try:
            self.link = OpcUaLink(
                self._opened,
                [_device(one) for one in devices],
                Pace(connection.publishing_s, connection.sampling_s),
                self.diagnosis,
                origin=intake.origin,
                on_readings=self._hand_over,
                on_lost=intake.lost,
                now=intake.now,
            )
        except ProtocolError as error:
            raise InputError(f"connection {connection.id}: {error}") from None

    async def _opened(self) -> Session:
        # asyncua takes seconds to import: not in the loop, where other connections would wait.
        module = await asyncio.to_thread(importlib.import_module, SESSION_MODULE)
        session: Session = await module.open_session(self._access, self.diagnosis, self._intake.now())
        return session

    def start(self, supervisor: Supervisor) -> None:
        """Connect, and go on until the supervisor stops."""
        self._running = supervisor.run(f"opcua {self.name}", self.link.run)

    async def deliver(self, device: str, command: CommandPart) -> str:
        """`gengfu.routes.Route.deliver`: write, then watch for the proof closely, through the pipeline."""
        if command.opcua is None:
            return "its profile has no OPC UA form of this command"
        await self.link.write(device, command)
        task = asyncio.get_running_loop().create_task(self._prove(device, command))
        self._proving.add(task)
        task.add_done_callback(self._proving.discard)
        return ""

    async def _prove(self, device: str, command: CommandPart) -> None:
        try:
            await self.link.prove(device, command)
        except TransportError:
            self.diagnosis.failed("proof", device)  # the link connects anew, and tells of the loss

    def _hand_over(self, readings: Sequence[Reading]) -> None:
        self._intake.offer(readings, "opcua", self._stored)

    def _stored(self, error: Exception | None) -> None:
        """Nobody waits for an acknowledgement of a change: what the journal refused is counted."""
        if error is not None:
            self._intake.counters.refused.labels("opcua", "journal").inc()

    async def close(self) -> None:
        """Sign out and let go of the connection."""
        tasks = [*self._proving, *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def access_of(connection: OpcUaConnection) -> Access:
    """The way in."""
    return Access(
        connection.url,
        connection.timeout_s,
        _path(connection.certificate_file),
        _path(connection.key_file),
        _path(connection.server_certificate_file),
        connection.username,
        _path(connection.password_file),
        _path(connection.user_certificate_file),
        _path(connection.user_key_file),
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _device(device: Device) -> OpcUaDevice:
    names = device.part.opcua.values if device.part.opcua is not None else {}
    return OpcUaDevice(device.id, device.profile, names, device.period_s)
