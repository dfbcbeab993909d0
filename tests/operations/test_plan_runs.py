"""Runs as operator stories: rows of (minutes since the row before, input, what is expected then)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alarms.states import AlarmState, Event
from operations.errors import ActionRefused, NoSuchRun
from operations.service import Operations
from protocols.moment import SECOND, Moment
from protocols.quality import Quality
from tests.operations.story import AREAS, KITCHEN, MALL, MALL_2, gas_reading

TO_S08 = ("S02", "S3a1", "S3a2", "S3a3", "S3b", "S4a", "S4b", "S4c", "S05", "S06", "S07", "P06")

STORIES = {
    "nobody answers: the leak is taken for real": [
        (0, ("alarm", MALL, "CK-02"), {"state": "verify", "open": "P00"}),
        (2.9, None, {"state": "verify", "overdue": ""}),
        (0.2, None, {"state": "full", "open": "S01 S02", "overdue": "P00", "P00": "skipped"}),
        (0.1, None, {"overdue": "P00"}),
        (1.0, None, {"overdue": "P00 S02"}),
    ],
    "somebody verifies": [
        (0, ("alarm", MALL, "CK-02"), {"state": "verify", "open": "P00"}),
        (1, ("do", "P00"), {"state": "full", "open": "S01 S02", "P00": "done"}),
        (3, None, {"overdue": "S02"}),
    ],
    "level 2 goes past verifying": [
        (0, ("alarm", MALL, "CK-04"), {"state": "full", "open": "S01 S02", "P00": "skipped"}),
        (0, ("do", "S02"), {"open": "S01 S3a1 S3a2 S3a3 S3b P03 P04"}),
    ],
    "level 1, then level 2": [
        (0, ("alarm", MALL, "CK-02"), {"state": "verify"}),
        (1, ("alarm", MALL, "CK-04"), {"state": "full", "told": "CK-04"}),
    ],
    "a gas that goes away ends nothing": [
        (0, ("alarm", MALL, "CK-02"), {"state": "verify"}),
        (1, ("returns", MALL, "CK-02"), {"state": "verify", "open": "P00"}),
        (2.5, None, {"state": "full"}),
    ],
    "reports and evacuation run in parallel, each chain by itself": [
        (0, ("alarm", MALL, "CK-04"), {}),
        (0, ("do", "S02"), {"open": "S01 S3a1 S3a2 S3a3 S3b P03 P04"}),
        (1, ("do", "S3a3"), {"open": "S01 S3a1 S3a2 S3b P03 P04 S4c"}),
        (1, ("do", "S3b"), {"S3b": "done", "S08": "waiting"}),
        (1.5, None, {"overdue": "S3b P03 S3a1 S3a2"}),
        (2, None, {"overdue": "S3b P03 S3a1 S3a2 P04"}),
    ],
    "evacuation has two times": [
        (0, ("alarm", MALL, "CK-04"), {}),
        (0, ("do", "S02"), {}),
        (1, ("start", "S3b"), {"S3b": "started"}),
        (1.5, None, {"S3b": "started", "overdue": ""}),
        (13, None, {"overdue": "P03 S3a1 S3a2 S3a3 P04 S3b"}),
    ],
    "an evacuation that was not begun is told twice": [
        (0, ("alarm", MALL, "CK-04"), {}),
        (0, ("do", "S02"), {}),
        (2, None, {"overdue": "S3b"}),
        (13, None, {"overdue": "S3b P03 S3a1 S3a2 S3a3 P04 S3b"}),
    ],
    "an intake that cannot be stopped is skipped with a reason": [
        (0, ("alarm", MALL, "CK-04"), {}),
        (0, ("do", "S02"), {}),
        (1, ("skip", "P03"), {"P03": "skipped", "P04": "open"}),
    ],
    "the restaurant plan opens its two chains": [
        (0, ("alarm", KITCHEN, "CK-02"), {"state": "verify", "open": "K01"}),
        (3, None, {"state": "full", "open": "K02 K03", "K01": "skipped"}),
        (1, ("do", "K02"), {"open": "K03 K04 K05"}),
    ],
}


def play(site, action):
    match action:
        case ("alarm", device, rule):
            site.alarm(device, rule)
        case ("returns", device, rule):
            site.alarm(device, rule, Event.RETURN)
        case ("do", step):
            site.act(step)
        case (verb, step):
            site.act(step, verb, evidence={})


def look(site, names):
    seen = {
        "state": lambda: site.run.state,
        "open": lambda: " ".join(site.open_steps()),
        "overdue": lambda: " ".join(site.told("step-overdue")),
        "told": lambda: " ".join(site.told("alarm")),
    }
    return {name: seen[name]() if name in seen else site.step(name).state for name in names}


@pytest.mark.parametrize("name", STORIES)
def test_story(site, name):
    for minutes, action, expected in STORIES[name]:
        site.wait(minutes)
        if action is not None:
            play(site, action)
        assert (minutes, action, look(site, expected)) == (minutes, action, expected)


def to_measuring(site):
    """A full run whose next steps are P07 and S09, with the gas low for a long time."""
    site.alarm(MALL, "CK-04")
    site.do(*TO_S08)
    site.breathe(11)
    site.do("S08", "P07")


def test_ventilation_waits_for_evacuation_ignition_and_isolation(site):
    site.alarm(MALL, "CK-04")
    for step in TO_S08:
        assert site.states("S08") == ["waiting"]
        assert site.refused("S08").startswith("cannot finish step S08: the steps before it are not finished")
        site.act(step)
    assert site.states("S08") == ["open"]


def test_a_condition_that_holds_opens_nothing_before_the_site_lead_releases(site):
    to_measuring(site)
    assert site.states("S09") == ["held"]
    site.breathe(1)
    assert site.states("S09") == ["releasable"]
    assert site.refused("S09") == "cannot finish step S09: it has to be released first"
    assert site.refused("S09", "release", role="crew").startswith(
        "'crew' may not release step S09; only: Gas company's"
    )
    assert site.refused("S09", "release", role="control-room").startswith("'control-room' may not release step S09")
    assert site.refused("S09", "release", evidence={"points": "5"}).startswith("Portable points (at least 6): needs a")
    assert site.refused("S09", "release", evidence={"points": "6"}).startswith(
        "evidence is missing: Rounds (at least 2)"
    )
    site.act("S09", "release")
    assert site.states("S09", "S10") == ["open", "waiting"]
    site.act("S09")
    assert site.states("S09", "S10") == ["done", "held"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"value": 21.0}, "mall:gas:1 reads 21 %{LEL}"),
        ({"value": 3.0, "quality": Quality.UNCERTAIN_WARM_UP}, "mall:gas:1 value is uncertain (warm-up)"),
        ({"value": 101.0, "quality": Quality.BAD_OVER_RANGE}, "mall:gas:1 over range until calibrated on site"),
    ],
)
def test_a_release_is_refused_while_one_detector_speaks_against_it(site, spoil, reason):
    to_measuring(site)
    site.breathe(1)
    site.watch.observe(gas_reading(MALL, now=site.now, **spoil), site.now)
    assert site.refused("S09", "release") == f"the sensor condition is not fulfilled: {reason}"
    assert [one.en for one in site.step("S09").sensor.reasons] == [reason]
    assert site.states("S09") == ["held"]


def test_a_detector_latched_over_range_blocks_until_it_was_reset_on_site(site):
    site.alarm(MALL, "CK-07")
    site.do(*TO_S08)
    site.breathe(11)
    site.do("S08", "P07")
    site.breathe(1)
    assert site.states("S09") == ["held"]
    site.alarm(MALL, "CK-07", Event.RETURN_LATCHED, after=AlarmState.LATCHED_ACKNOWLEDGED)
    site.breathe(1)
    assert site.states("S09") == ["held"]
    site.alarm(MALL, "CK-07", Event.RESET, after=AlarmState.NORMAL)
    site.breathe(1)
    assert site.states("S09") == ["releasable"]


def test_a_detector_out_of_service_is_left_out_and_the_last_one_is_not_nobody(site):
    to_measuring(site)
    site.breathe(12, devices=(MALL,))
    assert site.states("S09") == ["held"]
    site.alarm(MALL_2, "BL-02", Event.OUT_OF_SERVICE, after=AlarmState.OUT_OF_SERVICE, life_safety=False)
    site.breathe(1, devices=(MALL,))
    assert site.states("S09") == ["releasable"]
    site.alarm(MALL, "BL-02", Event.OUT_OF_SERVICE, after=AlarmState.OUT_OF_SERVICE, life_safety=False)
    site.breathe(1, devices=(MALL,))
    assert site.states("S09") == ["held"]
    assert site.step("S09").sensor.reasons[0].en == "no detector in service says so"


def to_repair(site):
    to_measuring(site)
    site.breathe(1)
    site.act("S09", "release")
    site.act("S09")
    site.breathe(1)
    site.act("S10", "release")
    site.act("S10", "start", evidence={})


def test_a_condition_lost_at_work_is_a_call_to_withdraw(site):
    to_repair(site)
    assert site.states("S08", "S09", "S10") == ["done", "done", "started"]
    site.breathe(1, value=20.0, devices=(MALL,))
    assert site.states("S08", "S09", "S10") == ["open", "waiting", "suspended"]
    told = [one for one in site.run.events if one.event == "withdraw"]
    assert [(one.step, one.step_state, one.en) for one in told] == [
        ("S10", "suspended", "Suspend, withdraw, back to S08")
    ]
    assert site.refused("S10") == "cannot finish step S10: it is suspended: withdraw; its sensor condition was lost"
    site.breathe(11)
    assert site.states("S10") == ["suspended"]
    site.do("S08")
    site.breathe(1)
    site.act("S09", "release")
    site.act("S09")
    site.breathe(1)
    assert site.refused("S10").endswith("it has to be released first")
    assert site.refused("S10", "release", evidence={}).startswith("evidence is missing: Permit; Portable readings")
    site.act("S10", "release")
    assert site.states("S10") == ["open"]


def test_a_rise_between_two_looks_withdraws_too(site):
    to_repair(site)
    site.watch.observe(gas_reading(MALL, 25.0, site.now), site.now)
    site.watch.observe(gas_reading(MALL, 1.0, Moment(site.now.wall + 1, site.now.mono + 1)), site.now)
    site.pass_time(0.05)
    site.operations.tick(site.now)
    assert site.states("S10") == ["suspended"]


def test_after_a_restart_people_at_work_stay_when_fresh_readings_say_so(site):
    to_repair(site)
    site.restart()
    for _ in range(12):
        site.pass_time(1 / 6)
        for device in (MALL, MALL_2):
            site.watch.observe(gas_reading(device, 1.0, site.now), site.now)
        site.operations.tick(site.now)
        assert site.states("S10") == ["started"]


def test_after_a_restart_people_at_work_withdraw_when_a_detector_stays_silent(site):
    to_repair(site)
    site.restart()
    for seconds, expected in ((29, "started"), (2, "suspended")):
        site.pass_time(seconds / 60)
        site.watch.observe(gas_reading(MALL, 1.0, site.now), site.now)
        site.operations.tick(site.now)
        assert site.states("S10") == [expected]


def test_after_a_restart_the_whole_time_begins_anew_for_a_release(site):
    to_measuring(site)
    site.breathe(1)
    assert site.states("S09") == ["releasable"]
    site.restart()
    site.breathe(9)
    assert site.states("S09") == ["held"]
    site.breathe(2)
    assert site.states("S09") == ["releasable"]


def test_a_step_sent_back_has_to_be_done_again(site):
    to_repair(site)
    site.act("S10", evidence={"photos": "12 photos"})
    site.breathe(30)
    site.act("P08", "release")
    assert site.refused("P08", "back", why="").startswith("back needs a reason")
    site.act("P08", "back", why="the pressure falls")
    assert site.states("S10", "P08") == ["held", "waiting"]
    assert site.told("step-reopened") == ["S10"]


def test_a_run_ends_after_its_last_step(site):
    to_repair(site)
    site.act("S10")
    site.breathe(30)
    for step in ("P08", "P09"):
        site.act(step, "release")
        site.act(step)
    site.do("P03", "P04", "S01", "P02", "P05", "P10", "S11", "S12")
    assert site.run.state == "full"
    site.do("P11")
    assert site.run.state == "completed"
    assert site.refused("P11") == "the run is completed"
    assert site.operations.due() is None


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
    assert site.refused("S02", who="Wang Fang") == "cannot finish step S02: it is done already"
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


def test_a_wall_clock_that_is_set_back_makes_no_deadline_late(site):
    site.alarm(MALL, "CK-02")
    site.now = Moment(site.now.wall - 3600 * SECOND, site.now.mono)
    site.wait(3.1)
    assert site.run.state == "full"


def test_a_wall_clock_that_is_set_forward_makes_a_deadline_early(site):
    site.alarm(MALL, "CK-02")
    site.now = Moment(site.now.wall + 3600 * SECOND, site.now.mono)
    site.operations.tick(site.now)
    assert site.run.state == "full"


def test_due_is_the_next_deadline_and_every_second_while_sensors_matter(site):
    assert site.operations.due() is None
    site.alarm(MALL, "CK-02")
    assert site.operations.due() == site.now.mono + 180 * SECOND
    site.alarm(MALL, "CK-04")
    site.do(*TO_S08)
    site.do("S08", "P07")
    site.operations.tick(site.now)
    assert site.operations.due() == site.now.mono + 1 * SECOND


def test_deadlines_passed_while_down_are_told_once_at_the_start(site):
    site.alarm(MALL, "CK-02")
    site.restart(down_min=10)
    site.operations.tick(site.now)
    assert (site.run.state, site.told("step-overdue")) == ("full", ["P00"])
    site.restart(down_min=10)
    site.operations.tick(site.now)
    assert site.told("step-overdue") == ["P00", "S02"]


def second_worker(site):
    return Operations.open(site.url, site.plans, AREAS, site.watch, site.now)


def test_of_two_workers_on_one_database_one_tells_a_missed_deadline(site):
    site.alarm(MALL, "CK-02")
    other = second_worker(site)
    site.pass_time(3)
    site.operations.tick(site.now)
    other.tick(site.now)
    site.pass_time(1)
    other.tick(site.now)
    site.operations.tick(site.now)
    assert site.told("step-overdue") == ["P00", "S02"]
    assert other.due() == site.operations.due() is None
    other.close()


def test_a_deadline_of_an_earlier_round_is_none_of_the_next(site):
    to_repair(site)
    other = second_worker(site)
    site.breathe(60)
    site.act("S10")
    site.breathe(1)
    site.act("P08", "release")
    site.act("P08", "back")
    assert site.states("S10") == ["held"]
    site.breathe(65)
    other.tick(site.now)
    other.close()
    assert "S10" not in site.told("step-overdue")
    site.breathe(60)
    assert site.told("step-overdue").count("S10") == 1


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


def test_a_run_is_the_same_after_a_restart(site):
    to_measuring(site)
    before = site.run
    site.restart()
    after = site.run
    assert [one.evidence for one in after.steps] == [one.evidence for one in before.steps]
    assert [(one.id, one.state, one.who, one.deadlines) for one in after.steps] == [
        (one.id, one.state, one.who, one.deadlines) for one in before.steps
    ]
    assert after.events == before.events
