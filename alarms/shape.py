"""Shape: what the alarms of devices alike have in common, kept once so that it stays in the processor's cache."""

from collections.abc import Sequence

from alarms.conditions import Bound, Stirs
from protocols.ordinary import Values, band_of


class Shape:
    """Of devices of one type in areas of one kind. It tells which ordinary readings may make a condition active."""

    __slots__ = ("_band", "_heeds", "_stirs")

    def __init__(self, bounds: Sequence[Bound]) -> None:
        parts = [part for bound in bounds for part in bound.parts]
        self._band = band_of(
            (limit for part in parts for limit in part.limits), {flag for part in parts for flag in part.flags}
        )
        self._stirs = tuple(stirs for part in parts for stirs in part.stirs)
        self._heeds = tuple(heeds for part in parts for heeds in part.heeds)

    def is_met(self, values: Values) -> bool:
        """Whether a condition that remembers nothing may be active with these."""
        return not self._band.holds(values) or _is_any(self._stirs, values)

    def is_heeded(self, values: Values) -> bool:
        """Whether a window of time has to be asked of these."""
        return _is_any(self._heeds, values)


def _is_any(tests: Sequence[Stirs], values: Values) -> bool:
    found = False
    for test in tests:  # any() would make a generator for each reading
        found = found or test(values)
    return found
