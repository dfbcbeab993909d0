"""Letting ordinary readings through changes nothing that can be seen: several devices of several kinds, in areas of
several kinds, while the site changes, the clock steps, readings are late, doubted or incomplete, and gateways restart.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.actions import Action
from alarms.alarm import encode
from alarms.engine import AlarmEngine, Watched
from alarms.errors import AlarmError
from alarms.group import Group
from alarms.judging import Judgement
from protocols.moment import SECOND, Moment
from protocols.picture import Picture
from protocols.profile.loader import shipped_profiles
from protocols.profile.model import Profile
from protocols.quality import Quality, worse
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import RULES
from tests.fixtures.stories import BIN, GAS, MONO, WALL, at, gas_reading, varied

LPG = shipped_profiles()["gengfu/lpg-alarm"]
NODE = shipped_profiles()["gengfu/hydrogen-node"]
RETITLED = varied({"temperature": {"title": {"zh": "室温", "en": "Warmth"}}})
NARROW = varied({"methane": {"range": [0.0, 20.0]}})
BLIND_BEFORE = varied({"methane": {"role": "other", "life_safety": False}})
"""A gas alarm that was registered as if it measured nothing that is watched."""
KINDS: list[tuple[Profile, str, float]] = [
    (GAS, "commercial-kitchen", 2.0),
    (RETITLED, "commercial-kitchen", 2.0),
    (BLIND_BEFORE, "commercial-kitchen", 2.0),
    (NARROW, "mall", 1.0),
    (GAS, "street", 3600.0),
    (LPG, "commercial-kitchen", 2.0),
    (LPG, "mall", 30.0),
    (BIN, "street", 10.0),
    (NODE, "other", 2.0),
]
DEVICES = ["a", "b"]
ORIGINS = [Origin.LIVE] * 6 + [Origin.DRILL, Origin.SIMULATED]
FLAGS = ["alarm", "fault", "warm_up", "over_range", "memory_fault", "fire", "expired"]
GASES = [0.0, 0.0, 1.0, 4.0, 8.0, 12.0, 30.0, 55.0, 103.0, None]
told = st.fixed_dictionaries(
    {"methane": st.sampled_from(GASES), "lpg": st.sampled_from(GASES), "h2_1": st.sampled_from([0.0, 0.5, None])},
    optional={
        "co": st.sampled_from([0.0, 3.0, 400.0, None]),
        "fill": st.sampled_from([10.0, 85.0, 92.0, 95.0, None]),
        **{name: st.sampled_from([0.0, 0.0, 1.0, None]) for name in FLAGS},
    },
)
marks = st.sampled_from([0] * 6 + [Quality.UNCERTAIN_UNDER_TEST, Quality.UNCERTAIN_CLOCK, Quality.BAD_SENSOR_FAULT])
ages = st.sampled_from([0.0] * 8 + [0.5, 5.0, 59.0, 100.0, 7200.0, -30.0, -7200.0])
readings = st.tuples(st.just("reading"), st.sampled_from(DEVICES), st.sampled_from(ORIGINS), ages, marks, told)
partial = st.fixed_dictionaries({}, optional={name: st.just(0.0) for name in ("methane", "lpg", "co", *FLAGS)})
parts = st.tuples(st.just("reading"), st.sampled_from(DEVICES), st.just(Origin.LIVE), ages, st.just(0), partial)
others = st.one_of(
    st.tuples(st.just("lost"), st.sampled_from(DEVICES)),
    st.tuples(st.just("change"), st.sampled_from(DEVICES), st.sampled_from([None, *range(len(KINDS))])),
    st.tuples(st.just("step"), st.sampled_from([-3600, -90, -1, 90, 3600])),
    st.tuples(st.just("act"), st.sampled_from(["acknowledge", "reset", "shelve", "unshelve", "out-of-service"])),
    st.tuples(st.just("report"), st.sampled_from(DEVICES), st.booleans()),
    st.tuples(st.sampled_from(["restart", "look"])),
)
calm = st.tuples(st.just("calm"), st.sampled_from(DEVICES))
whats = st.sampled_from([calm] * 5 + [parts] * 3 + [readings] * 3 + [others]).flatmap(lambda one: one)
happenings = st.tuples(st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 2.0, 2.0, 30.0, 300.0]), whats)
stories = st.tuples(
    st.tuples(*(st.integers(0, len(KINDS) - 1) for _ in DEVICES)), st.lists(happenings, min_size=20, max_size=80)
)
Plot = tuple[tuple[int, ...], list[tuple[float, tuple[Any, ...]]]]


class City:
    """An engine over some devices, and all that anybody could see of it, in order."""

    def __init__(self, kinds: Iterable[int]) -> None:
        self.kinds: dict[str, int] = dict(zip(DEVICES, kinds, strict=True))
        self.mono, self.step = MONO, 0
        self.engine = AlarmEngine(RULES, self.watched(), at(0))
        self.stored: dict[str, bytes] = {}
        self.seen: list[object] = []
        self.check: Callable[[], None] = lambda: None
        self.told_late: set[tuple[str, Origin]] = set()

    def watched(self) -> list[Watched]:
        return [Watched(device, *KINDS[kind]) for device, kind in self.kinds.items()]

    @property
    def now(self) -> Moment:
        return Moment(WALL + self.mono - MONO + self.step, self.mono)

    def play(self, happenings: Iterable[tuple[float, tuple[Any, ...]]]) -> list[object]:
        for wait, (what, *given_things) in happenings:
            self._pass(self.mono + int(wait * SECOND))
            getattr(self, f"do_{what}")(*given_things)
            self._drain()
            self.seen.append({key: _known(group.picture) for key, group in self.engine._groups.items()})
            self.check()
        self.do_look()
        return self.seen

    def _pass(self, until: int) -> None:
        while (due := self.engine.due()) is not None and due <= until:
            self.mono = max(self.mono, due)
            self.engine.tick(self.now)
            self._drain()
        self.mono = until

    def _drain(self) -> None:
        transitions, state = self.engine.drain()
        self.stored |= state
        self.seen += [*map(encode, transitions), state]

    def do_calm(self, device: str) -> None:
        quiet = {"methane": 1.0, "lpg": 1.0, "co": 3.0, "fill": 20.0, "h2_1": 0.0, "h2_2": 0.0, "temperature": 20.0}
        self.do_reading(device, Origin.LIVE, 0.0, 0, quiet | dict.fromkeys(FLAGS, 0.0))

    def do_reading(self, device: str, origin: Origin, age: float, mark: int, told: dict[str, Any]) -> None:
        if device not in self.kinds:
            return
        profile = KINDS[self.kinds[device]][0]
        values = tuple(told.get(point.name) for point in profile.points)
        quality = tuple(
            one if value is None else int(worse(Quality(one), Quality(mark)))
            for value, one in zip(values, profile.qualify(values), strict=True)
        )
        now = self.now
        sampled_at = now.wall - int(age * SECOND)
        (self.told_late.add if age > 60.0 else self.told_late.discard)((device, origin))
        self.engine.observe(Reading(device, profile.id, sampled_at, now.wall, origin, values, quality), now)

    def do_lost(self, device: str) -> None:
        if device in self.kinds:
            self.engine.lost(device, self.now)

    def do_change(self, device: str, kind: int | None) -> None:
        if kind is None:
            self.kinds.pop(device, None)
        else:
            self.kinds[device] = kind
        self.engine.rewatch(self.watched(), self.now)

    def do_step(self, seconds: int) -> None:
        self.step += seconds * SECOND

    def do_act(self, verb: Any) -> None:
        for record in sorted(self.engine.records(), key=lambda one: one.alarm):
            action = Action(verb, record.alarm, "li", "so", 60.0, on_site=True, measure="a man with an instrument")
            try:
                self.engine.act(action, self.now)
            except AlarmError as error:
                self.seen.append(str(error))

    def do_report(self, device: str, active: bool) -> None:
        if device in self.kinds:
            self.engine.report(device, "ACT-1", active, self.now)

    def do_restart(self) -> None:
        self.engine = AlarmEngine(RULES, self.watched(), self.now)
        self.engine.load(self.stored)

    def do_look(self) -> None:
        self.seen.append(sorted(encode(record) for record in self.engine.records()))


def _known(picture: Picture) -> list[object]:
    points = range(len(picture.profile.points))
    shown = [(picture.known(one), picture.trusted(one), picture.is_lost(one), picture.is_proof(one)) for one in points]
    return [str(shown), [picture.slope_per_minute(one) for one in points], picture.heard, sorted(picture._held)]


@given(stories)
@settings(deadline=None, max_examples=100)
def test_letting_readings_through_changes_nothing_whatever_else_happens(plot: Plot) -> None:
    kinds, happenings = plot
    shortened = City(kinds).play(happenings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Group, "lets_through", lambda *_: False)
        patch.setattr(Picture, "_take_ordinary", lambda *_: False)
        assert City(kinds).play(happenings) == shortened


@given(stories)
@settings(deadline=None, max_examples=100)
def test_no_condition_that_can_be_seen_waits_for_another_reading(plot: Plot) -> None:
    kinds, happenings = plot
    city = City(kinds)
    city.check = lambda: _all_pursued(city)
    city.play(happenings)


def _all_pursued(city: City) -> None:
    """What a late reading says of the time before a blindness is judged with the next reading, or with its absence."""
    for key, group in city.engine._groups.items():
        for standing in group.standings if key not in city.told_late else ():
            bound = standing.bound
            assert bound is not None
            if bound.rule.on_reports == 1 and standing.judge(group.picture, city.mono) is Judgement.ACTIVE:
                is_pursued = standing.record.active or standing.timers.on_since is not None
                assert is_pursued, f"{standing.record.alarm} is so, and nothing comes of it"


def test_a_fault_told_late_holds_for_the_ordinary_reading_after_it() -> None:
    picture = Picture(GAS, at(0).mono)
    for seconds in (0.0, 2.0):
        picture.update(gas_reading(seconds), at(seconds))
    picture.recall(gas_reading(100, heard=200, fault=1.0))
    alone = gas_reading(202, methane=1.0, fault=None, warm_up=None, over_range=None, alarm=None)
    picture.update(alone, at(202))
    known = picture.known(GAS.by_name["methane"].index)
    assert known is not None
    assert known.quality is Quality.BAD_SENSOR_FAULT
