"""Opens the connections of a site, each by its transport."""

from collections.abc import Sequence

from device_registry.connections import (
    CoapConnection,
    Connection,
    HttpConnection,
    ModbusRtuConnection,
    ModbusRtuTcpConnection,
    ModbusTcpConnection,
    MqttConnection,
    OpcUaConnection,
    SerialLinkConnection,
)
from device_registry.devices import Device
from gateway.intake import Intake
from gengfu.coap_side import CoapSide, Doors
from gengfu.errors import InputError
from gengfu.http_side import HttpSide
from gengfu.link_side import LinkSide
from gengfu.modbus_side import ModbusSide
from gengfu.mqtt_side import MqttSide
from gengfu.opcua_side import OpcUaSide
from gengfu.side import Side


def open_side(connection: Connection, devices: Sequence[Device], intake: Intake, doors: Doors) -> Side | None:
    """The end of a connection that opens its own way to the devices; ``None`` for one that is a door of the process.

    Raises `InputError` for what this program cannot do.
    """
    match connection:
        case CoapConnection():
            return CoapSide(connection, devices, intake, doors)
        case ModbusRtuConnection() | ModbusTcpConnection() | ModbusRtuTcpConnection():
            return ModbusSide(connection, devices, intake)
        case SerialLinkConnection():
            return LinkSide(connection, devices, intake)
        case MqttConnection():
            return MqttSide(connection, devices, intake)
        case OpcUaConnection():
            return OpcUaSide(connection, devices, intake)
        case HttpConnection():
            return HttpSide(connection, devices, intake)
        case _:
            raise InputError(f"connection {connection.id}: transport {connection.transport} is not served here")
