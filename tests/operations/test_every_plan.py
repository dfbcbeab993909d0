"""Each shipped plan, live, with a clock that is moved by hand: the happy way, each missed deadline, each lost sensor
condition, each branch. The cases are made from the plan files: what is expected is what their own `else` says and the
safety rule S16."""

from collections.abc import Iterable
from pathlib import Path

import pytest

import alarms
from alarms.rule import load_rules
from operations.actions import Action
from operations.conditions import Reason, Verdict
from operations.course import MINUTE, Cause, Course, RunRecord
from operations.errors import ActionRefused
from operations.states import RunState, StepState
from protocols.reading import Origin
from tests.operations.story import AREAS, START, Site, answer, plans, profile_of, reading_of

HOLDS, LOST = Verdict(True, ()), Verdict(False, (Reason("d", "reads 40", "读数 40"),))
PLANS = plans()
MEASURED = ("gas", "co", "h2-room", "h2-cabinet", "fire-temperature")
BY_NAME = sorted(PLANS)
DEADLINES = [
    (name, step.id, part)
    for name, plan in PLANS.items()
    for step in plan.step
    for part, minutes in (("start", step.start_min), ("done", step.done_min))
    if minutes is not None
]
PERMISSIVES = [(name, step.id) for name, plan in PLANS.items() for step in plan.step if step.permissive]
BRANCHES = [(name, step.id) for name, plan in PLANS.items() for step in plan.step if step.only_if]
SKIPPED_BY_TIME = [
    (name, step.id) for name, plan in PLANS.items() for step in plan.step if step.otherwise and step.otherwise.skip
]


class Walk:
    """One run of one plan, pure: people and sensors do what they are told, and time acts through the run's timers."""

    def __init__(self, name, stage="full", answers=None):
        self.plan = PLANS[name]
        self.now = START
        self.answers = answers or {}
        run = RunRecord("r", self.plan, "somewhere", Origin.LIVE, START)
        self.course = Course.open(run, stage, Cause(rule=self.plan.trigger[0].rules[0]), START)
        self.run = run

    def state(self, step):
        return self.run.steps[step].state

    def told(self, since=0):
        return [(one.event, one.step) for one in self.course.out[since:]]

    def act(self, step, verb, verdict=None):
        one = self.plan.steps[step]
        wanted = {"finish": "finish", "release": "release"}.get(verb)
        evidence = {item.id: self.say(step, item) for item in one.evidence if item.at == wanted}
        role = one.permissive.release_by if verb == "release" else one.by[0]
        self.course.act(Action(step, verb, "Li Wei", role, evidence, "why"), verdict, self.now)

    def say(self, step, item):
        return self.answers.get((step, item.id)) or answer(item, self.now)

    def do(self, step):
        """Do one step from its opening to its end."""
        if self.plan.steps[step].permissive:
            self.course.sense({step: HOLDS}, self.now)
            self.act(step, "release", HOLDS)
        self.act(step, "finish")

    def do_all(self, steps: Iterable[str]):
        """Those of them that are not left out, each when its time has come."""
        left = [one for one in self.plan.steps if one in set(steps)]
        while left:
            left = [one for one in left if not self.state(one).ended]
            able = [one for one in left if self.state(one) is not StepState.WAITING]
            assert able or not left, f"nothing of {left} opens"
            for one in able:
                if not self.state(one).ended:
                    self.do(one)

    def pass_to(self, at):
        """Time acts, as it does through `Operations.tick`."""
        due = sorted((timer.due_at, key) for key, timer in self.run.timers.items() if not timer.fired_at)
        for due_at, key in due:
            if due_at <= at:
                self.now = due_at
                self.course.expire(*key, due_at)
        self.now = at


def walk_to(name, step, answers=None):
    """A run in which everything before the step is done, and nothing else. Its verify step in stage verify."""
    walk = Walk(name, PLANS[name].steps[step].stage, answers)
    walk.do_all(PLANS[name].ancestors[step])
    return walk


def answers_to(name, step):
    """Answers with which the steps on the way to this one, and itself, are not left out."""
    plan = PLANS[name]
    asked = [plan.steps[one].only_if for one in (*plan.ancestors[step], step) if plan.steps[one].only_if]
    return {(one.step, one.evidence): one.one_of[0] for one in asked}


