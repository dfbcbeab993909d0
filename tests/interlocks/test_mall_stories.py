"""Stories of a mall, row by row of the safety rules' table: its tenants, its main valve, its air and its people."""

from itertools import pairwise
from typing import Any

import pytest

from interlocks.states import InterlockState
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.malls import ALL_TRUE, BUILDING, HOTPOT, NOODLES, OUTSIDE, TEA, Mall, quiet_mall
from tests.fixtures.stories import at, gas_reading, marked

LEAK, LEVEL_2, OVER = {"methane": 30.0}, {"methane": 55.0}, {"methane": 103.0}
DUCT = {"methane": 10.0}
MAIN_AT_15 = (15.0, "main", "close-valve")


def close(device: str, second: float = 10) -> tuple[float, str, str]:
    return second, device, "close-valve"


def actions(mall: Mall, name: str) -> list[tuple[str, str, str]]:
    """(effect, device, status), in the order of the record."""
    return [(effect, device, status) for _, effect, device, status in mall.effects(name)]


# -- ML-1: one tenant ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [{"methane": 25.0}, {"alarm": 1.0}])
def test_level_1_at_one_tenant_closes_that_tenant_and_moves_nothing_else(said: dict[str, float]) -> None:
    mall = quiet_mall()
    mall.run(10, 90, {"noodles": said})
    assert mall.sent() == [close("noodles")]
    assert mall.stages() == [(NOODLES, "ML-1", "verify")]
    states = {one.id: one.state for one in mall.engine.records()}
    assert [name for name, state in states.items() if state is InterlockState.TRIPPED] == [NOODLES]


def test_latch_of_one_tenant_hides_no_leak_of_another() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"noodles": LEAK})
    mall.run(14, 100)
    mall.step(100, {"tea": LEAK})
    assert mall.sent() == [close("noodles"), close("tea", 100)]
    assert mall.stages()[-1] == (TEA, "ML-1", "verify")


def test_tenant_s_valve_that_does_not_close_hands_over_to_the_main_valve() -> None:
    mall = quiet_mall()
    mall.stuck.add("noodles")
    mall.run(10, 14, {"noodles": LEAK})
    assert mall.sent() == [close("noodles"), close("main", 12)]
    assert actions(mall, NOODLES) == [("E1", "noodles", "failed"), ("E2", "main", "issued")]
    mall.run(14, 30, {"noodles": LEAK})
    assert mall.causes(BUILDING) == [], "its main valve is not closed for an unknown reason"


def test_tenant_s_valve_on_the_board_that_was_lost_has_failed_at_once() -> None:
    mall = quiet_mall()
    mall.run(10, 12, {"noodles": {"methane": 8.0}})
    mall.silent.add("noodles")
    mall.stuck.add("noodles")
    mall.run(12, 18)
    assert mall.sent() == [close("noodles", 15.0)]
    assert ("E1", "noodles", "failed") in actions(mall, NOODLES)
    mall.run(16, 24)
    assert (20.0, "main", "close-valve") in mall.sent()


# -- ML-2: level 2, over range, two detectors ------------------------------------------------------------------------


@pytest.mark.parametrize("said", [LEVEL_2, OVER, {"over_range": 1.0}, {"methane": 50.0}])
def test_level_2_closes_the_tenant_then_the_mall_and_asks_for_the_people_to_leave(said: dict[str, float]) -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"noodles": said})
    assert mall.sent()[0] == close("noodles")
    assert set(mall.sent()[1:]) == {MAIN_AT_15}
    assert actions(mall, BUILDING)[:3] == [("E2", "main", "done"), ("E4", "", "held"), ("E5", "", "held")]
    assert {("ML-2", "full")} == {(cause, stage) for _, cause, stage in mall.stages() if cause == "ML-2"}


def test_level_2_where_there_is_no_main_valve_says_so() -> None:
    mall = quiet_mall({"main": None})
    mall.run(10, 20, {"noodles": LEVEL_2})
    assert mall.sent() == [close("noodles")]
    assert ("E2", "", "absent") in actions(mall, BUILDING)


def test_level_2_in_a_room_without_an_interlock_of_its_own_closes_the_mall() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"duct:1": {}, "main": LEVEL_2})
    assert mall.sent() == [MAIN_AT_15]


@pytest.mark.parametrize(("second", "causes"), [(14, ["ML-2b"]), (70, ["ML-2b"]), (74, [])])
def test_two_detectors_at_level_1_count_within_a_minute_of_each_other(second: int, causes: list[str]) -> None:
    mall = quiet_mall()
    mall.step(10, {"noodles": LEAK})
    mall.run(12, second)
    mall.step(second, {"tea": LEAK})
    assert mall.causes(BUILDING) == causes
    mall.run(second + 2, second + 10)
    assert ((second + 5.0, "main", "close-valve") in mall.sent()) is bool(causes)


