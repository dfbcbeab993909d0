"""The truth table of the restaurant kitchen, generated: every input, origin, fan, valve and staffing, exact commands.

The expectation (`expected`) is written from the safety rules and the matrix of the restaurant kitchen, not from the
code: which causes an input is, and what each cause does and when.
"""

from itertools import product
from typing import NamedTuple

import pytest

from interlocks.states import InterlockState
from interlocks.zone import FanPermissives
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from tests.fixtures.kitchens import ALL_TRUE, Kitchen, member
from tests.fixtures.stories import gas_reading, marked

BEGINS = 60
"""Seconds of quiet before the input."""

LEVEL_1, LEVEL_2, BLIND_RISING, ALL_BLIND = "RK-1", "RK-2", "RK-3", "RK-4"


class Input(NamedTuple):
    """``before`` and ``then``: methane until the input and from it on. ``causes``: the rows it is, with the second
    at which each stands (a silent device is lost 5 s after its last word, 2.5 periods)."""

    causes: dict[str, float]
    before: float = 0.0
    then: dict[str, float] | None = None
    quality: Quality | None = None
    late: bool = False


INPUTS = {
    "ok": Input({}, then={"methane": 4.9}),
    "level 1": Input({LEVEL_1: 0}, then={"methane": 25.0}),
    "just below level 1": Input({}, then={"methane": 24.9}),
    "device alarm bit": Input({LEVEL_1: 0}, then={"alarm": 1.0}),
    "level 2 in one jump": Input({LEVEL_1: 0, LEVEL_2: 0}, then={"methane": 50.0}),
    "over-range": Input({LEVEL_1: 0, LEVEL_2: 0}, then={"methane": 100.1}),
    "over-range lock, value falsely low": Input({LEVEL_2: 0}, then={"over_range": 1.0}),
    "warm-up (low)": Input({ALL_BLIND: 0}, then={"warm_up": 1.0}),
    "warm-up (high)": Input({LEVEL_1: 0, ALL_BLIND: 0}, then={"methane": 30.0, "warm_up": 1.0}),
    "warm-up (level 2)": Input({LEVEL_1: 0, LEVEL_2: 0, ALL_BLIND: 0}, then={"methane": 60.0, "warm_up": 1.0}),
    "expired (low)": Input({ALL_BLIND: 0}, then={"expired": 1.0}),
    "expired (high)": Input({LEVEL_1: 0, ALL_BLIND: 0}, then={"methane": 30.0, "expired": 1.0}),
    "fault": Input({ALL_BLIND: 0}, before=4.9, then={"fault": 1.0}),
    "fault while rising": Input({BLIND_RISING: 0, ALL_BLIND: 0}, before=5.0, then={"fault": 1.0}),
    "lost": Input({ALL_BLIND: 3}, before=4.9),
    "lost while rising": Input({BLIND_RISING: 3, ALL_BLIND: 3}, before=5.0),
    "under test": Input({ALL_BLIND: 0}, then={"methane": 60.0, "alarm": 1.0}, quality=Quality.UNCERTAIN_UNDER_TEST),
    "clock in doubt (high)": Input({LEVEL_1: 0}, then={"methane": 30.0}, quality=Quality.UNCERTAIN_CLOCK),
    "late": Input({}, then={"methane": 60.0, "alarm": 1.0, "over_range": 1.0}, late=True),
}
FANS = {
    "every permissive true": ALL_TRUE,
    "one false": ALL_TRUE._replace(ex_rated=False),
    "one unknown": ALL_TRUE._replace(no_external_ingress=None),
}
PROVED, FAILS = "E1 proved", "E1 fails"
READ_BACK_S = 15
CLOSED_HOURS_S = 900


class Case(NamedTuple):
    """One row of the table."""

    input: str
    origin: Origin
    fan: str
    upstream: bool
    staffed: bool
    outcome: str

    @property
    def blind(self) -> bool:
        """Whether the device cannot be reached."""
        return INPUTS[self.input].then is None


def expected(case: Case) -> list[tuple[float, str, str]]:
    """(seconds after the input, device, command), in order."""
    if case.origin is not Origin.LIVE:
        return []  # S5: never from a drill or a simulation
    causes = INPUTS[case.input].causes
    found: list[tuple[float, str, str]] = []
    # E1 closes at the first cause that acts; plain loss acts only in closed hours, after 15 minutes (RK-4)
    acting = {cause: at for cause, at in causes.items() if cause != ALL_BLIND}
    if acting:
        found.append((min(acting.values()), "gas:1", "close-valve"))
    elif ALL_BLIND in causes and not case.staffed:
        found.append((causes[ALL_BLIND] + CLOSED_HOURS_S, "gas:1", "close-valve"))
    if case.upstream:
        found += _upstream(case, causes)
    # E3: level 1 only, with every permissive known to be true; never at level 2 (S1), nor blind (RK-3)
    if LEVEL_1 in causes and LEVEL_2 not in causes and case.fan == "every permissive true":
        found.append((causes[LEVEL_1], "gas:1", "start-fan"))
    return sorted(found, key=lambda one: (one[0], one[1] != "gas:1", one[2]))


