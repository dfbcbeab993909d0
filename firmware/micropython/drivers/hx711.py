"""HX711: 24-bit converter of a load cell on two pins, channel A, gain 128 (25 clock pulses).

``data`` low says that a value is there; each rising edge of ``clock`` puts the next bit on ``data``, highest first;
after the 25th pulse ``data`` is high until the next value. A clock that stays high for more than 60 us resets the
chip, and the bits after it read as ones: nothing between two edges here allocates, so that no collection falls there.
A line that hangs low is found by the check of ``data`` after the last pulse.
0x7FFFFF and 0x800000 are the ends of the converter: a torn cell or an overload, a fault.
"""

from drivers import faults
from drivers.silence import Silence

HIGHEST = 0x7FFFFF
LOWEST = -0x800000


class Hx711:
    """kg. ``zero``: counts without load; ``counts_per_kg``: both from a calibration with a known mass.

    ``silent_ms``: without a value for that long it is a fault (it gives 10 or 80 a second).
    """

    def __init__(self, data, clock, zero: int = 0, counts_per_kg: float = 16000.0, silent_ms: int = 1000):
        self.fault = faults.NONE
        self.over = False
        self._data = data
        self._clock = clock
        self._zero = zero
        self._counts_per_kg = counts_per_kg
        self._silence = Silence(silent_ms)
        self._kg = None

    def read(self, now: int) -> float | None:
        """The newest mass; ``None`` before the first, at an end of the converter and after too long a silence."""
        if not self._data.get():
            self._take(self._shift(), now)
        if self._silence.too_long(now):
            self.fault = faults.SILENT
            self.over = False
            self._kg = None
        return self._kg

    def _shift(self) -> int | None:
        """The 24 bits with their sign; ``None`` if the chip did not let go of the line after them."""
        value = 0
        for _ in range(24):
            self._pulse()
            value = value << 1 | self._data.get()
        self._pulse()
        if not self._data.get():
            return None
        return value - 0x1000000 if value > HIGHEST else value

    def _pulse(self) -> None:
        # The bit stays on the line until the next rising edge: it may be read after the falling one.
        self._clock.set(True)
        self._clock.set(False)

    def _take(self, counts: int | None, now: int) -> None:
        if counts is None:
            return
        self._silence.heard(now)
        self.over = counts == HIGHEST
        if counts in (HIGHEST, LOWEST):
            self.fault = faults.DEVICE
            self._kg = None
        else:
            self.fault = faults.NONE
            self._kg = (counts - self._zero) / self._counts_per_kg