def test_one_detector_that_stands_for_an_hour_counts_with_one_that_joins() -> None:
    mall = quiet_mall()
    mall.run(10, 200, {"noodles": LEAK})
    mall.step(200, {"noodles": LEAK, "tea": LEAK})
    assert mall.causes(BUILDING) == ["ML-2b"]


def test_two_detectors_on_one_line_are_one() -> None:
    mall = quiet_mall({"noodles": {"shares": "line-1"}, "tea": {"shares": "line-1"}})
    mall.run(10, 20, {"noodles": LEAK, "tea": LEAK})
    assert mall.causes(BUILDING) == []
    assert {device for _, device, _ in mall.sent()} == {"noodles", "tea"}


@pytest.mark.parametrize("failed", [{"fault": 1.0}, {"warm_up": 1.0}, {"expired": 1.0}, None])
def test_detector_that_failed_is_no_no_to_the_one_that_says_yes(failed: dict[str, float] | None) -> None:
    mall = quiet_mall()
    if failed is None:
        mall.silent.add("hotpot")
    mall.run(10, 40, {"hotpot": failed or {}})
    assert (mall.causes(BUILDING), mall.sent()) == ([], [])
    mall.step(40, {"hotpot": failed or {}, "noodles": LEAK})
    assert mall.causes(BUILDING) == ["ML-2b"]


def test_failed_detectors_alone_move_nothing() -> None:
    mall = quiet_mall()
    detectors = ("noodles", "tea", "hotpot", "main", "duct:1", "duct:2", "well:1")
    mall.run(10, 100, {one: {"fault": 1.0} for one in detectors})
    assert (mall.sent(), mall.stages()) == ([], [])


def test_detector_that_was_not_heard_yet_is_not_a_failed_one_before_the_grace_of_the_start_ends() -> None:
    mall = Mall()
    mall.silent |= {"tea", "hotpot", "duct:1", "duct:2", "main", "well:1", "intake"}
    mall.run(0, 30, {"noodles": LEAK})
    assert mall.causes(BUILDING) == []
    mall.run(30, 34, {"noodles": LEAK})
    assert mall.causes(BUILDING)[0] == "ML-2b"


# -- ML-3: what comes in by the duct ---------------------------------------------------------------------------------


def test_gas_in_a_duct_closes_every_tenant_the_mall_and_its_intakes() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"duct:1": DUCT})
    assert {(second, device) for second, device, _ in mall.sent()} == {
        (10, "noodles"), (10, "tea"), (10, "hotpot"), (10, "intake"), (15.0, "main"),
    }  # fmt: skip
    assert [what for _, device, what in mall.sent() if device == "intake"] == ["stop"]
    assert (BUILDING, "ML-3", "full") in mall.stages()
    assert actions(mall, BUILDING)[-3:] == [("E7", "", "waiting"), ("E4", "", "held"), ("E5", "", "held")]
    assert all(first[0] <= second[0] for first, second in pairwise(mall.commands)), "the valves go first"


@pytest.mark.parametrize("fan", [{}, ALL_TRUE | {"starter_outside_zone": False}])
def test_intake_whose_starter_may_stand_in_the_gas_is_left_to_a_person(fan: dict[str, bool]) -> None:
    mall = quiet_mall({"intake": {"fan": fan}})
    mall.run(10, 20, {"duct:1": DUCT})
    assert "intake" not in {device for _, device, _ in mall.sent()}
    found = [one for one in mall.record(BUILDING).effects if one.effect in ("E3", "E7")]
    assert [(one.effect, one.status, one.reason) for one in found] == [
        ("E3", "held", ("starter_outside_zone",)), ("E7", "held", ("person-decides",)),
    ]  # fmt: skip


def test_intake_that_does_not_stop_is_asked_of_a_person() -> None:
    mall = quiet_mall()
    mall.stuck.add("intake")
    mall.run(10, 20, {"duct:1": DUCT})
    assert ("E3", "intake", "failed") in actions(mall, BUILDING)
    assert ("E7", "", "held") in actions(mall, BUILDING)
    mall.engine.settled(mall.record(BUILDING).effects[4].command, True, at(20))
    assert ("E3", "intake", "done") in actions(mall, BUILDING)


