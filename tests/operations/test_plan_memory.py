"""What a worker keeps in memory leads to no act that the rows would not lead to, and hides none."""

import pytest

from operations.conditions import Reason, Verdict
from operations.course import Cause, Course, RunRecord, Timer
from operations.deadlines import AGAIN_AFTER_NS, Deadlines
from operations.permissives import WATCHED, Judged, stirs
from operations.states import StepState
from protocols.moment import SECOND, Moment
from protocols.reading import Origin
from tests.operations.story import START, plans

HOLDS, LOST = Verdict(True, ()), Verdict(False, (Reason("d", "reads 40", "读数 40"),))


def run_of():
    run = RunRecord("r", plans()["mall-gas-leak-dongkeng"], "mall", Origin.LIVE, START)
    Course.open(run, "full", Cause(), START)
    return run


@pytest.mark.parametrize("verdict", [HOLDS, LOST], ids=["holds", "lost"])
@pytest.mark.parametrize("state", WATCHED, ids=[state.word for state in WATCHED])
def test_sensors_that_stir_nothing_change_nothing(state, verdict):
    run = run_of()
    for name in run.plan.ancestors["S08"]:
        run.steps[name].state = StepState.DONE
    run.steps["S08"].state = state
    judged = {"S08": Judged(verdict, ())}
    says = stirs(run, judged)
    course = Course(run)
    course.sense({"S08": verdict}, START + SECOND)
    assert says == bool(course.out)


def test_a_run_that_another_worker_holds_is_put_off_and_no_deadline_of_it_comes_early():
    run, now = run_of(), Moment(START, 0)
    run.timers = {("S02", "done"): Timer(START + SECOND), ("S3b", "done"): Timer(START + 60 * SECOND)}
    deadlines = Deadlines()
    deadlines.replace(run, now)
    now = Moment(START + SECOND, SECOND)
    assert [one.step for one in deadlines.due(now)["r"]] == ["S02"]
    deadlines.put_off("r", now)
    assert deadlines.due(now) == {}
    assert deadlines.next() == now.mono + AGAIN_AFTER_NS
    later = Moment(now.wall + AGAIN_AFTER_NS, now.mono + AGAIN_AFTER_NS)
    assert [one.step for one in deadlines.due(later)["r"]] == ["S02"]


def test_a_clock_that_is_set_back_makes_no_deadline_late():
    run = run_of()
    run.timers = {("S02", "done"): Timer(START + SECOND)}
    deadlines = Deadlines()
    deadlines.replace(run, Moment(START, 0))
    deadlines.replace(run, Moment(START - 600 * SECOND, SECOND // 2))
    assert deadlines.next() == SECOND
    assert list(deadlines.due(Moment(START - 600 * SECOND, SECOND))) == ["r"]
    assert list(deadlines.due(Moment(START + SECOND, 0))) == ["r"]
