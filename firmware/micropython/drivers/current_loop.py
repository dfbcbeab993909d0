"""4-20 mA loop over an ADC and a shunt (NAMUR NE 43 limits as rule S21 of the safety rules has them).

Below 3.6 mA or below -5 % of the span it is a fault; above 20.5 mA it is over-range, which is the highest alarm and
no fault. The shunt must leave room above 20.5 mA: 150 ohm carry 22.0 mA at 3.3 V.
"""

from drivers import faults
from drivers.analog import fraction

OPEN_BELOW_MA = 3.6
OVER_ABOVE_MA = 20.5
# What a loop can carry: a transmitter's output saturates here, more is the ADC's end.
SATURATED_MA = 22.0
BELOW_SPAN = -0.05


class CurrentLoop:
    """``low``, ``high``: the span in its own unit. ``ends_ma``: what the transmitter really puts out at both ends, from
    its calibration sheet. ``ma`` is the last current. Above 20.5 mA the value goes on up to 22 mA.
    """

    def __init__(
        self,
        adc,
        low: float,
        high: float,
        shunt_ohm: float = 150.0,
        reference_v: float = 3.3,
        samples: int = 8,
        ends_ma: tuple = (4.0, 20.0),
    ):
        self.fault = faults.NONE
        self.over = False
        self.ma = 0.0
        self._adc = adc
        self._low = low
        self._span = high - low
        self._full_ma = reference_v / shunt_ohm * 1000.0
        self._samples = samples
        self._zero_ma = ends_ma[0]
        self._span_ma = ends_ma[1] - ends_ma[0]

    def read(self, _now: int) -> float | None:
        """The value in the unit of the span, ``None`` with a fault."""
        self.ma = min(fraction(self._adc, self._samples) * self._full_ma, SATURATED_MA)
        self.over = self.ma > OVER_ABOVE_MA
        part = (self.ma - self._zero_ma) / self._span_ma
        if self.ma < OPEN_BELOW_MA:
            self.fault = faults.OPEN
        elif part < BELOW_SPAN:
            self.fault = faults.BELOW
        else:
            self.fault = faults.NONE
            return self._low + part * self._span
        return None