def test_mall_that_knows_of_no_intake_asks_a_person() -> None:
    mall = quiet_mall({"intake": None})
    mall.run(10, 20, {"duct:1": DUCT})
    assert ("E3", "", "absent") in actions(mall, BUILDING)
    assert ("E7", "", "held") in actions(mall, BUILDING)


DUCTS = {
    # what the two say: whether it trips (1oo2 and its degrading)
    ("gas", "quiet"): True, ("gas", "gas"): True, ("gas", "fault"): True, ("gas", "lost"): True,
    ("quiet", "quiet"): False, ("quiet", "fault"): False, ("fault", "fault"): False, ("lost", "lost"): False,
    ("lost", "fault"): False, ("quiet", "lost"): False,
}  # fmt: skip
SAID = {"gas": DUCT, "quiet": {}, "fault": {"fault": 1.0}, "lost": {}}


@pytest.mark.parametrize("said", DUCTS)
def test_vote_of_the_ducts_degrades(said: tuple[str, str]) -> None:
    mall = quiet_mall()
    ducts = dict(zip(("duct:1", "duct:2"), said, strict=True))
    mall.silent |= {device for device, what in ducts.items() if what == "lost"}
    mall.run(10, 30, {device: SAID[what] for device, what in ducts.items()})
    assert ("ML-3" in mall.causes(BUILDING)) is DUCTS[said]


def test_single_duct_detector_is_enough() -> None:
    mall = quiet_mall({"duct:2": None})
    mall.step(10, {"duct:1": DUCT})
    assert mall.causes(BUILDING) == ["ML-3"]


# -- ML-4: the well outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "is_gas"), [({"methane": 35.0}, True), (OVER, True), ({"methane": 34.9}, False)])
def test_gas_in_the_well_outside_asks_for_the_intakes_and_closes_nothing(said: dict[str, float], is_gas: bool) -> None:
    mall = quiet_mall()
    mall.run(10, 30, {"well:1": said})
    assert mall.sent() == []
    assert mall.stages() == ([(BUILDING, "ML-4", "verify")] if is_gas else [])
    assert actions(mall, BUILDING) == ([("E3", "", "held"), ("E4", "", "held")] if is_gas else [])


# -- ML-5: what is not seen ------------------------------------------------------------------------------------------


def test_tenant_that_goes_blind_while_it_rises_closes_the_mall_too() -> None:
    mall = quiet_mall()
    mall.run(10, 12, {"tea": {"methane": 6.0}})
    mall.run(12, 20, {"tea": {"methane": 6.0, "fault": 1.0}})
    assert mall.sent() == [close("tea", 12), (17.0, "main", "close-valve")]
    assert mall.stages() == [(BUILDING, "ML-5", "full"), (TEA, "ML-5", "full")]
    assert ("E5", "", "held") in actions(mall, BUILDING)


def test_duct_that_goes_blind_while_it_rises_closes_those_who_breathe_from_it() -> None:
    mall = quiet_mall()
    mall.run(10, 12, {"duct:1": {"methane": 6.0}})
    mall.run(12, 20, {"duct:1": {"methane": 6.0, "fault": 1.0}})
    assert {device for _, device, _ in mall.sent()} == {"noodles", "main"}


@pytest.mark.parametrize("said", [LEAK, OVER, {"alarm": 1.0}, {"over_range": 1.0}])
def test_tenant_of_whom_nothing_is_seen_is_closed_while_the_neighbour_is_in_alarm(said: dict[str, float]) -> None:
    mall = quiet_mall()
    lost = {"noodles": {"fault": 1.0}}
    mall.run(10, 30, lost)
    assert mall.sent() == []
    mall.run(30, 38, lost | {"tea": said})
    assert close("noodles", 30) in mall.sent()
    assert mall.causes(NOODLES) == ["ML-5"]
    assert "ML-5" in mall.causes(BUILDING)


def test_neighbour_outside_the_mall_is_one_too() -> None:
    mall = quiet_mall()
    lost = {"tea": {"fault": 1.0}}
    mall.run(10, 30, lost)
    mall.step(30, lost | {"market": LEAK})
    assert [mall.causes(name) for name in (TEA, BUILDING, NOODLES)] == [["ML-5"], ["ML-5"], []]


def test_tenant_of_whom_nothing_is_seen_stays_open_while_the_neighbour_is_quiet() -> None:
    mall = quiet_mall()
    mall.run(10, 100, {"noodles": {"fault": 1.0}, "tea": {"methane": 24.9}})
    assert (mall.sent(), mall.stages()) == ([], [])


def test_neighbour_over_range_is_in_alarm_whatever_it_reads() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"noodles": {"fault": 1.0}})
    mall.hear(14, marked(mall.told(14, "tea", {"methane": 2.0}), Quality.BAD_OVER_RANGE, "methane"))
    assert mall.causes(NOODLES) == ["ML-5"]


