"""Following only the device that spoke misses nothing: two shops and a bottle store with one main valve, of several
kinds, while zones change, devices are lost, clocks step, and gateways restart."""

import contextlib
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlocks.causes import BoundCause, Proof
from interlocks.engine import InterlockEngine
from interlocks.errors import ResetRefused
from interlocks.interlock import Interlock
from interlocks.matrix import Cause
from interlocks.readback import ReadBack
from interlocks.states import InterlockState
from interlocks.zone import UNKNOWN_FAN, FanPermissives, Member, Zone
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading
from tests.fixtures.kitchens import ALL_TRUE, MATRIX
from tests.fixtures.stories import GAS, MONO, WALL, at, varied

LPG = shipped_profiles()["gengfu/lpg-alarm"]
RETITLED = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
BARE = varied({"valve": {"role": "other"}, "fan": {"role": "other"}}, commands=False)
DEVICES = ["a", "b", "c", "up"]
PROFILES: list[tuple[Profile, float]] = [(GAS, 2.0), (RETITLED, 2.0), (LPG, 2.0), (BARE, 10.0)]
AREAS = ["mall", "commercial-kitchen", "street"]
GASES = st.sampled_from([None, 0.0, 0.0, 0.0, 4.0, 8.0, 30.0, 55.0, 103.0])
values = st.fixed_dictionaries(
    {"gas": GASES, "valve": st.sampled_from([None, 0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0])},
    optional={name: st.sampled_from([0.0, 0.0, 1.0, None]) for name in ("alarm", "fault", "warm_up", "over_range")},
)
arrangements = st.tuples(
    st.lists(st.integers(0, len(PROFILES) - 1), min_size=4, max_size=4),
    st.lists(st.sampled_from(["one", "one", "two", None]), min_size=3, max_size=3),
    st.lists(st.sampled_from(["one", "two"]), max_size=2, unique=True),
    st.sampled_from(AREAS),
    st.booleans(),
    st.sampled_from([ALL_TRUE, UNKNOWN_FAN]),
)
marks = st.sampled_from([0] * 5 + [Quality.UNCERTAIN_UNDER_TEST, Quality.UNCERTAIN_CLOCK, Quality.BAD_SENSOR_FAULT])
told = st.tuples(st.sampled_from(["calm", "shut", "leak", "leak_shut"]), st.sampled_from(DEVICES))
heard = st.tuples(
    st.just("hear"), st.sampled_from(DEVICES), st.sampled_from([*[Origin.LIVE] * 4, Origin.DRILL]),
    st.sampled_from([0.0, 0.0, 0.0, 5.0, 100.0, -3600.0]), marks, values,
)  # fmt: skip
answers = st.tuples(st.sampled_from(["lost", "proved", "failed", "proved"]), st.sampled_from(DEVICES))
others = st.one_of(
    st.tuples(st.just("rezone"), arrangements),
    st.tuples(st.just("step"), st.sampled_from([-3600, -90, 90, 3600])),
    st.tuples(st.sampled_from(["reset", "settle", "settle", "restart"])),
)
happenings = st.sampled_from([told] * 6 + [heard] * 2 + [answers] * 2 + [others]).flatmap(lambda one: one)
waits = st.sampled_from([0.0, 0.5, 0.5, 2.0, 2.0, 2.0, 20.0, 900.0])
stories = st.tuples(arrangements, st.lists(st.tuples(waits, happenings), min_size=15, max_size=60))
Plot = tuple[Any, list[tuple[float, tuple[Any, ...]]]]


def zones_of(arrangement: Any) -> list[Zone]:
    """Devices in zones: a profile each, a place for all but the main valve's, which closes some zones."""
    kinds, places, below, area, staffed, fan = arrangement
    found = []
    for zone, kind in (("one", "commercial-kitchen"), ("two", area)):
        members = [
            _member(device, of, fan) for device, of, place in zip(DEVICES, kinds, places, strict=False) if place == zone
        ]
        if zone in below:
            members.append(_member("up", kinds[3], fan, upstream=True))
        found.append(Zone(zone, kind, staffed, tuple(members)))
    return found


