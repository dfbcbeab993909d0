"""Carbon monoxide by exposure: timers that count up while a limit is reached and down while it is not (S20).

An alarm of the device sounds, and gas is closed; no fan is started (back-draught).
"""

# (ppm, minutes of the timer). CO-01 to CO-03 of the safety rules: 75 min is inside the 60-240 min of the 70 ppm test
# of GB 15322.2; the times of 100 and 300 ppm are those of EN 50291 from memory, not verified.
ROWS = ((50.0, 75 * 60000), (100.0, 15 * 60000), (300.0, 60000))
# The alarm ends after so long below the lowest limit less its dead band.
CLEAR_PPM = 40.0
CLEAR_MS = 10 * 60000
FULL_SCALE_PPM = 1000.0
# What is kept in flash of a timer: eighths, so that a power cut takes little of an exposure and wears little.
STEPS = 8


class CoExposure:
    """``alarm``: one of the timers has run out. ``kept``: (alarm, three steps of 0 to 8) from before the reset."""

    def __init__(self, kept: tuple):
        self.alarm = kept[0]
        self._steps = list(kept[1])
        self._passed = [self._steps[at] * row[1] // STEPS for at, row in enumerate(ROWS)]
        self._clear_ms = 0

    @property
    def steps(self) -> tuple:
        """The timers in eighths, with a dead band of one, as they are to be kept."""
        for number, (_, limit_ms) in enumerate(ROWS):
            if abs(self._passed[number] - self._steps[number] * limit_ms // STEPS) >= limit_ms // STEPS:
                self._steps[number] = self._passed[number] * STEPS // limit_ms
        return tuple(self._steps)

    def sample(self, passed_ms: int, ppm: float | None, may_fall: bool) -> None:
        """Time has passed at ``ppm``. No value stops the timers; one that is not trusted runs them up only (S3)."""
        if ppm is None:
            self._clear_ms = 0
            return
        for number, (limit, limit_ms) in enumerate(ROWS):
            if ppm >= limit:
                self._passed[number] = min(self._passed[number] + passed_ms, limit_ms)
            elif may_fall:
                self._passed[number] = max(self._passed[number] - passed_ms, 0)
            if self._passed[number] >= limit_ms:
                self.alarm = True
        self._clear_ms = self._clear_ms + passed_ms if may_fall and ppm < CLEAR_PPM else 0
        if self._clear_ms >= CLEAR_MS:
            self.alarm = False
