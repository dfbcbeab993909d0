"""Milesight frames of fixed layout: the GS524N smoke detector, and the NB-IoT and TCP frame of the EM400.

Source: Milesight-IoT/SensorDecoders, gs-series/gs524n and em-series/em400-tld (README.md): layouts and codes only.
"""

import struct

from protocols.decoders.milesight import EM400, EM400_CHANNELS
from protocols.decoders.sample import Decoder, Found, Sample, check_length
from protocols.decoders.tlv import read_channels
from protocols.errors import DecodeError
from protocols.quality import Quality

_SMOKE = 1
_EVENTS = (1, 2, 4, 5, 7, 10, 11, 14, 15)
_ALARM, _SILENT, _FAULT, _REMOVED = 1, 2, 5, 10
_LOW_BATTERY = (4, 15)
_TESTING = (14, 15)


def _gs524n(payload: bytes, _port: int | None) -> list[Sample]:
    """offset, size, field: 0 1 versions; 1 1 sensor type (high nibble), event; 2 1 battery %; 3 1 concentration %;
    4 1 temperature, signed Cel; 5 1 check. The six bytes add up to 0 modulo 256."""
    check_length(payload, (6,))
    if sum(payload) % 256:
        raise DecodeError("check", f"the bytes add up to {sum(payload) % 256} modulo 256, expected 0")
    if payload[1] >> 4 != _SMOKE:
        raise DecodeError("type", f"sensor type {payload[1] >> 4}, expected {_SMOKE} (smoke)")
    event = payload[1] & 0x0F
    values: dict[str, Found] = {
        "event": float(event),
        "battery": float(payload[2]),
        "concentration": float(payload[3]),
        "temperature": float(struct.unpack("b", payload[4:5])[0]),
    }
    if event in _EVENTS:
        # a muted detector still sees smoke
        values["smoke"] = float(event in (_ALARM, _SILENT))
        values["fault"] = float(event == _FAULT)
        values["removed"] = float(event == _REMOVED)
        values["testing"] = float(event in _TESTING)
        values["battery_low"] = float(event in _LOW_BATTERY)
    return [Sample(values)]


GS524N = Decoder(
    frozenset(
        {
            "event",
            "battery",
            "concentration",
            "temperature",
            "smoke",
            "fault",
            "removed",
            "testing",
            "battery_low",
        }
    ),
    _gs524n,
)
"""Smoke: what the device says in one event, as flags."""

_HEAD = struct.Struct(">BHHBHB4s4s16s15s15s20sBH")
_START = 2
_BEFORE_LENGTH = 5
_NO_SIGNAL = 99


def _em400_nb(payload: bytes, _port: int | None) -> list[Sample]:
    """offset, size, field (big-endian): 0 1 start 02; 1 2 id; 3 2 length from here on; 5 1 flag; 6 2 frame count; 8 1
    protocol; 9 4 software; 13 4 hardware; 17 16 serial number; 33 15 IMEI; 48 15 IMSI; 63 20 ICCID; 83 1 CSQ; 84 2 size
    of the data; 86 n channels as over LoRaWAN. The numbers of the subscriber are read over and never kept."""
    if len(payload) < _HEAD.size:
        raise DecodeError("length", f"the frame has {len(payload)} bytes, its head alone takes {_HEAD.size}")
    start, _id, length, *_between, csq, size = _HEAD.unpack_from(payload)
    if start != _START:
        raise DecodeError("start", f"the frame begins with {start:02x}, expected {_START:02x}")
    # The published frame counts 95 of its 100 bytes: all behind the length field.
    if length != len(payload) - _BEFORE_LENGTH or size != len(payload) - _HEAD.size:
        raise DecodeError(
            "length", f"the frame says {length} bytes with {size} of data, there are {len(payload) - _BEFORE_LENGTH}"
        )
    first, *others = read_channels(payload[_HEAD.size :], EM400_CHANNELS)
    signal = Quality.BAD_MISSING if csq == _NO_SIGNAL else float(csq)
    return [first._replace(values={**first.values, "csq": signal}), *others]


EM400_NB = Decoder(EM400.names | {"csq"}, _em400_nb)
"""``csq``: signal 0 to 31 (3GPP TS 27.007, 8.5)."""
