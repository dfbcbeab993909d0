"""Whether a cause of a matrix stands, judged on pictures of the zone's detectors.

Causes are 1-out-of-n where they have no vote. A value is taken at any quality (S3), but for votes, where a detector
that warms up has failed; one under bump test trips nothing (S8). These few comparisons are written apart from those of
the alarms on purpose: neither may disarm the other.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

from interlocks.bypass import Test, in_spite_of_it
from interlocks.heartbeat import Heartbeat
from interlocks.matrix import LOST, Cause, When
from interlocks.near_gas import LostNearGas, neighbour_in_alarm
from interlocks.own_valves import OwnValves
from interlocks.reported import KIND as REPORTED
from interlocks.reported import ReportedNear
from interlocks.votes import Ballot, Ruling, Say
from interlocks.zone import Member, Zone
from protocols.limits import in_unit_of
from protocols.moment import SECOND
from protocols.ordinary import Values, is_at_or_below
from protocols.picture import Picture
from protocols.profile.model import Point
from protocols.quality import Quality

Pictures = Mapping[str, Picture]
Told: TypeAlias = Callable[[Values], bool]
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

    ``limits``: by device, index and value from which on a number makes it stand; ``flags``: indexes that do when set;
    ``tests``: whether other values may. Where every known value is good and nothing is lost, nothing else makes it
    stand but a counter that stands still (``beats``), or what people report (``reports``).
    """

    def __init__(self, cause: Cause, zone: Zone) -> None:
        self.cause = cause
        self._tests: dict[str, list[Test]] = {}
        self._standing: set[str] = set()
        self._all_lost: list[_AllLost | LostNearGas] = []
        self._votes: dict[str, list[Saying]] = {}
        self._in_spite: dict[str, list[Test]] = {}
        self._bypassed: frozenset[str] = frozenset()
        self._valves = OwnValves(zone) if cause.unless_closed else None
        voices: dict[str, str] = {}
        self.limits: dict[str, list[tuple[int, float]]] = {}
        self.flags: dict[str, list[int]] = {}
        self.tests: dict[str, list[Told]] = {}
        self.beats: dict[str, Heartbeat] = {}
        self.reports = ReportedNear(cause, zone)
        for when in cause.when:
            if when.kind == REPORTED:
                continue
            if when.kind in LOST:
                self._bind_lost(when, zone)
                continue
            if when.kind == "still":
                within_ns = int((when.over_s or 0.0) * SECOND)
                self.beats |= {member.device: Heartbeat(point.index, within_ns) for member, point in _found(zone, when)}
                continue
            for member, point in _found(zone, when):
                test = self._bind(when, member, point)
                self._tests.setdefault(member.device, []).append(test)
                self._votes.setdefault(member.device, []).append(Saying(test, point.index, when.kind))
                in_spite = in_spite_of_it(when, point.index, test)
                self._in_spite.setdefault(member.device, []).append(in_spite)
                voices[member.device] = member.common_cause or member.device
        lasts_ns = int(cause.within_s * SECOND)
        self._ballot = None if cause.vote == "1ooN" else Ballot(cause.vote, voices, lasts_ns)

    def _bind(self, when: When, member: Member, point: Point) -> Test:
        if when.kind == "flag":
            self.flags.setdefault(member.device, []).append(point.index)
        elif when.kind == "high":
            self.limits.setdefault(member.device, []).append((point.index, _limit(when, member, point)))
        elif when.kind == "low":
            told = partial(is_at_or_below, point.index, _limit(when, member, point))
            self.tests.setdefault(member.device, []).append(told)
        elif when.kind == "unset":
            self.tests.setdefault(member.device, []).append(partial(_may_be_unset, point.index, _during(when, member)))
        return _bind_point(when, member, point)

    def _bind_lost(self, when: When, zone: Zone) -> None:
        """Of a whole mall, area by area where it is about their neighbours."""
        if when.kind == "all-lost":
            found = _found(zone, when)
            self._all_lost += [_AllLost(found)] if found and not zone.staffed else []
            return
        for part in zone.parts or (zone,):
            own = _found(part, when.model_copy(update={"where": "zone"}))
            gas: dict[str, list[Test]] = {}
            for way in neighbour_in_alarm(when):
                for member, point in _found(part, way):
                    gas.setdefault(member.device, []).append(self._bind(way, member, point))
            if own and gas:
                self._all_lost.append(LostNearGas(_AllLost(own), gas))

    def follow(self, device: str, picture: Picture) -> None:
        """The picture of the device is another one now."""
        tests = (self._in_spite if device in self._bypassed else self._tests).get(device)
        if tests is not None:
            if self._ballot is not None:
                self._ballot.say(device, self._said(device, picture))
            elif any(test(picture) for test in tests):
                self._standing.add(device)
            else:
                self._standing.discard(device)
        for one in self._all_lost:
            one.follow(device, picture)
        if device in self.beats:
            self.beats[device].follow(picture)
        if self._valves is not None:
            self._valves.follow(device, picture)

    def _said(self, device: str, picture: Picture) -> Say:
        if picture.heard is None and not picture.lost:
            return Say.UNHEARD
        if device in self._bypassed:
            return Say.YES if any(test(picture) for test in self._in_spite[device]) else Say.FAILED
        return max(saying.of(picture) for saying in self._votes[device])

    def bypass(self, devices: frozenset[str]) -> None:
        """From now on it does not trip at these devices, and at all others it does. `follow` is to be called for each
        that was bypassed, and for each that is."""
        self._bypassed = devices
        for one in self._all_lost:
            one.bypassed = devices

    @property
    def devices(self) -> frozenset[str]:
        """At which it looks."""
        return frozenset((*self._tests, *self.beats, *(device for one in self._all_lost for device in one.devices)))

    @property
    def is_calm(self) -> bool:
        """Whether nobody says anything but no in its vote: then a quiet reading changes nothing in it."""
        return self._ballot is None or self._ballot.is_unanimous

    @property
    def is_answered(self) -> bool:
        """Whether it does not stand though it is met: the device has done by itself what it asks for."""
        return self._valves is not None and self._valves.are_closed

    def stands_at(self, mono: int) -> bool:
        """Whether it stands now, but for `is_answered`: by its vote, at one device at least, or because no detector can
        say no."""
        if self._ballot is not None:
            return self._ballot.ruling_at(mono) is Ruling.TRIP
        if self.reports.stands:
            return True
        return bool(self._standing) or any(one.stands for one in self._all_lost) or bool(self._still_at(mono))

    def devices_at(self, mono: int) -> frozenset[str]:
        """The devices that make it stand now, where it has no vote."""
        return frozenset((*self._standing, *self._still_at(mono)))

    def _still_at(self, mono: int) -> list[str]:
        return [device for device, beat in self.beats.items() if beat.is_still_at(mono)]


