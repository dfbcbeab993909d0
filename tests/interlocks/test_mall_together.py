"""The interlocks of a mall beside each other: fans that one keeps the others from starting, valves that one closes and
the others see closed, and a restart in the middle of it."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlocks.errors import ResetRefused
from interlocks.interlock import HOLD_FANS
from interlocks.outbox import Failure
from interlocks.record import FOUND_CLOSED
from interlocks.states import InterlockState
from tests.fixtures.malls import BUILDING, DEVICES, HOTPOT, MARKET, TEA, Mall, quiet_mall
from tests.fixtures.stories import at

LEAK, LEVEL_2, DUCT = {"methane": 30.0}, {"methane": 55.0}, {"methane": 12.0}
FAN = (10, "hotpot", "start-fan")
HOLDS = {
    "ML-2": {"noodles": LEVEL_2},
    "ML-3": {"duct:2": DUCT},
    "ML-4": {"well:1": LEVEL_2},
    "ML-6": {"noodles": {"muted": 1.0}},
}


def fan_of(mall: Mall) -> list[tuple[str, tuple[str, ...]]]:
    """(status, reason) of the kitchen's fan."""
    return [(one.status, one.reason) for one in mall.record(HOTPOT).effects if one.action == "start-fan"]


# -- fans ------------------------------------------------------------------------------------------------------------


def test_kitchen_of_a_mall_starts_its_own_fan_while_the_mall_is_quiet() -> None:
    mall = quiet_mall()
    mall.step(10, {"hotpot": LEAK})
    assert mall.sent() == [(10, "hotpot", "close-valve"), FAN]


@pytest.mark.parametrize("cause", HOLDS)
def test_mall_keeps_its_kitchens_from_starting_a_fan(cause: str) -> None:
    mall = quiet_mall()
    mall.run(10, 14, HOLDS[cause])
    mall.run(14, 40)
    mall.step(40, {"hotpot": LEAK})
    assert mall.causes(BUILDING)[0] == cause
    assert fan_of(mall) == [("held", ("person-decides",))]
    assert "start-fan" not in {what for _, _, what in mall.sent()}


def test_fans_are_held_until_the_mall_is_reset() -> None:
    mall = quiet_mall()
    mall.stuck.add("intake")
    mall.step(10, {"duct:1": DUCT})
    mall.step(12, {"hotpot": LEAK})
    assert fan_of(mall) == [("held", ("person-decides",))]
    assert [one for one in mall.failures if one.failed] == [Failure("intake", "intake", failed=True)]
    mall.failures.clear()
    mall.run(14, 710)
    for name in (HOTPOT, BUILDING):
        mall.engine.reset(name, "li", True, at(710))
        mall.take(710)
    assert Failure("intake", "intake", failed=False) in mall.failures, "nothing is asked of it any more"
    mall.valves["hotpot"] = 1.0
    mall.run(710, 714)
    mall.step(714, {"hotpot": LEAK})
    assert mall.sent(714)[-1] == (714, "hotpot", "start-fan")


def test_fan_that_was_told_to_start_this_moment_is_called_back_when_gas_comes_by_the_duct() -> None:
    mall = quiet_mall()
    mall.step(10, {"hotpot": LEAK})
    started = next(command.id for _, command in mall.commands if command.name == "start-fan")
    mall.hear(11, mall.told(11, "duct:1", DUCT))
    assert mall.cancels == [started]
    assert fan_of(mall) == [("held", ("person-decides",))]


def test_leak_that_is_the_mall_s_second_starts_no_fan_in_the_kitchen_where_it_is() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"noodles": LEAK})
    mall.step(14, {"noodles": LEAK, "hotpot": LEAK})
    assert mall.causes(BUILDING) == ["ML-2b"]
    assert fan_of(mall) == [("held", ("person-decides",))]
    assert "start-fan" not in {what for _, _, what in mall.sent()}, "the mall is judged first"


def test_flag_of_a_tenant_holds_no_fan_of_another_area() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"market": {"co": 200.0}})
    assert mall.causes(MARKET) == ["ML-7"]
    mall.step(14, {"hotpot": LEAK})
    assert (14, "hotpot", "start-fan") in mall.sent()


def test_flag_of_a_neighbour_calls_no_fan_back() -> None:
    mall = quiet_mall()
    mall.step(10, {"hotpot": LEAK})
    mall.hear(11, mall.told(11, "market", {"co": 200.0}))
    assert mall.causes(MARKET) == ["ML-7"]
    assert mall.cancels == []


def test_flag_outlives_a_restart() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"well:1": LEVEL_2})
    mall.restart(20)
    mall.step(20, {"hotpot": LEAK})
    assert fan_of(mall) == [("held", ("person-decides",))]


# -- valves ----------------------------------------------------------------------------------------------------------


