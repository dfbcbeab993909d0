"""Tilt from upright by an LIS3DH over I2C (ST data sheet, register table).

    0x0F  WHO_AM_I   0x33
    0x20  CTRL_REG1  0x27: 10 Hz, three axes
    0x23  CTRL_REG4  0x88: whole values only (BDU), +-2 g, high resolution
    0x28  OUT        x, y, z, 16 bits each, low byte first, left-justified; bit 7 of the address counts up

At rest the three axes together show the earth's 1 g. Far from it the bin is being shaken, or the sensor is stuck: no
value. 16000 counts are 1 g (1 mg a digit of 12 bits); the tilt is a ratio and does not depend on it.
"""

import math
import struct

from drivers import faults

ADDRESS = 0x18
WHO_AM_I = 0x33
ONE_G = 16000
# Chosen by us: a lid that is let fall gives more, a bin on a lorry less.
LEAST_G = 0.5
MOST_G = 1.5


class Accelerometer:
    """Degrees between ``up`` (the axis that points upwards when the bin stands, as a unit vector) and the vertical."""

    def __init__(self, i2c, address: int = ADDRESS, up: tuple = (0, 0, 1)):
        self.fault = faults.NONE
        self.over = False
        self._i2c = i2c
        self._address = address
        self._up = up
        self._ready = False

    def read(self, _now: int) -> float | None:
        """0 to 180; ``None`` when it does not answer, is not the right chip, or does not show about 1 g."""
        try:
            if not self._ready:
                self._start()
            raw = self._i2c.read(self._address, 0xA8, 6) if self._ready else b""
        except OSError:
            self._ready = False
            self.fault = faults.SILENT
            return None
        angle = self._angle(raw) if len(raw) == 6 else None
        self.fault = faults.DEVICE if angle is None else faults.NONE
        return angle

    def _start(self) -> None:
        if bytes(self._i2c.read(self._address, 0x0F, 1)) != bytes((WHO_AM_I,)):
            return
        self._i2c.write(self._address, 0x20, b"\x27")
        self._i2c.write(self._address, 0x23, b"\x88")
        self._ready = True

    def _angle(self, raw: bytes) -> float | None:
        x, y, z = struct.unpack("<hhh", raw)
        length = math.sqrt(x * x + y * y + z * z)
        if not LEAST_G * ONE_G <= length <= MOST_G * ONE_G:
            # A chip that lost its supply answers again with zeros and its settings gone.
            self._ready = False
            return None
        cosine = (x * self._up[0] + y * self._up[1] + z * self._up[2]) / length
        return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))