class Saying(NamedTuple):
    """One point of a device in a vote, and what makes it say yes."""

    test: Test
    point: int
    kind: str

    def of(self, picture: Picture) -> Say:
        """What it says now. Not told yet, under test, warming up or blind: it has failed, whatever it reads (S3, S7).
        So has one that may not say no."""
        quality = _quality(picture, self.point)
        is_blind_now = self.kind != "blind-rising" and is_blind(picture, self.point)
        if quality is None or quality in FAILS_WHATEVER_IT_READS or is_blind_now:
            return Say.FAILED
        if self.test(picture):
            return Say.YES
        return Say.NO if _is_seen(picture, self.point) else Say.FAILED


class _AllLost:
    """Every detector of the role is bad or lost. ``_seen``: devices with one that is not. ``bypassed``: devices that
    are left out of it."""

    def __init__(self, found: list[tuple[Member, Point]]) -> None:
        self._points: dict[str, list[int]] = {}
        for member, point in found:
            self._points.setdefault(member.device, []).append(point.index)
        self._seen: set[str] = set()
        self.bypassed: frozenset[str] = frozenset()

    @property
    def devices(self) -> Iterable[str]:
        """At which it looks."""
        return self._points

    def follow(self, device: str, picture: Picture) -> None:
        if any(_is_seen(picture, index) for index in self._points.get(device, ())):
            self._seen.add(device)
        else:
            self._seen.discard(device)

    @property
    def stands(self) -> bool:
        return not self._seen - self.bypassed and bool(self._points.keys() - self.bypassed)


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


def _found(zone: Zone, when: When) -> list[tuple[Member, Point]]:
    """The points that a way to be looks at."""
    every = ((member, point) for member in zone.detectors(when.where) for point in member.profile.points)
    return [(member, point) for member, point in every if _matches(when, member, point)]


def _matches(when: When, member: Member, point: Point) -> bool:
    if point.role != when.role:
        return False
    if when.set is not None and _set_value(when, member, point) is None:
        return False
    if when.during is not None and _during(when, member) is None:
        return False
    gas = member.profile.file.point[point.index].gas
    return not when.species or (gas is not None and gas.species in when.species)


def _bind_point(when: When, member: Member, point: Point) -> Test:
    index = point.index
    if when.kind == "flag":
        return lambda picture: _value(picture, index) == 1.0
    if when.kind == "over-range":
        return lambda picture: _quality(picture, index) is Quality.BAD_OVER_RANGE
    if when.kind == "unset":
        during = _during(when, member)
        return lambda picture: _is_unset(picture, index, during)
    limit = _limit(when, member, point)
    if when.kind == "high":
        return lambda picture: (_value(picture, index) or 0.0) >= limit
    if when.kind == "low":
        return lambda picture: (value := _value(picture, index)) is not None and value <= limit
    assert when.slope is not None
    assert when.unit is not None
    slope = in_unit_of(member.profile, point, when.slope, when.unit)
    return lambda picture: _blind_rising(picture, index, limit, slope)


def _limit(when: When, member: Member, point: Point) -> float:
    """The limit in the point's own unit."""
    known = _set_value(when, member, point)
    if known is not None:
        return known
    assert when.limit is not None
    assert when.unit is not None
    return in_unit_of(member.profile, point, when.limit, when.unit)


def _set_value(when: When, member: Member, point: Point) -> float | None:
    """What the site says that the point was set to, where the limit is that."""
    found = (one for one in member.sets if one.point == point.name)
    known = next(found, None) if when.set is not None else None
    return None if known is None else known.high if when.set == "high" else known.low


def _during(when: When, member: Member) -> int | None:
    """The flag that must be set besides."""
    if when.during is None:
        return None
    return next((point.index for point in member.profile.points if point.role == when.during), None)


def _is_unset(picture: Picture, index: int, during: int | None) -> bool:
    """Not set, not told or not to be known: what is lost is never well."""
    if during is not None and _value(picture, during) != 1.0:
        return False
    known = picture.known(index)
    if known is None or is_blind(picture, index):
        return picture.heard is not None
    return known.value == 0.0 and known.quality is not Quality.UNCERTAIN_UNDER_TEST


def _may_be_unset(index: int, during: int | None, values: Values) -> bool:
    return not values[index] and (during is None or values[during] != 0.0)


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
