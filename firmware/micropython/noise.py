"""Small repeatable noise, the same under every interpreter. Not for secrets: seed it with entropy where it matters."""


class Noise:
    """xorshift32; ``seed`` 0 is taken for a constant."""

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
