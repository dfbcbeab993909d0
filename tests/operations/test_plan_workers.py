"""Several workers over one database, on SQLite and PostgreSQL: what one does, none does again."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from alarms.states import Event
from journal.entry import Stored, partition_of
from operations.course import Cause, Course, RunRecord
from operations.database import Database
from operations.errors import ActionRefused, StoreCollided
from operations.plan import Plan
from operations.service import Operations
from operations.store import Store
from protocols.moment import SECOND
from protocols.reading import Origin
from tests.operations.story import (
    AREAS,
    KITCHEN,
    MALL,
    START,
    TO_S08,
    Site,
    alarm_entry,
    answer,
    plans,
    to_measuring,
    transition,
)

RACER = Path(__file__).with_name("race_until_done.py")
BY_HAND = ("mall-gas-leak-dongkeng", "mall", "full")
RUNS, EACH = 150, 4
HOUR = 3600 * SECOND


@pytest.fixture
def other(site):
    """A worker beside the one of `site`, that sees no readings."""
    other = Operations.open(site.url, site.plans, AREAS, None, site.now, shared=True)
    yield other
    other.close()


def together(*acts):
    """What each gave, or the error it raised; all begin at the same instant."""
    barrier = Barrier(len(acts))

    def one(act):
        barrier.wait(10)
        try:
            return act()
        except ActionRefused as error:
            return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


# -- deadlines ---------------------------------------------------------------------------------------------------


def plan_of_deadlines() -> Plan:
    """Every step opens at once and has one deadline."""
    data = json.loads(plans()["mall-gas-leak-dongkeng"].model_dump_json(by_alias=True))
    one = next(step for step in data["step"] if step["id"] == "S02")
    data["step"] = [{**one, "id": f"D{number}", "after": [], "done_min": 1 + number} for number in range(EACH)]
    return Plan.model_validate_json(json.dumps(data))


def racer(url, wall):
    process = subprocess.Popen(
        [sys.executable, RACER, url, str(wall)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(RACER.parents[2])},
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.timeout(60)
def test_600_deadlines_fire_600_times_though_a_worker_is_killed(url):
    database, plan = Database(url), plan_of_deadlines()
    with database.transaction() as db:
        store = Store(db, {})
        for number in range(RUNS):
            run = RunRecord(f"run.{number}", plan, f"area-{number}", Origin.LIVE, START)
            store.add(run)
            store.save(run, Course.open(run, "full", Cause(), START).out)
    workers = [racer(url, START + HOUR) for _ in range(3)]
    try:
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        killed = workers[0]
        for _ in range(5):
            assert killed.stdout.readline() == "dealt with\n"
        killed.kill()
        for worker in workers:
            worker.communicate(timeout=50)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(10)
    assert [worker.returncode for worker in workers] == [-9, 0, 0]
    with database.transaction() as db:
        events = [one for number in range(RUNS) for one in Store(db, {}).events(f"run.{number}")]
    database.close()
    missed = Counter((one.run, one.step) for one in events if one.event == "step-overdue")
    assert (len(missed), set(missed.values())) == (RUNS * EACH, {1})
    assert Counter(one.run for one in events) == {f"run.{number}": 2 + 2 * EACH for number in range(RUNS)}


def test_a_worker_learns_of_a_run_that_another_opened_and_lets_its_deadlines_act(site, other):
    site.alarm(MALL, "CK-02")
    other.tick(site.now)
    site.pass_time(4)
    other.tick(site.now)
    assert site.told("step-overdue") == ["P00"]
    site.operations.tick(site.now)
    other.tick(site.now)
    assert site.told("step-overdue") == ["P00"]


def test_a_run_that_ended_elsewhere_is_forgotten(site, other):
    site.alarm(MALL, "CK-02")
    site.pass_time(1)
    other.tick(site.now)
    evidence = {"cause": "x", "repair": "x", "second_instrument": "x"}
    site.alarm(MALL, "CK-02", event=Event.RETURN)
    site.operations.close_run(site.run.id, "Li", "branch", "false", evidence, site.now)
    site.pass_time(1)
    other.tick(site.now)
    assert other.due() == site.now.mono + 2 * SECOND


@pytest.mark.server
def test_a_run_that_another_worker_holds_keeps_no_other_run_waiting(postgres, tmp_path):
    site = Site(tmp_path, url=postgres.database())
    site.alarm(MALL, "CK-02")
    site.alarm(KITCHEN, "CK-02")
    held, free = (run.id for run in site.operations.runs(site.now))
    database = Database(site.url)
    with database.transaction() as db:
        Store(db, {}).load(held)
        site.wait(10)
        assert {one.event for one in Store(db, {}).events(free)} > {"step-overdue"}
        assert site.operations.due() == site.now.mono + SECOND // 10
    database.close()
    site.wait(0.01)
    assert "step-overdue" in {one.event for one in site.operations.run(held, site.now).events}
    site.close()


# -- people ------------------------------------------------------------------------------------------------------


def test_of_two_people_at_two_workers_the_second_is_told_who_was_first(site, other):
    site.alarm(MALL, "CK-04")
    names = {"Li Wei": site.operations, "Wang Fang": other}
    for name in TO_S08[:4]:
        step, run = site.step(name), site.run.id
        evidence = {one.id: answer(one, site.now.wall) for one in step.evidence}
        finish = [
            partial(worker.act, run, name, "finish", who, step.actors[0].id, evidence, "", site.now)
            for who, worker in names.items()
        ]
        refused = [one.en for one in together(*finish) if isinstance(one, ActionRefused)]
        first = site.step(name).who
        assert first in names
        assert refused == [f"cannot finish step {name}: it is done already, by {first}"]
        assert [one.who for one in site.run.events if (one.event, one.step) == ("step-done", name)] == [first]
    numbers = [one.number for one in site.run.events]
    assert numbers == list(range(1, len(numbers) + 1))


def test_two_who_open_a_run_at_once_open_one(site, other):
    people = (("Li Wei", site.operations), ("Wang Fang", other))
    together(*(partial(worker.start, *BY_HAND, who, "property-desk", "smell", site.now) for who, worker in people))
    assert [run.state for run in site.operations.runs(site.now)] == ["full"]
    assert len(site.told("opened")) == 1


def test_a_journal_that_two_workers_read_is_consumed_once(site, other):
    # after the first there is a cursor to move: making it collides by itself
    for number in range(1, 8):
        items = [Stored(number, alarm_entry(transition(MALL, "CK-04", START + number), number))]
        together(partial(site.operations.consume, items, site.now), partial(other.consume, items, site.now))
    assert (len(site.told("opened")), len(site.told("alarm"))) == (1, 6)
    assert other.cursor() == site.operations.cursor() == {partition_of(MALL): 7}


def test_what_collides_every_time_is_told_and_nothing_is_stored(site, monkeypatch):
    monkeypatch.setattr(Store, "open_run", lambda *_: None)
    site.alarm(MALL, "CK-04")
    with pytest.raises(StoreCollided, match="another worker was first"):
        site.operations.start(*BY_HAND, "Li", "property-desk", "smell", site.now)
    assert len(site.operations.runs(site.now)) == 1


# -- readings ----------------------------------------------------------------------------------------------------


def test_a_worker_that_sees_no_readings_neither_releases_nor_withdraws(site, other):
    to_measuring(site)
    site.breathe(1)
    assert site.states("S09") == ["releasable"]
    by = site.step("S09").sensor.release_by.id
    evidence = {one.id: answer(one, site.now.wall) for one in site.step("S09").evidence if one.at == "release"}
    with pytest.raises(ActionRefused, match="the sensor condition is not fulfilled"):
        other.act(site.run.id, "S09", "release", "Li", by, evidence, "", site.now)
    site.act("S09", "release")
    for _ in range(3):
        site.pass_time(0.05)
        other.tick(site.now)
    assert (site.states("S09"), site.told("withdraw")) == (["open"], [])
