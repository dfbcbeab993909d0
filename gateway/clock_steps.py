"""Steps of the wall clock, and how old something is in spite of them."""

from collections import deque
from typing import NamedTuple

from protocols.moment import SECOND, Moment

LEAST_NS = SECOND
"""What a clock is off by less is not worth a step."""
MOST = 16


class _Step(NamedTuple):
    """``mono``: when it was noticed; ``by``: how far the wall clock went, ns."""

    mono: int
    by: int


class ClockSteps:
    """Sees the present instant again and again, and notices when the wall clock does not go on as the other one does.
    The newest steps are known, of this process."""

    def __init__(self) -> None:
        self._offset: int | None = None
        self._steps: deque[_Step] = deque(maxlen=MOST)

    def look(self, now: Moment) -> None:
        """To be called with every instant that comes."""
        offset = now.wall - now.mono
        if self._offset is None:
            self._offset = offset
        elif abs(offset - self._offset) >= LEAST_NS:
            self._steps.append(_Step(now.mono, offset - self._offset))
            self._offset = offset

    def age(self, at: int, now: Moment) -> int:
        """How long ago it was ``at`` by the wall clock (UTC ns), in ns without the steps since then. A clock that went
        back shows some instants twice: then the later one is taken."""
        age = now.wall - at
        for step in reversed(self._steps):
            if 0 <= age <= now.mono - step.mono:
                break
            age -= step.by
        return age
