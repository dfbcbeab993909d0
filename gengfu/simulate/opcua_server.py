"""The virtual devices of one OPC UA connection: a server (asyncua) whose nodes are those of their profiles.

No security and no user: it listens on this machine only. A dead device's nodes say BadNoCommunication, a value that is
absent says BadSensorFailure (OPC UA Part 4, 7.39.2).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from asyncua import Server, ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed

from device_registry.connections import OpcUaConnection
from gateway.transports.opcua.session import node_id
from gengfu.errors import InputError, MissingError
from gengfu.simulate.nodes import Raw, key_of, nodes_of
from gengfu.simulate.pace import Pace, Tally
from gengfu.simulate.virtual import VirtualDevice
from protocols.profile.node_ids import NodeKey, resolve
from protocols.profile.schema import CommandPart

LOOK_EVERY_S = 0.1
"""How often the server looks for a new step, and for what a client has written."""
NAMESPACES = 16
"""The server has so many, whatever their URIs: a document may name them by number."""


class OpcUaServer:
    """Begin with `open`; `run` keeps the nodes up to date."""

    def __init__(self, part: OpcUaConnection, devices: Sequence[VirtualDevice], pace: Pace, tally: Tally) -> None:
        if part.security != "none":
            raise InputError(f"connection[{part.id}].security: a simulated server has none: write security = 'none'")
        self._part = part
        self._devices = devices
        self._pace = pace
        self._tally = tally
        self._server: Any = Server()
        self._shown: dict[str, int] = {}
        self._commands: dict[NodeKey, tuple[VirtualDevice, CommandPart]] = {}
        self._uris: list[str] = []

    async def open(self) -> None:
        """Raises `MissingError` for an address in use."""
        await self._server.init()
        self._server.set_endpoint(self._part.url)
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        for number in range(NAMESPACES):
            await self._server.register_namespace(f"urn:gengfu:simulated:{number}")
        for device in self._devices:
            for key, raw in nodes_of(device.profile, _names(device), device.values(0.0)).items():
                await self._add(key, ua.Variant(raw))
            for command in device.profile.file.command:
                if command.opcua is not None:
                    key = key_of(command.opcua.node, _names(device))
                    kind = ua.VariantType[command.opcua.type]
                    node = await self._add(key, ua.Variant(type(_written(command))(0), kind))
                    await node.set_writable()
                    self._commands[key] = device, command
        try:
            await self._server.start()
        except OSError as error:
            raise MissingError(
                f"cannot serve {self._part.url}: {error.strerror}; is a fleet running already?"
            ) from None

    async def _add(self, key: NodeKey, value: Any) -> Any:
        if isinstance(key.namespace, str):
            await self._server.register_namespace(key.namespace)
        self._uris = await self._server.get_namespace_array()
        at = node_id(resolve(key, self._uris))
        return await self._server.nodes.objects.add_variable(at, str(key.identifier), value)

    async def run(self) -> None:
        """Show each step when it has come, for ever."""
        while True:
            for device in self._devices:
                await self._show(device)
            for key, (device, command) in self._commands.items():
                await self._obey(key, device, command)
            await self._pace.until(self._pace.seconds() + LOOK_EVERY_S * self._pace.speed)

    async def _show(self, device: VirtualDevice) -> None:
        seconds = self._pace.seconds()
        dead = device.is_dead(seconds)
        step = -1 if dead else device.step(seconds)
        if self._shown.get(device.id) == step:
            return
        self._shown[device.id] = step
        for key, raw in nodes_of(device.profile, _names(device), device.values(seconds)).items():
            await self._server.write_attribute_value(node_id(resolve(key, self._uris)), _data_value(raw, dead=dead))
            self._tally.polled += not dead

    async def _obey(self, key: NodeKey, device: VirtualDevice, command: CommandPart) -> None:
        node = self._server.get_node(node_id(resolve(key, self._uris)))
        written = _written(command)
        if await node.read_value() == written:
            device.obey(command, self._pace.seconds())
            self._tally.commands += 1
            # a button, not a switch: it comes back by itself and can be pressed again
            value = ua.Variant(type(written)(0), ua.VariantType[command.opcua.type if command.opcua else "Boolean"])
            await node.write_value(value)

    async def close(self) -> None:
        """End every session."""
        await self._server.stop()


def _names(device: VirtualDevice) -> dict[str, str]:
    return device.part.opcua.values if device.part.opcua is not None else {}


def _written(command: CommandPart) -> bool | int | float:
    part = command.opcua
    assert part is not None
    if part.type == "Boolean":
        return bool(part.value)
    return part.value if part.type in ("Float", "Double") else int(part.value)


def _data_value(raw: Raw, *, dead: bool) -> Any:
    now = datetime.now(UTC)
    if dead or raw is None:
        code = ua.StatusCodes.BadNoCommunication if dead else ua.StatusCodes.BadSensorFailure
        return ua.DataValue(StatusCode_=ua.StatusCode(code), SourceTimestamp=now)
    return ua.DataValue(ua.Variant(raw), SourceTimestamp=now)
