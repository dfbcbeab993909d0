"""Runs, alarms, cursor and outbox as rows. Every call belongs to a transaction of the caller."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Row, Table, and_, bindparam, delete, insert, select, update

from alarms.alarm import AlarmTransition
from alarms.states import AlarmState, Event
from journal.entry import Entry
from operations.course import Part, RunRecord, StepRecord, Timer
from operations.errors import NoSuchRun
from operations.events import PlanEvent, decode_event, encode_event, entry_of
from operations.plan import Plan
from operations.states import RunState, StepState
from operations.tables import Base
from operations.triggers import Raised
from protocols.moment import SECOND
from protocols.reading import Origin


class Deadline(NamedTuple):
    """A timer that has not fired; ``due_at`` is wall ns."""

    run: str
    step: str
    part: Part
    due_at: int


class KnownAlarm(NamedTuple):
    """An alarm of an area, as its last transition left it."""

    alarm: str
    device: str
    point: str
    rule: str
    life_safety: bool
    state: AlarmState
    active: bool
    raised_at: int


_Values = tuple[object, ...]
_Key = tuple[object, ...]


class _Rows(NamedTuple):
    """A run's steps and timers as they stand in the database: whole rows, by primary key."""

    steps: dict[_Key, _Values]
    timers: dict[_Key, _Values]

    @classmethod
    def of(cls, run: RunRecord) -> "_Rows":
        """What the record says they are."""
        return cls(
            {(run.id, name): _step_values(run.id, one) for name, one in run.steps.items()},
            {(run.id, *key): (run.id, *key, one.due_at, one.fired_at) for key, one in run.timers.items()},
        )


