"""The other rows of the restaurant kitchen, generated: carbon monoxide, fire, and gas of neighbours and ducts.

The expectation is written from the safety rules: RK-5 closes the shop's valve and starts no fan, RK-6 closes the
upstream valve too, RK-7 closes the shop's valve and keeps every fan from being started until a person resets it. Where
the shop has a level 1 of its own later, a fan is started only if none of these three stood before.
"""

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import pytest

from interlocks.engine import InterlockEngine
from interlocks.errors import ResetRefused
from interlocks.states import InterlockState
from interlocks.zone import FanPermissives, Member, Zone
from protocols.quality import Quality
from protocols.reading import Origin, Reading
from tests.fixtures.kitchens import ALL_TRUE, MATRIX, Kitchen, member
from tests.fixtures.stories import at, gas_reading, marked, varied

BEGINS, LEVEL_1_AT, ENDS = 10, 24, 28
CLOSE, CLOSE_UP, FAN = ("gas:1", "close-valve"), ("up:1", "close-valve"), ("gas:1", "start-fan")
WITH_FIRE_CONTACT = varied({"muted": {"role": "fire-bit"}})
"""The gas alarm whose mute bit is a contact of the fire panel."""


class Input(NamedTuple):
    """``cause``: the row it is, if any. ``then``: what ``device`` says from then on; ``None``: nothing."""

    cause: str
    device: str
    then: dict[str, float] | None
    before: Mapping[str, float] = MappingProxyType({})
    quality: tuple[Quality, str] | None = None
    late: bool = False


def _of(device: str, cause: str, limit: float) -> dict[str, Input]:
    """What a detector beside the kitchen can say. ``limit``: from where on its gas is a cause."""
    test = (Quality.UNCERTAIN_UNDER_TEST, "")
    return {
        f"{device} ok": Input("", device, {"methane": 4.9}),
        f"{device} just below": Input("", device, {"methane": limit - 0.1}),
        f"{device} at the limit": Input(cause, device, {"methane": limit}),
        f"{device} level 1": Input(cause, device, {"methane": 25.0}),
        f"{device} device alarm bit": Input(cause, device, {"alarm": 1.0}),
        f"{device} level 2": Input(cause, device, {"methane": 60.0}),
        f"{device} over-range": Input(cause, device, {"methane": 100.1}),
        f"{device} over-range lock": Input(cause, device, {"over_range": 1.0}),
        f"{device} warm-up (low)": Input("", device, {"warm_up": 1.0}),
        f"{device} warm-up (high)": Input(cause, device, {"warm_up": 1.0, "methane": 30.0}),
        f"{device} fault": Input("", device, {"fault": 1.0}),
        f"{device} lost": Input("", device, None),
        f"{device} lost while rising": Input("", device, None, before={"methane": 9.0}),
        f"{device} under test": Input("", device, {"methane": 60.0, "alarm": 1.0}, quality=test),
        f"{device} late": Input("", device, {"methane": 60.0, "alarm": 1.0}, late=True),
    }


INPUTS = {
    **_of("next:1", "RK-7", 25.0),
    **_of("duct:1", "RK-7", 10.0),
    "CO below": Input("", "gas:1", {"co": 159.0}),
    "CO high": Input("RK-5", "gas:1", {"co": 160.0}),
    "CO over-range": Input("RK-5", "gas:1", {"co": 1100.0}),
    "CO warm-up (high)": Input("RK-5", "gas:1", {"co": 200.0}, quality=(Quality.UNCERTAIN_WARM_UP, "co")),
    "CO fault (high)": Input("RK-5", "gas:1", {"co": 200.0}, quality=(Quality.BAD_SENSOR_FAULT, "co")),
    "CO fault": Input("", "gas:1", {}, quality=(Quality.BAD_SENSOR_FAULT, "co")),
    "CO under test": Input("", "gas:1", {"co": 200.0}, quality=(Quality.UNCERTAIN_UNDER_TEST, "co")),
    "CO late": Input("", "gas:1", {"co": 200.0}, late=True),
    "fire": Input("RK-6", "gas:1", {"muted": 1.0}),
    "fire, clock in doubt": Input("RK-6", "gas:1", {"muted": 1.0}, quality=(Quality.UNCERTAIN_CLOCK, "muted")),
    "fire under test": Input("", "gas:1", {"muted": 1.0}, quality=(Quality.UNCERTAIN_UNDER_TEST, "muted")),
    "fire late": Input("", "gas:1", {"muted": 1.0}, late=True),
}
FANS = {
    "every permissive true": ALL_TRUE,
    "one false": ALL_TRUE._replace(starter_outside_zone=False),
    "one unknown": ALL_TRUE._replace(no_external_ingress=None),
}


