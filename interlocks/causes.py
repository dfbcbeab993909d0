"""Whether a cause of a matrix stands, judged on pictures of the zone's detectors.

Causes are 1-out-of-n where they have no vote. A value is taken at any quality (S3), but for votes, where a detector
that warms up has failed; one under bump test trips nothing (S8). These few comparisons are written apart from those of
the alarms on purpose: neither may disarm the other.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from interlocks.matrix import Cause, When
from interlocks.votes import Ballot, Ruling, Say
from interlocks.zone import Member, Zone
from protocols.limits import in_unit_of
from protocols.picture import Picture
from protocols.profile.model import Point
from protocols.quality import Quality

Pictures = Mapping[str, Picture]
Test = Callable[[Picture], bool]
SAYS_NOT_NO = frozenset(
    (
        Quality.UNCERTAIN_WARM_UP,
        Quality.UNCERTAIN_UNDER_TEST,
        Quality.UNCERTAIN_STALE,
        Quality.UNCERTAIN_EXPIRED,
    )
)


FAILS_WHATEVER_IT_READS = (Quality.UNCERTAIN_WARM_UP, Quality.UNCERTAIN_UNDER_TEST)


class BoundCause:
    """A cause over all members of a zone, kept up device by device: what one device shows changes no other's part.

    ``limits``: by device, index and value from which on a number makes it stand; ``flags``: indexes that do when set.
    Where every known value is good and nothing is lost, nothing else makes it stand.
    """

    def __init__(self, cause: Cause, zone: Zone) -> None:
        self.cause = cause
        self._tests: dict[str, list[Test]] = {}
        self._standing: set[str] = set()
        self._all_lost = []
        self._votes: dict[str, list[Saying]] = {}
        voices: dict[str, str] = {}
        self.limits: dict[str, list[tuple[int, float]]] = {}
        self.flags: dict[str, list[int]] = {}
        for when in cause.when:
            found = [(member, point) for member, point in _detector_points(zone, when) if _matches(when, member, point)]
            if when.kind != "all-lost":
                for member, point in found:
                    test = _bind_point(when, member, point)
                    self._tests.setdefault(member.device, []).append(test)
                    self._votes.setdefault(member.device, []).append(Saying(test, point.index, when.kind))
                    voices[member.device] = member.common_cause or member.device
                    if when.kind == "flag":
                        self.flags.setdefault(member.device, []).append(point.index)
                    elif when.kind == "high":
                        self.limits.setdefault(member.device, []).append((point.index, _limit(when, member, point)))
            elif found and not zone.staffed:
                self._all_lost.append(_AllLost(found))
        self._ballot = None if cause.vote == "1ooN" else Ballot(cause.vote, voices)

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        tests = self._tests.get(device)
        if tests is not None:
            if self._ballot is not None:
                self._ballot.say(device, max(saying.of(picture) for saying in self._votes[device]))
            elif any(test(picture) for test in tests):
                self._standing.add(device)
            else:
                self._standing.discard(device)
        for one in self._all_lost:
            one.follow(device, picture)

    @property
    def is_calm(self) -> bool:
        """Whether nobody says anything but no in its vote: then a quiet reading changes nothing in it."""
        return self._ballot is None or self._ballot.is_unanimous

    @property
    def stands(self) -> bool:
        """Whether it stands now: by its vote, at one device at least, or because no detector can say no."""
        if self._ballot is not None:
            return self._ballot.ruling is Ruling.TRIP
        return bool(self._standing) or any(one.stands for one in self._all_lost)


class Saying(NamedTuple):
    """One point of a device in a vote, and what makes it say yes."""

    test: Test
    point: int
    kind: str

    def of(self, picture: Picture) -> Say:
        """What it says now. Not heard yet, under test, warming up or blind: it has failed, whatever it reads (S3, S7).
        So has one that may not say no."""
        quality = _quality(picture, self.point)
        is_blind_now = self.kind != "blind-rising" and is_blind(picture, self.point)
        if quality is None or quality in FAILS_WHATEVER_IT_READS or is_blind_now:
            return Say.FAILED
        if self.test(picture):
            return Say.YES
        return Say.NO if _is_seen(picture, self.point) else Say.FAILED


class _AllLost:
    """Every detector of the role is bad or lost. ``_seen``: devices with one that is not."""

    def __init__(self, found: list[tuple[Member, Point]]) -> None:
        self._points: dict[str, list[int]] = {}
        for member, point in found:
            self._points.setdefault(member.device, []).append(point.index)
        self._seen: set[str] = set()

    def follow(self, device: str, picture: Picture) -> None:
        if any(_is_seen(picture, index) for index in self._points.get(device, ())):
            self._seen.add(device)
        else:
            self._seen.discard(device)

    @property
    def stands(self) -> bool:
        return not self._seen


class Proof:
    """Whether every life-safety value of these devices is seen, good and fresh, kept up device by device; never where
    there is none (S16)."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._inputs = {one.device: one.inputs for one in members if one.is_looked_at and one.inputs}
        self._missing = set(self._inputs)

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        if all(picture.is_proof(index) for index in self._inputs.get(device, ())):
            self._missing.discard(device)
        else:
            self._missing.add(device)

    @property
    def stands(self) -> bool:
        """Whether all of them prove it now."""
        return bool(self._inputs) and not self._missing


def _detector_points(zone: Zone, when: When) -> list[tuple[Member, Point]]:
    return [(member, point) for member in zone.detectors(when.where) for point in member.profile.points]


def _matches(when: When, member: Member, point: Point) -> bool:
    gas = member.profile.file.point[point.index].gas
    return point.role == when.role and (not when.species or (gas is not None and gas.species in when.species))


def _bind_point(when: When, member: Member, point: Point) -> Test:
    index = point.index
    if when.kind == "flag":
        return lambda picture: _value(picture, index) == 1.0
    if when.kind == "over-range":
        return lambda picture: _quality(picture, index) is Quality.BAD_OVER_RANGE
    limit = _limit(when, member, point)
    if when.kind == "high":
        return lambda picture: (_value(picture, index) or 0.0) >= limit
    assert when.slope is not None
    assert when.unit is not None
    slope = in_unit_of(member.profile, point, when.slope, when.unit)
    return lambda picture: _blind_rising(picture, index, limit, slope)


def _limit(when: When, member: Member, point: Point) -> float:
    """The limit in the point's own unit."""
    assert when.limit is not None
    assert when.unit is not None
    return in_unit_of(member.profile, point, when.limit, when.unit)


def _value(picture: Picture, index: int) -> float | None:
    known = picture.known(index)
    return None if known is None or known.quality is Quality.UNCERTAIN_UNDER_TEST else known.value


def _quality(picture: Picture, index: int) -> Quality | None:
    known = picture.known(index)
    return None if known is None else known.quality


def is_blind(picture: Picture, index: int) -> bool:
    """Not heard (its device, or this point alone), or bad in another way than over range."""
    quality = _quality(picture, index)
    is_bad = quality is not None and quality.is_bad and quality is not Quality.BAD_OVER_RANGE
    return is_bad or picture.is_lost(index)


def _blind_rising(picture: Picture, index: int, limit: float, slope: float) -> bool:
    if not is_blind(picture, index):
        return False
    last = picture.trusted(index)
    return last is not None and (last.value >= limit or picture.slope_per_minute(index) >= slope)


def _is_seen(picture: Picture, index: int) -> bool:
    """Whether the detector may say «no gas» (S7): neither blind, nor warming up, under test or past its life."""
    return not is_blind(picture, index) and _quality(picture, index) not in SAYS_NOT_NO
