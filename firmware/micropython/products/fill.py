"""Fill level of a bin, from the distance between the sensor in its lid and the waste.

    fill % = 100 * (height - distance + offset) / height, clamped to 0-100

``height``: mm from the full mark down to the bottom; ``offset``: mm from the sensor down to the full mark; both are
measured where the sensor is mounted. A level comes from a burst of readings: their median passes over single echoes
from a wall or a bag. While something stands in the way (lid open, bin tilted) there is no level, never a wrong one.
Waste nearer than the sensor can measure (fault BELOW) is a full bin: as a broken sensor, it would overflow unseen.
"""

from drivers import faults

READINGS = 5
# A sensor that was switched off in the board's sleep needs a while for its first frame.
TRIES = 15
# The slower sensors of this kind give a frame every 300 ms; each reading should be one of its own.
BURST_MS = 300
# An echo from far below the bottom is none of this bin. Chosen by us.
FAR = 1.2


def median(values: list) -> float:
    """The middle one, or the mean of the middle two; raises IndexError where there is none."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def percent(distance: float, height: float, offset: float) -> float:
    """Fill level of a bin of this mounting, 0-100."""
    return min(max(100.0 * (height - distance + offset) / height, 0.0), 100.0)


class Fill:
    """``sensor``: mm to the waste. ``step`` it with each sample, at least every `BURST_MS` while it is ``busy``.

    ``level``: %, ``None`` while there is none. ``fault``: most readings of the last burst were none. ``fresh``: this
    step has completed a burst with a level.
    """

    def __init__(self, sensor, height: float, offset: float):
        self._sensor = sensor
        self._height = height
        self._offset = offset
        self._done_at = None
        self._start()
        self.level = None
        self.fault = False
        self.fresh = False
        self.busy = True

    def step(self, now: int, blocked: bool, pause_ms: int) -> None:
        """Take one reading if a burst is under way or due: ``pause_ms`` after the last, at once after a block."""
        self.fresh = False
        if blocked:
            self._start()
            self._done_at = None
            self.level = None
            self.busy = False
            return
        self.busy = self._done_at is None or now - self._done_at >= pause_ms
        if self.busy:
            self._take(now)

    def _start(self) -> None:
        self._valid = []
        self._tries = 0

    def _take(self, now: int) -> None:
        distance = self._distance(now)
        self._tries += 1
        if distance is not None:
            self._valid.append(distance)
        if len(self._valid) < READINGS and self._tries < TRIES:
            return
        self.fault = 2 * len(self._valid) < READINGS
        self.fresh = not self.fault
        self.level = percent(median(self._valid), self._height, self._offset) if self.fresh else None
        self._start()
        self._done_at = now
        self.busy = False

    def _distance(self, now: int) -> float | None:
        sensor = self._sensor
        distance = sensor.read(now)
        if sensor.fault == faults.BELOW:
            return 0.0
        if distance is None or sensor.fault or sensor.over:
            return None
        # What is no number is neither over nor under anything.
        return distance if 0.0 <= distance <= self._offset + FAR * self._height else None
