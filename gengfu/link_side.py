"""The serial link connections of a gateway, wired: a line and its boards into the pipeline, and commands out."""

import asyncio
import logging
from collections.abc import Sequence

from device_registry.connections import SerialLinkConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.intake import Intake
from gateway.transports.line import SerialLine
from gateway.transports.serial_link.line import Listener, Message, SerialLink
from gateway.transports.serial_link.talk import Board, Pace
from gateway.uplink import Uplink
from gengfu.supervisor import Supervisor
from journal.errors import JournalFull
from protocols.errors import DecodeError
from protocols.profile.schema import CommandPart
from protocols.uplink import SENML_JSON

log = logging.getLogger("gengfu.link")

TRANSPORT = "serial-link"
REFUSED_CONTENT = 1
REFUSED_DEVICE = 2
"""Reasons of a NAK: no SenML that the profile knows; a pack that names another device."""
BUSY_S = 5.0
"""For a journal that is full or fails. Short: a board judges by itself, but only we tell the desk."""


class LinkSide:
    """One connection and its devices."""

    def __init__(self, connection: SerialLinkConnection, devices: Sequence[Device], intake: Intake) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self._intake = intake
        self._refused: dict[str, str] = {}
        self._running: asyncio.Task[None] | None = None
        self.link = SerialLink(
            SerialLine(
                connection.port,
                baud=connection.baud,
                parity=connection.parity[0].upper(),
                stop_bits=connection.stop_bits,
            ),
            [_board(device) for device in devices],
            Pace(connection.turnaround_s, connection.poll_s),
            Listener(self._take, intake.lost),
            self.diagnosis,
            intake.now,
            intake.timer,
        )

    def start(self, supervisor: Supervisor) -> None:
        """Begin to ask, and go on until `close`."""
        self._running = supervisor.run(f"serial link {self.name}", self.link.run)

    async def deliver(self, device: str, command: CommandPart) -> str:
        """`gengfu.routes.Route.deliver`: boards know commands by the names of their profile."""
        return await self.link.command(device, command.name)

    def _take(self, message: Message) -> None:
        """Into the pipeline; the board is told what became of it, at the latest when that raises."""
        judged = False
        try:
            self._ingest(message)
            judged = True
        finally:
            if not judged:
                self.diagnosis.failed("raised", message.device)
                message.busy(BUSY_S)

    def _ingest(self, message: Message) -> None:
        uplink = Uplink(
            TRANSPORT, message.payload, SENML_JSON, message.source, message.began_at, self.name, message.device
        )

        def done(error: Exception | None) -> None:
            self._settle(message, error)

        try:
            self._intake.ingest(uplink, done)
        except DecodeError as error:
            self._refuse(message, error)
        else:
            self._refused.pop(message.device, None)

    def _refuse(self, message: Message, error: DecodeError) -> None:
        """The pipeline has counted it; it is logged when a device begins with it, or changes the reason."""
        self.diagnosis.failed(error.kind, message.device)
        if self._refused.get(message.device) != error.kind:
            self._refused[message.device] = error.kind
            log.warning("a message of %s is refused: %s", message.device, error)
        another = error.kind in ("unknown-device", "connection", "credential")
        message.refuse(REFUSED_DEVICE if another else REFUSED_CONTENT)

    def _settle(self, message: Message, error: Exception | None) -> None:
        if error is None:
            message.accept()
            return
        kind = "full" if isinstance(error, JournalFull) else "journal"
        self._intake.counters.refused.labels(TRANSPORT, kind).inc()
        self.diagnosis.failed(kind, message.device)
        message.busy(BUSY_S)

    async def close(self) -> None:
        """Let go of the line."""
        self.link.close()
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


def _board(device: Device) -> Board:
    return Board(device.id, device.part.unit or 0, frozenset(one.name for one in device.profile.file.command))
