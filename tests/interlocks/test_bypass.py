"""What a bypass of the engine does: in a vote, where all are lost, and never for over-range."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlocks.bypass import Bypassed, may_be_bypassed
from interlocks.causes import BoundCause
from interlocks.matrix import Cause
from protocols.picture import Picture
from protocols.term import term_of
from tests.fixtures.kitchens import ID, MATRIX, Kitchen, kitchen, member
from tests.fixtures.stories import GAS, at, gas_reading

HOUR = 3600.0
LEVEL_1 = {"kind": "high", "role": "gas", "species": ["methane"], "limit": 25.0, "unit": "%{LEL}"}
CLOSED = ("gas:1", "close-valve")


def bypassed(scene: Kitchen, cause: str, *devices: str, seconds: float = 0.0, for_s: float = HOUR) -> None:
    assert scene.engine.bypass_refusal(ID, cause, devices, None) == ""
    scene.engine.bypass(ID, Bypassed(cause, frozenset(devices), term_of(for_s, "b", at(seconds))))


def causes(scene: Kitchen) -> list[str]:
    return [cause for cause, _ in scene.record.causes]


def cause_with(vote: str, *whens: Mapping[str, object]) -> Cause:
    lost = {} if vote == "1ooN" else {"on_lost": "alarm"}
    title = {"zh": "-", "en": "-"}
    return Cause.model_validate({"id": "XX-1", "title": title, "when": list(whens), "vote": vote, **lost}, strict=False)


def picture(**values: float) -> Picture:
    made = Picture(GAS, at(0).mono)
    made.update(gas_reading(0, "gas:1", **values), at(0))
    return made


def test_bypassed_detector_of_a_vote_has_failed_and_lowers_what_is_needed() -> None:
    zone = kitchen(member(), member("gas:2"), member("gas:3"))
    bound = BoundCause(cause_with("2oo3", LEVEL_1), zone)
    for device in ("gas:1", "gas:2", "gas:3"):
        bound.follow(device, picture(methane=0.0))
    bound.bypass(frozenset({"gas:1"}))
    bound.follow("gas:1", picture(methane=30.0))
    assert not bound.stands_at(at(0).mono)
    bound.follow("gas:2", picture(methane=30.0))  # 1oo2 of the others
    assert bound.stands_at(at(0).mono)
    bound.bypass(frozenset())
    bound.follow("gas:1", picture(methane=0.0))
    assert not bound.stands_at(at(0).mono)


def test_vote_counts_a_bypassed_detector_that_is_over_range() -> None:
    bound = BoundCause(cause_with("1oo2", LEVEL_1), kitchen(member(), member("gas:2")))
    bound.bypass(frozenset({"gas:1"}))
    bound.follow("gas:2", picture(methane=0.0))
    bound.follow("gas:1", picture(methane=60.0))
    assert not bound.stands_at(at(0).mono)
    bound.follow("gas:1", picture(methane=120.0))
    assert bound.stands_at(at(0).mono)


@pytest.mark.parametrize(("devices", "closes"), [(("gas:1",), True), (("gas:1", "gas:2"), False)], ids=str)
def test_all_lost_leaves_bypassed_detectors_out(devices: tuple[str, ...], closes: bool) -> None:
    scene = Kitchen(member(), member("gas:2"), staffed=False)
    scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
    bypassed(scene, "RK-4", *devices)
    for second in range(2, 1000, 2):  # the first sees and does not count, the other is silent
        scene.hear(second, gas_reading(second))
    assert (causes(scene) == ["RK-4"]) is closes


def test_bypass_that_ends_while_the_interlock_rests_trips_by_what_stands() -> None:
    scene = Kitchen(member(), member("gas:2"))
    scene.hear(0, gas_reading(0, methane=8.0), gas_reading(0, "gas:2"))
    bypassed(scene, "RK-3", "gas:1")
    scene.lost(2)
    scene.hear(4, gas_reading(4, "gas:2"))
    assert causes(scene) == []
    scene.engine.end_bypass(ID, at(5))
    assert causes(scene) == ["RK-3"]


def test_matrix_of_over_range_alone_can_not_be_bypassed() -> None:
    bit = {"kind": "flag", "role": "over-range-bit"}
    assert not may_be_bypassed(cause_with("1ooN", {"kind": "over-range", "role": "gas"}, bit))
    assert may_be_bypassed(cause_with("1ooN", bit, LEVEL_1))


def test_interlock_that_is_unknown_or_has_a_bypass_already_is_not_bypassed() -> None:
    scene = Kitchen()
    assert "no interlock 'x~y'" in scene.engine.bypass_refusal("x~y", "RK-1", ["gas:1"], None)
    assert "(unknown)" in scene.engine.bypass_refusal(ID, "RK-1", ["gas:1"], at(1))
    scene.hear(1, gas_reading(1))
    assert scene.engine.bypass_refusal(ID, "RK-1", ["gas:1"], at(1)) == ""
    bypassed(scene, "RK-1", "gas:1", seconds=1)
    assert "has a bypass already" in scene.engine.bypass_refusal(ID, "RK-2", ["gas:1"], at(2))
    assert "does not look at nothing" in scene.engine.bypass_refusal(ID, "RK-1", [], at(2))


values = st.fixed_dictionaries(
    {"methane": st.sampled_from([0.0, 8.0, 30.0, 55.0])},
    optional={name: st.just(1.0) for name in ("alarm", "warm_up", "fault", "over_range")},
)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([one.id for one in MATRIX.cause]),
    st.lists(st.tuples(st.sampled_from(["gas:1", "gas:2"]), values), max_size=8),
    st.tuples(st.sampled_from(["gas:1", "gas:2"]), st.sampled_from([{"over_range": 1.0}, {"methane": 120.0}])),
)
def test_whatever_is_bypassed_over_range_trips(
    cause: str, said: list[tuple[str, dict[str, Any]]], last: tuple[str, dict[str, Any]]
) -> None:
    scene = Kitchen(member(), member("gas:2"))
    scene.hear(0, gas_reading(0), gas_reading(0, "gas:2"))
    looked_at = [one for one in ("gas:1", "gas:2") if not scene.engine.bypass_refusal(ID, cause, [one], None)]
    if looked_at:
        bypassed(scene, cause, *looked_at)
    for number, (device, found) in enumerate(said):
        scene.hear(1 + number / 10, gas_reading(1 + number / 10, device, **found))
    device, found = last
    scene.hear(2, gas_reading(2, device, **found))
    assert "RK-2" in causes(scene)
    assert {name for _, _, name in scene.sent()} <= {"close-valve"}
