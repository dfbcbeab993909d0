"""The Modbus connections of a gateway, wired: a bus and a poller each, and the route for commands."""

import asyncio
from collections.abc import Sequence

from device_registry.connections import ModbusConnection, ModbusRtuTcpConnection, ModbusTcpConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.intake import Intake
from gateway.poller import Poller, read_point, write_command
from gateway.slots import SlotTimer
from gateway.transports.line import SerialLine
from gateway.transports.modbus.bus import ModbusBus, Pauses
from gateway.transports.modbus.rtu import ModbusRtuBus
from gateway.transports.modbus.rtu_tcp import ModbusRtuTcpBus
from gateway.transports.modbus.tcp import ModbusTcpBus
from gateway.turns import PolledUnit
from gengfu.supervisor import Supervisor
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart, ReadBackPart
from protocols.quality import Quality
from protocols.reading import Reading, Value

PROOF_PERIOD_S = 0.1
"""How often the read-back point is asked for while a command waits for its proof."""


class ModbusSide:
    """One connection and its devices."""

    def __init__(self, connection: ModbusConnection, devices: Sequence[Device], intake: Intake) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self._intake = intake
        self._units = {
            device.id: PolledUnit(
                device.id, device.part.unit or 0, device.profile, device.period_s, connection.timeout_s
            )
            for device in devices
        }
        self._running: asyncio.Task[None] | None = None
        self._proving: set[asyncio.Task[None]] = set()
        self.bus = _bus(connection, intake.timer, self.diagnosis)
        for unit in self._units.values():
            self.bus.allow(unit.unit, unit.profile, unit.device)

    def start(self, supervisor: Supervisor) -> None:
        """Begin to poll, and go on until the supervisor stops."""
        poller = Poller(
            self.bus,
            list(self._units.values()),
            on_values=self._hand_over,
            on_lost=self._lost,
            now_ns=self._intake.now,
            timer=self._intake.timer,
            diagnosis=self.diagnosis,
        )
        self._running = supervisor.run(f"poll {self.name}", poller.run)

    async def deliver(self, device: str, command: CommandPart) -> str:
        """`gengfu.routes.Route.deliver`: write, then watch for the proof closely, through the pipeline."""
        unit = self._units[device]
        await write_command(self.bus, unit.unit, unit.profile, command, unit.timeout_s)
        if command.read_back is not None:
            task = asyncio.get_running_loop().create_task(self._prove(unit, command.read_back))
            self._proving.add(task)
            task.add_done_callback(self._proving.discard)
        return ""

    async def _prove(self, unit: PolledUnit, back: ReadBackPart) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + back.within_s
        while loop.time() < until:
            try:
                value, quality = await read_point(self.bus, unit.unit, unit.profile, back.point, unit.timeout_s)
            except TransportError:
                return  # the poller goes on asking, and tells of the loss
            if value == back.equals:
                self._proved(unit.device, unit.profile, back.point, value, quality)
                return
            await asyncio.sleep(PROOF_PERIOD_S)

    def _proved(self, device: str, profile: Profile, point: str, value: Value, quality: Quality) -> None:
        index = profile.by_name[point].index
        values = tuple(value if place == index else None for place in range(len(profile.points)))
        marks = tuple(int(quality) if place == index else 0 for place in range(len(profile.points)))
        now = self._intake.now()
        self._hand_over(device, profile, now, now, values, marks)

    def _hand_over(
        self, device: str, profile: Profile, at: int, received: int, values: tuple[Value, ...], quality: tuple[int, ...]
    ) -> None:
        reading = Reading(device, profile.id, at, received, self._intake.origin, values, quality)
        self._intake.offer((reading,), "modbus", self._stored)

    def _stored(self, error: Exception | None) -> None:
        """Nobody waits for an acknowledgement of a poll: what the journal refused is counted."""
        if error is not None:
            self._intake.counters.refused.labels("modbus", "journal").inc()

    def _lost(self, device: str, _at: int, reason: str) -> None:
        self.diagnosis.failed("lost", device)
        self._intake.lost(device, reason)

    async def close(self) -> None:
        """Let go of the line or connection."""
        tasks = [*self._proving, *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.bus.close()


def _bus(connection: ModbusConnection, timer: SlotTimer, diagnosis: Diagnosis) -> ModbusBus:
    if isinstance(connection, ModbusTcpConnection):
        pauses = Pauses(turnaround_s=connection.turnaround_s)
        return ModbusTcpBus(connection.host, connection.port, pauses=pauses, timer=timer, diagnosis=diagnosis)
    pauses = Pauses(connection.silence_s, connection.turnaround_s)
    if isinstance(connection, ModbusRtuTcpConnection):
        return ModbusRtuTcpBus(connection.host, connection.port, pauses=pauses, timer=timer, diagnosis=diagnosis)
    line = SerialLine(
        connection.port, baud=connection.baud, parity=connection.parity[0].upper(), stop_bits=connection.stop_bits
    )
    return ModbusRtuBus(line, pauses=pauses, timer=timer, diagnosis=diagnosis)
