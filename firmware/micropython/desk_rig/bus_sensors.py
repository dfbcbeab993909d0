"""Sensors on an I2C bus (``hal.I2c``) and on two pins of their own."""

import math
import struct

from desk_rig.channels import Channel, World

ONE_G = 16000


class Bus:
    """``hal.I2c`` with the devices that are on it, by address; an address without a device does not answer."""

    def __init__(self, devices: dict):
        self._devices = devices

    def read(self, address: int, register: int, count: int) -> bytes:
        """Raises `OSError` without an answer."""
        return self._device(address).registers(register, count)

    def write(self, address: int, register: int, data: bytes) -> None:
        """Raises `OSError` without an answer."""
        self._device(address).configure(register, data)

    def _device(self, address: int):
        device = self._devices.get(address)
        if device is None or device.condition == "silent":
            raise OSError(5)
        return device


class TiltSensor(Channel):
    """An LIS3DH that stands upright at 0 degrees. Until it is configured it shows zeros, as the chip does.

    ``garble``: a chip of another kind answers.
    """

    faults = ("silent", "garble")

    def __init__(self, world: World, quantity):
        super().__init__(world, quantity)
        self._control = 0

    def registers(self, register: int, count: int) -> bytes:
        """Some registers from one on."""
        if register == 0x0F:
            return bytes((0x44 if self.condition == "garble" else 0x33,))[:count]
        if register != 0xA8 or self.condition == "garble" or not self._control & 7:
            return bytes(count)
        angle = math.radians(self.value())
        return struct.pack("<hhh", int(ONE_G * math.sin(angle)), 0, int(ONE_G * math.cos(angle)))[:count]

    def configure(self, register: int, data: bytes) -> None:
        """CTRL_REG1 switches the axes on; the other registers have no effect here."""
        if register == 0x20:
            self._control = data[0]


class _Data:
    """The chip's data pin, as a ``hal.PinIn``."""

    def __init__(self, cell):
        self.get = cell.data


class _Clock:
    """The chip's clock pin, as a ``hal.PinOut``."""

    def __init__(self, cell):
        self.set = cell.clock


class LoadCell(Channel):
    """An HX711 with a load cell (kg), 10 values a second. ``garble``: the data line hangs low."""

    EVERY_MS = 100
    faults = ("silent", "garble")
    units = ("counts",)

    def __init__(self, world: World, quantity, counts_per_kg: float):
        super().__init__(world, quantity)
        self._counts_per_kg = counts_per_kg
        self._taken_at = world.now - self.EVERY_MS
        self._word = 0
        self._pulses = 0
        self._level = False
        self.data_pin = _Data(self)
        self.clock_pin = _Clock(self)

    def data(self) -> bool:
        """The level of the data pin: low while a value waits, then its bits."""
        if self.condition:
            return self.condition == "silent"
        if self._pulses:
            return bool(self._word >> (24 - self._pulses) & 1) if self._pulses <= 24 else True
        return self.world.now - self._taken_at < self.EVERY_MS

    def clock(self, level: bool) -> None:
        """A rising edge puts the next bit out; the 25th ends the reading."""
        rising = level and not self._level
        self._level = level
        if rising:
            self._pulses += 1
            if self._pulses == 1:
                self._word = self._counts() & 0xFFFFFF
        elif self._pulses == 25:
            self._pulses = 0
            self._taken_at = self.world.now

    def _counts(self) -> int:
        counts = self.value() * self._counts_per_kg if self.raw is None else self.raw
        return min(max(int(counts), -0x800000), 0x7FFFFF)
