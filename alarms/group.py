"""Group: the alarms of one device at one origin, and what it takes for an ordinary reading to change none of them.

Nearly every reading is ordinary: all good, below every limit, no flag set. No condition is then active, and to an
alarm that is neither active nor about to become so «clear» and «nobody can tell» are the same: nothing. Such a
reading is let through without judging rule by rule; what the alarms show of it is written down when somebody looks.
Windows of time (`alarms.windows`) are told of it all the same.
"""

from collections.abc import Iterable

from alarms.judging import Judgement
from alarms.standing import Standing
from protocols.moment import SECOND, Moment
from protocols.ordinary import Numbers, Values, band_of
from protocols.picture import Patience, Picture
from protocols.reading import Reading

LATE_AFTER_NS = 60 * SECOND


class Group:
    """``is_idle``: none of them is active, about to become so, or counting reports. ``patience``: with the device.

    ``unnoted_at``: time stamp of the last reading that was let through and is not written down yet.
    """

    __slots__ = (
        "_band", "_keys", "_points", "_stirs", "_unnoted_at", "_windows", "is_idle", "patience", "picture", "standings",
    )  # fmt: skip

    def __init__(self, picture: Picture, standings: Iterable[Standing], patience: Patience) -> None:
        self.picture = picture
        self.patience = patience
        self.standings = tuple(standings)
        self.is_idle = False
        self._unnoted_at: int | None = None
        bounds = [standing.bound for standing in self.standings if standing.bound is not None]
        self._band = band_of(
            (limit for bound in bounds for limit in bound.limits), {flag for bound in bounds for flag in bound.flags}
        )
        self._stirs = tuple(one for bound in bounds for one in bound.stirs)
        self._windows = tuple(one for standing in self.standings for one in standing.windows)
        self._keys = tuple(one for standing in self.standings for one in standing.keys)
        self._points = len(picture.profile.points)
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
        if not self._band.holds(values):
            return False
        for stirs in self._stirs:
            if stirs(values):
                return False
        return not self._keys or not any(key.stirs(values, mono) for key in self._keys)

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """Let a reading through that `passes`."""
        self._unnoted_at = reading.at
        self.picture.note(reading, numbers, now)
        for window in self._windows:
            window.take(reading.values, now.mono)

    def lets_through(self, reading: Reading, now: Moment) -> bool:
        """Whether a reading that was ordinary to the picture (`Picture.update`) changes no alarm."""
        values = reading.values
        if not self.is_idle or len(values) != self._points or not self._changes_nothing(values, now.mono):
            return False
        self._unnoted_at = reading.at
        for window in self._windows:
            window.take(values, now.mono)
        return True

    def rests_until(self, mono: int) -> int | None:
        """When to look next whether something is lost; ``None``: at ``mono`` there may be something to find out."""
        again = self.picture.next_look(self.patience)
        return None if self.picture.lost or again is None or again <= mono else again

    def active(self, mono: int) -> list[Standing]:
        """Those whose condition stands on what is known now."""
        return [one for one in self.standings if one.judge(self.picture, mono) is Judgement.ACTIVE]

    def settle(self) -> None:
        """All were judged: find out whether they are idle now."""
        self.is_idle = all(standing.is_idle for standing in self.standings)

    def write_down(self) -> None:
        """Write into the records what the last reading said that was let through."""
        at, self._unnoted_at = self._unnoted_at, None
        if at is not None:
            for standing in self.standings:
                standing.note_value(self.picture, at)
