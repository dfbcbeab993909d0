"""The Modbus connections of a gateway, wired: a bus and a poller each, and the route for commands."""

import asyncio
from collections.abc import Sequence

from device_registry.devices import Device
from device_registry.site import ConnectionPart
from gateway.errors import TransportError
from gateway.poller import OnLost, OnValues, PolledUnit, Poller, read_point, write_command
from gateway.slots import SlotTimer
from gateway.transports.line import SerialLine
from gateway.transports.modbus_bus import ModbusBus, Pauses
from gateway.transports.modbus_rtu import ModbusRtuBus
from gateway.transports.modbus_rtu_tcp import ModbusRtuTcpBus
from gateway.transports.modbus_tcp import ModbusTcpBus
from gengfu import clock
from gengfu.supervisor import Supervisor
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart, ReadBackPart
from protocols.quality import Quality
from protocols.reading import Value

MODBUS_PORT = 502
PROOF_PERIOD_S = 0.1
"""How often the read-back point is asked for while a command waits for its proof."""


class ModbusSide:
    """One connection. ``timer`` is shared by all buses. ``on_values`` and ``on_lost`` as the poller's."""

    def __init__(
        self,
        connection: ConnectionPart,
        devices: Sequence[Device],
        on_values: OnValues,
        on_lost: OnLost,
        timer: SlotTimer,
    ) -> None:
        self.name = connection.id
        self._timer = timer
        self._units = {
            device.id: PolledUnit(
                device.id, device.part.unit or 0, device.profile, device.period_s, connection.timeout_s
            )
            for device in devices
        }
        self._on_values = on_values
        self._on_lost = on_lost
        self._proving: set[asyncio.Task[None]] = set()
        self.bus = _bus(connection, timer)
        for unit in self._units.values():
            self.bus.allow(unit.unit, unit.profile)

    def start(self, supervisor: Supervisor) -> None:
        """Begin to poll, and go on until the supervisor stops."""
        poller = Poller(
            self.bus,
            list(self._units.values()),
            on_values=self._on_values,
            on_lost=self._on_lost,
            now_ns=clock.wall,
            timer=self._timer,
        )
        supervisor.run(f"poll {self.name}", poller.run)

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
                self._hand_over(unit.device, unit.profile, back.point, value, quality)
                return
            await asyncio.sleep(PROOF_PERIOD_S)

    def _hand_over(self, device: str, profile: Profile, point: str, value: Value, quality: Quality) -> None:
        index = profile.by_name[point].index
        values = tuple(value if place == index else None for place in range(len(profile.points)))
        marks = tuple(int(quality) if place == index else 0 for place in range(len(profile.points)))
        now = clock.wall()
        self._on_values(device, profile, now, now, values, marks)

    async def close(self) -> None:
        """Let go of the line or connection."""
        for task in self._proving:
            task.cancel()
        await self.bus.close()


def _bus(connection: ConnectionPart, timer: SlotTimer) -> ModbusBus:
    pauses = Pauses(connection.silence_s, connection.turnaround_s)
    host, port = connection.host or "", connection.port or ""
    if connection.transport == "modbus-tcp":
        return ModbusTcpBus(host, int(port or MODBUS_PORT), pauses=pauses, timer=timer)
    if connection.transport == "modbus-rtu-tcp":
        return ModbusRtuTcpBus(host, int(port), pauses=pauses, timer=timer)
    line = SerialLine(port, baud=connection.baud, parity=connection.parity[0].upper(), stop_bits=connection.stop_bits)
    return ModbusRtuBus(line, pauses=pauses, timer=timer)
