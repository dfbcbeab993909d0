"""The HTTP connection of a gateway: devices that push to the API, each with a token of its own.

A token opens the door to one device's readings and to nothing else (S4): no page, no other route, no other device.
"""

from collections.abc import Sequence

from device_registry.connections import HttpConnection
from device_registry.credentials import digest
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.uplink import Done, Uplink
from gengfu.http_ingest import HttpIngest, Speaker
from gengfu.supervisor import Supervisor
from journal.errors import JournalError
from protocols.errors import DecodeError
from protocols.profile.schema import CommandPart


class HttpSide:
    """One connection and its devices. Requests come in through the console, so nothing is opened here."""

    def __init__(self, connection: HttpConnection, devices: Sequence[Device], intake: Intake) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self._intake = intake
        self._owners = {one.part.http.token_sha256: one.id for one in devices if one.part.http is not None}
        self._open = False

    def start(self, _supervisor: Supervisor) -> None:
        """Let devices in until `close`."""
        self._open = True
        self.diagnosis.up()

    def door_of(self, token: str) -> "DeviceDoor | None":
        """The door of the device that holds ``token``; ``None`` if none does."""
        device = self._owners.get(digest(token)) if self._open else None
        if device is None:
            self.diagnosis.failed("credential")
            return None
        ingest = HttpIngest(self._take, self._intake.now, Speaker(self.name, device))
        return DeviceDoor(ingest, device, self.diagnosis)

    def _take(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        """`gateway.uplink.Ingest`, as long as devices are let in: a body may come long after its token."""
        if not self._open:
            raise DecodeError("connection", f"connection {self.name!r} was closed meanwhile: send it again")
        return self._intake.ingest(uplink, done)

    async def deliver(self, _device: str, _command: CommandPart) -> str:
        """`gengfu.routes.Route.deliver`: there is no way back to a device that only asks."""
        return "a device on HTTP pushes and takes no commands: use CoAP, MQTT, Modbus or the serial link for them"

    async def close(self) -> None:
        """Let nobody in any more."""
        self._open = False
        self.diagnosis.down("the gateway closes it")


class DeviceDoor:
    """What `HttpIngest` takes of one device, noted in the diagnosis of the connection."""

    def __init__(self, ingest: HttpIngest, device: str, diagnosis: Diagnosis) -> None:
        self._ingest = ingest
        self._device = device
        self._diagnosis = diagnosis

    async def __call__(self, body: bytes, content_format: int, peer: str) -> int:
        """See `console.services.Ingest`."""
        self._diagnosis.received(body, peer)
        try:
            stored = await self._ingest(body, content_format, peer)
        except DecodeError as error:
            self._diagnosis.failed(error.kind, self._device)
            raise
        except JournalError:
            self._diagnosis.failed("journal", self._device)
            raise
        self._diagnosis.heard(self._device)
        return stored
