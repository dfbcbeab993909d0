"""What a window of time keeps of the samples in it: at most `MOST_SAMPLES`, thinned on the safe side.

Times are mono ns, and never run backward: a sample that claims to be older than the one before it counts as of the same
time. Neighbours are joined only within a `FINEST`-th of the window, so that its error stays below that.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

MOST_SAMPLES = 64
FINEST = 24
"""Joined as far as they may be, the neighbours of a window are twice as many and three: fewer than are kept."""


class _Low(NamedTuple):
    """The lowest value from ``since`` on; it counts as heard ``until`` then."""

    since: int
    until: int
    value: float


class Lowest:
    """The lowest value of the last ``over`` ns. Where samples were joined it stays lower for longer, never shorter."""

    __slots__ = ("_grain", "_kept", "_over")

    def __init__(self, over: int) -> None:
        self._over = over
        self._grain = over // FINEST
        self._kept: list[_Low] = []

    def __len__(self) -> int:
        """How many samples are kept."""
        return len(self._kept)

    def add(self, mono: int, value: float) -> None:
        """Take in a sample."""
        self.at(mono)
        kept = self._kept
        if kept:
            mono = max(mono, kept[-1].until)
        while kept and kept[-1].value >= value:
            kept.pop()
        kept.append(_Low(mono, mono, value))
        if len(kept) > MOST_SAMPLES:
            self._thin()

    def extend(self, times: Sequence[int], values: Sequence[float]) -> None:
        """Take in samples, one at least, oldest first."""
        kept = self._kept
        if kept and times[0] < kept[-1].until:
            for mono, value in zip(times, values, strict=True):
                self.add(mono, value)
            return
        fresh: list[_Low] = []
        lowest = math.inf
        for mono, value in zip(reversed(times), reversed(values), strict=True):
            if value < lowest or not fresh:
                fresh.append(_Low(mono, mono, value))
                lowest = value
        while kept and kept[-1].value >= lowest:
            kept.pop()
        kept.extend(reversed(fresh))
        self.at(times[-1])
        if len(kept) > MOST_SAMPLES:
            self._thin()

    def at(self, mono: int) -> float | None:
        """The lowest; ``None`` where nothing came."""
        kept, since = self._kept, mono - self._over
        while kept and kept[0].until < since:
            del kept[0]
        return kept[0].value if kept else None

    def _thin(self) -> None:
        joined: list[_Low] = []
        for one in self._kept:
            if joined and one.until - joined[-1].since <= self._grain:
                joined[-1] = joined[-1]._replace(until=one.until)
            else:
                joined.append(one)
        self._kept = joined


class _Span(NamedTuple):
    """From ``since`` until the next: the mean, the highest value, and whether it may clear something."""

    since: int
    value: float
    highest: float
    trusted: bool


class _Part(NamedTuple):
    """A part of a window."""

    begin: int
    end: int
    value: float
    highest: float


class Mean(NamedTuple):
    """``value``: of the whole window; ``proved``: all of it was watched, and all of that trusted."""

    value: float
    proved: bool


class Spans:
    """Values that each hold until the next comes, over the last ``over`` ns."""

    __slots__ = ("_grain", "_kept", "_over")

    def __init__(self, over: int) -> None:
        self._over = over
        self._grain = over // FINEST
        self._kept: list[_Span] = []

    def __len__(self) -> int:
        """How many spans are kept."""
        return len(self._kept)

    @property
    def last(self) -> float | None:
        """The value that holds now."""
        return self._kept[-1].value if self._kept else None

    def add(self, mono: int, value: float, *, trusted: bool) -> None:
        """From ``mono`` on it is ``value``."""
        kept = self._kept
        if kept:
            last = kept[-1]
            if (last.value, last.trusted) == (value, trusted):
                return
            mono = max(mono, last.since)
        kept.append(_Span(mono, value, value, trusted))
        self._drop(mono)
        if len(kept) > MOST_SAMPLES:
            self._thin()

    def extend(self, times: Sequence[int], values: Sequence[float]) -> None:
        """Take in trusted values, one at least, oldest first."""
        kept = self._kept
        if not kept or times[0] < kept[-1].since or not kept[-1].trusted:
            for mono, value in zip(times, values, strict=True):
                self.add(mono, value, trusted=True)
            return
        last = kept[-1].value
        for mono, value in zip(times, values, strict=True):
            if value != last:
                kept.append(_Span(mono, value, value, trusted=True))
                last = value
        self._drop(times[-1])
        if len(kept) > MOST_SAMPLES:
            self._thin()

    def mean(self, mono: int, floor: float) -> Mean:
        """The mean at ``mono``. What was not watched counts as ``floor``, which no value is below; of a joined span
        that began before the window the highest value counts."""
        self._drop(mono)
        since, end, total = mono - self._over, mono, 0.0
        for span in reversed(self._kept):
            length = end - max(span.since, since)
            if length > 0:
                total += length * (span.highest if span.since < since else span.value)
            end = span.since
        unwatched = max(0, min(end - since, self._over))
        if unwatched and total < math.inf:
            total += unwatched * floor
        return Mean(total / self._over, not unwatched and all(span.trusted for span in self._kept))

    def reaches(self, mono: int, floor: float, limit: float) -> int | None:
        """When the `mean` comes to ``limit`` though nothing else is heard, mono ns; ``None``: it does not, or has."""
        last = self.last
        if last is None:
            return None
        since, first = mono - self._over, self._kept[0].since
        if first > since and math.isinf(floor):
            return first + self._over
        missing = (limit - self.mean(mono, floor).value) * self._over
        if missing <= 0:
            return None
        for part in self._parts(since, mono, floor):
            at, length = mono + part.begin - since, part.end - part.begin
            missing -= (part.highest - part.value) * length
            if missing <= 0:
                return at
            gain = last - part.highest
            if gain > 0 and missing <= gain * length:
                return at + math.ceil(missing / gain)
            missing -= gain * length
        return None if missing > 0 else mono + self._over

    def _parts(self, since: int, mono: int, floor: float) -> Iterator[_Part]:
        """The window, oldest part first; what is ``value`` in its `mean` now is ``highest`` when it leaves."""
        first = self._kept[0].since
        if first > since:
            yield _Part(since, first, floor, floor)
        for number, span in enumerate(self._kept):
            end = self._kept[number + 1].since if number + 1 < len(self._kept) else mono
            value = span.highest if span.since < since else span.value
            yield _Part(max(span.since, since), end, value, span.highest)

    def _drop(self, mono: int) -> None:
        kept, since = self._kept, mono - self._over
        while len(kept) > 1 and kept[1].since <= since:
            del kept[0]

    def _thin(self) -> None:
        """Join what has ended; the last span still goes on."""
        spans = self._kept
        joined: list[_Span] = []
        for one, following in pairwise(spans):
            if joined and following.since - joined[-1].since <= self._grain:
                joined[-1] = _join(joined[-1], one, following.since)
            else:
                joined.append(one)
        joined.append(spans[-1])
        self._kept = joined


def _join(first: _Span, second: _Span, end: int) -> _Span:
    whole = end - first.since
    highest = max(first.highest, second.highest)
    if not whole:
        return _Span(first.since, highest, highest, first.trusted and second.trusted)
    parts = ((first.value, second.since - first.since), (second.value, end - second.since))
    value = sum(one * length for one, length in parts) / whole
    return _Span(first.since, value, highest, first.trusted and second.trusted)