def test_tenant_s_closed_valve_latches_nothing_but_the_tenant() -> None:
    mall = quiet_mall()
    mall.run(10, 60, {"tea": LEAK})
    assert mall.valves["tea"] == 2.0
    assert (mall.causes(TEA), mall.causes(BUILDING)) == (["ML-1"], [])


def test_valve_that_the_mall_closed_is_not_said_to_be_closed_without_a_reason() -> None:
    mall = quiet_mall()
    mall.run(10, 60, {"duct:1": DUCT})
    assert {device for device, valve in mall.valves.items() if valve == 2.0} == {"noodles", "tea", "hotpot", "main"}
    assert FOUND_CLOSED not in {one.cause for one in mall.events}
    assert mall.record(BUILDING).closed == ["noodles", "tea", "hotpot", "main"]


def test_valve_found_closed_at_the_start_latches_its_tenant_and_not_the_mall() -> None:
    mall = Mall()
    mall.valves["tea"] = 2.0
    mall.run(0, 20)
    assert (mall.causes(TEA), mall.causes(BUILDING)) == ([FOUND_CLOSED], [])
    assert mall.record(BUILDING).state is InterlockState.ARMED


def test_main_valve_found_closed_at_the_start_is_told_once() -> None:
    mall = Mall()
    mall.valves["main"] = 2.0
    mall.run(0, 20)
    assert [(one.interlock, one.device) for one in mall.events if one.cause == FOUND_CLOSED] == [(BUILDING, "main")]


def test_valve_that_is_opened_while_the_mall_is_latched_is_told_of() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"duct:1": DUCT})
    mall.valves["tea"] = 1.0
    mall.run(20, 30)
    opened = [(one.interlock, one.device, one.status) for one in mall.events if one.event == "opened"]
    assert opened == [(BUILDING, "tea", "latched")]
    mall.valves["tea"] = 1.0
    mall.run(30, 34, {"duct:1": DUCT})
    assert [one for one in mall.sent(30) if one[1] == "tea"] == [(30, "tea", "close-valve")]


# -- restart and reset -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [11, 14])
def test_main_valve_is_closed_after_a_restart_between_the_first_effect_and_the_second(killed: int) -> None:
    mall = quiet_mall()
    mall.step(10, {"tea": LEVEL_2})
    assert mall.sent() == [(10, "tea", "close-valve")]
    mall.restart(killed)
    mall.until(killed + 1)
    assert (killed, "main", "close-valve") in mall.sent()
    mall.run(killed + 1, killed + 9)
    assert mall.record(BUILDING).first_out == "ML-2"
    assert ("ML-2", "E5", "", "held") in mall.effects(BUILDING)
    assert ("ML-2", "E2", "main", "done") in mall.effects(BUILDING)


def test_effect_that_was_done_before_a_restart_is_not_done_again() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"duct:1": DUCT})
    stages = mall.stages()
    mall.restart(20)
    mall.run(20, 60, {"duct:1": DUCT})
    # its valve is told of after that of the others: what was not read yet is closed again
    assert mall.sent(20) == [(20, "main", "close-valve")]
    assert mall.stages() == stages


def test_mall_is_not_reset_while_one_of_its_detectors_is_not_seen() -> None:
    mall = quiet_mall()
    mall.step(10, {"noodles": LEVEL_2})
    mall.silent.add("well:1")
    mall.run(12, 700)
    with pytest.raises(ResetRefused, match="lost, bad or not fresh"):
        mall.engine.reset(BUILDING, "li", True, at(700))


# -- whatever happens ------------------------------------------------------------------------------------------------

said = st.one_of(
    st.fixed_dictionaries({"methane": st.sampled_from([0.0, 0.0, 8.0, 12.0, 30.0, 55.0, 103.0])}),
    st.sampled_from([{"alarm": 1.0}, {"fault": 1.0}, {"warm_up": 1.0}, {"muted": 1.0}, {"co": 200.0}]),
)
moments = st.dictionaries(st.sampled_from(sorted(DEVICES)), said, max_size=3)


@settings(max_examples=30, deadline=None)
@given(st.lists(moments, min_size=1, max_size=8))
def test_no_fan_starts_while_anything_in_the_mall_leaves_the_fans_to_a_person(
    happenings: list[Mapping[str, Mapping[str, float]]],
) -> None:
    mall = quiet_mall()
    for number, happening in enumerate(happenings):
        held = is_held(mall)
        before = len(mall.commands)
        mall.step(10 + 2 * number, happening)
        told = {command.id: command.name for _, command in mall.commands[before:]}
        assert set(told.values()) <= {"close-valve", "start-fan", "stop"}
        fans = {command for command, name in told.items() if name == "start-fan"}
        assert not (held and fans)
        assert fans <= set(mall.cancels) or not is_held(mall), "or it was called back at once"


def is_held(mall: Mall) -> bool:
    """Whether the record of the mall or of the kitchen has an effect that leaves the fans to a person."""
    return any(one.action in HOLD_FANS for name in (BUILDING, HOTPOT) for one in mall.record(name).effects)
