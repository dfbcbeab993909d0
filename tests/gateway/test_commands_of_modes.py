"""Whatever people ask of bump tests, maintenance, bypasses and proof tests, and whatever happens meanwhile: nothing
that leaves opens anything, and each live command has a live trip or a planned proof test behind it (S2, S5)."""

import tomllib
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.engine import AlarmEngine
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gateway.actuator import Actuator
from gateway.errors import ModeRefused
from gateway.pipeline import Verdict
from gateway.watch import Watch
from gengfu import rules
from gengfu.mode_side import make_modes
from interlocks.engine import InterlockEngine
from journal.entry import Done
from protocols.command import CommandEvent, decode_command_event
from protocols.moment import Moment
from protocols.profile.loader import shipped_profiles
from protocols.profile.schema import CommandPart
from protocols.proof_test import KIND as PROOF_TEST
from protocols.proof_test import decode_proof_test
from protocols.reading import Origin
from protocols.request import OperatorRequest
from tests.fixtures.stories import at, gas_reading
from tests.fixtures.tested_kitchens import GAS, NODE, OTHER, SITE, few

BOOK = rules.shipped()
THE_SITE = compile_site(SiteConfig.model_validate(tomllib.loads(SITE), strict=False), shipped_profiles())
KITCHEN = "kitchen~restaurant-kitchen"
TARGETS = [
    GAS, OTHER, NODE, f"{GAS}~valve", f"{GAS}~fan", f"{GAS}~methane", "kitchen", "kitchen~area",
    f"{KITCHEN}~RK-1~{GAS}", f"{KITCHEN}~RK-2~{GAS},{OTHER}",
]  # fmt: skip
VERBS = [
    "proof-test", "proof-test", "bypass", "confirm-bypass", "end-bypass", "bump-test", "end-bump-test", "maintenance",
    "end-maintenance",
]  # fmt: skip
requests = st.builds(
    lambda verb, target, who, for_s, measure, on_site: OperatorRequest(
        "r", verb, target, who, 0, 0, "why", for_s, measure, on_site, "open-valve", 0
    ),
    st.sampled_from(VERBS),
    st.one_of(st.sampled_from(TARGETS), st.text(max_size=20)),
    st.sampled_from(["li", "zhao", ""]),
    st.sampled_from([60.0, 3600.0, None]),
    st.sampled_from(["wang", ""]),
    st.booleans(),
)
happenings = st.one_of(
    st.tuples(st.just("ask"), requests),
    st.tuples(st.just("ask"), st.just(OperatorRequest("r", "proof-test", GAS, "li", 0, 0, "why", None, "wang", True))),
    st.tuples(st.just("hear"), st.fixed_dictionaries({"valve": st.sampled_from([1.0, 1.0, 2.0, 3.0])})),
    st.tuples(st.just("hear"), st.fixed_dictionaries({"methane": st.sampled_from([0.0, 30.0, 120.0])})),
    st.tuples(st.just("drill"), st.just({"methane": 60.0})),
    st.tuples(st.just("time"), st.sampled_from([0.5, 2.0, 20.0, 4000.0])),
    st.tuples(st.just("restart"), st.just(1.0)),
)


class World:
    """A gateway without transports and without a disk: what is stored is stored at once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.state: dict[str, bytes] = {}
        self.sent: list[tuple[str, CommandPart]] = []
        self.events: list[CommandEvent] = []
        self.asked: set[str] = set()
        self.begin()

    def begin(self) -> None:
        now = at(self.seconds)
        self.watch = Watch(
            InterlockEngine(BOOK.matrices, rules.zones(THE_SITE), now),
            AlarmEngine(few(BOOK), rules.watched(THE_SITE), now),
            Actuator(self, THE_SITE.find_profile),
            lambda verdict: self.store(verdict, lambda _error: None),
            heed=self.heed,
        )
        self.modes = make_modes(THE_SITE, self.watch, BOOK, Origin.LIVE, "b", self.store, lambda: None)
        self.watch.load(dict(self.state), now)
        self.modes.load(self.state, now)

    def heed(self, event: CommandEvent, now: Moment) -> Verdict:
        return self.modes.proof_tests.heed(event, now)

    def store(self, verdict: Verdict, done: Done) -> None:
        for entry in verdict.entries:
            if entry.kind == "command":
                self.events.append(decode_command_event(entry.body))
            elif entry.kind == PROOF_TEST:
                test = decode_proof_test(entry.body)
                self.asked |= {f"proof-test/{test.id}"} if test.who and test.on_site else set()
        self.state = {key: body for key, body in {**self.state, **verdict.state}.items() if body is not None}
        done(None)

    def send(self, device: str, command: CommandPart, sent: Callable[[str], None]) -> None:
        self.sent.append((device, command))
        sent("")

    def do(self, what: str, given: object) -> None:
        now = at(self.seconds)
        if isinstance(given, OperatorRequest):
            try:
                self.store(self.modes.verbs[given.verb](given, now), lambda _error: None)
            except ModeRefused:
                return
        elif isinstance(given, dict):
            origin = Origin.DRILL if what == "drill" else Origin.LIVE
            for device in (GAS, OTHER):
                verdict = self.watch.observe(gas_reading(self.seconds, device, origin, **given), now)
                self.store(verdict, lambda _error: None)
        elif what == "restart":
            self.begin()
        self.seconds += given if isinstance(given, float) else 0.1
        for _ in range(3):  # asked for, written down, sent
            self.modes.tick(at(self.seconds))
            self.watch.tick(at(self.seconds))


@settings(max_examples=60, deadline=None)
@given(st.lists(happenings, max_size=14))
def test_no_request_for_a_mode_makes_anything_leave_that_opens(steps: list[tuple[str, object]]) -> None:
    world = World()
    world.do("hear", {})
    for what, with_this in steps:
        world.do(what, with_this)
    for device, part in world.sent:
        assert part in THE_SITE.devices[device].profile.file.command
        assert (part.effect, part.read_back and part.read_back.equals) == ("close-valve", 2)
    tripped = {f"trip/{record.id}" for record in world.watch.interlocks.records() if record.origin is Origin.LIVE}
    causes = {event.command.cause for event in world.events if event.status == "issued"}
    assert causes <= tripped | world.asked
    assert {event.command.origin for event in world.events} <= {Origin.LIVE}


def test_the_world_can_prove_a_valve_and_trip() -> None:
    world = World()
    wish = OperatorRequest("r", "proof-test", GAS, "li", 0, 0, "why", None, "wang", True)
    for what, with_this in (("hear", {}), ("ask", wish), ("hear", {"valve": 2.0})):
        world.do(what, with_this)
    assert [part.name for _, part in world.sent] == ["close-valve"]
    assert world.asked == {f"proof-test/{GAS}~valve"}
    world.do("hear", {"methane": 60.0})
    assert len(world.sent) > 1
