"""Carbon monoxide by exposure: timers that count up while a limit is reached and down while it is not (S20).

An alarm of the device sounds, and gas is closed; no fan is started (back-draught). Nothing takes from an exposure but
clean air that is seen: a sensor that is lost lets the timers that run run on, and a reset rounds them up, so that a
board that restarts again and again alarms, too. A start in 300 ppm counts as most of that timer: nobody knows since
when it has been so.
"""

# (ppm, minutes of the timer). CO-01 to CO-03 of the safety rules: 75 min is inside the 60-240 min of the 70 ppm test
# of GB 15322.2; the times of 100 and 300 ppm are those of EN 50291 from memory, not verified.
ROWS = ((50.0, 75 * 60000), (100.0, 15 * 60000), (300.0, 60000))
# The alarm ends after so long below the lowest limit less its dead band.
CLEAR_PPM = 40.0
CLEAR_MS = 10 * 60000
FULL_SCALE_PPM = 1000.0
# What is kept in flash of a timer: eighths, rounded up, so that a reset takes nothing of an exposure; and what comes
# and goes around a limit wears little.
STEPS = 8
# Of the last row at a start; the rest is left to tell a high value from one odd sample.
STARTED_STEPS = 7


class CoExposure:
    """``alarm``: one of the timers has run out. ``kept``: (alarm, three steps of 0 to 8) from before the reset.

    ``steps``: the timers as they are to be kept.
    """

    def __init__(self, kept: tuple):
        self.alarm = kept[0]
        self.steps = tuple(kept[1])
        self._passed = [self.steps[at] * row[1] // STEPS for at, row in enumerate(ROWS)]
        self._clear_ms = 0
        self._is_first = True

    def sample(self, passed_ms: int, ppm: float | None, may_fall: bool, lost: bool = False) -> None:
        """Time has passed at ``ppm``. ``may_fall``: the value is trusted; if not it runs the timers up only (S3).
        ``lost``: there is no value where there should be one."""
        if ppm is None:
            self._clear_ms = 0
            if lost:
                self._run_on(passed_ms)
        else:
            self._count(passed_ms, ppm, may_fall and ppm >= 0)
        for number, (_, limit_ms) in enumerate(ROWS):
            if self._passed[number] >= limit_ms:
                self.alarm = True
        if self._clear_ms >= CLEAR_MS:
            self.alarm = False
        for number, kept in enumerate(self.steps):
            step = self._step(number)
            if step != kept:
                before, after = self.steps[:number], self.steps[number + 1 :]
                self.steps = before + (step,) + after  # noqa: RUF005 - MicroPython has no star here

    def _count(self, passed_ms: int, ppm: float, may_fall: bool) -> None:
        if self._is_first and ppm >= ROWS[-1][0]:
            self._passed[-1] = max(self._passed[-1], STARTED_STEPS * ROWS[-1][1] // STEPS)
        self._is_first = False
        for number, (limit, limit_ms) in enumerate(ROWS):
            if ppm >= limit:
                self._passed[number] = min(self._passed[number] + passed_ms, limit_ms)
            elif may_fall:
                self._passed[number] = max(self._passed[number] - passed_ms, 0)
        self._clear_ms = self._clear_ms + passed_ms if may_fall and ppm < CLEAR_PPM else 0

    def _run_on(self, passed_ms: int) -> None:
        for number, (_, limit_ms) in enumerate(ROWS):
            if self._passed[number]:
                self._passed[number] = min(self._passed[number] + passed_ms, limit_ms)

    def _step(self, number: int) -> int:
        """Up at once; down with a dead band of half an eighth, or when the air has been clean for long."""
        kept, eighth = self.steps[number], ROWS[number][1] // STEPS
        step = (self._passed[number] + eighth - 1) // eighth
        fallen = self._passed[number] <= (kept - 1) * eighth - eighth // 2
        return step if step > kept or fallen or self._clear_ms >= CLEAR_MS else kept
