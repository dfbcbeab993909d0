"""Trend: how fast a value rises."""

from collections.abc import Sequence

from protocols.moment import SECOND

TREND_WINDOW_NS = 60 * SECOND
TREND_SAMPLES = 64
"""At most so many samples make a trend; a faster device is thinned to fit the window."""
_TREND_STEP_NS = TREND_WINDOW_NS // TREND_SAMPLES


class Trend:
    """The last samples of the point ``index``, by their arrival (mono ns): the good ones, and those of any quality."""

    __slots__ = ("_any", "_good", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self._good: list[tuple[int, float]] = []
        self._any = self._good
        """The same, until a value is not good. Lists: an empty deque takes ten times the memory."""

    def add(self, heard: int, value: float, *, good: bool) -> None:
        """Take in a sample."""
        if good:
            _add(self._good, heard, value)
            if self._any is self._good:
                return
        elif self._any is self._good:
            self._any = self._good.copy()
        _add(self._any, heard, value)

    def take(self, times: Sequence[int], values: Sequence[float | None]) -> None:
        """Take in the good samples of ordinary readings."""
        _extend(self._good, times, values)
        if self._any is not self._good:
            _extend(self._any, times, values)

    def slope_per_minute(self) -> float:
        """The higher of the two slopes: values that are not good may make it higher, and never lower than the good ones
        alone (S3)."""
        slope = _slope_per_minute(self._good)
        return slope if self._any is self._good else max(slope, _slope_per_minute(self._any))


def _add(samples: list[tuple[int, float]], heard: int, value: float) -> None:
    _extend(samples, (heard,), (value,))


def _extend(samples: list[tuple[int, float]], times: Sequence[int], values: Sequence[float | None]) -> None:
    since = samples[-1][0] if samples else None
    for heard, value in zip(times, values, strict=True):
        if value is not None and (since is None or heard - since >= _TREND_STEP_NS):
            samples.append((heard, value))
            since = heard
    while samples and (samples[-1][0] - samples[0][0] > TREND_WINDOW_NS or len(samples) > TREND_SAMPLES):
        del samples[0]


def _slope_per_minute(samples: list[tuple[int, float]]) -> float:
    """Rise per minute over the window before the last sample, by least squares; 0.0 where one sample tells."""
    if not samples:
        return 0.0
    last = samples[-1][0]
    window = [(at - last, value) for at, value in samples if last - at <= TREND_WINDOW_NS]
    mean_t = sum(t for t, _ in window) / len(window)
    mean_v = sum(v for _, v in window) / len(window)
    spread = sum((t - mean_t) ** 2 for t, _ in window)
    rise = sum((t - mean_t) * (v - mean_v) for t, v in window)
    return rise / spread * 60 * SECOND if spread else 0.0
