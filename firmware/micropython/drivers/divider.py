"""A voltage through a resistive divider over an ADC: supply, battery."""

from drivers import faults
from drivers.analog import fraction

# The ADC's last counts: the voltage may be anything above.
END = 0.995


class Divider:
    """Volts. ``ratio``: input volts for one volt at the ADC. Below ``open_v`` the wire is off: this board runs."""

    def __init__(self, adc, ratio: float, reference_v: float = 3.3, open_v: float = 0.2, samples: int = 8):
        self.fault = faults.NONE
        self.over = False
        self._adc = adc
        self._full = ratio * reference_v
        self._open_v = open_v
        self._samples = samples

    def read(self, _now: int) -> float | None:
        """The voltage; ``None`` when the wire is off."""
        part = fraction(self._adc, self._samples)
        volts = part * self._full
        self.over = part > END
        if volts < self._open_v:
            self.fault = faults.OPEN
            return None
        self.fault = faults.NONE
        return volts
