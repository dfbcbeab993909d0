"""One hydrogen channel of 4-20 mA: value, fault, over-range lock and level (S3, S21).

No valid value (below 3.6 mA or -5 % of the span: the driver says so) is a fault and never ends a level. Above 20.5 mA
is over-range: the highest level, locked until a person has confirmed zero and calibration on site.

A value is trusted after the warm-up, from about zero upwards: a loop that breaks passes through zero on its way down.
What is not trusted raises like any other and ends nothing; what is trusted ends something only when it stands.
"""

from products.limit import Limit
from products.valid import valid

# Limits, dead bands, delays (ms, on and off) of the rules H2-01 to H2-04: 0.4 and 1.0 vol% are 10 and 25 % of the lower
# flammable limit (GB 50516 7.3.3, GB 50156 10.5.2).
HIGH_VOL = 0.4
HIGH_BAND_VOL = 0.08
HIGH_ON_MS = 2000
HIGH_OFF_MS = 60000
HIGH_HIGH_VOL = 1.0
HIGH_HIGH_BAND_VOL = 0.1
HIGH_HIGH_OFF_MS = 120000
# Chosen by us: 1 % of the span for noise and drift at zero; the time that one sample of ten a second can stand for.
TRUSTED_FROM_VOL = -0.04
MOST_MS = 1000

NORMAL = 0
HIGH = 1
HIGH_HIGH = 2

# Codes of the points «h2_1_state» to «h2_4_state».
GOOD = 0
FAULT = 1
OVER_RANGE = 2


class HydrogenChannel:
    """``value``: vol%, ``None``: no valid one. ``over``: the lock.

    ``over``, ``level``: as they stood before the reset.
    """

    def __init__(self, sensor, over: bool, level: int):
        self._sensor = sensor
        self._high = Limit(
            HIGH_VOL, HIGH_VOL - HIGH_BAND_VOL, HIGH_ON_MS, HIGH_OFF_MS, most_ms=MOST_MS, stands=level >= HIGH
        )
        self._high_high = Limit(
            HIGH_HIGH_VOL,
            HIGH_HIGH_VOL - HIGH_HIGH_BAND_VOL,
            0,
            HIGH_HIGH_OFF_MS,
            most_ms=MOST_MS,
            stands=level == HIGH_HIGH,
        )
        self._is_quiet = False
        self.value = None
        self.fault = False
        self.over = over

    @property
    def level(self) -> int:
        """`NORMAL`, `HIGH` or `HIGH_HIGH`."""
        if self._high_high.stands:
            return HIGH_HIGH
        return HIGH if self._high.stands else NORMAL

    @property
    def state(self) -> int:
        """What is to be said of the value; the lock is told before a fault, which must not hide it (S3)."""
        if self.over:
            return OVER_RANGE
        return FAULT if self.fault else GOOD

    def step(self, now: int, warm_up: bool) -> None:
        """Read and judge."""
        sensor = self._sensor
        value = self.value = valid(sensor, now)
        self.fault = sensor.fault != 0 or (value is None and not sensor.over)
        self.over = self.over or sensor.over
        trusted = value is not None and not warm_up and not sensor.over and value >= TRUSTED_FROM_VOL
        self._high.step(now, value, trusted)
        self._high_high.step(now, value, trusted)
        self._is_quiet = trusted and value is not None and value < HIGH_VOL - HIGH_BAND_VOL

    def confirm(self) -> bool:
        """A person has confirmed zero and calibration; whether the lock ends: by a trusted value below `HIGH` alone."""
        if self._is_quiet:
            self.over = False
        return not self.over
