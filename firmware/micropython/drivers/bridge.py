"""Catalytic or semiconductor sensor behind an amplifier, over an ADC: volts that rise with the gas.

At the lower rail the bridge or its supply is open. At the upper rail a short cannot be told from gas beyond the range:
the dangerous reading is assumed, ``over`` without a fault, and whoever comes to confirm the calibration finds the short
(S3). A catalytic bead falls again in very rich gas: that is why over-range is latched by the product, not here.
"""

from drivers import faults
from drivers.analog import fraction

BELOW_SPAN = -0.05
# Rails of a real amplifier and ADC, as parts of the reference. Chosen by us.
LOWER_RAIL = 0.01
UPPER_RAIL = 0.99


class Bridge:
    """``zero_v``: output in clean air; ``volts_per_unit``: rise for one unit; ``high``: full scale in that unit."""

    def __init__(
        self, adc, zero_v: float, volts_per_unit: float, high: float, *, reference_v: float = 3.3, samples: int = 8
    ):
        self.fault = faults.NONE
        self.over = False
        self._adc = adc
        self._zero_v = zero_v
        self._volts_per_unit = volts_per_unit
        self._high = high
        self._reference_v = reference_v
        self._samples = samples

    def read(self, _now: int) -> float | None:
        """The value in its unit; ``None`` when the bridge is open or far below its zero."""
        part = fraction(self._adc, self._samples)
        value = (part * self._reference_v - self._zero_v) / self._volts_per_unit
        self.over = value > self._high or part > UPPER_RAIL
        self.fault = self._judge(part, value)
        return None if self.fault else value

    def _judge(self, part: float, value: float) -> int:
        if part < LOWER_RAIL:
            return faults.OPEN
        return faults.BELOW if value < BELOW_SPAN * self._high else faults.NONE
