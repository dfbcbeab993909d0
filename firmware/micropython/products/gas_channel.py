"""The combustible-gas channel: reading, levels, over-range lock, blindness (S1, S3, S21).

Values are %LEL on the basis that the profile declares (S12). A value is trusted after the warm-up, with a valid
calibration, within the detector's life and from about zero upwards: a loop that breaks passes through zero on its way
down. One that stays below zero for `SILENT_MS` is lost: it measures nothing, whatever its current is. What is not
trusted raises like any other value and ends nothing; neither does a lost sensor. What is trusted ends a level or a
blindness only when it has stood below the low limit for `OFF_MS` without a break: one odd sample is none.
"""

from products import calibration as cal
from products.limit import Stretch
from products.valid import valid

# Limits of CK-02, CK-04 and CK-07 of the safety rules. The dead band is 20 % of the limit, at most 5 %LEL.
LEVEL_1_LEL = 25.0
LEVEL_2_LEL = 50.0
FULL_SCALE_LEL = 100.0
DEAD_BAND_LEL = 5.0
DEAD_BAND_SHARE = 0.2
# The column «off» of CK-02. What CK-04 and CK-06 ask beyond it (120 s) the gateway adds.
OFF_MS = 60000
# BL-01: lost at such a value, or rising so fast (1 %LEL/min; the lag that measures it comes near that from below), is
# a cause to close. The way up from below zero is no rise of gas, nor is what a sensor does before it counts as found.
BLIND_FROM_LEL = 5.0
RISING_LEL_PER_MIN = 0.9
# A sensor that warms up again after such a value may be silent for so long, and any may read below zero for so long;
# chosen by us, as BL-01's delay.
SILENT_MS = 10000
# Noise and drift at zero, and the longest time that one sample can stand for; chosen by us.
TRUSTED_FROM_LEL = -0.5
MOST_MS = 1000
# A calibration needs a reading that stands: within 1 %LEL of its mean over some seconds; chosen by us.
STEADY_LEL = 1.0
STEADY_MS = 5000.0

# vol% at 100 %LEL of the sensor's basis over that of the profile. Profiles declare the IEC basis: methane 4.4 vol%,
# propane 1.7; NFPA: 5.0, and 2.1 (the last from memory). Sources: the profiles and the gateway's table of limits.
# Gas, basis of the sensor, vol% on that basis, vol% on the profile's.
TO_PROFILE_BASIS = (
    ("methane", "iec", 4.4, 4.4),
    ("methane", "nfpa", 5.0, 4.4),
    ("lpg", "iec", 1.7, 1.7),
    ("lpg", "nfpa", 2.1, 1.7),
)

NO_LEVEL = 0
LEVEL_1 = 1
LEVEL_2 = 2
OVER_RANGE = 3


def factor_of(gas: str, basis: str) -> float:
    """From %LEL of a sensor's basis to %LEL of the profile's (`TO_PROFILE_BASIS`)."""
    for name, one, sensors, profiles in TO_PROFILE_BASIS:
        if name == gas and one == basis:
            return sensors / profiles
    raise ValueError(gas + ", " + basis)


def low_of(limit: float) -> float:
    """The limit less its dead band."""
    return limit - min(DEAD_BAND_LEL, DEAD_BAND_SHARE * limit)


def judge(lel: float, before: int, limits: tuple, below_ms: tuple) -> int:
    """The level (0 to 2) of a value after the level ``before``; ``limits``: (level 1, level 2) in %LEL; ``below_ms``:
    for how long trusted values have stood below the low limit of each."""
    for level in (LEVEL_2, LEVEL_1):
        if lel >= limits[level - 1] or (before >= level and below_ms[level - 1] < OFF_MS):
            return level
    return NO_LEVEL