class Case(NamedTuple):
    """One row of the table. ``proved``: whether the shop's valve closes; then it has a level 1 of its own later."""

    input: str
    origin: Origin
    fan: str
    upstream: bool
    proved: bool


CASES = [Case(*row) for row in product(INPUTS, Origin, FANS, (True, False), (True, False))]
Sent = list[tuple[float, tuple[str, str]]]


def expected(case: Case) -> Sent:
    """(seconds after the input, what), in order."""
    cause = INPUTS[case.input].cause if case.origin is Origin.LIVE else ""
    found: Sent = [(0, CLOSE)] if cause else []
    if cause == "RK-6" and case.upstream:
        found.append((0, CLOSE_UP))
    if case.proved and not cause:
        found.append((LEVEL_1_AT - BEGINS, CLOSE))
        found += [(LEVEL_1_AT - BEGINS, FAN)] if case.fan == "every permissive true" else []
    return found


class Street(Kitchen):
    """The kitchen with a fire contact, a neighbouring tenant and a duct beside it."""

    def __init__(self, fan: FanPermissives = ALL_TRUE, *, upstream: bool = False) -> None:
        super().__init__()
        own = Member("gas:1", WITH_FIRE_CONTACT, 2.0, fan)
        up = (member("up:1", upstream=True),) if upstream else ()
        beside = ((member("next:1"),), (member("duct:1"),))
        self.zone = Zone("kitchen", "commercial-kitchen", True, (own, *up), *beside)
        self.engine = InterlockEngine([MATRIX], [self.zone], at(0))


def told(case: Case, second: int, valve: float) -> list[Reading]:
    """What the device of the input says at one second."""
    given = INPUTS[case.input]
    live = gas_reading(second, given.device, valve=valve, **given.before)
    if second < BEGINS:
        return [live]
    if given.then is None:
        return [] if case.origin is Origin.LIVE else [live]
    said = {"valve": valve} | given.then
    if given.late:
        return [gas_reading(second - 100, given.device, case.origin, heard=second, **said), live]
    reading = gas_reading(second, given.device, case.origin, **said)
    if given.quality is not None:
        quality, point = given.quality
        reading = marked(reading, quality, *([point] if point else []))
    return [reading] if case.origin is Origin.LIVE else [reading, live]


def play(case: Case) -> Street:
    """Quiet, then the input again and again, then a level 1 in the shop itself."""
    scene = Street(FANS[case.fan], upstream=case.upstream)
    given = INPUTS[case.input]
    valves = dict.fromkeys(("gas:1", "next:1", "duct:1", *(("up:1",) if case.upstream else ())), 1.0)
    seen = 0
    for second in range(0, ENDS, 2):
        new, seen = scene.commands[seen:], len(scene.commands)
        valves |= {one.device: 2.0 for _, one in new if case.proved or one.device == "up:1"}
        scene.hear(second, *told(case, second, valves[given.device]))
        for device, valve in valves.items():
            if device != given.device:
                scene.hear(second, gas_reading(second, device, valve=valve))
        for _, command in new:
            scene.settle(second, command.device, valves[command.device] == 2.0, command.name)
        if case.proved and second == LEVEL_1_AT:
            scene.hear(second, gas_reading(second, "gas:1", methane=30.0, valve=valves["gas:1"]))
            break
    return scene


