"""What an alarm does to the runs of its area: those that go on are told, what it asks for is opened (S4, S14)."""

from collections.abc import Iterable

from alarms.alarm import AlarmTransition
from alarms.states import Event
from operations.course import Cause, Course, RunRecord
from operations.plan import Plan, Stage
from operations.store import Store
from operations.triggers import Raised, cause_of, stage_of
from operations.views import Area
from protocols.moment import Moment
from protocols.reading import Origin


def follow_alarm(
    store: Store, one: AlarmTransition, area: Area, plans: Iterable[Plan], now: Moment
) -> dict[str, RunRecord]:
    """Take in an alarm of the area. Returns the runs that it changed or opened, by id: only a live one that was raised
    does (S4)."""
    others = store.raised(area.id, one.origin)
    store.note_alarm(area.id, one)
    if one.event is not Event.RAISE or not one.after.stands or one.origin is not Origin.LIVE:
        return {}
    running = [store.load(run) for run in store.open_runs(area.id, one.origin)]
    told = [run for run in running if _tell(store, run, area, one, others, now)]
    covered = {run.plan.id for run in running}
    for plan in plans:
        stage = None if plan.id in covered else stage_of(plan, area.kind, one, others)
        if stage is not None:
            told.append(open_run(store, plan, area.id, stage, cause_of(one), now))
    return {run.id: run for run in told}


def open_run(store: Store, plan: Plan, area: str, stage: Stage, cause: Cause, now: Moment) -> RunRecord:
    """A new live run, stored."""
    run = RunRecord(store.new_id(plan.id, now.wall), plan, area, Origin.LIVE, now.wall)
    store.add(run)
    store.save(run, Course.open(run, stage, cause, now.wall).out)
    return run


def _tell(store: Store, run: RunRecord, area: Area, one: AlarmTransition, others: list[Raised], now: Moment) -> bool:
    stage = stage_of(run.plan, area.kind, one, others)
    if stage is None and not one.life_safety:
        return False
    course = Course(run)
    course.alarm(cause_of(one), stage, now.wall)
    store.save(run, course.out)
    return True
