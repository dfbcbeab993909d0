"""Trend: how fast a value rises."""

from collections import deque

from protocols.moment import SECOND

TREND_WINDOW_NS = 60 * SECOND
TREND_SAMPLES = 64
"""At most so many samples make a trend; a faster device is thinned to fit the window."""
_TREND_STEP_NS = TREND_WINDOW_NS // TREND_SAMPLES


class Trend:
    """The last samples of one point, by their arrival (mono ns)."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[int, float]] = deque(maxlen=TREND_SAMPLES)

    def add(self, heard: int, value: float) -> None:
        """Take in a sample."""
        samples = self._samples
        if not samples or heard - samples[-1][0] >= _TREND_STEP_NS:
            samples.append((heard, value))

    def slope_per_minute(self) -> float:
        """Rise per minute over the window before the last sample, by least squares; 0.0 where one sample tells."""
        if not self._samples:
            return 0.0
        last = self._samples[-1][0]
        window = [(at - last, value) for at, value in self._samples if last - at <= TREND_WINDOW_NS]
        mean_t = sum(t for t, _ in window) / len(window)
        mean_v = sum(v for _, v in window) / len(window)
        spread = sum((t - mean_t) ** 2 for t, _ in window)
        rise = sum((t - mean_t) * (v - mean_v) for t, v in window)
        return rise / spread * 60 * SECOND if spread else 0.0
