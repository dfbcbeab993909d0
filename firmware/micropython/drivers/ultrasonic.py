"""Ultrasonic distance over UART, 9600 8N1, sent unasked every 100 to 300 ms (DYP-A02YYUW and its family).

    offset  size  field
    0       1     0xFF
    1       2     distance in mm, high byte first
    3       1     low byte of the sum of bytes 0 to 2

Range 30 to 4500 mm (from memory, unverified: arguments). Nearer than that, echoes overlap: no value, fault BELOW.
"""

from drivers import faults
from drivers.frames import Frames, Listener


def sound(frame: bytearray) -> bool:
    """Whether the checksum of a candidate is right."""
    return (frame[0] + frame[1] + frame[2]) & 0xFF == frame[3]


class Ultrasonic:
    """Distance in mm. Beyond ``high_mm`` ``over`` is set and the value is ``high_mm``: nothing is in range."""

    def __init__(self, uart, low_mm: int = 30, high_mm: int = 4500, silent_ms: int = 2000):
        self.fault = faults.NONE
        self.over = False
        self._line = Listener(uart, Frames(0xFF, 4, sound), silent_ms)
        self._low = low_mm
        self._high = high_mm
        self._mm = None

    def read(self, now: int) -> float | None:
        """The newest distance; ``None`` before the first frame, nearer than ``low_mm`` and after too long a silence."""
        if self._line.hear(now):
            self._mm = self._line.frame[1] * 256 + self._line.frame[2]
        self.fault = self._line.fault
        self.over = False
        if self.fault:
            self._mm = None
        if self._mm is None:
            return None
        if self._mm < self._low:
            self.fault = faults.BELOW
            return None
        self.over = self._mm > self._high
        return float(min(self._mm, self._high))