def test_neighbour_whose_alarm_has_gone_is_quiet_again() -> None:
    mall = quiet_mall()
    mall.run(10, 14, {"tea": LEAK})
    mall.run(14, 80)
    mall.run(80, 90, {"noodles": {"fault": 1.0}})
    assert mall.causes(NOODLES) == []


def test_neighbour_in_alarm_alone_closes_no_tenant_that_is_seen() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"tea": LEAK})
    assert mall.causes(NOODLES) == []


def test_tenant_of_whom_nothing_is_seen_is_closed_after_a_while_when_nobody_is_there() -> None:
    mall = quiet_mall(closed=["mall/noodles"])
    mall.step(10, {"noodles": {"fault": 1.0}})
    mall.until(920)
    assert mall.sent() == [close("noodles", 910.0)]
    assert mall.causes(NOODLES) == ["ML-5b"]


# -- ML-6, ML-7 ------------------------------------------------------------------------------------------------------


def test_fire_closes_everything_at_once_and_leaves_the_fans_and_the_people_to_the_fire_panel() -> None:
    mall = quiet_mall()
    mall.run(10, 20, {"noodles": {"muted": 1.0}})
    assert {(second, device) for second, device, _ in mall.sent()} == {
        (10, device) for device in ("noodles", "tea", "hotpot", "main")
    }
    assert set(mall.stages()) == {(BUILDING, "ML-6", "fire"), (NOODLES, "ML-6", "fire")}
    assert {action.action for action in mall.record(BUILDING).effects} & {"inhibit-fan", "ask-evacuation"} == set()
    assert "leaves the fans" in mall.engine.refusal("hotpot", "start-fan")


def test_carbon_monoxide_closes_the_tenant_s_gas_and_starts_no_fan() -> None:
    mall = quiet_mall({"noodles": {"fan": ALL_TRUE}})
    mall.run(10, 20, {"noodles": {"co": 160.0}})
    assert mall.sent() == [close("noodles")]
    assert actions(mall, NOODLES) == [("E1", "noodles", "done"), ("E3", "noodles", "held")]


# -- what a person may do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fan", "may"), [(OUTSIDE, True), ({}, False), ({"starter_outside_zone": False}, False)])
def test_person_stops_an_intake_only_by_a_starter_outside_the_zone(fan: dict[str, Any], may: bool) -> None:
    mall = quiet_mall({"intake": {"fan": fan}})
    said = mall.engine.refusal("intake", "stop-intake")
    assert (said == "") is may
    assert may or "starter_outside_zone" in said
    assert "no interlock" in mall.engine.refusal("nowhere", "stop-intake")


def test_person_starts_no_fan_of_a_tenant_while_the_mall_is_latched() -> None:
    mall = quiet_mall()
    assert mall.engine.refusal("hotpot", "start-fan") == ""
    mall.step(10, {"well:1": LEVEL_2})
    assert "leaves the fans" in mall.engine.refusal("hotpot", "start-fan")
    mall.run(12, 616)
    mall.engine.reset(BUILDING, "li", True, at(616))
    assert mall.engine.refusal("hotpot", "start-fan") == ""


# -- drills (S4, S5) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("intake", "status"), [(None, ("", "absent")), ({"fan": {}}, ("intake", "held"))])
def test_drill_says_what_would_have_been_done_and_does_nothing(
    intake: dict[str, Any] | None, status: tuple[str, str]
) -> None:
    mall = quiet_mall({"intake": intake})
    for device, methane in (("duct:1", 12.0), ("noodles", 26.0), ("hotpot", 26.0)):
        mall.hear(10, gas_reading(10, device, Origin.DRILL, methane=methane))
    mall.run(12, 30)
    assert mall.sent() == []
    drilled = {(effect, device, status) for effect, device, status in actions(mall, f"{BUILDING}~drill")}
    assert drilled >= {
        ("E1", "noodles", "shadow"), ("E1", "tea", "shadow"), ("E2", "main", "shadow"), ("E3", *status),
        ("E7", "", "shadow"), ("E4", "", "held"), ("E5", "", "held"),
    }  # fmt: skip
    assert mall.causes(f"{NOODLES}~drill") == ["ML-3", "ML-1"]
    assert ("E3", "hotpot", "held") in actions(mall, f"{HOTPOT}~drill")
    assert [mall.causes(name) for name in (BUILDING, NOODLES, TEA, HOTPOT)] == [[], [], [], []]
    assert mall.engine.refusal("hotpot", "start-fan") == ""
