"""The fans of the restaurant kitchen: what holds them, what inhibits them, and what lies beside the kitchen."""

import pytest

from interlocks.engine import InterlockEngine
from interlocks.errors import ResetRefused
from interlocks.states import InterlockState
from interlocks.zone import FanPermissives, Member, Zone
from protocols.reading import Origin
from tests.fixtures.kitchens import ALL_TRUE, MATRIX, Kitchen, member
from tests.fixtures.stories import at, gas_reading, varied

WITH_FIRE_CONTACT = varied({"muted": {"role": "fire-bit"}})
"""The gas alarm whose mute bit is a contact of the fire panel."""


class Street(Kitchen):
    """The kitchen with a fire contact, a neighbouring tenant and a duct beside it."""

    def __init__(self, fan: FanPermissives = ALL_TRUE, *, upstream: bool = False) -> None:
        super().__init__()
        own = Member("gas:1", WITH_FIRE_CONTACT, 2.0, fan)
        up = (member("up:1", upstream=True),) if upstream else ()
        beside = ((member("next:1"),), (member("duct:1"),))
        self.zone = Zone("kitchen", "commercial-kitchen", True, (own, *up), *beside)
        self.engine = InterlockEngine([MATRIX], [self.zone], at(0))


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


@pytest.mark.parametrize(
    ("device", "said"),
    [("shop", {"co": 160.0}), ("shop", {"muted": 1.0}), ("next", {"methane": 25.0}), ("duct", {"methane": 10.0})],
)
def test_no_fan_starts_at_a_later_leak_of_the_shop_s_own(device: str, said: dict[str, float]) -> None:
    scene = Street()
    hear_all(scene, 0)
    hear_all(scene, 2, **{device: said})
    hear_all(scene, 4, **({device: said} | {"shop": {**(said if device == "shop" else {}), "methane": 30.0}}))
    assert {what for _, _, what in scene.sent()} == {"close-valve"}


@pytest.mark.parametrize("field", FanPermissives._fields)
@pytest.mark.parametrize("held", [False, None])
def test_each_permissive_alone_holds_the_fan_and_is_named(field: str, held: bool | None) -> None:
    scene = Kitchen(member(fan=ALL_TRUE._replace(**{field: held})))
    scene.hear(0, gas_reading(0, methane=30.0))
    fan = next(one for one in scene.record.effects if one.effect == "E3")
    assert (fan.status, fan.reason, scene.sent()) == ("held", (field,), [(0, "gas:1", "close-valve")])
