"""Milesight sensors over LoRaWAN: channels by model, as the vendor's decoders list them.

Source: Milesight-IoT/SensorDecoders, em-series and gs-series (README.md of each model): layouts and codes only.
The port is free to choose at the device (85 from the factory), so that any is taken.
"""

import struct

from protocols.decoders.sample import Found
from protocols.decoders.tlv import Channel, Channels, decoder_of, packed
from protocols.quality import Quality

_POLARISING = 0xFFFE
_DEVICE_ERROR = 0xFFFF

_HOUSEKEEPING: Channels = {
    (0xFF, 0x01): Channel(1),  # protocol version
    (0xFF, 0x08): Channel(6),  # serial number, short
    (0xFF, 0x09): Channel(2),  # hardware version
    (0xFF, 0x0A): Channel(2),  # firmware version
    (0xFF, 0x0B): Channel(1),  # powered on
    (0xFF, 0x0F): Channel(1),  # device class
    (0xFF, 0x16): Channel(8),  # serial number
    (0xFF, 0xFE): Channel(1),  # reset
    (0xFF, 0xFF): Channel(2),  # version of the thing specification
}
_BATTERY: Channels = {(0x01, 0x75): packed("B", "battery")}


def _flag(name: str) -> Channel:
    return Channel(1, (name,), lambda data: {name: float(data[0] != 0)})


def _with_alarm(layout: str, name: str, divide: int = 1) -> Channel:
    """A value and the byte that says whether it passed its threshold."""
    form = struct.Struct("<" + layout + "B")
    alarm = f"{name}_alarm"

    def read(data: bytes) -> dict[str, Found]:
        raw, status = form.unpack(data)
        return {name: raw / divide, alarm: float(status != 0)}

    return Channel(form.size, (name, alarm), read)


def _gas(name: str, divide: int) -> Channel:
    """A concentration in ppm. While the cell polarises there is no value yet."""

    def read(data: bytes) -> dict[str, Found]:
        raw = int.from_bytes(data, "little")
        if raw == _DEVICE_ERROR:
            return {name: Quality.BAD_SENSOR_FAULT}
        return {name: Quality.BAD_MISSING if raw == _POLARISING else raw / divide}

    return Channel(2, (name,), read)


def _angles(data: bytes) -> dict[str, Found]:
    x, y, z, status = struct.unpack("<hhhB", data)
    return {
        "angle_x": x / 100,
        "angle_y": y / 100,
        "angle_z": z / 100,
        **{f"alarm_{axis}": float(status >> bit & 1) for bit, axis in enumerate("xyz")},
    }


_POWER_OFF, _POWER_ON, _FAULT, _RECOVERED, _EXPIRED = 0, 1, 2, 3, 5


def _report(data: bytes) -> dict[str, Found]:
    """GS101's alarm report, and the flags that follow from it: each stands until a report that speaks of it again."""
    code = data[0]
    found: dict[str, Found] = {"event": float(code)}
    if code in (_POWER_OFF, _POWER_ON):
        found["power_off"] = float(code == _POWER_OFF)
    elif code in (_FAULT, _RECOVERED):
        found["fault"] = float(code == _FAULT)
    elif code == _EXPIRED:
        found["expired"] = 1.0
    return found


EM400_CHANNELS: Channels = {
    **_HOUSEKEEPING,
    **_BATTERY,
    (0x03, 0x67): packed("h", "temperature", divide=10),
    (0x04, 0x82): packed("H", "distance"),
    (0x05, 0x00): _flag("tilted"),
    (0x06, 0x88): Channel(9),  # place and motion of the NB-IoT model
    (0x83, 0x67): _with_alarm("h", "temperature", 10),
    (0x84, 0x82): _with_alarm("H", "distance"),
}
EM400 = decoder_of(EM400_CHANNELS)
"""EM400-TLD, EM400-MUD, EM400-UDL: temperature in Cel, distance in mm."""

EM310_UDL = decoder_of(
    {**_HOUSEKEEPING, **_BATTERY, (0x03, 0x82): packed("H", "distance"), (0x04, 0x00): _flag("tilted")}
)
"""Distance in mm."""

EM310_TILT = decoder_of(
    {
        **_HOUSEKEEPING,
        **_BATTERY,
        (0x03, 0xCF): Channel(7, ("angle_x", "angle_y", "angle_z", "alarm_x", "alarm_y", "alarm_z"), _angles),
    }
)
"""Angles in degrees."""

EM500_UDL = decoder_of(
    {
        **_HOUSEKEEPING,
        **_BATTERY,
        (0x03, 0x82): packed("H", "distance"),
        # The README gives no unit for the distance beside the alarm (the vendor's decoder divides it by ten and not the
        # plain one), so that only the alarm itself is taken.
        (0x83, 0xE9): Channel(5, ("distance_alarm",), lambda data: {"distance_alarm": float(data[4] != 0)}),
        (0x20, 0xCE): Channel(
            6, ("distance",), lambda data: {"distance": float(int.from_bytes(data[4:], "little"))}, dated=True
        ),
    }
)
"""Distance in mm, and past distances with their times."""

GS301 = decoder_of(
    {
        **_HOUSEKEEPING,
        **_BATTERY,
        (0x02, 0x67): packed("h", "temperature", divide=10),
        (0x03, 0x68): packed("B", "humidity", divide=2),
        (0x04, 0x7D): _gas("nh3", 100),
        (0x05, 0x7D): _gas("h2s", 100),
        (0x06, 0x7D): _gas("h2s", 1000),
        (0x07, 0xEA): Channel(5),  # result of a calibration
    }
)
"""NH3 and H2S in ppm, temperature in Cel, humidity in %RH."""

GS101 = decoder_of(
    {
        **_HOUSEKEEPING,
        (0x05, 0x8E): _flag("alarm"),
        (0x06, 0x01): _flag("valve_output"),
        (0x07, 0x01): _flag("relay_output"),
        (0x08, 0x90): packed("I", "life_left"),
        (0xFF, 0x3F): Channel(1, ("event", "power_off", "fault", "expired"), _report),
    }
)
"""Gas leak alarm; ``life_left`` in seconds."""
