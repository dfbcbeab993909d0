"""Whatever people, detectors and time do: the dangerous steps stay closed until what must come before is done."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.actions import VERBS, Action
from operations.conditions import Reason, Verdict
from operations.course import Cause, Course, RunRecord
from operations.errors import ActionRefused
from operations.states import RunState, StepState
from protocols.reading import Origin
from tests.operations.story import START, answer, plans

MINUTE = 60 * 10**9
YES, NO = Verdict(True, ()), Verdict(False, (Reason("", "no", "否"),))
NEEDS = {
    "mall-gas-leak-dongkeng": {"S08": ("S3b", "S07", "P06"), "S10": ("S09",), "P10": ("P08", "P09")},
    "restaurant-gas-leak": {"K06": ("K03", "K04", "K05"), "K07": ("K06",), "K09": ("K08",)},
}
BUSY = (StepState.HELD, StepState.RELEASABLE, StepState.OPEN, StepState.STARTED, StepState.DONE)


def permitted(run):
    return [name for name, step in run.plan.steps.items() if step.permissive]


class Player:
    """Does anything to one run, as told by numbers, and looks after each move."""

    def __init__(self, plan, stage):
        self.now = START
        self.course = Course.open(RunRecord("r", plan, "mall", Origin.LIVE, START), stage, Cause(rule="CK-02"), START)
        self.run = self.course.run
        self.released: set[str] = set()

    def person(self, number, verb):
        """Mostly tries what has a chance, so that runs go far."""
        names = list(self.run.steps)
        open_ = [name for name in names if self.run.steps[name].state not in (StepState.WAITING, StepState.DONE)]
        step = self.run.plan.steps[(open_ or names)[number % len(open_ or names)]]
        wanted = {"finish": "finish", "release": "release"}.get(verb)
        evidence = {one.id: answer(one, self.now) for one in step.evidence if one.at == wanted}
        role = step.permissive.release_by if verb == "release" and step.permissive else step.by[0]
        action = Action(step.id, verb, "Li", role, evidence, "why")
        before = [record.state for record in self.run.steps.values()]
        try:
            self.course.act(action, YES if number % 3 else NO, self.now)
        except ActionRefused:
            assert [record.state for record in self.run.steps.values()] == before

    def sensors(self, number, good):
        names = permitted(self.run)
        self.course.sense({names[number % len(names)]: YES if good else NO}, self.now)

    def every_sensor(self):
        self.course.sense(dict.fromkeys(permitted(self.run), YES), self.now)

    def time(self, number):
        unfired = [key for key, timer in self.run.timers.items() if not timer.fired_at]
        if unfired:
            step, part = unfired[number % len(unfired)]
            self.course.expire(step, part, self.now)

    def alarm(self, number):
        self.course.alarm(Cause(rule="CK-04"), "full" if number % 2 else None, self.now)

    def move(self, kind, number):
        self.now += MINUTE
        if kind in VERBS:
            self.person(number, kind)
        elif kind == "good" or kind == "bad":
            self.sensors(number, kind == "good")
        elif kind == "all good":
            self.every_sensor()
        elif kind == "time":
            self.time(number)
        else:
            self.alarm(number)


def check_needs(run, needs):
    for step, before in needs.items():
        if run.steps[step].state in BUSY:
            assert [(name, run.steps[name].state) for name in before] == [(name, StepState.DONE) for name in before]


def check_permissives(player):
    """Open only by a person's release after the condition held; the events are the witness."""
    for event in player.course.out:
        if event.event == "step-released":
            assert event.who == "Li"
            player.released.add(event.step)
        elif event.event in ("withdraw", "step-rewound", "step-reopened", "step-held"):
            player.released.discard(event.step)
    for name in permitted(player.run):
        if player.run.steps[name].state in (StepState.OPEN, StepState.STARTED, StepState.DONE):
            assert name in player.released
    player.course.out.clear()


KINDS = (
    *VERBS,
    "finish",
    "finish",
    "finish",
    "release",
    "release",
    "good",
    "bad",
    "all good",
    "all good",
    "time",
    "alarm",
)


@pytest.mark.parametrize("name", sorted(NEEDS))
@settings(max_examples=60, deadline=None)
@given(
    stage=st.sampled_from(["verify", "full"]),
    moves=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 40)), min_size=40, max_size=140),
)
def test_no_dangerous_step_opens_before_its_time(name, stage, moves):
    player = Player(plans()[name], stage)
    for move in moves:
        player.move(*move)
        check_needs(player.run, NEEDS[name])
        check_permissives(player)
        if not player.run.state.running:
            assert player.run.state is RunState.COMPLETED
            assert all(record.state.ended for record in player.run.steps.values())


def test_the_moves_reach_every_dangerous_step():
    """Else the property above would hold of nothing."""
    player = Player(plans()["mall-gas-leak-dongkeng"], "full")
    reached = set()
    for turn in range(400):
        for kind in ("all good", "release", "finish", "finish"):
            player.move(kind, turn * 3 + 1)
            reached |= {name for name, record in player.run.steps.items() if record.state.at_work}
    assert {"S08", "S09", "S10", "P08", "P10"} <= reached
