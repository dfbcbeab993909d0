"""Runs as operator stories: rows of (minutes since the row before, input, what is expected then)."""

import pytest

from alarms.states import Event
from operations.service import Operations
from protocols.moment import SECOND, Moment
from tests.operations.story import AREAS, KITCHEN, MALL, TO_S08, to_measuring, to_repair

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
