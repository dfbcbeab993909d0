"""The combustible-gas channel: reading, levels, over-range lock, blindness (S1, S3, S21).

Values are %LEL on the basis that the profile declares (S12). A value that is not trusted (warm-up, calibration not
valid, detector past its life) raises a level and never lowers one; neither does a lost sensor.
"""

from products import calibration as cal

# Limits of CK-02, CK-04 and CK-07 of the safety rules. The dead band is 20 % of the limit, at most 5 %LEL.
LEVEL_1_LEL = 25.0
LEVEL_2_LEL = 50.0
FULL_SCALE_LEL = 100.0
DEAD_BAND_LEL = 5.0
DEAD_BAND_SHARE = 0.2
# BL-01: lost at such a value, or rising so fast, is a cause to close.
BLIND_FROM_LEL = 5.0
RISING_LEL_PER_MIN = 1.0
# A calibration needs a reading that stands: within 1 %LEL of its mean over some seconds; chosen by us.
STEADY_LEL = 1.0
STEADY_MS = 5000.0

# vol% at 100 %LEL of the sensor's basis over that of the profile. Profiles declare the IEC basis: methane 4.4 vol%,
# propane 1.7; NFPA: 5.0, and 2.1 (the last from memory). Sources: the profiles and the gateway's table of limits.
TO_PROFILE_BASIS = {
    ("methane", "iec"): 1.0,
    ("methane", "nfpa"): 5.0 / 4.4,
    ("lpg", "iec"): 1.0,
    ("lpg", "nfpa"): 2.1 / 1.7,
}

NO_LEVEL = 0
LEVEL_1 = 1
LEVEL_2 = 2
OVER_RANGE = 3


def judge(lel: float, before: int, limits: tuple, may_fall: bool) -> int:
    """The level (0 to 2) of a value after the level ``before``; ``limits``: (level 1, level 2) in %LEL."""
    for level in (LEVEL_2, LEVEL_1):
        limit = limits[level - 1]
        low = limit - min(DEAD_BAND_LEL, DEAD_BAND_SHARE * limit)
        if lel >= limit or (before >= level and (lel >= low or not may_fall)):
            return level
    return NO_LEVEL


class GasChannel:
    """``value``: %LEL or ``None``; ``lost``: no value where there should be one; ``blind``: lost while high or rising;
    ``trusted``: the value may lower, clear and release.

    ``sensor``: %LEL of its own basis, uncalibrated. ``factor``: from `TO_PROFILE_BASIS`. ``kept``: (level, over-range,
    blind) as they stood before the reset.
    """

    def __init__(self, sensor, calibration, now: int, *, factor: float, level_1: float, warm_up_ms: int, kept: tuple):
        self._sensor = sensor
        self.calibration = calibration
        self._factor = factor
        self._limits = (min(level_1, LEVEL_1_LEL), LEVEL_2_LEL)
        self._warm_up_until = now + warm_up_ms
        self._level, self.over_range, self.blind = kept
        self.warm_up = warm_up_ms > 0
        self.lost = False
        self.trusted = False
        self.value = self._raw = None
        self._steady = self._slow = None
        self._last_good = 0.0
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
        raw = self._raw = self._sensor.read(now)
        was_lost = self.lost
        self.lost = raw is None and (self._sensor.fault != 0 or not self.warm_up)
        self.trusted = not (raw is None or self.warm_up or expired or self.calibration.state == cal.INVALID)
        if self._sensor.over:
            self.over_range = True
        if raw is None:
            self.value = None
            if self.lost and not was_lost:
                self._go_blind()
        else:
            self._take(now, raw * self._factor)
        self._sampled_at = now

    def zero(self, by: str, at: int) -> None:
        """Clean air is on the sensor. Raises `calibration.Refused`."""
        self.calibration.set_zero(self._standing(), by, at)

    def span(self, applied: float, by: str, at: int) -> None:
        """Test gas of ``applied`` %LEL of the profile's basis is on the sensor. Raises `calibration.Refused`."""
        self.calibration.set_span(self._standing(), applied, by, at)

    def confirm_over_range(self) -> bool:
        """A person has confirmed zero and calibration on site: release the lock; whether it is released.

        A reading that is not trusted releases nothing (S3), nor does one that is over the range itself.
        """
        if self.over_range:
            value = self.value
            self.over_range = not self.trusted or self._sensor.over or value is None or value > FULL_SCALE_LEL
        return not self.over_range

    def _standing(self) -> float:
        """What the sensor reads, in the profile's basis; raises `calibration.Refused` while that moves."""
        if self._raw is None or self._steady is None or self.warm_up or self._sensor.over:
            raise cal.Refused("the sensor gives no valid value now; wait for the end of warm-up, or mend it")
        raw = self._raw * self._factor
        if abs(raw - self._steady) > STEADY_LEL:
            raise cal.Refused("the reading still moves; wait until it stands")
        return self._steady

    def _take(self, now: int, raw: float) -> None:
        """``raw``: in the profile's basis, uncalibrated."""
        lel = self.value = self._last_good = self.calibration.apply(raw)
        if lel > FULL_SCALE_LEL:
            self.over_range = True
        self._level = judge(lel, self._level, self._limits, self.trusted)
        if self.trusted:
            self.blind = False
        passed = now - self._sampled_at
        self._steady = _follow(self._steady, raw, passed / STEADY_MS)
        # First-order lag of one minute: for a steady rise the lag equals the rise per minute.
        self._slow = _follow(self._slow, lel, passed / 60000.0)

    def _go_blind(self) -> None:
        """No value; one that was high or rising when it was lost is a cause to close (S1)."""
        rising = self._slow is not None and self._last_good - self._slow >= RISING_LEL_PER_MIN
        if rising or self._last_good >= BLIND_FROM_LEL:
            self.blind = True


def _follow(mean: float | None, value: float, share: float) -> float:
    return value if mean is None else mean + (value - mean) * min(share, 1.0)
