"""No sequence of begins, ends, restarts, starts of the machine and clock steps leaves a detector under test for longer
than was asked for (S8, S10)."""

from dataclasses import dataclass

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.engine import AlarmEngine, Watched
from device_registry.devices import Site
from gateway.bump_tests import BumpTests, Surroundings
from gateway.errors import ModeRefused
from gateway.pipeline import Verdict
from gengfu.rules import shipped
from interlocks.engine import InterlockEngine
from protocols.bump_test import LONGEST_S, STATE, decode_bump_test
from protocols.moment import SECOND, Moment
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from protocols.request import OperatorRequest
from tests.fixtures.pipelines import GAS_1, SITE
from tests.fixtures.stories import GAS, MONO, WALL, gas_reading

RULES = shipped().alarms
METHANE = GAS.by_name["methane"].index
TARGET = f"{GAS_1}~methane"
DAY = 86_400.0
spans = st.one_of(st.floats(0.0, 5.0), st.floats(0.0, LONGEST_S), st.floats(0.0, DAY))
steps = st.one_of(st.floats(-5.0, 5.0), st.floats(-LONGEST_S, LONGEST_S), st.floats(-DAY, DAY))
happenings = st.one_of(
    st.tuples(st.just("begin"), st.floats(1.0, LONGEST_S)),
    st.tuples(st.just("end"), st.just(0.0)),
    st.tuples(st.just("time"), spans),
    st.tuples(st.just("silent time"), spans),  # the loop is held up: nobody ticks
    st.tuples(st.just("restart"), spans),
    st.tuples(st.just("machine"), spans),
    st.tuples(st.just("step"), steps),
)


@dataclass
class World:
    """``real``: what no clock of the gateway shows, ns. ``asked``: when the test that runs last was begun, and for how
    long; ``None`` before the first, and after a person ended it."""

    real: int = 0
    offset: int = 0
    booted: int = -MONO
    boots: int = 1
    asked: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.state: dict[str, bytes] = {}
        self.begin_gateway()

    def now(self) -> Moment:
        return Moment(WALL + self.real + self.offset, self.real - self.booted)

    def keep(self, verdict: Verdict) -> None:
        self.state |= {key: body for key, body in verdict.state.items() if body is not None}

    def begin_gateway(self) -> None:
        now = self.now()
        site: Site = SITE
        device = site.devices[GAS_1]
        watched = Watched(device.id, device.profile, device.area.kind, 2.0)
        self.alarms = AlarmEngine(RULES, [watched], now)
        interlocks = InterlockEngine([], [], now)
        self.tests = BumpTests(Surroundings(site, self.alarms, interlocks, Origin.LIVE, f"b{self.boots}", self.keep))
        self.tests.load(self.state, now)

    def reading(self) -> Reading:
        return msgspec.structs.replace(gas_reading(0, GAS_1), at=self.now().wall, received_at=self.now().wall)

    def is_marked(self) -> bool:
        return self.tests.mark(self.reading(), self.now()).quality[METHANE] == Quality.UNCERTAIN_UNDER_TEST

    def ask(self, verb: str, for_s: float) -> None:
        now = self.now()
        request = OperatorRequest("r", verb, TARGET, "li", now.wall, now.wall + SECOND, "why", for_s)
        try:
            self.keep((self.tests.begin if verb == "begin" else self.tests.end)(request, now))
        except ModeRefused:
            return
        self.asked = (self.real, int(for_s * SECOND)) if verb == "begin" else None

    def happen(self, what: str, much: float) -> None:
        if what in ("begin", "end"):
            self.alarms.observe(self.reading(), self.now())
            self.ask(what, much)
        elif what == "step":
            self.offset += int(much * SECOND)
        else:
            self.real += int(much * SECOND)
            self.go_on(what)

    def go_on(self, what: str) -> None:
        if what == "machine":
            self.boots += 1
            self.booted = self.real - int(SECOND)
        if what in ("machine", "restart"):
            self.begin_gateway()
        elif what == "time":
            self.tests.tick(self.now())

    def must_have_ended(self) -> bool:
        return self.asked is None or self.real >= self.asked[0] + self.asked[1]


@settings(max_examples=400, deadline=None)
@given(st.lists(happenings, max_size=20))
def test_nothing_keeps_a_detector_under_test_beyond_its_end(story: list[tuple[str, float]]) -> None:
    world = World()
    for what, much in story:
        world.happen(what, much)
        due, now = world.tests.due(), world.now()
        if world.must_have_ended():
            assert not world.is_marked()
            world.tests.tick(now)
            assert (world.tests.running, world.tests.due()) == ({}, None)
            stored = [decode_bump_test(body) for key, body in world.state.items() if key.startswith(STATE)]
            assert [one.state for one in stored if one.is_running] == []
        elif due is not None and world.asked is not None:
            assert due - now.mono <= world.asked[0] + world.asked[1] - world.real


@settings(max_examples=100, deadline=None)
@given(st.floats(2.0, LONGEST_S), st.lists(st.floats(0.0, LONGEST_S), max_size=6))
def test_a_test_that_nothing_disturbs_lasts_until_its_end_over_restarts(for_s: float, pauses: list[float]) -> None:
    world = World()
    world.happen("begin", for_s)
    for pause in pauses:
        world.happen("restart", pause)
        assert world.is_marked() is not world.must_have_ended()
