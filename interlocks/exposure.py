"""Exposure: how long a cause has stood in all; its time counts up while it stands, and down while it does not (S20)."""

from collections.abc import Collection, Iterable

from interlocks.matrix import Cause
from protocols.moment import SECOND


class Exposures:
    """Of one interlock, for its causes with ``accumulate``. After a start they are counted anew."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        self._longest = {cause.id: int(cause.delay_s * SECOND) for cause in causes if cause.accumulate}
        self._counted = dict.fromkeys(self._longest, 0)
        self._stood: frozenset[str] = frozenset()
        self._at = 0

    def succeed(self, before: "Exposures") -> None:
        """Go on where the interlock stood before its zone was changed."""
        self._counted |= {cause: before._counted[cause] for cause in self._longest.keys() & before._counted.keys()}
        self._stood, self._at = before._stood, before._at

    def follow(self, standing: Collection[str], mono: int) -> None:
        """These stand from now on; what stood until now has stood for so long."""
        passed, self._at = mono - self._at, mono
        for cause, longest in self._longest.items():
            counted = self._counted[cause] + (passed if cause in self._stood else -passed)
            self._counted[cause] = min(longest, max(0, counted))
        self._stood = frozenset(cause for cause in self._longest if cause in standing)

    def ready_at(self, cause: str) -> int:
        """When one that stands has stood for its delay, mono ns."""
        return self._at + self._longest[cause] - self._counted[cause]
