"""Group: the alarms of one device at one origin, and what it takes for an ordinary reading to change none of them.

Nearly every reading is ordinary: all good, below every limit, no flag set. No condition is then active, and to an
alarm that is neither active nor about to become so «clear» and «nobody can tell» are the same: nothing. Such a
reading is let through without judging rule by rule; what the alarms show of it is written down when somebody looks.
Windows of time (`alarms.windows`) are told of it all the same.
"""

from collections.abc import Iterable, Iterator

from alarms.judging import Judgement
from alarms.shape import Shape
from alarms.standing import Standing
from alarms.together import Together
from alarms.windows import NEVER, Window
from protocols.moment import SECOND, Moment
from protocols.ordinary import Numbers, Values
from protocols.picture import Patience, Picture
from protocols.reading import Reading

LATE_AFTER_NS = 60 * SECOND


class Group:
    """``standings``: in the order of the bounds of ``shape``. ``is_idle``: none of them is active, about to become so,
    or counting reports. ``patience``: with the device.

    ``unnoted_at``: time stamp of the last reading, where it is not written down yet. ``wakes_at``: from when on
    the windows have to be asked of every ordinary reading, mono ns.
    """

    __slots__ = ("_keys", "_shape", "_unnoted_at", "_wakes_at", "is_idle", "patience", "picture", "standings")

    def __init__(self, picture: Picture, standings: Iterable[Standing], patience: Patience, shape: Shape) -> None:
        self.picture = picture
        self.patience = patience
        self.standings = tuple(standings)
        self.is_idle = False
        self._unnoted_at: int | None = None
        self._shape = shape
        picture.tell([one for standing in self.standings for one in standing.windows])
        self._keys = tuple(one for standing in self.standings for one in standing.keys)
        self._wakes_at = 0
        for standing in self.standings:
            standing.group = self

    def passes(self, reading: Reading, now: Moment) -> Numbers | None:
        """The numbers of a reading that changes no alarm, to be taken in with `note`; ``None`` for one that has to be
        judged. Changes nothing."""
        if not self.is_idle or now.wall - reading.at > LATE_AFTER_NS:
            return None
        numbers = self.picture.ordinary(reading)
        return numbers if numbers is not None and self._changes_nothing(reading.values, now.mono) else None

    def _changes_nothing(self, values: Values, mono: int) -> bool:
        shape = self._shape
        if shape.is_met(values):
            return False
        return (mono < self._wakes_at and not shape.is_heeded(values)) or not self._stirs(values, mono)

    def _stirs(self, values: Values, mono: int) -> bool:
        """Whether a window may make a condition active."""
        self.picture.hand_on()
        self._look_when(mono)
        return _is_stirred(self._keys, values, mono)

    def _look_when(self, mono: int) -> None:
        self._wakes_at = min((key.wakes_at(mono) for key in self._keys), default=NEVER)

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """Let a reading through that `passes`."""
        self._unnoted_at = reading.at
        self.picture.note(reading, numbers, now)

    def lets_through(self, reading: Reading, now: Moment) -> bool:
        """Whether a reading that was ordinary to the picture (`Picture.update`) changes no alarm."""
        if not self.is_idle or not self._changes_nothing(reading.values, now.mono):
            return False
        self._unnoted_at = reading.at
        return True

    def rests_until(self, mono: int) -> int | None:
        """When to look next whether something is lost; ``None``: at ``mono`` there may be something to find out."""
        again = self.picture.next_look(self.patience)
        return None if self.picture.lost or again is None or again <= mono else again

    def active(self, mono: int) -> list[Standing]:
        """Those whose condition stands on what is known now."""
        return [one for one in self.standings if one.judge(self.picture, mono) is Judgement.ACTIVE]

    def stir(self, reading: Reading | None) -> None:
        """All are about to be judged, because of this reading or of time. Its values are written down when somebody
        looks, or when it changes one of them."""
        self.picture.hand_on()
        self.is_idle = False
        if reading is not None:
            self._unnoted_at = reading.at

    def concerned(self, values: Values, mono: int) -> list[Standing]:
        """Those that an ordinary reading may change, to be asked after `stir`: the others are idle, and without
        something that may make them active they stay so."""
        met = self._shape.met(values)
        return [
            standing
            for place, standing in enumerate(self.standings)
            if place in met or not standing.is_idle or (standing.keys and _is_stirred(standing.keys, values, mono))
        ]

    def settle(self, mono: int) -> None:
        """All were judged: find out whether they are idle now."""
        self._look_when(mono)
        self.is_idle = all(standing.is_idle for standing in self.standings)

    def write_down(self) -> None:
        """Write into the records what the last reading said, and tell the windows of all."""
        self.picture.hand_on()
        at, self._unnoted_at = self._unnoted_at, None
        if at is not None:
            for standing in self.standings:
                standing.note_value(self.picture, at)


def _is_stirred(keys: Iterable[Window], values: Values, mono: int) -> bool:
    return any(key.stirs(values, mono) for key in keys)


def introduce(standings: Iterable[Standing], neighbours: Iterable[Group | None]) -> None:
    """Let conditions that neighbours meet together know those of the same rule at these, and no others."""
    beside = [one for group in neighbours if group is not None for one in _together(group.standings)]
    for standing, window in _together(standings):
        window.part(standing.record.alarm)
        for other, theirs in beside:
            if other.record.rule == standing.record.rule:
                window.meet(standing.record.alarm, other.record.alarm, theirs)


def _together(standings: Iterable[Standing]) -> Iterator[tuple[Standing, Together]]:
    for standing in standings:
        yield from ((standing, window) for window in standing.windows if isinstance(window, Together))
