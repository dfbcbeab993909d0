"""Samples: the numbers of ordinary readings, kept for a moment until those who follow a point are told of them.

Trends and windows of time are told of some readings together: what each of them keeps lies far apart in memory, and is
so looked for once for all of these. Whoever asks one of them something has it told first.
"""

from collections.abc import Sequence
from typing import Protocol

from protocols.ordinary import Values, picker
from protocols.reading import Value

MOST_KEPT = 8
"""Readings. More would cost each of thousands of devices more memory, and save little."""


class Taker(Protocol):
    """Who follows the point ``index``."""

    @property
    def index(self) -> int: ...

    def take(self, times: Sequence[int], values: Sequence[float | None]) -> None:
        """Take in ordinary readings, in which each value is good: when they were heard (mono ns), and the value that
        each has of the point, if any."""


class Samples:
    """Of one device at one origin."""

    __slots__ = ("_kept", "_pick", "_takers", "_width")

    def __init__(self, takers: Sequence[Taker]) -> None:
        indexes = tuple(sorted({one.index for one in takers}))
        self._pick = picker(indexes)
        self._width = 1 + len(indexes)
        self._takers = tuple((one, 1 + indexes.index(one.index)) for one in takers)
        self._kept: list[Value] = []
        """Row after row: when it was heard (mono ns), and the value at each index."""

    def add(self, values: Values, mono: int) -> None:
        """Keep what has to be told of an ordinary reading."""
        kept = self._kept
        kept.append(mono)
        kept += self._pick(values)
        if len(kept) >= MOST_KEPT * self._width:
            self.hand_on()

    def hand_on(self) -> None:
        """Tell all that is kept."""
        kept, self._kept = self._kept, []
        if kept:
            times = kept[:: self._width]
            for taker, place in self._takers:
                values = kept[place :: self._width]
                taker.take(times, values)  # type: ignore[arg-type]  # an ordinary reading has no text where a taker looks
