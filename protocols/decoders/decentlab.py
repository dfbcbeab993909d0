"""Decentlab DL-MBX, ultrasonic distance over LoRaWAN, protocol version 2, big-endian.

    offset  size  field
    0       1     version, 2
    1       2     device id
    3       2     flags: bit 0 distance and samples follow, bit 1 battery follows
    5       2     distance, mm         (with bit 0)
    7       2     valid samples        (with bit 0)
    then    2     battery, mV          (with bit 1)

Source: decentlab/decentlab-decoders, DL-MBX (MIT): layout only.
"""

import struct

from protocols.decoders.sample import Decoder, Found, Sample, check_length
from protocols.errors import DecodeError
from protocols.quality import Quality

_VERSION = 2
_HEAD = struct.Struct(">BHH")
_DISTANCE, _BATTERY = 1, 2


def _dl_mbx(payload: bytes, _port: int | None) -> list[Sample]:
    if len(payload) < _HEAD.size:
        raise DecodeError("length", f"the payload has {len(payload)} bytes, its head alone takes {_HEAD.size}")
    version, _device, flags = _HEAD.unpack_from(payload)
    if version != _VERSION:
        raise DecodeError("version", f"protocol version {version}, expected {_VERSION}")
    if flags & ~(_DISTANCE | _BATTERY) or not flags:
        raise DecodeError("type", f"flags {flags:04x}: only {_DISTANCE} and {_BATTERY} are known")
    check_length(payload, (_HEAD.size + 4 * bool(flags & _DISTANCE) + 2 * bool(flags & _BATTERY),))
    words = list(struct.unpack_from(f">{(len(payload) - _HEAD.size) // 2}H", payload, _HEAD.size))
    values: dict[str, Found] = {}
    if flags & _DISTANCE:
        distance, samples = words[:2]
        values["valid_samples"] = float(samples)
        values["distance"] = float(distance) if samples else Quality.BAD_MISSING
    if flags & _BATTERY:
        values["battery_voltage"] = words[-1] / 1000
    return [Sample(values)]


DL_MBX = Decoder(frozenset({"distance", "valid_samples", "battery_voltage"}), _dl_mbx)
"""A distance of no valid sample is none."""
