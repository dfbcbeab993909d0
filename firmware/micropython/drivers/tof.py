"""Time-of-flight distance over I2C: Benewake TF-Luna, registers as its manual's table (low byte first).

    0x00  2  distance, cm
    0x02  2  strength of the echo; below 100 or 65535 the distance is not reliable
    0x3C  4  "LUNA"

Range 200 to 8000 mm. Limits of strength and range are from memory, unverified: arguments.
"""

from drivers import faults

ADDRESS = 0x10
SIGNATURE = b"LUNA"
STRENGTH_OVERFLOW = 65535


class TimeOfFlight:
    """Distance in mm. Beyond ``high_mm``, or without an echo, there is nothing in range: ``over``, at ``high_mm``."""

    def __init__(self, i2c, *, address: int = ADDRESS, low_mm: int = 200, high_mm: int = 8000, weakest: int = 100):
        self.fault = faults.NONE
        self.over = False
        self._i2c = i2c
        self._address = address
        self._low = low_mm
        self._high = high_mm
        self._weakest = weakest
        self._known = False

    def read(self, _now: int) -> float | None:
        """The distance; ``None`` nearer than ``low_mm``, blinded, or when the sensor does not answer."""
        self.over = False
        try:
            self._known = self._known or bytes(self._i2c.read(self._address, 0x3C, 4)) == SIGNATURE
            raw = self._i2c.read(self._address, 0x00, 4)
        except OSError:
            # It may have lost its supply: look again whether it is the right one.
            self._known = False
            self.fault = faults.SILENT
            return None
        if not self._known or len(raw) != 4:
            self.fault = faults.DEVICE
            return None
        return self._judge((raw[0] + raw[1] * 256) * 10, raw[2] + raw[3] * 256)

    def _judge(self, mm: int, strength: int) -> float | None:
        if strength == STRENGTH_OVERFLOW:
            self.fault = faults.DEVICE
            return None
        self.fault = faults.NONE
        if strength < self._weakest or mm > self._high:
            self.over = True
            return float(self._high)
        if mm < self._low:
            self.fault = faults.BELOW
            return None
        return float(mm)
