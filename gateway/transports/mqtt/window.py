"""The receive window of one connection: what came with QoS 1 and is not acknowledged yet, and whether it moves.

A broker sends no more than so many messages before one is acknowledged (5.0, 3.1.2.11.3; a 3.1.1 broker has a setting
of its own), so how many there are does not tell that it is full; that nothing moves does.
"""


class Window:
    """``is_stalled``: something is under way, and nothing was acknowledged from one `look` to the next."""

    def __init__(self) -> None:
        self.is_stalled = False
        self._taken = self._acknowledged = 0
        self._seen = -1
        self._due = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything is acknowledged."""
        return self._taken == self._acknowledged

    @property
    def is_settled(self) -> bool:
        """Whether as many are acknowledged as were taken before the last `remember`."""
        return self._acknowledged >= self._due

    def took(self) -> None:
        """A message with QoS 1 came."""
        self._taken += 1

    def acknowledged(self) -> None:
        """One of them is acknowledged."""
        self._acknowledged += 1
        self.is_stalled = False

    def remember(self) -> None:
        """What was taken until now has to be acknowledged before it `is_settled`."""
        self._due = self._taken

    def look(self) -> bool:
        """Whether it is stalled. Called again and again at one interval while it is not empty."""
        self.is_stalled = not self.is_empty and self._acknowledged == self._seen
        self._seen = -1 if self.is_empty else self._acknowledged
        return self.is_stalled
