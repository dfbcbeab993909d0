"""Together: a condition that neighbours meet together, such as gas in two wells within half an hour (GW-02)."""

from collections.abc import Callable, Collection
from functools import partial

from alarms.judging import Judgement, clear_if_trusted
from alarms.windows import Window
from protocols.ordinary import Values, is_at_or_above
from protocols.picture import Picture


class Together(Window):
    """The value was >= ``limit`` here and at a neighbour, both in the last ``over`` ns. Test gas counts for nothing.

    ``mates``: the same condition of the same rule at the neighbours, at the same origin (S4), by the id of its alarm.
    When the value comes to the limit here, theirs have to be judged again (`whom_to_judge`).
    """

    __slots__ = ("_at", "_gone", "_is_news", "_limit", "_over", "mates")

    def __init__(self, index: int, limit: float, gone: float, over: int) -> None:
        super().__init__(index)
        self._limit, self._gone, self._over = limit, gone, over
        self._at: int | None = None
        self._is_news = False
        self.mates: dict[str, Together] = {}

    @staticmethod
    def heeds(index: int, limit: float) -> Callable[[Values], bool]:
        """Which values it has to be asked of: those at the limit."""
        return partial(is_at_or_above, index, limit)

    def stirs(self, values: Values, mono: int) -> bool:
        """Whether the value is at the limit."""
        del mono
        return is_at_or_above(self.index, self._limit, values)

    def meet(self, alarm: str, other_alarm: str, other: "Together") -> None:
        """From now on the two know each other; ``alarm``: the id of this one's."""
        self.mates[other_alarm] = other
        other.mates[alarm] = self

    def part(self, alarm: str) -> None:
        """No neighbour knows it any more, whose alarm has this id, and it knows none."""
        for other in self.mates.values():
            other.mates.pop(alarm, None)
        self.mates = {}

    def whom_to_judge(self) -> Collection[str]:
        """Whose alarms may become active by what came here since it was asked last."""
        is_news, self._is_news = self._is_news, False
        return self.mates if is_news else ()

    def _add(self, mono: int, value: float, *, good: bool) -> None:
        del good  # a value that is not good may raise it (S3)
        if value >= self._limit:
            self._at, self._is_news = mono, True

    def _miss(self, _mono: int, /) -> None:
        """What came before stands."""

    _pause = _miss

    def _was_met(self, mono: int) -> bool:
        return self._at is not None and mono - self._at <= self._over

    def _judge(self, picture: Picture, mono: int) -> Judgement:
        if self._was_met(mono) and any(other._was_met(mono) for other in self.mates.values()):
            return Judgement.ACTIVE
        known = picture.known(self.index)
        return clear_if_trusted(picture, self.index) if known and known.value < self._gone else Judgement.HOLD