class Store:
    """The rows behind one transaction. Plans of runs are read once and kept."""

    def __init__(self, db: Connection, plans: dict[str, Plan]) -> None:
        """``plans``: by digest, shared between transactions."""
        self._db = db
        self._plans = plans
        self._loaded: dict[str, _Rows] = {}

    # -- runs ------------------------------------------------------------------------------------------------

    def add(self, run: RunRecord) -> None:
        """Store a new run, giving it an id of its own, and its plan where this version is not there yet."""
        # to write a plan out takes longer than all the rest
        digest = next((digest for digest, plan in self._plans.items() if plan is run.plan), None)
        if digest is None or self._db.execute(_PLAN, {"digest": digest}).first() is None:
            digest = self._add_plan(run.plan)
        self._plans[digest] = run.plan
        own = {"digest": digest, "area": run.area, "origin": int(run.origin), "opened_at": run.opened_at}
        self._db.execute(insert(_RUNS), {"id": run.id, **own, **_run_values(run)})
        self._loaded[run.id] = _Rows({}, {})

    def _add_plan(self, plan: Plan) -> str:
        document = plan.model_dump_json(by_alias=True)
        digest = hashlib.sha256(document.encode()).hexdigest()
        if self._db.execute(_PLAN, {"digest": digest}).first() is None:
            own = {"plan": plan.id, "version": plan.plan.version, "document": document}
            self._db.execute(insert(_PLANS), {"digest": digest, **own})
        return digest

    def new_id(self, plan: str, at: int) -> str:
        """``PLAN.20261121T083849.123Z``: readable, fit for a URL, in the order of time, and of no other run."""
        while True:
            seconds, rest = divmod(at, SECOND)
            name = f"{plan}.{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"
            if self._db.execute(_RUN, {"run": name}).first() is None:
                return name
            at += 1_000_000

    def load(self, run: str) -> RunRecord:
        """A run as it stands; nobody else changes it before the transaction ends. Raises `NoSuchRun`."""
        row = self._db.execute(_RUN_HELD, {"run": run}).one_or_none()
        if row is None:
            raise NoSuchRun(f"no run {run!r}; see GET /api/v1/runs")
        return self._record(row)

    def claim(self, run: str) -> RunRecord | None:
        """As `load`, but ``None`` at once where another worker has it now, or where it is not stored."""
        row = self._db.execute(_RUN_CLAIMED, {"run": run}).one_or_none()
        return None if row is None else self._record(row)

    def numbers(self) -> dict[str, int]:
        """Of each run that goes on, how many events it has: another number, and somebody changed it."""
        return {row.id: row.number for row in self._db.execute(_NUMBERS)}

    def _record(self, row: Row[Any]) -> RunRecord:
        run, plan = row.id, self._plan(row.digest)
        steps = self._db.execute(_STEPS_OF, {"run": run}).all()
        timers = self._db.execute(_TIMERS_OF, {"run": run}).all()
        by_name = {one[1]: _step_of(one) for one in steps}
        self._loaded[run] = _Rows({one[:2]: tuple(one) for one in steps}, {one[:3]: tuple(one) for one in timers})
        return RunRecord(
            run, plan, row.area, Origin(row.origin), row.opened_at, RunState(row.state), row.ended_at, row.ended_by,
            row.ended_why, row.number, set(row.rules.split()), {name: by_name[name] for name in plan.steps},
            {(step, _part(part)): Timer(due_at, fired_at) for _, step, part, due_at, fired_at in timers},
        )  # fmt: skip

    def save(self, run: RunRecord, events: Sequence[PlanEvent]) -> None:
        """Write what changed since it was loaded or added, with the events that tell of it."""
        before, after = self._loaded[run.id], _Rows.of(run)
        self._db.execute(_CHANGE[_RUNS], {"own_id": run.id, **_run_values(run)})
        self._write(_STEPS, before.steps, after.steps)
        self._write(_TIMERS, before.timers, after.timers)
        if events:
            self._db.execute(insert(_EVENTS), [_event_values(event) for event in events])
        self._loaded[run.id] = after

    def _write(self, table: Table, before: Mapping[_Key, _Values], after: Mapping[_Key, _Values]) -> None:
        gone = [_own(table, key) for key in before if key not in after]
        new = [_by_column(table, values) for key, values in after.items() if key not in before]
        changed = [
            _own(table, key) | _by_column(table, values)
            for key, values in after.items()
            if key in before and before[key] != values
        ]
        for statement, rows in ((_REMOVE[table], gone), (insert(table), new), (_CHANGE[table], changed)):
            if rows:
                self._db.execute(statement, rows)

    def open_run(self, plan: str, area: str, origin: Origin) -> str | None:
        """The id of the run of this plan that goes on there."""
        return self._db.scalars(_RUN_OPEN, {"key": _open_key(plan, area, origin)}).one_or_none()

    def open_runs(self, area: str, origin: Origin) -> list[str]:
        """Every run that goes on in the area at this origin, whatever its plan."""
        return list(self._db.scalars(_RUNS_OPEN, {"area": area, "origin": int(origin)}))

    def run_ids(self, states: Sequence[RunState]) -> list[str]:
        """Runs in one of the states, the newest first."""
        codes = [int(state) for state in states]
        return list(self._db.scalars(_RUNS_IN, {"states": codes}))

    def events(self, run: str) -> list[PlanEvent]:
        """The audit of a run, oldest first."""
        return [decode_event(body) for body in self._db.scalars(_EVENTS_OF, {"run": run})]

    def _plan(self, digest: str) -> Plan:
        if digest not in self._plans:
            document = self._db.scalars(_PLAN, {"digest": digest}).one()
            self._plans[digest] = Plan.model_validate_json(document)
        return self._plans[digest]

    # -- journal ---------------------------------------------------------------------------------------------

    def cursor(self, *, hold: bool = False) -> dict[int, int]:
        """How far the journal was consumed: partition -> position. ``hold``: nobody else consumes before the
        transaction ends."""
        if hold:
            self._db.execute(_TURN)
        return {row.partition: row.position for row in self._db.execute(_CURSOR)}

    def move_cursor(self, before: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Remember positions in the transaction of what they led to. ``before``: as `cursor` gave it."""
        self._write(_CURSORS, _cursor_rows(before), _cursor_rows(after))

    def clear_cursor(self) -> None:
        """Nothing was consumed yet."""
        self._db.execute(delete(_CURSORS))

    def outbox(self, limit: int) -> list[Entry]:
        """Entries that the journal is not known to have, oldest first."""
        return [entry_of(decode_event(body)) for body in self._db.scalars(_OUTBOX, {"limit": limit})]

    def published(self, entry: str) -> None:
        """The journal has the event of this entry id."""
        run, _, number = entry.rpartition("#")
        if number.isdecimal():
            self._db.execute(_PUBLISH, {"own_run": run, "own_number": int(number)})

    # -- alarms ----------------------------------------------------------------------------------------------

    def note_alarm(self, area: str, one: AlarmTransition) -> None:
        """Follow an alarm of an area."""
        # One that is over stays, inactive: the window of two detectors looks back at it.
        before = self._db.execute(_ALARM, {"alarm": one.alarm}).one_or_none()
        active = one.event is Event.RAISE or (before is not None and before.active)
        if one.event in (Event.RETURN, Event.RETURN_LATCHED) or one.after is AlarmState.NORMAL:
            active = False
        raised_at = one.at if one.event is Event.RAISE else one.raised_at
        values = {
            "alarm": one.alarm, "device": one.device, "point": one.point, "area": area, "rule": one.rule,
            "origin": int(one.origin), "life_safety": one.life_safety, "state": int(one.after), "active": active,
            "raised_at": raised_at,
        }  # fmt: skip
        if before is None:
            self._db.execute(insert(_ALARMS), values)
        else:
            self._db.execute(_CHANGE[_ALARMS], _own(_ALARMS, (one.alarm,)) | values)

    def alarms(self, area: str, origin: Origin) -> list[KnownAlarm]:
        """What is known of the alarms of an area at one origin."""
        rows = self._db.execute(_ALARMS_OF, {"area": area, "origin": int(origin)})
        return [
            KnownAlarm(
                row.alarm, row.device, row.point, row.rule, row.life_safety, AlarmState(row.state), row.active,
                row.raised_at,
            )
            for row in rows
        ]  # fmt: skip

    def raised(self, area: str, origin: Origin) -> list[Raised]:
        """The same, as triggers look at it."""
        return [Raised(one.device, one.rule, one.raised_at, one.active) for one in self.alarms(area, origin)]


_NONE = "{}"
"""No evidence, as most steps have."""


def _open_key(plan: str, area: str, origin: Origin) -> str:
    return f"{plan}~{area}~{origin:d}"


def _part(word: str) -> Part:
    return "start" if word == "start" else "done"


def _own(table: Table, key: _Key) -> dict[str, object]:
    """The primary key of a row, as `_CHANGE` and `_REMOVE` ask for it."""
    return {f"own_{column.name}": value for column, value in zip(table.primary_key, key, strict=True)}


def _by_column(table: Table, values: _Values) -> dict[str, object]:
    return dict(zip(table.columns.keys(), values, strict=True))


def _cursor_rows(cursor: Mapping[int, int]) -> dict[_Key, _Values]:
    return {(part,): (part, at) for part, at in cursor.items()}


# Statements are made once: to make one takes longer than SQLite needs to answer it. Rows are plain, never mapped
# objects, which could be older than the last statement.
_PLANS, _RUNS, _STEPS, _TIMERS, _EVENTS, _CURSORS, _ALARMS = (
    Base.metadata.tables[name]
    for name in ("plans", "plan_runs", "plan_steps", "plan_timers", "plan_events", "operations_cursor", "plan_alarms")
)
_SCHEMA = Base.metadata.tables["operations_schema"]
_OWN = {
    table: and_(*(column == bindparam(f"own_{column.name}") for column in table.primary_key))
    for table in (_RUNS, _STEPS, _TIMERS, _CURSORS, _ALARMS)
}
_CHANGE = {table: update(table).where(own) for table, own in _OWN.items()}
_REMOVE = {table: delete(table).where(own) for table, own in _OWN.items()}
_PLAN = select(_PLANS.c.document).where(_PLANS.c.digest == bindparam("digest"))
_RUN = select(_RUNS).where(_RUNS.c.id == bindparam("run"))
_RUN_HELD = _RUN.with_for_update()
_RUN_CLAIMED = _RUN.with_for_update(skip_locked=True)
_RUN_OPEN = select(_RUNS.c.id).where(_RUNS.c.open_key == bindparam("key"))
_GOES_ON = _RUNS.c.open_key.is_not(None)
_RUNS_OPEN = (
    select(_RUNS.c.id)
    .where(_RUNS.c.area == bindparam("area"), _RUNS.c.origin == bindparam("origin"), _GOES_ON)
    .order_by(_RUNS.c.id)
)
_RUNS_IN = (
    select(_RUNS.c.id)
    .where(_RUNS.c.state.in_(bindparam("states", expanding=True)))
    .order_by(_RUNS.c.opened_at.desc(), _RUNS.c.id.desc())
)
_NUMBERS = select(_RUNS.c.id, _RUNS.c.number).where(_GOES_ON)
_STEPS_OF = select(_STEPS).where(_STEPS.c.run == bindparam("run"))
_TIMERS_OF = select(_TIMERS).where(_TIMERS.c.run == bindparam("run"))
_EVENTS_OF = select(_EVENTS.c.body).where(_EVENTS.c.run == bindparam("run")).order_by(_EVENTS.c.number)
_OUTBOX = (
    select(_EVENTS.c.body)
    .where(_EVENTS.c.published.is_(False))
    .order_by(_EVENTS.c.sequence)
    .limit(bindparam("limit", type_=Integer))
)
_PUBLISH = (
    update(_EVENTS)
    .where(_EVENTS.c.run == bindparam("own_run"), _EVENTS.c.number == bindparam("own_number"))
    .values(published=True)
)
_CURSOR = select(_CURSORS)
_TURN = select(_SCHEMA.c.version).with_for_update()
_ALARM = select(_ALARMS.c.active).where(_ALARMS.c.alarm == bindparam("alarm"))
_ALARMS_OF = select(_ALARMS).where(_ALARMS.c.area == bindparam("area"), _ALARMS.c.origin == bindparam("origin"))


def _step_of(row: Sequence[Any]) -> StepRecord:
    _, step, state, ready, released, started, ended, who, role, why, evidence = row
    given = {} if evidence == _NONE else json.loads(evidence)
    return StepRecord(step, StepState(state), ready, released, started, ended, who, role, why, given)


def _run_values(run: RunRecord) -> dict[str, object]:
    return {
        "state": int(run.state),
        "number": run.number,
        "rules": " ".join(sorted(run.rules)),
        "ended_at": run.ended_at,
        "ended_by": run.ended_by,
        "ended_why": run.ended_why,
        "open_key": _open_key(run.plan.id, run.area, run.origin) if run.state.running else None,
    }


def _step_values(run: str, step: StepRecord) -> _Values:
    evidence = json.dumps(step.evidence, ensure_ascii=False, sort_keys=True) if step.evidence else _NONE
    return (
        run, step.id, int(step.state), step.ready_at, step.released_at, step.started_at, step.ended_at, step.who,
        step.role, step.why, evidence,
    )  # fmt: skip


def _event_values(event: PlanEvent) -> dict[str, object]:
    return {
        "run": event.run,
        "number": event.number,
        "at": event.at,
        "event": event.event,
        "step": event.step,
        "who": event.who,
        "role": event.role,
        "why": event.why,
        "evidence": json.dumps(dict(event.evidence), ensure_ascii=False) if event.evidence else _NONE,
        "published": False,
        "body": encode_event(event),
    }
