"""Bump tests: a detector is given test gas, what it says is marked, and trips nothing (safety rule S8).

A signed-in person begins one for one detector, for 30 minutes at most; it ends by itself, early rather than late (S10).
The mark is set before interlocks, alarms and the journal see a reading, whatever transport it came over, so that all of
them judge the same. Everything else stays armed: other detectors, other sensors of the same board, its faults and its
silence. What the detector saw is kept as its evidence.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from alarms.alarm import AlarmRecord
from alarms.engine import AlarmEngine, Watched
from device_registry.devices import Device, Site
from gateway.detectors import Detector, detectors
from gateway.errors import ModeRefused, NoSuchMode
from gateway.mode_request import admit
from gateway.pipeline import Verdict
from interlocks.engine import InterlockEngine
from interlocks.states import InterlockState
from journal.entry import Entry, partition_of
from protocols.bump_test import KIND as BUMP_TEST
from protocols.bump_test import LONGEST_S, STATE, BumpTest, bump_test_id, decode_bump_test, encode_bump_test
from protocols.moment import Moment
from protocols.reading import Origin, Reading
from protocols.request import OperatorRequest
from protocols.term import term_of


class Surroundings(NamedTuple):
    """``origin``: what the gateway's devices are. ``boot``: which start of the machine this is (`protocols.term.Term`).
    ``store`` takes what no request caused."""

    site: Site
    alarms: AlarmEngine
    interlocks: InterlockEngine
    origin: Origin
    boot: str
    store: Callable[[Verdict], None]


class _Running:
    """One test and its detector."""

    def __init__(self, test: BumpTest, detector: Detector) -> None:
        self.test = test
        self.detector = detector


class BumpTests:
    """All bump tests of a gateway. ``running``: by device, empty where nothing is tested; always the same object."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.running: dict[str, list[_Running]] = {}

    # -- what comes in ---------------------------------------------------------------------------------------

    def mark(self, reading: Reading, now: Moment) -> Reading:
        """The reading as interlocks, alarms and the journal shall see it.

        Only a live one is marked, while the test runs, and only what was measured since it began: a leak that the
        device tells of late is no test gas.
        """
        tests = self.running.get(reading.device)
        if tests is None or reading.origin is not Origin.LIVE:
            return reading
        marked = reading
        age = now.wall - reading.at
        for one in tuple(tests):
            term = one.test.term
            if term.is_over(now):
                self._around.store(self._end(one, now, "", "time"))
            elif now.mono - age >= term.began_mono:
                self._note(one, reading, now)
                marked = one.detector.mark(marked)
        return marked

    def _note(self, one: _Running, reading: Reading, now: Moment) -> None:
        """A new highest value is written down, so that it is there after a ``kill -9``; that the gas was seen is told
        at once, to the person who stands there."""
        before = one.test
        seen = one.detector.seen(reading)
        one.test = msgspec.structs.replace(before, readings=before.readings + 1)
        if seen is not None and (before.highest is None or seen > before.highest):
            one.test = msgspec.structs.replace(one.test, highest=seen)
            is_news = one.test.saw_gas and not before.saw_gas
            self._around.store(_told(one.test, now) if is_news else Verdict([], _state(one.test)))

    # -- what people ask -------------------------------------------------------------------------------------

    def begin(self, request: OperatorRequest, now: Moment) -> Verdict:
        """Put a detector under test; the caller stores the verdict. ``request.target``: the device, or
        ``device~point`` where it has several detectors. Raises `ModeRefused`, `NoSuchMode`."""
        admit(request, LONGEST_S, "a bump test")
        device, detector = self._find(request.target)
        name = bump_test_id(device.id, detector.point.name)
        self._refuse_unsafe(device, detector, name)
        assert request.for_s is not None
        test = BumpTest(
            name, device.id, detector.point.name, detector.point.unit, detector.limit,
            term_of(request.for_s, self._around.boot, now), request.who, request.why.strip(),
        )  # fmt: skip
        self.running.setdefault(device.id, []).append(_Running(test, detector))
        return _told(test, now)

    def end(self, request: OperatorRequest, now: Moment) -> Verdict:
        """End a test before its time; the caller stores the verdict. Raises `ModeRefused`, `NoSuchMode`."""
        if not request.who:
            raise ModeRefused("ending a bump test needs the name of the person who does it")
        for one in self.running.get(request.target.partition("~")[0], ()):
            if one.test.id == request.target:
                return self._end(one, now, request.who, request.why.strip())
        raise NoSuchMode(f"no bump test {request.target!r} is running; see GET /api/v1/bump-tests")

    def _find(self, target: str) -> tuple[Device, Detector]:
        device_id, _, point = target.partition("~")
        device = self._around.site.devices.get(device_id)
        if device is None:
            raise NoSuchMode(f"device {device_id!r} is not registered")
        found = self._detectors(device)
        if not found:
            raise ModeRefused(f"{device_id} has no detector that a life-safety rule watches: nothing to prove")
        if point not in found and (point or len(found) > 1):
            raise ModeRefused(f"name one detector of {device_id}: {', '.join(found)}")
        return device, found[point] if point else next(iter(found.values()))

    def _detectors(self, device: Device) -> dict[str, Detector]:
        watched = Watched(device.id, device.profile, device.area.kind, device.period_s)
        return detectors(device.profile, watched.bound_to(self._around.alarms.rules))

    # -- what refuses it -------------------------------------------------------------------------------------

    def _refuse_unsafe(self, device: Device, detector: Detector, name: str) -> None:
        """Raises `ModeRefused` where a leak may hide behind the test."""
        around = self._around
        if around.origin is not Origin.LIVE:
            raise ModeRefused("nothing that this gateway hears is live: there is no detector to prove")
        if any(one.test.id == name for one in self.running.get(device.id, ())):
            raise ModeRefused(f"{name} is under test already; end that first")
        zone = {one.id for one in around.site.devices.values() if one.area.id == device.area.id}
        for record in around.alarms.records_of(zone):
            if record.origin is Origin.LIVE and _forbids(record, device.id, around.alarms):
                raise ModeRefused(f"{record.alarm} is {record.state.word}: settle it before the bump test")
        for interlock in around.interlocks.records():
            is_here = interlock.zone == device.area.id and interlock.origin is Origin.LIVE
            if is_here and interlock.state is InterlockState.TRIPPED:
                raise ModeRefused(f"interlock {interlock.id} is tripped: reset it before the bump test")
        self._refuse_unheard(device, detector)

    def _refuse_unheard(self, device: Device, detector: Detector) -> None:
        picture = self._around.alarms.group_of(device.id, Origin.LIVE).picture
        index = detector.point.index
        known = picture.known(index)
        if known is None or picture.is_lost(index):
            raise ModeRefused(f"{device.id} is not heard: find out why before the bump test")
        trusted = picture.trusted(index)
        if known.value >= detector.limit or (trusted is not None and trusted.value >= detector.limit):
            raise ModeRefused(f"{device.id} says {known.value:g} {detector.point.unit} already: take it for a leak")

    # -- how it ends -----------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """The mono time of the next `tick` that can change something."""
        return min((one.test.term.until_mono for one in self._all()), default=None)

    def tick(self, now: Moment) -> None:
        """End what is over."""
        for one in self._all():
            if one.test.term.is_over(now):
                self._around.store(self._end(one, now, "", "time"))

    def follow_site(self, now: Moment) -> None:
        """The site was changed: a test ends whose detector is another now, or gone."""
        for one in self._all():
            detector = self._again(one.test)
            if detector is None:
                self._around.store(self._end(one, now, "", "site-changed"))
            else:
                one.detector = detector

    def load(self, state: Mapping[str, bytes], now: Moment) -> None:
        """After a restart: go on where it is certain how long the test has lasted; else it is over."""
        for key, body in state.items():
            if not key.startswith(STATE):
                continue
            test = decode_bump_test(body)
            if not test.is_running:
                continue
            detector = self._again(test)
            if detector is not None and test.term.survives(self._around.boot, now):
                self.running.setdefault(test.device, []).append(_Running(test, detector))
            else:
                why = "time" if test.term.is_over(now) else "restart"
                self._around.store(_told(_ended(test, now, "", why), now))

    def _again(self, test: BumpTest) -> Detector | None:
        """The detector of a test as it is now; ``None`` where it is gone, or would have to prove something else."""
        device = self._around.site.devices.get(test.device)
        found = self._detectors(device).get(test.point) if device is not None else None
        return found if found is not None and (found.limit, found.point.unit) == (test.limit, test.unit) else None

    def _all(self) -> tuple[_Running, ...]:
        return tuple(one for tests in self.running.values() for one in tests)

    def _end(self, one: _Running, now: Moment, by: str, why: str) -> Verdict:
        tests = self.running[one.test.device]
        tests.remove(one)
        if not tests:
            del self.running[one.test.device]
        return _told(_ended(one.test, now, by, why), now)


def _forbids(record: AlarmRecord, device: str, alarms: AlarmEngine) -> bool:
    """Whether an alarm of the zone forbids a test: each that life hangs on, and all of the detector's own but its
    diagnostics. Out of service or not: its condition stands."""
    if not (record.active or record.state.stands):
        return False
    rule = alarms.rules.get(record.rule)
    return record.life_safety or (record.device == device and (rule is None or rule.alarm_class != "diagnostic"))


def _ended(test: BumpTest, now: Moment, by: str, why: str) -> BumpTest:
    return msgspec.structs.replace(test, ended_at=now.wall, ended_by=by, ended_why=why)


def _state(test: BumpTest) -> dict[str, bytes | None]:
    return {STATE + test.id: encode_bump_test(test)}


def _told(test: BumpTest, now: Moment) -> Verdict:
    """The begin of a test, the sight of the gas, or the end, to be stored."""
    what = "ended" if test.ended_at else "seen" if test.saw_gas else "begun"
    entry_id = f"{test.id}~{test.term.began_at}~{what}"
    entry = Entry(BUMP_TEST, entry_id, partition_of(test.device), now.wall, encode_bump_test(test))
    return Verdict([entry], _state(test))