@pytest.mark.parametrize("name", INPUTS)
def test_commands_are_exactly_those_of_the_table(name: str) -> None:
    wrong = []
    for case in (case for case in CASES if case.input == name):
        found = [(when - BEGINS, (device, what)) for when, device, what in play(case).sent()]
        if found != expected(case):
            wrong.append((case, found, expected(case)))
    assert wrong == []


# -- the flag against fans ------------------------------------------------------------------------------------------


def hear_all(scene: Street, second: float, **values: dict[str, float]) -> None:
    """The shop and what is beside it; ``shop``, ``next``, ``duct``: what each says other than quiet."""
    for name, device in (("shop", "gas:1"), ("next", "next:1"), ("duct", "duct:1")):
        scene.hear(second, gas_reading(second, device, **values.get(name, {})))


def test_gas_in_the_duct_keeps_a_person_from_starting_the_fan_until_it_is_reset() -> None:
    scene = Street()
    hear_all(scene, 0)
    assert scene.engine.refusal("gas:1", "start-fan") == ""
    hear_all(scene, 2, duct={"methane": 12.0})
    assert ("RK-7", "E3", "", "held") in scene.statuses()
    for second in range(4, 608, 2):
        hear_all(scene, second, shop={"valve": 2.0})
    assert "leaves the fans to the people on site" in scene.engine.refusal("gas:1", "start-fan")
    scene.reset(608)
    assert scene.engine.refusal("gas:1", "start-fan") == ""
    assert {what for _, _, what in scene.sent()} == {"close-valve"}


def test_flag_outlives_a_restart() -> None:
    scene = Street()
    hear_all(scene, 0)
    hear_all(scene, 2, next={"methane": 30.0})
    engine = InterlockEngine([MATRIX], [scene.zone], scene.moment(4))
    engine.load(scene.stored, scene.moment(4))
    assert "leaves the fans to the people on site" in engine.refusal("gas:1", "start-fan")


def test_latch_is_not_reset_while_the_duct_is_not_seen() -> None:
    scene = Street()
    hear_all(scene, 0)
    hear_all(scene, 2, duct={"methane": 12.0})
    hear_all(scene, 4)
    for second in range(6, 700, 2):
        scene.hear(second, gas_reading(second, valve=2.0), gas_reading(second, "next:1"))
    with pytest.raises(ResetRefused, match="lost, bad or not fresh"):
        scene.reset(700)


def test_fan_that_was_started_is_left_when_gas_comes_from_the_duct() -> None:
    scene = Street()
    hear_all(scene, 0)
    hear_all(scene, 2, shop={"methane": 30.0})
    scene.settle(3, "gas:1", True, "start-fan")
    hear_all(scene, 4, shop={"methane": 30.0, "fan": 2.0}, duct={"methane": 12.0})
    assert [one for one in scene.statuses() if one[1] == "E3"] == [
        ("RK-1", "E3", "gas:1", "done"), ("RK-7", "E3", "", "held"),
    ]  # fmt: skip
    assert scene.cancels == []


def test_fan_that_only_was_told_to_start_is_cancelled_when_gas_comes_from_the_duct() -> None:
    scene = Street()
    hear_all(scene, 0)
    hear_all(scene, 2, shop={"methane": 30.0})
    fan = next(command for _, command in scene.commands if command.name == "start-fan")
    hear_all(scene, 4, shop={"methane": 30.0}, duct={"methane": 12.0})
    assert scene.cancels == [fan.id]


def test_kitchen_is_not_armed_before_the_duct_was_heard() -> None:
    scene = Street()
    scene.hear(0, gas_reading(0), gas_reading(0, "next:1"))
    assert scene.record.state is InterlockState.UNKNOWN
    scene.hear(2, gas_reading(2, "duct:1"))
    assert scene.record.state is InterlockState.ARMED


def test_matrix_that_does_not_look_beside_is_not_asked_to_hear_it() -> None:
    causes = tuple(cause for cause in MATRIX.cause if cause.id != "RK-7")
    engine = InterlockEngine([MATRIX.model_copy(update={"cause": causes})], [Street().zone], at(0))
    assert engine.memberships("duct:1", Origin.LIVE) == []
    assert len(engine.memberships("gas:1", Origin.LIVE)) == 1
