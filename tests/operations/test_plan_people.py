"""What people may do, and what is refused: wrong role, missing evidence, twice, too early (S17)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alarms.states import Event
from operations.errors import ActionRefused, NoSuchRun
from tests.operations.story import MALL, TO_S08

CLOSE = {"cause": "cooking fumes", "repair": "none needed", "second_instrument": "0 %LEL, no. 17"}


def close(site, role="property-desk", why="false alarm", evidence=CLOSE, who="Li Wei"):
    try:
        return site.operations.close_run(site.run.id, who, role, why, evidence, site.now).state
    except ActionRefused as error:
        return error.en


def test_closing_early_needs_a_named_person_a_reason_and_evidence(site):
    site.alarm(MALL, "CK-02")
    assert close(site) == "still in alarm: mall:gas:1~CK-02; a run ends after them"
    site.alarm(MALL, "CK-02", Event.RETURN)
    assert close(site, who=" ").startswith("an act needs the name of the person")
    assert close(site, role="tenants").startswith("'tenants' may not close this run; only: Property desk, Branch")
    assert close(site, why="").startswith("closing before the last step needs a reason")
    assert close(site, evidence={}).startswith("evidence is missing: Cause, or why it was no leak; Proof of repair")
    assert close(site) == "closed"
    assert (site.run.ended_by, site.run.ended_why) == ("Li Wei", "false alarm")
    assert close(site) == "the run is closed already"
    assert [one for step in site.run.steps for one in step.deadlines] == []
    assert {tuple(step.may) for step in site.run.steps} == {()}
    site.wait(60)
    assert site.told("step-overdue") == []


def test_after_level_2_or_over_range_closing_needs_a_bump_test(site):
    site.alarm(MALL, "CK-04")
    site.alarm(MALL, "CK-04", Event.RETURN)
    assert close(site) == "evidence is missing: Bump test of the detector"
    assert close(site, evidence=CLOSE | {"bump_test": "passed"}) == "closed"


def test_a_new_alarm_after_the_end_opens_a_new_run(site):
    site.alarm(MALL, "CK-02")
    site.alarm(MALL, "CK-02", Event.RETURN)
    close(site)
    site.alarm(MALL, "CK-02")
    assert [run.state for run in site.operations.runs(site.now)] == ["verify", "closed"]
    assert [run.state for run in site.operations.runs(site.now, "active")] == ["verify"]
    assert site.operations.runs(site.now, "no-such-state") == []


REFUSED = [
    ("S02", "finish", {"role": "tenants"}, "'tenants' may not finish step S02; only: Control room (writes down"),
    ("S02", "finish", {"who": ""}, "an act needs the name of the person"),
    ("S02", "explode", {}, "'explode' is no action of a step; use one of start, finish, skip, release, back"),
    ("S02", "skip", {}, "step S02 cannot be skipped"),
    ("S02", "release", {"role": "property-desk"}, "'property-desk' may not release step S02; only: nobody"),
    ("S02", "back", {}, "step S02 leads back to no other step"),
    ("S02", "finish", {"evidence": {"photo": "x"}}, "there is no evidence 'photo' here"),
    ("S02", "finish", {"why": "x" * 2001}, "the reason is longer than 2000 characters"),
    ("S01", "finish", {"evidence": {"report": " "}}, "Text of the report: needs 1 to 2000 characters"),
    ("S01", "skip", {"why": " "}, "skip needs a reason"),
    ("S3b", "finish", {}, "cannot finish step S3b: the steps before it are not finished"),
]


@pytest.mark.parametrize(("step", "verb", "more", "reason"), REFUSED)
def test_a_wrong_act_is_refused_and_changes_nothing(site, step, verb, more, reason):
    site.alarm(MALL, "CK-04")
    before = site.run
    assert reason in site.refused(step, verb, **more)
    assert site.run == before


def test_of_two_people_who_finish_one_step_the_second_is_refused(site):
    site.alarm(MALL, "CK-04")
    site.act("S02", who="Li Wei")
    assert site.refused("S02", who="Wang Fang") == "cannot finish step S02: it is done already, by Li Wei"
    assert site.step("S02").who == "Li Wei"


def test_of_two_people_at_the_same_instant_one_is_refused(site):
    site.alarm(MALL, "CK-04")
    run = site.run.id
    ready = threading.Barrier(8)

    def finish(number):
        ready.wait()
        try:
            site.operations.act(run, "S02", "finish", f"person {number}", "property-desk", {}, "", site.now)
        except ActionRefused:
            return 0
        return 1

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(finish, range(8))) == 1
    assert site.told("step-done") == ["S02"]


def test_a_person_takes_a_run_to_full_once(site):
    site.alarm(MALL, "CK-02")
    with pytest.raises(ActionRefused, match="'nobody' is no actor"):
        site.operations.escalate(site.run.id, "Li Wei", "nobody", "smell everywhere", site.now)
    site.operations.escalate(site.run.id, "Li Wei", "branch", "smell everywhere", site.now)
    told = [(one.who, one.role, one.why) for one in site.run.events if one.event == "escalated"]
    assert (site.run.state, told) == ("full", [("Li Wei", "branch", "smell everywhere")])
    with pytest.raises(ActionRefused, match="the run is full"):
        site.operations.escalate(site.run.id, "Li Wei", "branch", "again", site.now)


def test_the_control_room_writes_down_what_others_report(site):
    site.alarm(MALL, "CK-04")
    site.act("S02", role="control-room", who="Chen")
    assert (site.step("S02").who, site.step("S02").role) == ("Chen", "control-room")


def test_what_does_not_exist_is_named(site):
    site.alarm(MALL, "CK-04")
    with pytest.raises(NoSuchRun, match="has no step 'S99'"):
        site.operations.act(site.run.id, "S99", "finish", "Li", "crew", {}, "", site.now)
    with pytest.raises(NoSuchRun, match="no run 'x'"):
        site.operations.run("x", site.now)
    with pytest.raises(NoSuchRun, match="no plan 'x'"):
        site.operations.start("x", "mall", "full", "Li", "crew", "", site.now)


def may(site, step):
    return {verb: [one.id for one in actors] for verb, actors in site.step(step).may.items()}


def test_the_view_says_what_may_be_done_and_by_whom(site):
    site.alarm(MALL, "CK-04")
    desk = ["control-room", "property-desk"]
    assert may(site, "S02") == {"start": desk, "finish": desk}
    assert sorted(may(site, "S01")) == ["finish", "skip", "start"]
    assert may(site, "S08") == {}
    site.do(*TO_S08)
    site.breathe(11)
    site.do("S08", "P07")
    assert may(site, "S09") == {"back": ["control-room", "crew", "site-lead"]}
    site.breathe(1)
    assert may(site, "S09")["release"] == ["site-lead"]
    assert site.step("S09").sensor.fulfilled
