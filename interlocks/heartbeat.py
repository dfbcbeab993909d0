"""A controller that lives moves its counter on: whether it did so, and for how long it has not."""

from protocols.moment import SECOND
from protocols.picture import Picture

FIRST_BEAT_NS = 30 * SECOND
"""After a start it is waited for so long, as for any input (S10)."""


class Heartbeat:
    """A counter of one device. A value that is not good, fresh and heard is no beat (S3).

    ``due``: from when on it stands still; ``moved_at``: when it was last seen to move. Both mono ns."""

    def __init__(self, point: int, within_ns: int) -> None:
        self.point = point
        self._within_ns = within_ns
        self._last: float | None = None
        self.due: int | None = None
        self.moved_at: int | None = None

    def follow(self, picture: Picture) -> None:
        """The picture of the device is another one now."""
        if self.due is None:
            self.due = picture.started + max(FIRST_BEAT_NS, self._within_ns)
        known = picture.known(self.point)
        if known is not None and picture.is_proof(self.point):
            self.note(known.value, known.heard)

    def note(self, value: float, mono: int) -> None:
        """The counter, told by a good reading at ``mono``."""
        if value == self._last:
            return
        if self._last is not None:
            self.moved_at = mono
        self._last, self.due = value, mono + self._within_ns

    def is_still_at(self, mono: int) -> bool:
        """Whether it has not moved for too long."""
        return self.due is not None and mono >= self.due