class GasChannel:
    """``value``: %LEL or ``None``; ``lost``: no value where there should be one, or one that stays below zero;
    ``blind``: lost while `elevated`; ``trusted``: the value may lower, clear and release. ``elevated``: high or rising
    now, or within `OFF_MS`.

    ``sensor``: %LEL of its own basis, uncalibrated. ``factor``: from `factor_of`. ``kept``: (level, over-range,
    blind, elevated) as they stood before the reset.
    """

    def __init__(self, sensor, calibration, now: int, *, factor: float, level_1: float, warm_up_ms: int, kept: tuple):
        self._sensor = sensor
        self.calibration = calibration
        self._factor = factor
        self._limits = (min(level_1, LEVEL_1_LEL), LEVEL_2_LEL)
        self._lows = tuple([low_of(limit) for limit in self._limits])
        self._below = (Stretch(MOST_MS), Stretch(MOST_MS))
        self._calm = Stretch(MOST_MS)
        self._silent = Stretch(MOST_MS)
        self._below_zero_ms = 0
        self._is_below_zero = False
        self._warm_up_until = now + warm_up_ms
        self._level, self.over_range, self.blind, self.elevated = kept
        self.elevated = self.elevated or self.blind or self._level > NO_LEVEL
        self.warm_up = warm_up_ms > 0
        self.lost = False
        self.trusted = False
        self.value = self._raw = None
        self._steady = self._slow = None
        self._sampled_at = now

    @property
    def level(self) -> int:
        """0 none, 1, 2, 3 over-range: the code of the profile."""
        return OVER_RANGE if self.over_range else self._level

    @property
    def kept_level(self) -> int:
        """The level without the over-range lock (0 to 2), as it is to be kept."""
        return self._level

    @property
    def fault(self) -> bool:
        """Lost, or measuring by a calibration that is not valid."""
        return self.lost or self.calibration.state == cal.INVALID

    def sample(self, now: int, expired: bool) -> None:
        """Read and judge. ``expired``: the detector is past its life; it still raises (S3)."""
        self.warm_up = now < self._warm_up_until
        raw = valid(self._sensor, now)
        self.lost = raw is None and (self._sensor.fault != 0 or not self.warm_up)
        if self._sensor.over:
            self.over_range = True
        self._raw = self.value = None
        if raw is not None:
            self._raw = raw * self._factor
            self.value = self.calibration.apply(self._raw)
        self.lost = self._stays_below_zero(now) or self.lost
        is_sound = not (self.warm_up or expired or self.calibration.state == cal.INVALID)
        self.trusted = is_sound and self.value is not None and self.value >= TRUSTED_FROM_LEL
        self._judge(now, self.value)
        self._watch_blindness(now, self.value, is_sound)
        self._follow(now)
        self._sampled_at = now

    def zero(self, by: str, at: int) -> None:
        """Clean air is on the sensor. Raises `calibration.Refused`."""
        self.calibration.set_zero(self._standing(), by, at)

    def span(self, applied: float, by: str, at: int) -> None:
        """Test gas of ``applied`` %LEL of the profile's basis is on the sensor. Raises `calibration.Refused`."""
        self.calibration.set_span(self._standing(), applied, by, at)

    def confirm_over_range(self) -> bool:
        """A person has confirmed zero and calibration on site: release the lock; whether it is released.

        A reading that is not trusted releases nothing (S3), nor does one that is over the range itself. The level goes
        on its own.
        """
        if self.over_range:
            value = self.value
            self.over_range = not self.trusted or self._sensor.over or value is None or value > FULL_SCALE_LEL
        return not self.over_range

    def _standing(self) -> float:
        """What the sensor reads, in the profile's basis; raises `calibration.Refused` while that moves."""
        if self._raw is None or self._steady is None or self.warm_up or self._sensor.over:
            raise cal.Refused("the sensor gives no valid value now; wait for the end of warm-up, or mend it")
        if abs(self._raw - self._steady) > STEADY_LEL:
            raise cal.Refused("the reading still moves; wait until it stands")
        return self._steady

    def _stays_below_zero(self, now: int) -> bool:
        """Whether more of the time is below zero than not: noise is on both sides of a limit."""
        is_below = not self.warm_up and self.value is not None and self.value < TRUSTED_FROM_LEL
        passed = min(now - self._sampled_at, MOST_MS)
        self._below_zero_ms = min(max(self._below_zero_ms + (passed if is_below else -passed), 0), SILENT_MS)
        if self._below_zero_ms in (0, SILENT_MS):
            self._is_below_zero = self._below_zero_ms > 0
        return self._is_below_zero

    def _judge(self, now: int, lel: float | None) -> None:
        """The levels, and the end of a blindness."""
        low = [lel is not None and self.trusted and lel < limit for limit in self._lows]
        below_ms = tuple([self._below[at].step(now, is_low) for at, is_low in enumerate(low)])
        if lel is None:
            return
        if lel > FULL_SCALE_LEL:
            self.over_range = True
        self._level = judge(lel, self._level, self._limits, below_ms)
        if below_ms[0] >= OFF_MS:
            self.blind = False

    def _watch_blindness(self, now: int, lel: float | None, is_sound: bool) -> None:
        """Whether a sensor that is lost now, or is silent after a reset, was high or rising when it last spoke (S1).

        Below zero is calm, too: noise there would keep what was for ever, and one that stays there is lost long before.
        """
        silent_ms = self._silent.step(now, lel is None)
        is_high = is_rising = False
        if lel is not None:
            # It has a lag of one minute: for a steady rise the lag equals the rise per minute.
            is_rising = not self.lost and self._slow is not None and lel - self._slow >= RISING_LEL_PER_MIN
            is_high = lel >= BLIND_FROM_LEL
        calm_ms = self._calm.step(now, is_sound and lel is not None and not is_high and not is_rising)
        if is_high or is_rising:
            self.elevated = True
        elif calm_ms >= OFF_MS:
            self.elevated = False
        if self.elevated and (self.lost or silent_ms >= SILENT_MS):
            self.blind = True

    def _follow(self, now: int) -> None:
        if self._raw is None or self.value is None:
            return
        passed = now - self._sampled_at
        self._steady = _followed(self._steady, self._raw, passed / STEADY_MS)
        self._slow = _followed(self._slow, max(self.value, TRUSTED_FROM_LEL), passed / 60000.0)


def _followed(mean: float | None, value: float, share: float) -> float:
    """A first-order lag."""
    return value if mean is None else mean + (value - mean) * min(share, 1.0)