def opened_by(name):
    """The alarms that open it, each with the stage that the file gives it when it comes alone."""
    return [(rule, one.stage) for one in PLANS[name].trigger if one.count == 1 for rule in one.rules]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_happy_way_through_the_real_engine(name, tmp_path):
    site, plan = Site(tmp_path), PLANS[name]
    rule, stage = opened_by(name)[0]
    here = devices_in(plan.plan.areas[0])
    for _ in range(62):
        _breathe(site, here)
    site.alarm(here[0], rule)
    assert (site.run.plan, site.run.state) == (name, stage)
    for _ in range(3 * len(plan.step)):
        ready = [(one.id, one.state) for one in site.run.steps if one.state in ("open", "releasable")]
        for step, state in ready:
            if site.states(step) == [state]:
                site.act(step, "release" if state == "releasable" else "finish")
        _breathe(site, here)
        site.operations.tick(site.now)
        if site.run.state == "completed":
            break
    run = site.run
    assert run.state == "completed"
    assert site.told("step-overdue") == []
    done = site.told("step-done")
    assert {one.id for one in run.steps if one.state == "skipped"} == _left_out(plan, stage)
    assert sorted([*done, *_left_out(plan, stage)]) == sorted(plan.steps)
    early = [(one, before) for one in done for before in plan.ancestors[one] if before in done[done.index(one) :]]
    assert early == []
    site.close()


def _left_out(plan, stage):
    """What the first answer of each question leaves out; what was not asked leaves out nothing."""
    out = {one.id for one in plan.step if one.stage == "verify"} if stage == "full" else set()
    for one in plan.step:
        if one.only_if and one.only_if.step not in out:
            asked = next(item for item in plan.steps[one.only_if.step].evidence if item.id == one.only_if.evidence)
            if asked.options[0].id not in one.only_if.one_of:
                out.add(one.id)
    return out


def devices_in(kind):
    return [one for one, area in AREAS.items() if area.kind == kind]


def _breathe(site, devices):
    """Half a minute, and then a low reading of everything that they measure."""
    site.pass_time(0.5)
    now = site.now
    for device in devices:
        low = {one.name: 0.0 for one in profile_of(device).points if one.role in MEASURED}
        site.watch.observe(reading_of(device, low, now), now)


@pytest.mark.parametrize(("name", "step", "part"), DEADLINES)
def test_a_missed_deadline_is_told_once_with_what_the_plan_says(name, step, part):
    walk = walk_to(name, step, answers_to(name, step))
    one, before = walk.plan.steps[step], walk.state(step)
    minutes = one.start_min if part == "start" else one.done_min
    due = walk.now + int(minutes * MINUTE)
    walk.pass_to(due - 1)
    assert ("step-overdue", step) not in [told[:2] for told in _overdue(walk, part)]
    walk.pass_to(due)
    walk.pass_to(due + MINUTE)
    walk.course.expire(step, part, due + MINUTE)
    otherwise = one.otherwise
    text = (otherwise.text.zh, otherwise.text.en) if otherwise else ("", "")
    assert [told[2:] for told in _overdue(walk, part) if told[1] == step] == [(due, *text)]
    if otherwise and otherwise.escalate:
        assert (walk.run.state, walk.state(step)) == (RunState.FULL, StepState.SKIPPED)
    elif otherwise and otherwise.skip and part == "done":
        assert walk.state(step) is StepState.SKIPPED
    else:
        assert walk.state(step) is before
        walk.do(step)
        assert walk.state(step) is StepState.DONE


def _overdue(walk, part):
    return [
        (one.event, one.step, one.at, one.zh, one.en)
        for one in walk.course.out
        if one.event == "step-overdue" and one.part == part
    ]


@pytest.mark.parametrize(("name", "step"), SKIPPED_BY_TIME)
def test_what_time_skips_says_why_and_is_not_skipped_under_those_who_began_it(name, step):
    walk = walk_to(name, step)
    begun = walk_to(name, step)
    begun.act(step, "start")
    for one in (walk, begun):
        one.pass_to(one.now + int(one.plan.steps[step].done_min * MINUTE))
    assert (walk.state(step), begun.state(step)) == (StepState.SKIPPED, StepState.STARTED)
    told = [one for one in walk.course.out if one.event == "step-skipped" and one.step == step]
    assert [(one.who, one.en) for one in told] == [("", walk.plan.steps[step].otherwise.text.en)]


