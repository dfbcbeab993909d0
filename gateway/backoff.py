"""How long to leave a silent peer alone: twice as long each time, up to a bound."""


class Backoff:
    """Pauses of ``first_s``, twice that, and so on up to ``longest_s``; pure, in seconds."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = min(first_s, longest_s)
        self._longest_s = longest_s
        self._next_s = self._first_s

    def failed(self) -> float:
        """One more failure: the pause before the next try."""
        pause, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return pause

    def succeeded(self) -> None:
        """The peer is well: the next failure starts from ``first_s`` again."""
        self._next_s = self._first_s
