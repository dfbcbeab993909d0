"""Readings let through at a glance: nothing comes out differently for it, whatever else happens."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.actions import Action
from alarms.alarm import encode as encode_alarm
from alarms.engine import AlarmEngine, Watched
from alarms.errors import AlarmError
from gateway.actuator import Actuator
from gateway.calm import Calm
from gateway.pipeline import NOTHING, Verdict
from gateway.watch import Watch
from interlocks.engine import InterlockEngine
from interlocks.errors import InterlockError
from interlocks.record import encode as encode_interlock
from interlocks.zone import UNKNOWN_FAN, Member, Zone
from protocols.command import Command, decode_command_event
from protocols.moment import SECOND, Moment
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.kitchens import ALL_TRUE, ID, MATRIX, kitchen
from tests.fixtures.stories import BIN, GAS, MONO, WALL, varied

RETITLED = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
PROFILES: dict[str, Profile] = {"gas:1": GAS, "gas:2": GAS, "up:1": GAS, "bin:1": BIN}
DEVICES = list(PROFILES)
QUIET: dict[str, Any] = {
    "methane": 1.0, "co": 3.0, "alarm": 0.0, "fault": 0.0, "warm_up": 0.0, "over_range": 0.0, "valve": 1.0, "fan": 1.0,
    "alarm_level": 0.0, "co_alarm": 0.0, "temperature": 20.0, "fill": 20.0, "fire": 0.0,
}  # fmt: skip
FLAGS = ["alarm", "fault", "warm_up", "over_range", "alarm_level", "co_alarm", "fire", "memory_fault", "expired"]

given_values = st.fixed_dictionaries(
    {},
    optional={
        "methane": st.sampled_from([0.0, 1.0, 4.0, 9.0, 12.0, 30.0, 55.0, 103.0, None, "high"]),
        "co": st.sampled_from([0.0, 60.0, 400.0, None]),
        "valve": st.sampled_from([0.0, 1.0, 2.0, 2.0, 3.0, None]),
        "fill": st.sampled_from([10.0, 92.0, None]),
        "temperature": st.sampled_from([20.0, 80.0, None]),
        "uptime": st.sampled_from([90.0, None]),
        **{name: st.sampled_from([0.0, 1.0, None]) for name in FLAGS},
    },
)
marks = st.sampled_from([0] * 6 + [Quality.UNCERTAIN_UNDER_TEST, Quality.UNCERTAIN_CLOCK, Quality.BAD_SENSOR_FAULT])
ages = st.sampled_from([0.0] * 8 + [0.5, 5.0, 59.0, 61.0, 7200.0, -30.0, -7200.0])
devices = st.sampled_from(DEVICES)
calm = st.tuples(st.just("calm"), st.sampled_from([["gas:1"], ["gas:2"], ["bin:1"], DEVICES, DEVICES, DEVICES]))
origins = st.sampled_from([*[Origin.LIVE] * 6, Origin.DRILL])
told = st.tuples(st.just("hear"), devices, origins, ages, marks, given_values)
shut = st.tuples(st.just("shut"), devices)
own = st.tuples(st.just("own"), devices)
others = st.one_of(
    st.tuples(st.just("lost"), devices),
    st.tuples(st.just("step"), st.sampled_from([-3600, -90, 90, 3600])),
    st.tuples(st.just("act"), st.sampled_from(["acknowledge", "reset", "shelve", "out-of-service"])),
    st.tuples(st.sampled_from(["reset", "restart", "person", "answer", "look"])),
    st.tuples(st.just("rearrange"), st.sampled_from([GAS, RETITLED]), st.booleans()),
)
happenings = st.sampled_from([calm] * 8 + [told] * 3 + [shut, own, others, others]).flatmap(lambda one: one)
waits = st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 4.9, 30.0, 70.0])
Story = list[tuple[float, tuple[Any, ...]]]
stories: st.SearchStrategy[Story] = st.lists(st.tuples(waits, happenings), min_size=20, max_size=70)


class Place:
    """A watch over a kitchen with a valve up the line, and a bin in the street, and all that anybody could see of it.
    What the devices answer to commands comes when the story says so."""

    def __init__(self, *, staffed: bool = True) -> None:
        self.staffed = staffed
        self.mono, self.step = MONO, 0
        self.profiles, self.fan = dict(PROFILES), UNKNOWN_FAN
        self.seen: list[object] = []
        self.state: dict[str, bytes] = {}
        self.asked: list[Callable[[str], None]] = []
        self.serial = 0
        self.watch = self._watch()

    def _watch(self) -> Watch:
        return Watch(
            InterlockEngine([MATRIX], [self._zone()], self.now),
            AlarmEngine(RULES, self._watched(), self.now),
            Actuator(self, self.profiles.get),
            self._keep,
        )

    def _zone(self) -> Zone:
        members = [Member(one, self.profiles[one], 2.0, self.fan, one == "up:1") for one in DEVICES if one != "bin:1"]
        return kitchen(*members, staffed=self.staffed)

    def _watched(self) -> list[Watched]:
        kinds = {one: "street" if one == "bin:1" else "commercial-kitchen" for one in DEVICES}
        return [Watched(one, self.profiles[one], kinds[one], 2.0) for one in DEVICES]

    @property
    def now(self) -> Moment:
        return Moment(WALL + self.mono - MONO + self.step, self.mono)

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        """The way to the devices."""
        self.seen.append((self.mono, device, command.name))
        self.asked.append(sent)

    def play(self, story: Iterable[tuple[float, tuple[Any, ...]]]) -> list[object]:
        for wait, (what, *things) in story:
            self._pass(self.mono + int(wait * SECOND))
            getattr(self, f"do_{what}")(*things)
        self.do_look()
        return self.seen

    def _pass(self, until: int) -> None:
        while (due := self.watch.due()) is not None and due <= until:
            self.mono = max(self.mono, due)
            self.watch.tick(self.now)
        self.mono = until

    def _keep(self, verdict: Verdict) -> None:
        if verdict.entries or verdict.state:
            self.seen += [[(one.kind, one.id, one.body) for one in verdict.entries], dict(verdict.state)]
            self.state |= {key: body for key, body in verdict.state.items() if body is not None}

    def hear(self, device: str, origin: Origin, age: float, mark: int, **told: Any) -> Verdict:
        """A reading of these points."""
        profile, now = self.profiles[device], self.now
        values = tuple(told.get(point.name) for point in profile.points)
        quality = tuple(
            one if value is None else int(worse(Quality(one), Quality(mark)))
            for value, one in zip(values, profile.qualify(values), strict=True)
        )
        sampled_at = now.wall - int(age * SECOND)
        verdict = self.watch.observe(Reading(device, profile.id, sampled_at, now.wall, origin, values, quality), now)
        self._keep(verdict)
        return verdict

    def do_hear(self, device: str, origin: Origin, age: float, mark: int, told: dict[str, Any]) -> None:
        self.hear(device, origin, age, mark, **(QUIET | told))

    def do_calm(self, devices: Iterable[str]) -> None:
        for device in devices:
            self.hear(device, Origin.LIVE, 0.0, 0, **QUIET)

    def do_shut(self, device: str) -> None:
        self.hear(device, Origin.LIVE, 0.0, 0, **(QUIET | {"valve": 2.0}))

    def do_own(self, device: str) -> None:
        self.hear(device, Origin.LIVE, 0.0, 0, uptime=90.0)

    def do_lost(self, device: str) -> None:
        self.watch.lost(device, self.now)

    def do_step(self, seconds: int) -> None:
        self.step += seconds * SECOND

    def do_act(self, verb: Any) -> None:
        for record in sorted(self.watch.alarms.records(), key=lambda one: one.alarm):
            action = Action(verb, record.alarm, "li", "so", 60.0, on_site=True, measure="a man with an instrument")
            with contextlib.suppress(AlarmError):
                self._keep(self.watch.perform(action, self.now))

    def do_reset(self) -> None:
        with contextlib.suppress(InterlockError):
            self._keep(self.watch.reset(ID, "li", True, self.now))

    def do_person(self) -> None:
        self.serial += 1
        wall = self.now.wall
        self.watch.issue(
            Command(f"p{self.serial}", "gas:1", "close-valve", Origin.LIVE, "person/li", wall, wall + SECOND), self.now
        )

    def do_answer(self) -> None:
        for number, sent in enumerate(self.asked):
            sent("no answer" if number % 3 == 2 else "")
        self.asked.clear()

    def do_rearrange(self, profile: Profile, may_start: bool) -> None:
        if not self.watch.interlocks.tripped_by_change([self._zone()]):
            self.profiles["gas:2"], self.fan = profile, ALL_TRUE if may_start else UNKNOWN_FAN
            self.watch.rearrange([self._zone()], self._watched(), self.now)

    def do_restart(self) -> None:
        self.asked.clear()
        self.watch = self._watch()
        self.watch.load(self.state, self.now)

    def do_look(self) -> None:
        self.seen.append(sorted(encode_alarm(one) for one in self.watch.alarms.records()))
        self.seen.append(sorted(encode_interlock(one) for one in self.watch.interlocks.records()))


@given(stories, st.booleans())
@settings(deadline=None, max_examples=100)
def test_what_is_let_through_at_a_glance_changes_nothing_that_can_be_seen(story: Story, staffed: bool) -> None:
    shortened = Place(staffed=staffed).play(story)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Calm, "lets_through", lambda *_: False)
        assert Place(staffed=staffed).play(story) == shortened


def _calm_place() -> Place:
    place = Place()
    place.play([(2.0, ("calm", DEVICES))] * 3)
    assert {record.state.word for record in place.watch.interlocks.records()} == {"armed"}
    return place


def _is_judged(place: Place, monkeypatch: pytest.MonkeyPatch, device: str, age: float = 0.0, **told: Any) -> bool:
    judged: list[str] = []
    monkeypatch.setattr(InterlockEngine, "observe", lambda _engine, reading, _now: judged.append(reading.device))
    monkeypatch.setattr(AlarmEngine, "observe", lambda *_: None)
    place._pass(place.mono + SECOND)
    assert place.hear(device, Origin.LIVE, age, 0, **(QUIET | told)) is NOTHING
    return bool(judged)


@pytest.mark.parametrize("device", DEVICES)
def test_a_quiet_reading_of_a_quiet_device_is_let_through(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _is_judged(_calm_place(), monkeypatch, device)


@pytest.mark.parametrize("change", [{"methane": 10.0}, {"alarm": 1.0}, {"valve": 2.0}, {"co": None}, {"uptime": 1.0}])
def test_a_reading_that_may_change_something_is_judged(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _is_judged(_calm_place(), monkeypatch, "gas:1", **change)


@pytest.mark.parametrize(
    ("device", "before"),
    [
        ("gas:1", ("hear", "gas:2", Origin.LIVE, 0.0, 0, {"methane": 30.0})),
        ("gas:1", ("lost", "gas:1")),
        ("gas:1", ("person",)),
        ("gas:1", ("restart",)),
        ("gas:1", ("rearrange", RETITLED, True)),
        ("gas:1", ("hear", "gas:1", Origin.LIVE, 0.0, 0, {"methane": 12.0})),
        ("bin:1", ("hear", "bin:1", Origin.LIVE, 0.0, 0, {"fill": 95.0})),
    ],
    ids=lambda given: given if isinstance(given, str) else str(given[0]),
)
def test_where_anything_stands_even_a_quiet_reading_is_judged(
    device: str, before: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _calm_place()
    place.play([(2.0, before)])
    assert _is_judged(place, monkeypatch, device)


@pytest.mark.parametrize("device", DEVICES)
def test_a_reading_that_is_late_is_judged_even_where_none_is_newer(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _calm_place()
    place.do_step(3600)
    assert _is_judged(place, monkeypatch, device, age=61.0)


def test_an_area_whose_readings_are_let_through_stays_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    place = _calm_place()
    judged: list[Reading] = []
    monkeypatch.setattr(InterlockEngine, "observe", lambda _engine, reading, _now: judged.append(reading))
    place.play([(2.0, ("calm", DEVICES))] * 10)
    assert judged == []
    assert _lost(place) == []


def test_what_a_sender_answers_is_stored_with_the_next_reading_of_whichever_device() -> None:
    place = _calm_place()
    place.do_person()
    place.mono += 1_000
    assert place.hear("bin:1", Origin.LIVE, 0.0, 0, **QUIET) is NOTHING
    last = place.now.wall
    place.mono += 1_000
    place.do_answer()
    (entry,) = place.hear("bin:1", Origin.LIVE, 0.0, 0, **QUIET).entries
    event = decode_command_event(entry.body)
    assert (event.status, event.at) == ("sent", last)


def test_silence_is_found_to_the_nanosecond_after_readings_that_were_let_through() -> None:
    place = _calm_place()
    last = place.mono
    place._pass(last + 5 * SECOND - 1)
    assert _lost(place) == []
    place._pass(last + 5 * SECOND)
    assert _lost(place) == DEVICES


def _lost(place: Place) -> list[str]:
    return [device for device in DEVICES if place.watch.alarms.group_of(device, Origin.LIVE).picture.lost]


def test_only_what_is_judged_makes_the_watch_due_earlier() -> None:
    place = _calm_place()
    due = place.watch.due()
    place.do_calm(DEVICES)
    assert not place.watch.is_stirred
    assert place.watch.due() == due
    place.do_lost("gas:1")
    place.hear("gas:1", Origin.LIVE, 100.0, 0, **QUIET)
    assert place.watch.is_stirred