def _member(device: str, kind: int, fan: FanPermissives, *, upstream: bool = False) -> Member:
    return Member(device, *PROFILES[kind], fan, upstream)


def profiles_of(arrangement: Any) -> dict[str, Profile]:
    return {device: PROFILES[kind][0] for device, kind in zip(DEVICES, arrangement[0], strict=True)}


class Street:
    """An engine over these zones, and all that anybody could see of it."""

    def __init__(self, arrangement: Any) -> None:
        self.mono, self.step, self.restarts = MONO, 0, 0
        self.zones = zones_of(arrangement)
        self.profiles = profiles_of(arrangement)
        self.engine = InterlockEngine([MATRIX], self.zones, at(0))
        self.stored: dict[str, bytes | None] = {}
        self.sent: dict[str, str] = {}
        self.seen: list[object] = []

    @property
    def now(self) -> Moment:
        return Moment(WALL + self.mono - MONO + self.step, self.mono)

    def play(self, happenings: Iterable[tuple[float, tuple[Any, ...]]]) -> list[object]:
        for wait, (what, *given_things) in happenings:
            self._pass(self.mono + int(wait * SECOND) + 1_000_000)
            getattr(self, f"do_{what}")(*given_things)
            self._drain()
            self.look()
        return self.seen

    def look(self) -> None:
        """For a test that looks at the engine after each thing that happens."""

    def _pass(self, until: int) -> None:
        while (due := self.engine.due()) is not None and due <= until:
            self.mono = max(self.mono, due)
            self.engine.tick(self.now)
            self._drain()
        self.mono = until

    def _drain(self) -> None:
        out = self.engine.drain()
        self.stored |= out.state
        self.sent |= {command.device: command.id for command in out.commands}
        self.seen += [out.events, out.commands, out.cancels, out.failures]
        self.seen.append([(one.id, one.state, list(one.closed)) for one in self.engine.records()])

    def do_calm(self, device: str) -> None:
        self.do_hear(device, Origin.LIVE, 0.0, 0, {"gas": 1.0, "valve": 1.0})

    def do_shut(self, device: str) -> None:
        self.do_hear(device, Origin.LIVE, 0.0, 0, {"gas": 1.0, "valve": 2.0})

    def do_leak(self, device: str) -> None:
        self.do_hear(device, Origin.LIVE, 0.0, 0, {"gas": 30.0, "valve": 1.0})

    def do_leak_shut(self, device: str) -> None:
        self.do_hear(device, Origin.LIVE, 0.0, 0, {"gas": 30.0, "valve": 2.0})

    def do_settle(self) -> None:
        """Clean air and closed valves for so long that a latch may be reset, which somebody does."""
        for _ in range(32):
            self._pass(self.mono + 20 * SECOND)
            for device in DEVICES:
                self.do_shut(device)
            self._drain()
        self.do_reset()

    def do_hear(self, device: str, origin: Origin, age: float, mark: int, told: dict[str, Any]) -> None:
        profile, now = self.profiles[device], self.now
        quiet = {"co": 3.0} | dict.fromkeys(("alarm", "fault", "warm_up", "over_range"), 0.0)
        given_values = quiet | told | {"methane": told["gas"], "lpg": told["gas"]}
        points = tuple(given_values.get(point.name) for point in profile.points)
        quality = tuple(
            one if value is None else int(worse(Quality(one), Quality(mark)))
            for value, one in zip(points, profile.qualify(points), strict=True)
        )
        sampled_at = now.wall - int(age * SECOND)
        self.engine.observe(Reading(device, profile.id, sampled_at, now.wall, origin, points, quality), now)

    def do_lost(self, device: str) -> None:
        self.engine.lost(device, self.now)

    def do_proved(self, device: str, *, ok: bool = True) -> None:
        if device in self.sent:
            self.engine.settled(self.sent[device], ok, self.now)

    def do_failed(self, device: str) -> None:
        self.do_proved(device, ok=False)

    def do_rezone(self, arrangement: Any) -> None:
        zones = zones_of(arrangement)
        profiles = profiles_of(arrangement)
        used = {member.device: member.profile for zone in zones for member in zone.members}
        if not self.engine.tripped_by_change(zones):
            self.zones, self.profiles = zones, self.profiles | profiles | used
            self.engine.rezone(zones, self.now)

    def do_step(self, seconds: int) -> None:
        self.step += seconds * SECOND

    def do_reset(self) -> None:
        for record in list(self.engine.records()):
            if record.state is InterlockState.TRIPPED:
                with contextlib.suppress(ResetRefused):
                    self.engine.reset(record.id, "li", True, self.now)

    def do_restart(self) -> None:
        self.engine = InterlockEngine([MATRIX], self.zones, self.now)
        self.engine.load({key: body for key, body in self.stored.items() if body is not None}, self.now)


