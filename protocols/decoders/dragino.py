"""Dragino LDDS75, ultrasonic distance over LoRaWAN, FPort 2, big-endian.

    offset  size  field
    0       2     battery, mV in the lower 14 bits
    2       2     distance, mm; 0: no sensor, 20: no echo
    4       1     interrupt (absent in old firmware)
    5       2     DS18B20 temperature, signed 0.1 Cel
    7       1     whether a sensor was found

Source: dragino/dragino-end-node-decoder, LDDS75, and TheThingsNetwork/lorawan-devices: layout only. 0 and 20 mm are
from memory of the manual.
"""

import struct

from protocols.decoders.sample import Decoder, Found, Sample, check_length, check_port
from protocols.quality import Quality

_PORT = 2
_SHORT = 4
_FULL = 8
_BATTERY_BITS = 0x3FFF
_NO_SENSOR_MM = 0
_NO_ECHO_MM = 20


def _ldds75(payload: bytes, port: int | None) -> list[Sample]:
    check_port(port, _PORT)
    check_length(payload, (_SHORT, _FULL))
    battery, distance = struct.unpack_from(">HH", payload)
    values: dict[str, Found] = {"battery_voltage": (battery & _BATTERY_BITS) / 1000}
    found = False
    if len(payload) == _FULL:
        interrupt, temperature, flag = struct.unpack_from(">BhB", payload, _SHORT)
        found = flag != 0
        values |= {"interrupt": float(interrupt), "temperature": temperature / 10, "sensor": float(found)}
    if not found or distance == _NO_SENSOR_MM:
        values["distance"] = Quality.BAD_SENSOR_FAULT
    else:
        values["distance"] = Quality.BAD_MISSING if distance == _NO_ECHO_MM else float(distance)
    return [Sample(values)]


LDDS75 = Decoder(frozenset({"battery_voltage", "distance", "interrupt", "temperature", "sensor"}), _ldds75)
"""Without the byte that says that a sensor is there (four bytes alone) there is no distance, as the published example
has it."""
