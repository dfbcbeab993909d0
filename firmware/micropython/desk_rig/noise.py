"""Quantities of a small simulated world: they stay, move in a straight line, and tremble repeatably."""

from noise import Noise


class Input:
    """One physical quantity that moves to where the stimulus puts it.

    ``noise``: half width in the quantity's unit; ``low``, ``high``: what the sensor can put out.
    """

    def __init__(self, value: float, noise: float, low: float, high: float):
        self._from = self._to = value
        self._noise = noise
        self._low = low
        self._high = high
        self._since = 0
        self._ms = 0

    def move(self, now: int, value: float, seconds: float = 0.0) -> None:
        """Go to ``value`` in a straight line over ``seconds``."""
        self._from = self._clean(now)
        self._to = value
        self._since = now
        self._ms = int(seconds * 1000)

    def read(self, now: int, noise: Noise) -> float:
        """The quantity at ``now`` with noise, within what the sensor can put out."""
        value = self._clean(now) + noise.around(self._noise)
        return min(max(value, self._low), self._high)

    def _clean(self, now: int) -> float:
        passed = now - self._since
        if passed >= self._ms:
            return self._to
        return self._from + (self._to - self._from) * passed / self._ms