LOOK = Interlock.look


def _look_at_all(interlock: Interlock, now: Moment) -> list[Cause]:
    for device in interlock.pictures:
        interlock.follow(device)
    interlock.looks_at_all = True
    return LOOK(interlock, now)


@settings(max_examples=100, deadline=None)
@given(stories)
def test_following_only_what_changed_misses_nothing_whatever_else_happens(plot: Plot) -> None:
    arrangement, happenings = plot
    by_change = Street(arrangement).play(happenings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interlock, "look", _look_at_all)
        assert Street(arrangement).play(happenings) == by_change


@settings(max_examples=100, deadline=None)
@given(stories)
def test_what_is_kept_of_causes_and_proof_is_what_the_pictures_say(plot: Plot) -> None:
    arrangement, happenings = plot
    street = Street(arrangement)
    checked: list[int] = []

    def look() -> None:
        for interlock in street.engine._interlocks.values():
            causes = [BoundCause(cause, interlock.zone) for cause in interlock.matrix.cause]
            proof, read_back = Proof(interlock.zone.members), ReadBack(interlock.zone)
            for device, picture in interlock.pictures.items():
                proof.follow(device, picture)
                read_back.follow(device, picture)
                for one in causes:
                    one.follow(device, picture)
            assert [one.stands_at(street.mono) for one in interlock._causes] == [
                one.stands_at(street.mono) for one in causes
            ]
            assert interlock._proof.stands == proof.stands
            assert interlock.is_read_back == read_back.stands == _is_read_back(interlock)
            assert all(interlock.has_tripped(one) or not _is_due(interlock, one, street.now) for one in interlock.since)
            assert set(interlock.since) == {one.cause.id for one in causes if one.stands_at(street.mono)}
        checked.append(1)

    street.look = look  # type: ignore[method-assign]  # what this test looks at, and no other does
    street.play(happenings)
    assert len(checked) == len(happenings)


def _is_read_back(interlock: Interlock) -> bool:
    """The rule of S10, over all devices at once."""
    heard = [member for member in interlock.zone.members if not interlock.pictures[member.device].lost]
    has_valve = not interlock.valves or any(member.valve() for member in heard)
    return (
        has_valve
        and any(_detects(interlock, one) for one in interlock.zone.members)
        and all(_is_heard(interlock, one) for one in heard)
    )


def _detects(interlock: Interlock, member: Member) -> bool:
    picture = interlock.pictures[member.device]
    told = [picture.known(one) for one in member.inputs if not picture.is_lost(one)]
    return not member.upstream and any(one is not None for one in told)


def _is_heard(interlock: Interlock, member: Member) -> bool:
    picture, valve = interlock.pictures[member.device], member.valve()
    if any(picture.known(one) is None and not picture.is_lost(one) for one in member.inputs):
        return False
    if valve is None:
        return picture.heard is not None
    known = picture.known(valve[0])
    return known is not None and known.quality is Quality.GOOD and known.value in valve[1:]


def _is_due(interlock: Interlock, cause: str, now: Moment) -> bool:
    return interlock.is_ready(next(one for one in interlock.matrix.cause if one.id == cause), now)
