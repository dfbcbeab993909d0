"""NTC thermistor over an ADC: a fixed resistor to the reference, the thermistor to ground; beta equation.

1/T = 1/T25 + ln(R/R25)/beta, T in K. 10 kohm and beta 3950 are a common part; take them from the data sheet of yours.
"""

import math

from drivers import faults
from drivers.analog import fraction

KELVIN = 273.15
T25 = 298.15
# Parts of the reference. With 10 kohm, beta 3950: below is hotter than 230 Cel, above colder than -47 Cel.
SHORT_BELOW = 0.0045
OPEN_ABOVE = 0.985


class Thermistor:
    """Cel. Above ``high`` ``over`` is set and the value goes on: in a fire it is still the best there is."""

    def __init__(
        self,
        adc,
        r25_ohm: float = 10000.0,
        beta: float = 3950.0,
        series_ohm: float = 10000.0,
        high: float = 125.0,
        samples: int = 8,
    ):
        self.fault = faults.NONE
        self.over = False
        self._adc = adc
        self._beta = beta
        self._series = series_ohm / r25_ohm
        self._high = high
        self._samples = samples

    def read(self, _now: int) -> float | None:
        """The temperature; ``None`` with an open or short line."""
        part = fraction(self._adc, self._samples)
        self.over = False
        if part < SHORT_BELOW:
            self.fault = faults.SHORT
            return None
        if part > OPEN_ABOVE:
            self.fault = faults.OPEN
            return None
        self.fault = faults.NONE
        ratio = self._series * part / (1.0 - part)
        value = 1.0 / (1.0 / T25 + math.log(ratio) / self._beta) - KELVIN
        self.over = value > self._high
        return value
