"""What opens a plan, and in which stage (S4, S9, S14)."""

import pytest

from alarms.states import AlarmState, Event
from operations.plan_files import shipped_plans
from operations.triggers import Raised, stage_for
from protocols.reading import Origin
from tests.operations.story import BIN, DUCT, GATEWAY, HOME, KITCHEN, MALL, MALL_2, STATION, Site

MALL_PLAN, KITCHEN_PLAN = "mall-gas-leak-dongkeng", "restaurant-gas-leak"


@pytest.mark.parametrize(
    ("device", "rule", "expected"),
    [
        (MALL, "CK-01", []),
        (MALL, "CK-02", [(MALL_PLAN, "verify")]),
        (MALL, "CK-04", [(MALL_PLAN, "full")]),
        (MALL, "CK-07", [(MALL_PLAN, "full")]),
        (MALL, "BL-01", [(MALL_PLAN, "full")]),
        (MALL, "BL-02", []),
        (MALL, "OD-01", [(MALL_PLAN, "verify")]),
        (MALL, "WD-01", []),
        (DUCT, "CK-08", [(MALL_PLAN, "full")]),
        (KITCHEN, "CK-02", [(KITCHEN_PLAN, "verify")]),
        (KITCHEN, "BL-01", [(KITCHEN_PLAN, "verify")]),
        (KITCHEN, "CK-04", [(KITCHEN_PLAN, "full")]),
        (KITCHEN, "CK-06", [(KITCHEN_PLAN, "full")]),
        (KITCHEN, "CK-07", [(KITCHEN_PLAN, "full")]),
        (KITCHEN, "CK-08", []),
        (KITCHEN, "OD-01", [(KITCHEN_PLAN, "verify")]),
        ("nobody:1", "CK-04", []),
        (HOME, "CO-01", [("household-co", "verify")]),
        (HOME, "CO-02", [("household-co", "full")]),
        (HOME, "CO-05", [("household-co", "full")]),
        (KITCHEN, "CO-04a", []),
        (KITCHEN, "CO-04b", [("household-co", "full")]),
        (STATION, "H2-01", [("hydrogen-leak", "verify")]),
        (STATION, "H2-04", [("hydrogen-leak", "full")]),
        (STATION, "HS-1", [("hydrogen-leak", "verify")]),
        (STATION, "H2-05", [("hydrogen-flame", "full")]),
        (STATION, "H2-06", [("hydrogen-flame", "full")]),
        (STATION, "H2-08a", []),
        (BIN, "SB-03", [("bin-fire", "full")]),
        (BIN, "SB-04", [("bin-fire", "verify")]),
        (BIN, "SB-02", []),
        (GATEWAY, "GH-01a", [("gateway-failure", "verify")]),
        (GATEWAY, "GH-02a", [("gateway-failure", "verify")]),
        (GATEWAY, "GH-02d", []),
    ],
)
def test_an_alarm_opens_the_plan_of_its_area(site, device, rule, expected):
    site.alarm(device, rule)
    assert [(run.plan, run.state) for run in site.operations.runs(site.now)] == expected


@pytest.mark.parametrize(("kind", "stage"), [("mall-building", "verify"), ("mall", None), ("mall-duct", None)])
def test_works_damage_opens_the_plan_of_the_whole_mall_and_not_of_each_tenant(kind, stage):
    assert stage_for(shipped_plans()[MALL_PLAN], kind, Raised("place", "WD-01", 0, True)) == stage


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_what_is_not_live_opens_nothing_and_counts_for_nothing(site, origin):
    site.alarm(MALL, "CK-04", origin=origin)
    site.alarm(MALL, "CK-02", origin=origin)
    assert site.operations.runs(site.now) == []
    site.alarm(MALL_2, "CK-02")
    assert [run.state for run in site.operations.runs(site.now)] == ["verify"]
    site.alarm(MALL, "CK-04", origin=origin)
    assert site.run.state == "verify"
    assert site.told("alarm") == []


@pytest.mark.parametrize(
    ("between_min", "first_returns", "expected"),
    [(0.9, True, "full"), (1.0, True, "full"), (1.1, True, "verify"), (30.0, False, "full")],
)
def test_two_detectors_within_a_minute_or_standing_together_are_a_full_alarm(
    site, between_min, first_returns, expected
):
    site.alarm(MALL, "CK-02")
    if first_returns:
        site.alarm(MALL, "CK-02", Event.RETURN)
    site.pass_time(between_min)
    site.alarm(MALL_2, "CK-02")
    assert site.run.state == expected


def test_one_detector_twice_is_one_detector(site):
    site.alarm(MALL, "CK-02")
    site.alarm(MALL, "CK-02", Event.RETURN)
    site.pass_time(0.5)
    site.alarm(MALL, "CK-02")
    assert site.run.state == "verify"
    assert site.told("alarm") == ["CK-02"]


def test_a_late_alarm_sends_somebody_to_look_and_no_further(site):
    site.alarm(MALL, "CK-04", late=True)
    assert site.run.state == "verify"
    assert site.run.events[0].late
    site.alarm(MALL_2, "CK-04", late=True)
    assert site.run.state == "verify"


def test_an_alarm_that_is_silenced_or_returns_opens_nothing(site):
    site.alarm(MALL, "CK-02", Event.OUT_OF_SERVICE, after=AlarmState.OUT_OF_SERVICE)
    site.alarm(MALL, "CK-04", Event.RETURN)
    site.alarm(MALL, "CK-04", Event.ACKNOWLEDGE, after=AlarmState.ACKNOWLEDGED)
    assert site.operations.runs(site.now) == []


def test_areas_have_runs_of_their_own_and_one_at_a_time(site):
    for device, rule in ((MALL, "CK-02"), (KITCHEN, "CK-02"), (MALL, "CK-04"), (MALL_2, "CK-04"), (KITCHEN, "BL-01")):
        site.alarm(device, rule)
    assert sorted((run.area.id, run.state) for run in site.operations.runs(site.now)) == [
        ("mall", "full"),
        ("street/hotpot", "verify"),
    ]


def test_a_person_opens_a_plan_and_finds_the_one_that_goes_on(site):
    run = site.operations.start(MALL_PLAN, "mall", "verify", "Li Wei", "control-room", "smell reported", site.now)
    again = site.operations.start(MALL_PLAN, "mall", "full", "Li Wei", "control-room", "worse", site.now)
    third = site.operations.start(MALL_PLAN, "mall", "full", "Li Wei", "control-room", "worse", site.now)
    assert [run.state, again.state, third.state] == ["verify", "full", "full"]
    assert {run.id, again.id, third.id} == {run.id}
    assert [one.who for one in third.events if one.event in ("opened", "escalated")] == ["Li Wei", "Li Wei"]


def test_a_run_keeps_the_triggers_of_its_own_plan(tmp_path):
    site = Site(tmp_path)
    site.alarm(MALL, "CK-02")
    site.close()
    again = Site(tmp_path, {})
    again.position = site.position
    again.alarm(MALL, "CK-04")
    assert [(run.plan, run.state) for run in again.operations.runs(again.now)] == [(MALL_PLAN, "full")]
    again.alarm(KITCHEN, "CK-04")
    assert len(again.operations.runs(again.now)) == 1
    again.close()
