"""Conditions over a window of time: what each remembers of the samples of its point, by their arrival.

A window belongs to one alarm: one device, point, rule and origin (S4). It is bounded, and starts anew with the gateway
and when the site is changed at its device (S10): what was measured before that is not counted. A value that is not good
may make such a condition active and never ends it (S3); test gas does neither (S8). A device whose reports are further
apart than the window can neither rise, fall nor be frozen in it.
"""

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeGuard

from alarms.judging import Judgement
from alarms.spans import Lowest, Spans
from protocols.known import Known
from protocols.ordinary import Values, is_at_or_above, is_at_or_below
from protocols.picture import Picture
from protocols.quality import Quality

NEVER = sys.maxsize
_ROUNDING = 1e-9
"""By so much a mean may miss its limit: it is a sum of many parts, and must not miss one that it comes to."""


def is_whole(values: Sequence[float | None]) -> TypeGuard[Sequence[float]]:
    """Whether each reading has a value."""
    return None not in values


class Window(ABC):
    """Every reading of the device is told to it: with `take` where nothing has to be judged, by a call otherwise."""

    __slots__ = ("_seen", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self._seen: Known | None = None

    def __call__(self, picture: Picture, mono: int) -> Judgement:
        """Take in what came, if anything did, and judge. To ask again changes nothing."""
        known = picture.known(self.index)
        if known is None:
            return Judgement.HOLD
        if known is not self._seen:
            self._seen = known
            self._hear(known)
        if picture.is_lost(self.index):
            self._lose(mono)
        if known.quality is Quality.UNCERTAIN_UNDER_TEST:
            return Judgement.HOLD
        return self._judge(picture, mono)

    def take(self, times: Sequence[int], values: Sequence[float | None]) -> None:
        """Take in ordinary readings, in which each value is good: when they were heard (mono ns), and the value that
        each has of the point, if any."""
        for mono, value in zip(times, values, strict=True):
            if value is not None:
                self._add(mono, value, good=True)

    def due(self, mono: int) -> int | None:
        """When to look again, mono ns, because it may become active though nothing is heard; ``None``: never. Asked
        where it is not active at ``mono``."""
        del mono
        return None

    def wakes_at(self, mono: int) -> int:
        """From when on `stirs` has to be asked of every ordinary reading, mono ns; before that only of those with a
        value that such a window heeds. Changes only when a reading is judged, or was asked of."""
        del mono
        return NEVER

    def whom_to_judge(self) -> Collection[str]:
        """Ids of other alarms that may become active by what was heard here."""
        return ()

    @abstractmethod
    def stirs(self, values: Values, mono: int) -> bool:
        """Whether an ordinary reading may make the condition active. All that came before must have been taken in, and
        it itself may have been."""

    def _hear(self, known: Known) -> None:
        value = known.value
        if math.isnan(value) and known.quality is Quality.BAD_OVER_RANGE:
            value = math.inf
        if known.quality is Quality.UNCERTAIN_UNDER_TEST:
            self._pause(known.heard)
        elif math.isnan(value):
            self._miss(known.heard)
        else:
            self._add(known.heard, value, good=known.quality.is_good)

    @abstractmethod
    def _add(self, mono: int, value: float, *, good: bool) -> None:
        """A value came."""

    @abstractmethod
    def _miss(self, mono: int, /) -> None:
        """The device said only that it has no value."""

    def _lose(self, mono: int, /) -> None:
        """Nothing is heard."""
        self._miss(mono)

    @abstractmethod
    def _pause(self, mono: int, /) -> None:
        """Test gas is at the detector."""

    @abstractmethod
    def _judge(self, picture: Picture, mono: int) -> Judgement: ...


class Rise(Window):
    """The newest value is by >= ``by`` above the lowest in the window, and >= ``limit``. It has gone when that is
    < ``gone``, of good values that were followed for as long as the window is."""

    __slots__ = ("_at", "_by", "_doubtful", "_gone", "_good", "_limit", "_newest", "_over", "_since")

    sign = 1.0

    def __init__(self, index: int, by: float, gone: float, limit: float | None, over: int) -> None:
        super().__init__(index)
        self._by, self._gone, self._over = by, gone, over
        self._limit = -math.inf if limit is None else self.sign * limit
        self._good, self._doubtful = Lowest(over), Lowest(over)
        self._newest, self._at = -math.inf, 0
        self._since: int | None = None

    @classmethod
    def heeds(cls, index: int, limit: float | None) -> Callable[[Values], bool]:
        """Which values it has to be asked of: those at the limit."""
        if limit is None:
            return lambda _values: True
        return partial(is_at_or_above if cls.sign > 0 else is_at_or_below, index, limit)

    def stirs(self, values: Values, mono: int) -> bool:
        """Whether it would be risen with this value."""
        value = values[self.index]
        if not isinstance(value, float | int) or self.sign * value < self._limit:
            return False
        return self.sign * value - self._lowest(mono) >= self._by

    def take(self, times: Sequence[int], values: Sequence[float | None]) -> None:
        """See `Window.take`."""
        if not is_whole(values):
            super().take(times, values)
            return
        if self._since is None:
            self._since = times[0]
        numbers = values if self.sign > 0 else [-value for value in values]
        self._newest, self._at = numbers[-1], times[-1]
        self._good.extend(times, numbers)

    def _add(self, mono: int, value: float, *, good: bool) -> None:
        self._newest, self._at = self.sign * value, mono
        if self._since is None:
            self._since = mono
        if math.isfinite(value):
            (self._good if good else self._doubtful).add(mono, self._newest)

    def _miss(self, _mono: int, /) -> None:
        """What came before stands."""

    _pause = _miss

    def _lowest(self, mono: int) -> float:
        found = (self._good.at(mono), self._doubtful.at(mono))
        return min((one for one in found if one is not None), default=math.inf)

    def _judge(self, picture: Picture, mono: int) -> Judgement:
        if self._since is None or mono - self._at > self._over:
            return Judgement.HOLD
        if self._newest - self._lowest(mono) >= self._by and self._newest >= self._limit:
            return Judgement.ACTIVE
        lowest = self._good.at(mono)
        if lowest is None or mono - self._since < self._over or not picture.is_proof(self.index):
            return Judgement.HOLD
        return Judgement.CLEAR if self._newest - lowest < self._gone else Judgement.HOLD


class Fall(Rise):
    """`Rise` downward: below the highest, and <= ``limit``."""

    __slots__ = ()

    sign = -1.0


class HighMean(Window):
    """The mean of the window, each value holding until the next, is >= ``limit``; it has gone below ``gone``.

    What came before the first sample, and the time of a bump test, counts as ``floor``, which no value is below: it is
    active as soon as nothing in that time could keep the mean below the limit. It has gone only where the whole window
    was watched, on good values. A value that is not good counts as the last good one where that is higher; while
    nothing is heard, the last one holds.
    """

    __slots__ = ("_floor", "_gone", "_limit", "_loud_until", "_over", "_spans", "_trusted")

    def __init__(self, index: int, limit: float, gone: float, floor: float, over: int) -> None:
        super().__init__(index)
        self._limit = _rounded(limit)
        self._gone, self._floor, self._over = gone, floor, over
        self._spans = Spans(over)
        self._trusted = floor
        self._loud_until = -1

    @staticmethod
    def heeds(index: int, limit: float) -> Callable[[Values], bool]:
        """Which values it has to be asked of: those at the limit."""
        return partial(is_at_or_above, index, _rounded(limit))

    def wakes_at(self, mono: int) -> int:
        """At once while a value at the limit is in the window."""
        return 0 if self._is_loud(mono) else NEVER

    def _is_loud(self, mono: int) -> bool:
        last = self._spans.last
        return mono <= self._loud_until or (last is not None and last >= self._limit)

    def stirs(self, values: Values, mono: int) -> bool:
        """Whether the value is at the limit, or any in the window was."""
        value = values[self.index]
        return self._is_loud(mono) or (isinstance(value, float | int) and value >= self._limit)

    def due(self, mono: int) -> int | None:
        """When the mean comes to the limit, because the last value holds and what was before leaves the window."""
        is_tested = self._seen is not None and self._seen.quality is Quality.UNCERTAIN_UNDER_TEST
        return None if is_tested else self._spans.reaches(mono, self._floor, self._limit)

    def take(self, times: Sequence[int], values: Sequence[float | None]) -> None:
        """See `Window.take`. Nothing that was let through is at the limit, nor was what came before it."""
        if not is_whole(values):
            super().take(times, values)
            return
        last = self._spans.last
        if max(values) >= self._limit or (last is not None and last >= self._limit):
            super().take(times, values)
            return
        self._trusted = values[-1]
        self._spans.extend(times, values)

    def _add(self, mono: int, value: float, *, good: bool) -> None:
        if good:
            self._trusted = value
        else:
            value = max(value, self._trusted)
        last = self._spans.last
        if value >= self._limit or (last is not None and last >= self._limit):
            self._loud_until = mono + self._over
        self._spans.add(mono, value, trusted=good)

    def _miss(self, mono: int, /) -> None:
        last = self._spans.last
        if last is not None:
            self._spans.add(mono, last, trusted=False)

    def _pause(self, mono: int, /) -> None:
        self._trusted = self._floor
        self._spans.add(mono, self._floor, trusted=False)

    def _judge(self, picture: Picture, mono: int) -> Judgement:
        mean = self._spans.mean(mono, self._floor)
        if mean.value >= self._limit:
            return Judgement.ACTIVE
        is_gone = mean.proved and mean.value < self._gone and picture.is_proof(self.index)
        return Judgement.CLEAR if is_gone else Judgement.HOLD


def _rounded(limit: float) -> float:
    return limit - abs(limit) * _ROUNDING


class Frozen(Window):
    """Good values for as long as the window, none further than ``spread`` from another. While nothing is heard it is
    not frozen, and the time counts anew; a value that is not good counts for nothing. Not frozen yet is clear."""

    __slots__ = ("_at", "_before", "_highest", "_lowest", "_over", "_since", "_spread")

    def __init__(self, index: int, spread: float, over: int) -> None:
        super().__init__(index)
        self._spread, self._over = spread, over
        self._begin()

    def _begin(self) -> None:
        self._lowest, self._highest = Lowest(self._over), Lowest(self._over)
        self._since: int | None = None
        self._before = self._at = -1

    def wakes_at(self, mono: int) -> int:
        """When it was watched for long enough; at once where it is not known since when."""
        del mono
        return 0 if self._since is None else self._since + self._over

    def stirs(self, values: Values, mono: int) -> bool:
        """Whether it was watched for long enough, and does not move with this value."""
        if self._since is None or mono - self._since < self._over:
            return False
        value = values[self.index]
        return self._is_still(mono, (value,) if isinstance(value, float | int) else ())

    def _add(self, mono: int, value: float, *, good: bool) -> None:
        if not good:
            return
        if self._since is None:
            self._since = mono
        if mono != self._at:
            self._before, self._at = self._at, mono
        self._lowest.add(mono, value)
        self._highest.add(mono, -value)

    def _lose(self, _mono: int, /) -> None:
        self._begin()

    def _miss(self, _mono: int, /) -> None:
        """What came before stands."""

    _pause = _miss

    def _is_still(self, mono: int, values: tuple[float, ...] = ()) -> bool:
        low, negative = self._lowest.at(mono), self._highest.at(mono)
        if low is None or negative is None:
            return True
        return max((-negative, *values)) - min((low, *values)) <= self._spread

    def _judge(self, picture: Picture, mono: int) -> Judgement:
        if not picture.is_proof(self.index):
            return Judgement.HOLD
        start = mono - self._over
        settled = self._since is not None and self._since <= start <= self._before
        return Judgement.ACTIVE if settled and self._is_still(mono) else Judgement.CLEAR
