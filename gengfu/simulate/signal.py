"""What a device measures while nothing happens: a pure function of seed, device, point and time step.

The quietest golden sample of the profile is where each value stands; a number with a measuring range drifts and
trembles around it, a counter of seconds counts, everything else stands still.
"""

import hashlib
import math
from typing import NamedTuple

from protocols.profile.model import Profile
from protocols.profile.schema import PointPart
from protocols.reading import Value

DRIFT, TREMBLE = 0.005, 0.002
"""Shares of the measuring range."""
SHORTEST_DRIFT_S, LONGEST_DRIFT_S = 300.0, 1200.0
_MASK = 2**64 - 1


class _Wave(NamedTuple):
    """How one number moves. ``key``: of its chance; ``swing``: the width of its measuring range."""

    key: int
    low: float
    high: float
    period_s: float
    phase: float

    def at(self, middle: float, step: int, seconds: float) -> float:
        drift = DRIFT * math.sin(2 * math.pi * seconds / self.period_s + self.phase)
        moved = middle + (self.high - self.low) * (drift + TREMBLE * chance(self.key, step))
        return min(max(moved, self.low), self.high)


class Signal:
    """The values of one device. ``seed``: another one gives another fleet."""

    def __init__(self, profile: Profile, device: str, seed: int) -> None:
        self._parts = profile.file.point
        self._quiet = quiet(profile)
        self._waves = tuple(_wave(part, device, seed) for part in self._parts)

    def values(self, step: int, seconds: float) -> list[Value]:
        """In point order, at ``seconds`` after the start."""
        return [
            self.vary(place, value, step, seconds) if isinstance(value, float) else value
            for place, value in enumerate(self._quiet)
        ]

    def vary(self, place: int, middle: float, step: int, seconds: float) -> float:
        """What the point shows while its value is ``middle``; a value outside the range is not touched."""
        part, wave = self._parts[place], self._waves[place]
        if part.type == "counter" and part.unit == "s":
            return float(int(middle + seconds))
        if wave is None or not wave.low <= middle <= wave.high:
            return middle
        return round(wave.at(middle, step, seconds), part.decimals)


def _wave(part: PointPart, device: str, seed: int) -> _Wave | None:
    if part.type != "number" or part.range is None:
        return None
    key = int.from_bytes(hashlib.sha256(f"{seed}/{device}/{part.name}".encode()).digest()[:8], "big")
    share = (chance(key, -1) + 1) / 2
    period_s = SHORTEST_DRIFT_S + share * (LONGEST_DRIFT_S - SHORTEST_DRIFT_S)
    return _Wave(key, *part.range, period_s, math.pi * chance(key, -2))


def chance(key: int, step: int) -> float:
    """A number in [-1, 1), the same for the same two (SplitMix64: Steele, Lea, Flood, OOPSLA 2014)."""
    mixed = (key + step * 0x9E3779B97F4A7C15) & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return (mixed ^ mixed >> 31) / 2**63 - 1


def quiet(profile: Profile) -> tuple[Value, ...]:
    """The quietest golden sample in point order. A number that no golden has stands at the low end of its range."""
    calm = min(profile.file.golden, key=lambda one: (len(one.quality), _unrest(profile, one.values)))
    return tuple(calm.values.get(part.name, _otherwise(part)) for part in profile.file.point)


def _unrest(profile: Profile, values: dict[str, float | str]) -> float:
    """How much of an event a sample shows: flags that are set, gas that is there; points that are missing."""
    unrest = 0.0
    for part in profile.file.point:
        value = values.get(part.name)
        if not isinstance(value, float):
            unrest += value is None
        elif part.type == "flag":
            unrest += value
        elif part.gas is not None and part.range is not None:
            unrest += value / part.range[1]
    return unrest


def _otherwise(part: PointPart) -> Value:
    if part.type == "text":
        return None
    if part.type == "enum":
        return float(part.state[0].code)
    return part.range[0] if part.range is not None else 0.0