def _upstream(case: Case, causes: dict[str, float]) -> list[tuple[float, str, str]]:
    """E2: at once at level 2; 5 s after E1 when blind; at level 1 when E1 failed; not for plain loss."""
    if LEVEL_2 in causes:
        return [(causes[LEVEL_2], "up:1", "close-valve")]
    if BLIND_RISING in causes:
        return [(causes[BLIND_RISING] + 5, "up:1", "close-valve")]
    if LEVEL_1 in causes and case.outcome == FAILS:
        return [(causes[LEVEL_1] + READ_BACK_S, "up:1", "close-valve")]
    return []


CASES = [
    Case(*row) for row in product(INPUTS, Origin, FANS, (True, False), (True, False), (PROVED, FAILS))
]  # fmt: skip


def readings(case: Case, second: int, valve: float) -> list[Reading]:
    """What is heard at one second."""
    given = INPUTS[case.input]
    live = gas_reading(second, methane=given.before, valve=valve)
    if second < BEGINS:
        return [live]
    if given.then is None:
        return [] if case.origin is Origin.LIVE else [live]
    if given.late:
        late = gas_reading(second - 100, origin=case.origin, heard=second, valve=valve, **given.then)
        return [late, live]
    told = gas_reading(second, origin=case.origin, **(given.then | {"valve": valve}))
    told = marked(told, given.quality) if given.quality else told
    return [told] if case.origin is Origin.LIVE else [told, live]


def play(case: Case) -> Kitchen:
    """The whole case: quiet, then the input again and again, and the final elements that answer or do not."""
    up = (member("up:1", upstream=True),) if case.upstream else ()
    scene = Kitchen(member(fan=FANS[case.fan]), *up, staffed=case.staffed)
    is_blind = INPUTS[case.input].causes.keys() == {ALL_BLIND} and case.origin is Origin.LIVE
    ends = BEGINS + (CLOSED_HOURS_S + 10 if is_blind else 30)
    valves = {"gas:1": 1.0, "up:1": 1.0}
    waiting: list[tuple[float, str, str, bool]] = []
    seen = 0
    for second in range(0, ends, 2):
        for due, device, name, _ in [one for one in waiting if one[0] <= second and not one[3]]:
            scene.settle(due, device, False, name)
        proved = [one for one in waiting if one[0] <= second and one[3]]
        valves |= {device: 2.0 for _, device, name, _ in proved if name == "close-valve"}
        waiting = [one for one in waiting if one[0] > second]
        upstream = [gas_reading(second, "up:1", valve=valves["up:1"])] if case.upstream else []
        scene.hear(second, *readings(case, second, valves["gas:1"]), *upstream)
        for _, device, name, _ in proved:
            scene.settle(second, device, True, name)
        for sent_at, command in scene.commands[seen:]:
            fails = command.device == "gas:1" and (case.outcome == FAILS or case.blind)
            waiting.append((sent_at + (READ_BACK_S if fails else 1), command.device, command.name, not fails))
        seen = len(scene.commands)
    return scene


@pytest.mark.parametrize("name", INPUTS)
def test_commands_are_exactly_those_of_the_table(name: str) -> None:
    wrong = []
    for case in (case for case in CASES if case.input == name):
        scene = play(case)
        found = [(at - BEGINS, device, command) for at, device, command in scene.sent()]
        found.sort(key=lambda one: (one[0], one[1] != "gas:1", one[2]))
        if found != expected(case):
            wrong.append((case, found, expected(case)))
    assert wrong == []


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
@pytest.mark.parametrize("name", INPUTS)
def test_what_is_not_live_changes_nothing_live(name: str, origin: Origin) -> None:
    scene = play(Case(name, origin, "every permissive true", upstream=True, staffed=True, outcome=PROVED))
    assert (scene.record.state, scene.record.causes, scene.failures) == (InterlockState.ARMED, [], [])


@pytest.mark.parametrize("field", FanPermissives._fields)
@pytest.mark.parametrize("held", [False, None])
def test_each_permissive_alone_holds_the_fan_and_is_named(field: str, held: bool | None) -> None:
    scene = Kitchen(member(fan=ALL_TRUE._replace(**{field: held})))
    scene.hear(0, gas_reading(0, methane=30.0))
    fan = next(one for one in scene.record.effects if one.effect == "E3")
    assert (fan.status, fan.reason, scene.sent()) == ("held", (field,), [(0, "gas:1", "close-valve")])
