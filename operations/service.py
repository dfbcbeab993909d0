"""Operations: opens plans on live alarms, runs them with people, deadlines and sensors, and keeps every change.

Each call is one transaction: what it changes, the events that tell of it, and the journal cursor are stored together
or not at all. Thread-safe; every call blocks on the database. No clock is read: ``now`` is passed in.

The outbox: every event is stored unpublished. The caller appends what `outbox` returns to the journal and then calls
`confirm`; reading the journal (`consume`) confirms too. So that nothing is appended twice after a crash, `consume` the
journal to its end before the first `outbox`, and let one caller publish.

Several workers, each a process with its own `Operations`, may share a database. Whichever comes first tells a missed
deadline; who does to a run what another did before is told so. One of them follows the journal and the sensors.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Self, TypeVar

import msgspec

from alarms.alarm import decode_transition
from journal.entry import PARTITIONS, Entry, Stored
from operations.actions import Action, check_person, check_role
from operations.conditions import Sensors
from operations.course import Cause, Course, RunRecord
from operations.database import Database
from operations.deadlines import Running, expire
from operations.errors import ActionRefused, NoSuchRun, StoreCollided, StoreError
from operations.events import KIND
from operations.opening import follow_alarm, open_run
from operations.permissives import Judged, is_watched, judge_run, stirs
from operations.plan import Plan, Stage
from operations.states import RunState
from operations.store import Deadline, KnownAlarm, Store
from operations.views import Area, RunView, seen_in, view_run
from protocols.document import Text
from protocols.moment import SECOND, Moment
from protocols.reading import Origin

SENSE_EVERY_NS = 1 * SECOND
"""While a step waits for its sensors, or people work under them, they are asked this often."""

LOOK_EVERY_NS = 2 * SECOND
"""A worker that shares its database looks this often for what the others did."""
TRIES = 3
"""Two workers may open the same run at once; the second finds it when it tries again."""

T = TypeVar("T")
ALARM = "alarm"
KINDS = frozenset({ALARM, KIND})
"""Kinds of journal entries that `Operations.consume` does anything with."""


class Operations:
    """All plans and runs of a site. ``areas``: device -> its area; several devices may share one.

    ``sensors``: ``None`` in a worker that sees no readings; it releases nothing and judges no sensor condition.
    ``shared``: other workers change the database too. ``undecoded`` counts alarms in the journal that this release
    cannot read. ``on_change`` is called, on any thread, when a run was changed: events may wait in the outbox, and
    `due` may be earlier.
    """

    def __init__(
        self,
        database: Database,
        plans: Mapping[str, Plan],
        areas: Mapping[str, Area],
        sensors: Sensors | None,
        *,
        shared: bool = False,
    ) -> None:
        self.plans = plans
        self.undecoded = 0
        self.on_change: Callable[[], None] = _nobody_waits
        self._database = database
        self._areas = areas
        self._by_id = {area.id: area for area in areas.values()}
        self._sensors = sensors
        self._known_plans: dict[str, Plan] = {}
        self._running = Running()
        self._alarms: dict[tuple[str, Origin], list[KnownAlarm]] = {}
        self._shared = shared
        self._sensed_at = self._looked_at = 0
        self._cursor: dict[int, int] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        url: str,
        plans: Mapping[str, Plan],
        areas: Mapping[str, Area],
        sensors: Sensors | None,
        now: Moment,
        *,
        shared: bool = False,
        password: str | None = None,
    ) -> Self:
        """Open or create the database and go on where it was left. Raises `operations.errors.StoreError`."""
        self = cls(Database(url, password), plans, areas, sensors, shared=shared)
        try:
            with self._store() as store:
                self._cursor = store.cursor()
            self._look(now)
        except StoreError:
            self.close()
            raise
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
            changed, self._cursor = self._whole(lambda store: self._consume(store, items, now, upto))
            self._alarms.clear()
            for run in changed.values():
                self._remember(run, now)

    def _consume(
        self, store: Store, items: Sequence[Stored], now: Moment, upto: int
    ) -> tuple[dict[str, RunRecord], dict[int, int]]:
        before = store.cursor(hold=True)
        cursor, changed = dict(before), dict[str, RunRecord]()
        for position, entry in items:
            if position <= cursor.get(entry.partition, -1):
                continue
            cursor[entry.partition] = position
            if entry.kind == KIND:
                store.published(entry.id)
            elif entry.kind == ALARM:
                changed |= self._on_alarm(store, entry, now)
        cursor |= {partition: upto for partition in range(PARTITIONS) if cursor.get(partition, -1) < upto}
        store.move_cursor(before, cursor)
        return changed, cursor

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
            judged = self._judge(store, course.run, now).get(step)
            course.act(asked, judged.verdict if judged else None, now.wall)

        with self._lock:
            self._feel([run], now)
            return self._change(run, do, now)

    def escalate(self, run: str, who: str, role: str, why: str, now: Moment) -> RunView:
        """A person takes the run to stage full (S14). Raises `ActionRefused` or `NoSuchRun`."""
        cause = Cause(who=who, role=role, why=why)
        with self._lock:
            return self._change(run, lambda _store, course: course.escalate(cause, now.wall), now)

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
            return self._change(run, do, now)

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
            run, opened = self._whole(lambda store: self._opened(store, self.plans[plan], area, stage, cause, now))
            if opened is not None:
                self._remember(opened, now)
                return self._view(opened.id, now)
            assert run is not None
            view = self._view(run, now)
            if stage == "full" and view.state == RunState.VERIFY.word:
                return self._change(run, lambda _store, course: course.escalate(cause, now.wall), now)
            return view

    def tick(self, now: Moment) -> None:
        """Let time act: missed deadlines are told, each once; sensor conditions are judged."""
        with self._lock:
            if self._shared and now.mono - self._looked_at >= LOOK_EVERY_NS:
                self._look(now)
            for run, deadlines in self._running.deadlines.due(now).items():
                if not self._claim(run, partial(_expire, deadlines, now.wall), now):
                    self._running.deadlines.put_off(run, now)
            if self._senses and now.mono - self._sensed_at >= SENSE_EVERY_NS:
                self._sensed_at = now.mono
                self._feel(sorted(self._running.watched), now)

    def due(self) -> int | None:
        """Mono ns of the next `tick` that can change something; ``None`` when nothing waits. Never blocks."""
        sense = [self._sensed_at + SENSE_EVERY_NS] if self._senses else []
        look = [self._looked_at + LOOK_EVERY_NS] if self._shared else []
        deadline = self._running.deadlines.next()
        return min([*sense, *look] if deadline is None else [*sense, *look, deadline], default=None)

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

    def _whole(self, do: Callable[[Store], T]) -> T:
        """One transaction; tried again where another worker opened the same meanwhile."""
        for _ in range(TRIES - 1):
            with suppress(StoreCollided), self._store() as store:
                return do(store)
        with self._store() as store:
            return do(store)

    def _change(self, run: str, do: Callable[[Store, Course], None], now: Moment) -> RunView:
        """One transaction on one run: whatever ``do`` moves is stored with its events, or nothing when it raises."""
        with self._store() as store:
            record = store.load(run)
            _move(store, record, do)
            view = self._seen(store, record, now)
        self._remember(record, now)
        return view

    def _claim(self, run: str, do: Callable[[Store, Course], None], now: Moment) -> bool:
        """The same, but where another worker has the run now nothing is done. Returns whether it was."""
        with self._store() as store:
            record = store.claim(run)
            if record is None:
                return False
            _move(store, record, do)
        self._remember(record, now)
        return True

    def _remember(self, run: RunRecord, now: Moment) -> None:
        self._running.remember(run, now)
        self.on_change()

    def _look(self, now: Moment) -> None:
        """Learn of every run that goes on, as others left it."""
        if self._shared and self._sensors is not None:
            self._database.follow()  # before anything else: who is not the one must not judge what sensors say
        self._looked_at = now.mono
        self._alarms.clear()
        with self._store() as store:
            changed = self._running.changed(store.numbers())
        for run in changed:
            with self._store() as store:
                record = store.claim(run)
            if record is not None:
                self._remember(record, now)

    @property
    def _senses(self) -> bool:
        return self._sensors is not None and bool(self._running.watched)

    def _judge(self, store: Store, run: RunRecord, now: Moment) -> dict[str, Judged]:
        if self._sensors is None or not is_watched(run):
            return {}
        return judge_run(run, store.alarms(run.area, run.origin), self._sensors, now)

    def _feel(self, runs: Iterable[str], now: Moment) -> None:
        """Let the sensors act on those of the runs that they matter to. A transaction only where they change one."""
        for run in runs:
            known = self._running.watched.get(run)
            if known is not None and self._stirs(known, now):
                self._claim(run, lambda store, course: self._sense(store, course, now), now)

    def _stirs(self, run: RunRecord, now: Moment) -> bool:
        if self._sensors is None:
            return False
        here = (run.area, run.origin)
        if here not in self._alarms:
            with self._store() as store:
                self._alarms[here] = store.alarms(*here)
        return stirs(run, judge_run(run, self._alarms[here], self._sensors, now))

    def _sense(self, store: Store, course: Course, now: Moment) -> None:
        judged = self._judge(store, course.run, now)
        course.sense({step: one.verdict for step, one in judged.items()}, now.wall)

    def _on_alarm(self, store: Store, entry: Entry, now: Moment) -> dict[str, RunRecord]:
        try:
            one = decode_transition(entry.body)
        except msgspec.DecodeError:
            self.undecoded += 1
            return {}
        area = self._areas.get(one.device)
        return {} if area is None else follow_alarm(store, one, area, self.plans.values(), now)

    def _opened(
        self, store: Store, plan: Plan, area: str, stage: Stage, cause: Cause, now: Moment
    ) -> tuple[str | None, RunRecord | None]:
        """The run that goes on there, or the one that was opened."""
        run = store.open_run(plan.id, area, Origin.LIVE)
        return run, None if run else open_run(store, plan, area, stage, cause, now)

    def _view(self, run: str, now: Moment) -> RunView:
        with self._store() as store:
            return self._seen(store, store.load(run), now)

    def _seen(self, store: Store, record: RunRecord, now: Moment) -> RunView:
        judged = self._judge(store, record, now)
        events = store.events(record.id)
        area = self._by_id.get(record.area) or Area(record.area, "other", Text(zh=record.area, en=record.area))
        return view_run(record, area, judged, events)


def _nobody_waits() -> None:
    pass


def _move(store: Store, run: RunRecord, do: Callable[[Store, Course], None]) -> None:
    course = Course(run)
    do(store, course)
    if course.out:
        store.save(run, course.out)


def _expire(deadlines: list[Deadline], now: int, _store: Store, course: Course) -> None:
    expire(deadlines, course, now)
