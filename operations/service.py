"""Operations: opens plans on live alarms, runs them with people, deadlines and sensors, and keeps every change.

Each call is one transaction: what it changes, the events that tell of it, and the journal cursor are stored together
or not at all. Thread-safe; every call blocks on the database. No clock is read: ``now`` is passed in.

The outbox: every event is stored unpublished. The caller appends what `outbox` returns to the journal and then calls
`confirm`; reading the journal (`consume`) confirms too. So that nothing is appended twice after a crash, `consume` the
journal to its end before the first `outbox`, and let one caller publish.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Self

import msgspec

from alarms.alarm import AlarmTransition, decode_transition
from alarms.states import Event
from journal.entry import PARTITIONS, Entry, Stored
from operations.actions import Action, check_person, check_role
from operations.conditions import Sensors
from operations.course import Cause, Course, RunRecord
from operations.database import Database
from operations.deadlines import Deadlines
from operations.errors import ActionRefused, NoSuchRun
from operations.events import KIND
from operations.permissives import is_watched, judge_run
from operations.plan import Plan, Stage
from operations.states import RunState
from operations.store import Deadline, Store
from operations.triggers import Raised, stage_for
from operations.views import Area, RunView, seen_in, view_run
from protocols.document import Text
from protocols.moment import SECOND, Moment
from protocols.reading import Origin

SENSE_EVERY_NS = 1 * SECOND
"""While a step waits for its sensors, or people work under them, they are asked this often."""

ALARM = "alarm"
KINDS = frozenset({ALARM, KIND})
"""Kinds of journal entries that `Operations.consume` does anything with."""


class Operations:
    """All plans and runs of a site. ``areas``: device -> its area; several devices may share one.

    ``undecoded`` counts alarms in the journal that this release cannot read. ``on_change`` is called, on any thread,
    when a run was changed: events may wait in the outbox, and `due` may be earlier.
    """

    def __init__(
        self, database: Database, plans: Mapping[str, Plan], areas: Mapping[str, Area], sensors: Sensors
    ) -> None:
        self.plans = plans
        self.undecoded = 0
        self.on_change: Callable[[], None] = _nobody_waits
        self._database = database
        self._areas = areas
        self._by_id = {area.id: area for area in areas.values()}
        self._sensors = sensors
        self._known_plans: dict[str, Plan] = {}
        self._deadlines = Deadlines()
        self._watched: set[str] = set()
        self._sensed_at = 0
        self._cursor: dict[int, int] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, url: str, plans: Mapping[str, Plan], areas: Mapping[str, Area], sensors: Sensors, now: Moment
    ) -> Self:
        """Open or create the database and go on where it was left. Raises `operations.errors.StoreError`."""
        self = cls(Database(url), plans, areas, sensors)
        with self._store() as store:
            self._cursor = store.cursor()
            runs = [store.load(run) for run in store.run_ids(seen_in("active"))]
        for run in runs:
            self._remember(run, now)
        return self

    def rearrange(self, areas: Mapping[str, Area]) -> None:
        """The site was changed: these are the areas of its devices now."""
        with self._lock:
            self._areas = areas
            self._by_id = {area.id: area for area in areas.values()}

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    # -- what comes in ---------------------------------------------------------------------------------------

    def cursor(self) -> dict[int, int]:
        """How far the journal was consumed: partition -> position."""
        return dict(self._cursor)

    def forget_cursor(self) -> None:
        """The journal is another one than the cursor was kept from: everything in it is new."""
        with self._lock:
            with self._store() as store:
                store.clear_cursor()
            self._cursor = {}

    def consume(self, items: Sequence[Stored], now: Moment, upto: int = -1) -> None:
        """Take in journal entries, in order. Those at or before the cursor are skipped; of the rest, alarms act,
        our own events are confirmed, and other kinds only move the cursor. ``upto``: a position up to which there was
        nothing else of our `KINDS`, in no partition."""
        with self._lock:
            cursor = dict(self._cursor)
            changed: dict[str, RunRecord] = {}
            with self._store() as store:
                for position, entry in items:
                    if position <= cursor.get(entry.partition, -1):
                        continue
                    cursor[entry.partition] = position
                    if entry.kind == KIND:
                        store.published(entry.id)
                    elif entry.kind == ALARM:
                        changed |= self._on_alarm(store, entry, now)
                cursor |= {partition: upto for partition in range(PARTITIONS) if cursor.get(partition, -1) < upto}
                store.move_cursor(self._cursor, cursor)
            self._cursor = cursor
            for run in changed.values():
                self._remember(run, now)

    def act(
        self,
        run: str,
        step: str,
        action: str,
        who: str,
        role: str,
        evidence: Mapping[str, str],
        why: str,
        now: Moment,
    ) -> RunView:
        """What a person does to a step (`operations.actions`). Raises `ActionRefused` or `NoSuchRun`; then nothing is
        changed, but what the sensors say meanwhile."""
        asked = Action(step, action, who, role, evidence, why)

        def do(store: Store, course: Course) -> None:
            alarms = store.alarms(course.run.area, course.run.origin)
            judged = judge_run(course.run, alarms, self._sensors, now).get(step)
            course.act(asked, judged.verdict if judged else None, now.wall)

        with self._lock:
            if run in self._watched:
                self._change(run, lambda store, course: self._sense(store, course, now), now)
            self._change(run, do, now)
            return self._view(run, now)

    def escalate(self, run: str, who: str, role: str, why: str, now: Moment) -> RunView:
        """A person takes the run to stage full (S14). Raises `ActionRefused` or `NoSuchRun`."""
        cause = Cause(who=who, role=role, why=why)
        with self._lock:
            self._change(run, lambda _store, course: course.escalate(cause, now.wall), now)
            return self._view(run, now)

    def close_run(self, run: str, who: str, role: str, why: str, evidence: Mapping[str, str], now: Moment) -> RunView:
        """A named person ends the run before its last step (S17). Raises `ActionRefused` or `NoSuchRun`."""
        cause = Cause(who=who, role=role, why=why)

        def do(store: Store, course: Course) -> None:
            alarms = store.alarms(course.run.area, course.run.origin)
            standing = [one.alarm for one in alarms if one.life_safety and one.active and one.state.stands]
            if standing:
                names = ", ".join(standing)
                raise ActionRefused(f"still in alarm: {names}; a run ends after them", f"仍在报警:{names},不能结束")
            course.close(cause, evidence, now.wall)

        with self._lock:
            self._change(run, do, now)
            return self._view(run, now)

    def start(self, plan: str, area: str, stage: Stage, who: str, role: str, why: str, now: Moment) -> RunView:
        """A person opens a live run by hand, or finds the one that goes on (S14: and takes it to ``stage``)."""
        if plan not in self.plans or area not in self._by_id:
            raise NoSuchRun(f"no plan {plan!r} or no area {area!r}; see GET /api/v1/plans")
        if self._by_id[area].kind not in self.plans[plan].plan.areas:
            raise ActionRefused(f"plan {plan!r} is not for an area of this kind", "该预案不适用于此类区域")
        check_person(who, why)
        check_role(self.plans[plan], role)
        cause = Cause(who=who, role=role, why=why)
        with self._lock:
            with self._store() as store:
                run = store.open_run(plan, area, Origin.LIVE)
                opened = None if run else self._open(store, self.plans[plan], area, stage, cause, now)
            if opened is not None:
                self._remember(opened, now)
                return self._view(opened.id, now)
            assert run is not None
            if stage == "full" and self._view(run, now).state == RunState.VERIFY.word:
                self._change(run, lambda _store, course: course.escalate(cause, now.wall), now)
            return self._view(run, now)

    def tick(self, now: Moment) -> None:
        """Let time act: missed deadlines are told, each once; sensor conditions are judged."""
        with self._lock:
            due: dict[str, list[Deadline]] = {}
            for deadline in self._deadlines.due(now):
                due.setdefault(deadline.run, []).append(deadline)
            for run, deadlines in due.items():
                self._change(run, partial(_expire, deadlines, now.wall), now)
            if self._watched and now.mono - self._sensed_at >= SENSE_EVERY_NS:
                self._sensed_at = now.mono
                for run in sorted(self._watched):
                    self._change(run, lambda store, course: self._sense(store, course, now), now)

    def due(self) -> int | None:
        """Mono ns of the next `tick` that can change something; ``None`` when nothing waits. Never blocks."""
        sense = [self._sensed_at + SENSE_EVERY_NS] if self._watched else []
        deadline = self._deadlines.next()
        return min(sense if deadline is None else [*sense, deadline], default=None)

    # -- what goes out ---------------------------------------------------------------------------------------

    def runs(self, now: Moment, state: str | None = None) -> list[RunView]:
        """Runs, the newest first. ``state``: ``active`` (those that go on) or the word of one state."""
        with self._lock:
            with self._store() as store:
                ids = store.run_ids(seen_in(state))
            return [self._view(run, now) for run in ids]

    def run(self, run: str, now: Moment) -> RunView:
        """One run with everything in it. Raises `NoSuchRun`."""
        with self._lock:
            return self._view(run, now)

    def outbox(self, limit: int = 100) -> list[Entry]:
        """Journal entries (kind ``plan``) that the journal is not known to have, oldest first."""
        with self._lock, self._store() as store:
            return store.outbox(limit)

    def confirm(self, entries: Iterable[str]) -> None:
        """The journal has the entries of these ids: they were durable when `append` returned."""
        with self._lock, self._store() as store:
            for entry in entries:
                store.published(entry)

    # -- inside ----------------------------------------------------------------------------------------------

    @contextmanager
    def _store(self) -> Iterator[Store]:
        with self._database.transaction() as db:
            yield Store(db, self._known_plans)

    def _change(self, run: str, do: Callable[[Store, Course], None], now: Moment) -> None:
        """One transaction on one run: whatever ``do`` moves is stored with its events, or nothing when it raises."""
        with self._store() as store:
            record = store.load(run)
            course = Course(record)
            do(store, course)
            if course.out:
                store.save(record, course.out)
        self._remember(record, now)

    def _remember(self, run: RunRecord, now: Moment) -> None:
        """What is kept in memory of a stored run: its deadlines, and whether sensors matter to it."""
        timers = run.timers.items() if run.state.running else ()
        unfired = [Deadline(run.id, step, part, timer.due_at) for (step, part), timer in timers if not timer.fired_at]
        self._deadlines.replace(run.id, unfired, now)
        self._watched.discard(run.id)
        if is_watched(run):
            self._watched.add(run.id)
        self.on_change()

    def _sense(self, store: Store, course: Course, now: Moment) -> None:
        alarms = store.alarms(course.run.area, course.run.origin)
        judged = judge_run(course.run, alarms, self._sensors, now)
        course.sense({step: one.verdict for step, one in judged.items()}, now.wall)

    def _on_alarm(self, store: Store, entry: Entry, now: Moment) -> dict[str, RunRecord]:
        """Follow an alarm; where it was raised, live, tell the runs of its area and open what is to be opened (S4)."""
        try:
            one = decode_transition(entry.body)
        except msgspec.DecodeError:
            self.undecoded += 1
            return {}
        area = self._areas.get(one.device)
        if area is None:
            return {}
        others = store.raised(area.id, one.origin)
        store.note_alarm(area.id, one)
        if one.event is not Event.RAISE or not one.after.stands or one.origin is not Origin.LIVE:
            return {}
        running = [store.load(run) for run in store.open_runs(area.id, one.origin)]
        told = [run for run in running if self._tell(store, run, area, one, others, now)]
        covered = {run.plan.id for run in running}
        for plan in self.plans.values():
            stage = None if plan.id in covered else _stage(plan, area, one, others)
            if stage is not None:
                told.append(self._open(store, plan, area.id, stage, _cause(one), now))
        return {run.id: run for run in told}

    def _tell(
        self, store: Store, run: RunRecord, area: Area, one: AlarmTransition, others: list[Raised], now: Moment
    ) -> bool:
        stage = _stage(run.plan, area, one, others)
        if stage is None and not one.life_safety:
            return False
        course = Course(run)
        course.alarm(_cause(one), stage, now.wall)
        store.save(run, course.out)
        return True

    def _open(self, store: Store, plan: Plan, area: str, stage: Stage, cause: Cause, now: Moment) -> RunRecord:
        at = now.wall
        while store.exists(name := _run_id(plan.id, at)):
            at += 1_000_000
        run = RunRecord(name, plan, area, Origin.LIVE, now.wall)
        store.add(run)
        store.save(run, Course.open(run, stage, cause, now.wall).out)
        return run

    def _view(self, run: str, now: Moment) -> RunView:
        with self._store() as store:
            record = store.load(run)
            alarms = store.alarms(record.area, record.origin)
            events = store.events(run)
        area = self._by_id.get(record.area) or Area(record.area, "other", Text(zh=record.area, en=record.area))
        judged = judge_run(record, alarms, self._sensors, now) if record.state.running else {}
        return view_run(record, area, judged, events)


def _nobody_waits() -> None:
    pass


def _expire(deadlines: Iterable[Deadline], now: int, _store: Store, course: Course) -> None:
    for one in deadlines:
        timer = course.run.timers.get((one.step, one.part))
        if timer is not None and timer.due_at == one.due_at:
            course.expire(one.step, one.part, now)


def _stage(plan: Plan, area: Area, one: AlarmTransition, others: list[Raised]) -> Stage | None:
    """The stage an alarm asks for. A late one (S9) sends somebody to look, and goes no further by itself."""
    if area.kind not in plan.plan.areas:
        return None
    stage = stage_for(plan, area.kind, Raised(one.device, one.rule, one.at, True), others)
    return "verify" if stage == "full" and one.late else stage


def _cause(one: AlarmTransition) -> Cause:
    return Cause(alarm=one.alarm, rule=one.rule, late=one.late)


def _run_id(plan: str, at: int) -> str:
    """``PLAN.20261121T083849.123Z``: readable, fit for a URL, and in the order of time."""
    seconds, rest = divmod(at, SECOND)
    return f"{plan}.{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"
