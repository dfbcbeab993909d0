"""Shape: what the alarms of devices alike have in common, kept once so that it stays in the processor's cache."""

from collections.abc import Sequence

from alarms.conditions import Bound, Stirs
from protocols.ordinary import Band, Values, band_of


class Shape:
    """Of devices of one type in areas of one kind. It tells which ordinary readings may make a condition active."""

    __slots__ = ("_band", "_each", "_heeds", "_stirs")

    def __init__(self, bounds: Sequence[Bound]) -> None:
        self._band = _band_of(bounds)
        self._each = tuple((_band_of((bound,)), _stirs_of((bound,))) for bound in bounds)
        self._stirs = _stirs_of(bounds)
        self._heeds = tuple(heeds for bound in bounds for part in bound.parts for heeds in part.heeds)

    def is_met(self, values: Values) -> bool:
        """Whether a condition that remembers nothing may be active with these."""
        return not self._band.holds(values) or _is_any(self._stirs, values)

    def met(self, values: Values) -> set[int]:
        """Which of the bounds, by their place, have such a condition."""
        if not self.is_met(values):
            return set()
        return {
            place
            for place, (band, stirs) in enumerate(self._each)
            if not band.holds(values) or (stirs and _is_any(stirs, values))
        }

    def is_heeded(self, values: Values) -> bool:
        """Whether a window of time has to be asked of these."""
        return _is_any(self._heeds, values)


def _band_of(bounds: Sequence[Bound]) -> Band:
    parts = [part for bound in bounds for part in bound.parts]
    return band_of((limit for part in parts for limit in part.limits), {flag for part in parts for flag in part.flags})


def _stirs_of(bounds: Sequence[Bound]) -> tuple[Stirs, ...]:
    return tuple(stirs for bound in bounds for part in bound.parts for stirs in part.stirs)


def _is_any(tests: Sequence[Stirs], values: Values) -> bool:
    found = False
    for test in tests:  # any() would make a generator for each reading
        found = found or test(values)
    return found
