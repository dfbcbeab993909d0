"""Simulated inputs: what a hardware-in-the-loop rig feeds to the ADC of the board."""


class Noise:
    """Small repeatable noise (xorshift32), the same under every interpreter."""

    def __init__(self, seed: int):
        self._state = (seed & 0xFFFFFFFF) or 0x9E3779B9

    def bits(self) -> int:
        """The next 32 bits."""
        x = self._state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._state = x
        return x

    def unit(self) -> float:
        """A number in [0, 1)."""
        return (self.bits() >> 8) / 16777216.0

    def around(self, width: float) -> float:
        """A number in [-width, width)."""
        return (self.unit() * 2.0 - 1.0) * width


class Input:
    """One physical quantity that moves to where the stimulus puts it.

    ``noise``: half width in the quantity's unit; ``low``, ``high``: what the transmitter can put out.
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
        """The quantity at ``now`` with noise, within what the transmitter can put out."""
        value = self._clean(now) + noise.around(self._noise)
        return min(max(value, self._low), self._high)

    def _clean(self, now: int) -> float:
        passed = now - self._since
        if passed >= self._ms:
            return self._to
        return self._from + (self._to - self._from) * passed / self._ms


class StimulusError(Exception):
    """A stimulus line that this product does not understand."""


def amount(word: str, low: float = -1e6, high: float = 1e6) -> float:
    """A number of a stimulus line; raises `StimulusError` for anything that is not one in [low, high]."""
    try:
        value = float(word)
    except ValueError:
        raise StimulusError(f"{word!r} is not a number") from None
    if not low <= value <= high:
        raise StimulusError(f"{word!r} is outside {low:g} to {high:g}")
    return value


def switch(word: str, on: str = "on", off: str = "off") -> bool:
    """Whether ``word`` is ``on``; raises `StimulusError` if it is neither."""
    if word not in (on, off):
        raise StimulusError(f"{word!r} is neither {on!r} nor {off!r}")
    return word == on