@pytest.mark.parametrize(("name", "step"), PERMISSIVES)
def test_a_condition_that_is_lost_closes_the_step_and_calls_people_back(name, step):
    plan = PLANS[name]
    otherwise = plan.steps[step].otherwise
    back = otherwise.back_to if otherwise else None
    for verbs in ((), ("release",), ("release", "start")):
        walk = walk_to(name, step, answers_to(name, step))
        assert walk.state(step) is StepState.HELD
        for verdict in (LOST, None):
            with pytest.raises(ActionRefused):
                walk.act(step, "release", verdict)
        walk.course.sense({step: HOLDS}, walk.now)
        for verb in verbs:
            walk.act(step, verb, HOLDS)
        since = len(walk.course.out)
        walk.course.sense({step: LOST}, walk.now)
        if not verbs:
            assert (walk.state(step), walk.told(since)) == (StepState.HELD, [("step-held", step)])
            continue
        told = walk.course.out[since]
        text = (otherwise.text.zh, otherwise.text.en) if otherwise else ("", "")
        assert (told.event, told.step, told.zh, told.en) == ("withdraw", step, *text)
        if back:
            again = {StepState.HELD} if plan.steps[back].permissive else {StepState.OPEN}
            assert ({walk.state(back)}, walk.state(step)) == (again, StepState.SUSPENDED)
            between = [one for one in plan.ancestors[step] if back in plan.ancestors[one]]
            assert {walk.state(one) for one in between} <= {StepState.WAITING, StepState.SKIPPED}
            walk.do_all([back, *between])
        assert walk.state(step) is StepState.SUSPENDED
        walk.course.sense({step: HOLDS}, walk.now)
        assert walk.state(step) is StepState.RELEASABLE
        with pytest.raises(ActionRefused, match="released first"):
            walk.act(step, "finish")


@pytest.mark.parametrize(("name", "step"), BRANCHES)
def test_a_step_is_left_out_by_the_answers_that_say_so_and_by_no_other(name, step):
    plan = PLANS[name]
    branch = plan.steps[step].only_if
    item = next(one for one in plan.steps[branch.step].evidence if one.id == branch.evidence)
    for option in item.options:
        answers = {**answers_to(name, step), (branch.step, branch.evidence): option.id}
        walk = Walk(name, plan.steps[branch.step].stage, answers)
        walk.do_all(plan.ancestors[step])
        assert walk.state(step) is (StepState.OPEN if option.id in branch.one_of else StepState.SKIPPED), option.id
    assert {one.id for one in item.options} > set(branch.one_of)
    if plan.steps[branch.step].stage == "verify":
        unasked = Walk(name)
        unasked.do_all(plan.ancestors[step])
        assert (unasked.state(branch.step), unasked.state(step)) == (StepState.SKIPPED, StepState.OPEN)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_rule_that_opens_it_is_shipped_and_takes_the_run_where_the_file_says(name, rules, tmp_path):
    plan = PLANS[name]
    assert {rule for one in plan.trigger for rule in one.rules} - rules == set()
    for number, (rule, stage) in enumerate(opened_by(name)):
        trigger = next(one for one in plan.trigger if rule in one.rules)
        kind = (trigger.areas or plan.plan.areas)[0]
        site = Site(tmp_path / str(number), {name: plan})
        site.alarm(devices_in(kind)[0], rule)
        assert (rule, site.run.state) == (rule, stage)
        site.close()


@pytest.fixture(scope="module")
def rules():
    folder = Path(alarms.__file__).with_name("rules")
    return set(load_rules(*(file for file in folder.glob("*.toml") if file.stem != "responses")))


def test_every_step_and_every_deadline_is_visited():
    """Of the shipped plans; that there are seven, and what is in them."""
    assert BY_NAME == [
        "bin-fire",
        "gateway-failure",
        "household-co",
        "hydrogen-flame",
        "hydrogen-leak",
        "mall-gas-leak-dongkeng",
        "restaurant-gas-leak",
    ]
    timed = {(name, step.id) for name, plan in PLANS.items() for step in plan.step if step.start_min or step.done_min}
    assert {one[:2] for one in DEADLINES} == timed
    assert [name for name, plan in PLANS.items() if not plan.plan.drill_allowed] == ["household-co"]
