"""Picture: what is known of one device at one origin: the last value of each point, its trust and its trend.

Alarms and interlocks each keep pictures of their own from the same readings, so that neither depends on the
other. Absent points keep their last value, and what a flag said of them (a fault, a warm-up) holds until the flag
itself is sent cleared. DRILL and SIMULATED readings have pictures of their own (S4).
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from protocols.flags import Doubt, follow_flags, held_quality
from protocols.known import Known
from protocols.moment import SECOND, Moment
from protocols.ordinary import Numbers, kinds_of
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Reading
from protocols.samples import Samples, Taker
from protocols.telling import is_under_test, number_of, tells_of, value_of
from protocols.trend import Trend

T = TypeVar("T")

FRESH_NS = 60 * SECOND
"""A value this much older than its device's last message is no proof any more (S9's limit for late readings)."""
PATIENCE_NS = 5 * SECOND
"""A device that comes back sends what it kept, old values first: so long the newest of them may take to come."""

_QUALITIES = {int(one): one for one in Quality}  # to call the enumeration takes four times as long


_NONE: frozenset[int] = frozenset()


class Patience(NamedTuple):
    """How long a device and each of its life-safety points may be silent, mono ns; ``first``: from the start on,
    until it was heard once (S10)."""

    after: int
    first: int


class _Late(NamedTuple):
    """A row of late readings: the newest by its stamp, the last that came, and when the first of them came (mono)."""

    newest: Reading
    last: Reading
    since: int


class Picture:
    """The picture of one (device, origin). Text points are left out: nothing is judged by text.

    ``started``: the mono time it was made, from which silence counts until the first reading (S10). ``lost``: the
    device is not heard; ``trusts_late``: its late readings count, because no fresh ones came (S9). ``is_calm``: every
    value known is good, no point is lost, no flag is set and no late reading waits, so that an ordinary reading says
    nothing new but its numbers. Of those only the last are kept, and written down point by point when somebody looks.
    """

    __slots__ = (
        "_held", "_known", "_late", "_newest", "_newest_at", "_numbers", "_ordinary", "_samples", "_silent", "_trends",
        "_trusted", "_warm_up_max_ns", "_warming", "_watched", "heard", "is_calm", "lost", "profile", "started",
        "trusts_late",
    )  # fmt: skip

    def __init__(self, profile: Profile, started: int) -> None:
        self.profile = profile
        self.started = started
        self.heard: int | None = None
        self.lost = False
        self.trusts_late = False
        self._late: _Late | None = None
        self._known: dict[int, Known] = {}
        self._trusted: dict[int, Known] = {}
        self._newest: dict[int, int] = {}
        # frozen, and for most devices the empty one: a set of its own takes as much as a whole record
        self._held: frozenset[int] = _NONE
        self._watched = _watched_of(profile)
        self._silent: frozenset[int] = _NONE
        self._warming: dict[int, int] = {}
        self.is_calm = False
        self._newest_at = 0
        self._ordinary = kinds_of(profile).empty
        self._numbers: Numbers | None = None
        self._warm_up_max_ns = int(profile.file.profile.warm_up_max_s * SECOND)
        followed = [point.index for point in profile.points if point.life_safety and point.type == "number"]
        self._trends = {index: Trend(index) for index in followed}
        self._samples: Samples | None = None
        self.tell(())

    def carried(self, profile: Profile) -> "Picture":
        """This picture under the device's profile, which may be another one now: what is known of a point stands on
        where that has a point of its name, type and unit."""
        if profile is self.profile:
            return self
        self._write_down()
        self.hand_on()
        other = Picture(profile, self.started)
        other.heard, other.lost, other.trusts_late = self.heard, self.lost, self.trusts_late
        place = {
            old.index: new.index
            for old in self.profile.points
            if (new := profile.by_name.get(old.name)) is not None and (new.type, new.unit) == (old.type, old.unit)
        }
        if all(place.get(point.index) == point.index for point in self.profile.points):
            other._late = self._late
        other._known = _moved(self._known, place)
        other._trusted = _moved(self._trusted, place)
        other._newest = _moved(self._newest, place)
        other._warming = _moved(self._warming, place)
        for index, trend in _moved(self._trends, place).items():
            if index in other._trends:
                trend.index = index
                other._trends[index] = trend
        other.tell(())
        silent = {new for old, new in place.items() if old in self._silent}
        other._silent = frozenset(index for index in other._watched if self.lost or index in silent)
        standing = {
            (place.get(rule.point), rule.equals) for rule in map(self.profile.quality_rules.__getitem__, self._held)
        }
        other._held = frozenset(
            number for number, rule in enumerate(profile.quality_rules) if (rule.point, rule.equals) in standing
        )
        return other

    def tell(self, takers: Sequence[Taker]) -> None:
        """Tell these of each ordinary reading too, not later than at `hand_on`; no others that were told before."""
        self.hand_on()
        every = (*self._trends.values(), *takers)
        self._samples = Samples(every) if every else None

    def hand_on(self) -> None:
        """Whoever follows a point is told of all that came."""
        if self._samples is not None:
            self._samples.hand_on()

    # -- what comes in ---------------------------------------------------------------------------------------

    def update(self, reading: Reading, now: Moment) -> bool:
        """Take in a fresh reading: late ones that came before are overtaken.

        A value that is older than the newest of its point is doubted (uncertain:clock): it may raise something,
        and clears nothing. A known stamp that lies in the future is no measure for that: some clock was wrong.

        Returns whether it was an ordinary one: every value known before and after it is good, no point is lost and
        no flag is set, so that nothing but the numbers themselves can say anything new.
        """
        if self.is_calm and self._take_ordinary(reading, now):
            return True
        self._write_down()
        self.heard = now.mono
        self.lost = self.trusts_late = False
        self._late = None
        self._take(reading, now, in_doubt=False)
        self.is_calm = self._look_calm()
        return False

    def ordinary(self, reading: Reading) -> Numbers | None:
        """The numbers of an ordinary reading (see `update`) with the same points as the one before it, to be taken in
        with `note`; ``None`` for any other, for `update`. Changes nothing."""
        if not self.is_calm or reading.at < self._newest_at:
            return None
        return self._ordinary.numbers(reading)

    def note(self, reading: Reading, numbers: Numbers, now: Moment) -> None:
        """Take in the numbers that `ordinary` found in the reading."""
        self._numbers = numbers
        self._newest_at = reading.at
        self.heard = now.mono
        if self._samples is not None:
            self._samples.add(reading.values, now.mono)

    def doubt(self, reading: Reading, now: Moment) -> None:
        """Take in a late reading that counts, because no fresh one follows: it may raise, and clears nothing (S9).

        The device stays lost: whether its clock is wrong or its readings are old, nobody knows.
        """
        self._write_down()
        self.is_calm = False
        self._take(reading, now, in_doubt=True)

    def recall(self, reading: Reading) -> None:
        """Take in what was measured before, and is known only now: it stands before a later blindness, no more."""
        self._write_down()
        self.is_calm = False
        for number, rule in enumerate(self.profile.quality_rules):
            is_set = value_of(reading, rule.point) == rule.equals and not is_under_test(reading, rule.point)
            if is_set and reading.at >= self._newest.get(rule.point, 0):
                self._held |= {number}
        for index, value in enumerate(reading.values):
            known = Known(number_of(value), Quality(reading.quality[index]), reading.at, self.started)
            before = self._trusted.get(index)
            if before is None or before.at <= reading.at:
                self._trust(index, known)

    def _look_calm(self) -> bool:
        if self.lost or self._silent or self._held or self._warming:
            return False
        self._newest_at = max(self._newest.values(), default=0)
        return all(known.quality is Quality.GOOD for known in self._known.values())

    def _take_ordinary(self, reading: Reading, now: Moment) -> bool:
        """What `_take` does, where there is nothing to weigh: good, finite numbers not older than what is known, and
        no flag set. ``False``, and nothing taken, for any other reading."""
        numbers = self.ordinary(reading)
        if numbers is None:
            ordinary = kinds_of(self.profile).like(reading)
            if ordinary is None or ordinary is self._ordinary or reading.at < self._newest_at:
                return False
            numbers = ordinary.numbers(reading)
            if numbers is None:
                return False
            self._write_down()
            self._ordinary = ordinary
        self.note(reading, numbers, now)
        return True

    def _write_down(self) -> None:
        """Keep point by point what the last ordinary reading said: it came when the device was last heard."""
        numbers, heard, at = self._numbers, self.heard, self._newest_at
        self._numbers = None
        if numbers is not None and heard is not None:
            pairs = zip(self._ordinary.points, numbers, strict=True)
            said = {index: Known(value, Quality.GOOD, at, heard) for index, value in pairs}
            self._known.update(said)
            self._trusted.update(said)
            self._newest.update(dict.fromkeys(said, at))

    def _take(self, reading: Reading, now: Moment, *, in_doubt: bool) -> None:
        self.hand_on()
        older = {index for index, at in self._newest.items() if reading.at < at <= now.wall}
        said = follow_flags(self.profile, self._held, reading, Doubt(older, in_doubt))
        self._held = said.held
        for index, value in enumerate(reading.values):
            mark = reading.quality[index]
            if value is None and not mark:
                continue
            number, given = number_of(value), _QUALITIES[mark]
            if math.isnan(number) and not given.is_bad:
                continue
            quality = self._judge_warm_up(index, held_quality(self.profile, said.absent, index, given), now)
            is_older = index in older
            if is_older or in_doubt:
                quality = worse(quality, Quality.UNCERTAIN_CLOCK)
            known = self._known[index] = Known(number, quality, reading.at, now.mono)
            newest = self._newest.get(index, 0)
            self._newest[index] = max(reading.at, newest if newest <= now.wall else 0)
            if self._silent and not in_doubt:
                self._silent -= {index}
            if self._trust(index, known) and (in_doubt or not is_older):
                self._follow(index, known)

    def _judge_warm_up(self, index: int, quality: Quality, now: Moment) -> Quality:
        """A sensor that warms up for longer than its profile allows is faulty (S3)."""
        if quality is not Quality.UNCERTAIN_WARM_UP:
            self._warming.pop(index, None)
            return quality
        since = self._warming.setdefault(index, now.mono)
        return Quality.BAD_SENSOR_FAULT if now.mono - since > self._warm_up_max_ns else quality

    def _trust(self, index: int, known: Known) -> bool:
        """Whether the value was measured. One that is not good may only raise what stood before it (S3)."""
        if not known.is_measured:
            return False
        before = self._trusted.get(index)
        if before is None or known.quality.is_good or known.value > before.value:
            self._trusted[index] = known
        return True

    def _follow(self, index: int, known: Known) -> None:
        trend = self._trends.get(index)
        if trend is not None and not math.isinf(known.value):
            trend.add(known.heard, known.value, good=known.quality.is_good)

    # -- what is known ---------------------------------------------------------------------------------------

    def known(self, index: int) -> Known | None:
        """The last value of the point, whatever its quality; ``None`` when it was never sent."""
        if self._numbers is not None:
            self._write_down()
        return self._known.get(index)

    def trusted(self, index: int) -> Known | None:
        """The last value that was measured (good, uncertain or over range): what stood before it went blind.

        Only a good value lowers it; one of another quality stands here when it is higher (S3). Test gas is left
        out (S8).
        """
        if self._numbers is not None:
            self._write_down()
        return self._trusted.get(index)

    def is_lost(self, index: int) -> bool:
        """Whether the point is not heard: its device is lost, or sends everything but this life-safety point."""
        return self.lost or index in self._silent

    def is_proof(self, index: int) -> bool:
        """Whether the point may clear, reset or verify something: good, fresh, and heard (S3)."""
        known = self.known(index)
        if known is None or self.heard is None or self.is_lost(index):
            return False
        return known.quality.is_good and self.heard - known.heard <= FRESH_NS

    def slope_per_minute(self, index: int) -> float:
        """Rise in point units per minute, up to the last measured value; 0.0 where fewer than two samples tell.

        Least squares over the 60 s before the last sample. It is not a forecast. Values that are not good may
        make it higher, and never lower than the good ones alone (S3).
        """
        trend = self._trends.get(index)
        if trend is None:
            return 0.0
        self.hand_on()
        return trend.slope_per_minute()

    # -- silence and late readings ---------------------------------------------------------------------------

    def silent_for(self, now: Moment) -> int:
        """Mono ns since the device was heard, or since the picture was made."""
        return now.mono - (self.started if self.heard is None else self.heard)

    def lose(self) -> None:
        """The device is not heard; when it comes back, each life-safety point is lost until it was sent again."""
        self.lost = True
        self.is_calm = False
        self._silent |= frozenset(self._watched)

    def find_silent(self, patience: Patience, now: Moment) -> bool:
        """Find out what is lost: the device, or points that it stopped sending. Whether anything is lost newly."""
        again = self.next_look(patience)
        if self.lost or again is None or now.mono < again:
            return False
        if now.mono >= self._lost_at(patience):
            self.lose()
            self.trusts_late = self._late is not None
            return True
        silent = {index for index in self._heeded() if now.mono >= self._silent_at(index, patience)}
        self.is_calm = self.is_calm and not silent
        self._silent |= silent
        return bool(silent)

    def next_look(self, patience: Patience) -> int | None:
        """When `find_silent` or `late_due` may find something, mono ns; ``None``: not before a reading comes."""
        if self.is_calm and self.heard is not None and self._numbers is not None and self._ordinary.is_whole:
            return self.heard + patience.after  # each point was told as late as the device was heard
        if not self.lost:
            return min([self._lost_at(patience), *(self._silent_at(index, patience) for index in self._heeded())])
        return None if self._late is None else self._late.since + PATIENCE_NS

    def _heeded(self) -> list[int]:
        return [index for index in self._watched if index not in self._silent]

    def _lost_at(self, patience: Patience) -> int:
        return self.started + patience.first if self.heard is None else self.heard + patience.after

    def _silent_at(self, index: int, patience: Patience) -> int:
        known = self._known.get(index)
        if self._numbers is not None and self.heard is not None and index in self._ordinary.points:
            return self.heard + patience.after
        return self.started + patience.first if known is None else known.heard + patience.after

    def note_late(self, reading: Reading, now: Moment) -> None:
        """Keep a late reading until a fresh one follows, or it is time to count it as live. One that says nothing of
        life safety overtakes none that does."""
        if self._watched and not tells_of(reading, self._watched):
            return
        self.is_calm = False
        row = self._late or _Late(reading, reading, now.mono)
        self._late = _Late(reading if reading.at >= row.newest.at else row.newest, reading, row.since)

    def late_due(self, now: Moment) -> tuple[Reading, ...]:
        """Late readings that count now, each to be taken in with `doubt` and judged.

        Of a device that is lost: the newest of the row by its stamp, and the one that came last, should they
        differ. The stamps cannot tell which is younger: the device's clock may have been set back, or stand still.
        """
        row = self._late
        if row is None or not self.lost or not (self.trusts_late or now.mono >= row.since + PATIENCE_NS):
            return ()
        self._late, self.trusts_late = None, True
        return (row.last,) if row.newest is row.last else (row.newest, row.last)


@lru_cache(maxsize=256)
def _watched_of(profile: Profile) -> tuple[int, ...]:
    return tuple(point.index for point in profile.points if point.life_safety)


def _moved(kept: Mapping[int, T], place: Mapping[int, int]) -> dict[int, T]:
    return {place[index]: one for index, one in kept.items() if index in place}
