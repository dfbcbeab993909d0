"""How many lines the next request carries: fewer after trouble, slowly more again while answers are quick.

Halved by every time-out and by every request that was too large, never below `least`. Each full request that was
answered quickly adds a `GROWTH`th of the most: a bound of the server on the size of a request is so met in about one
request of thirty, not in every second one. Pure: it neither sends nor looks at a clock.
"""

LEAST = 50
"""A server that has no time for so few has none at all; smaller requests would only be more of them."""
GROWTH = 64


class BatchSize:
    """``most``: lines of a request while all is well, and at the beginning. ``quick_s``: an answer within it is
    quick. ``least``: it is never less, unless ``most`` is."""

    def __init__(self, most: int, quick_s: float, least: int = LEAST) -> None:
        self._most = most
        self._least = min(least, most)
        self._step = -(-most // GROWTH)
        self._quick_s = quick_s
        self._lines = most

    @property
    def lines(self) -> int:
        """Lines of the next request, between the least and the most."""
        return self._lines

    def answered(self, lines: int, elapsed_s: float) -> None:
        """A request of ``lines`` was stored after ``elapsed_s``. One that was not full proves nothing."""
        if lines >= self._lines and elapsed_s <= self._quick_s:
            self._lines = min(self._most, self._lines + self._step)

    def timed_out(self) -> None:
        """No answer came in time."""
        self._lines = max(self._least, self._lines // 2)

    def too_large(self, lines: int) -> None:
        """A request of ``lines`` was refused for its size."""
        self._lines = max(self._least, min(self._lines, lines // 2))
