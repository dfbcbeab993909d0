"""Runs, alarms, cursor and outbox as rows. Every call belongs to a transaction of the caller."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.orm import Session

from alarms.alarm import AlarmTransition
from alarms.states import AlarmState, Event
from journal.entry import Entry
from operations.course import Part, RunRecord, StepRecord, Timer
from operations.errors import NoSuchRun
from operations.events import PlanEvent, decode_event, encode_event, entry_of
from operations.plan import Plan
from operations.states import RunState, StepState
from operations.tables import AlarmRow, Base, CursorRow, EventRow, PlanRow, RunRow, StepRow, TimerRow
from operations.triggers import Raised
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


_Values = dict[str, object]
_Key = tuple[str, ...]


class _Rows(NamedTuple):
    """A run's steps and timers as they stand in the database, by primary key."""

    steps: dict[_Key, _Values]
    timers: dict[_Key, _Values]

    @classmethod
    def of(cls, run: RunRecord) -> "_Rows":
        """What the record says they are."""
        steps: dict[_Key, _Values] = {(run.id, name): _step_values(run.id, one) for name, one in run.steps.items()}
        timers: dict[_Key, _Values] = {
            (run.id, step, part): {
                "run": run.id, "step": step, "part": part, "due_at": one.due_at, "fired_at": one.fired_at,
            }
            for (step, part), one in run.timers.items()
        }  # fmt: skip
        return cls(steps, timers)


class Store:
    """The rows behind one transaction. Plans of runs are read once and kept."""

    def __init__(self, db: Session, plans: dict[str, Plan]) -> None:
        """``plans``: by digest, shared between transactions."""
        self._db = db
        self._plans = plans
        self._loaded: dict[str, _Rows] = {}

    # -- runs ------------------------------------------------------------------------------------------------

    def add(self, run: RunRecord) -> None:
        """Store a new run, giving it an id of its own, and its plan where this version is not there yet."""
        document = run.plan.model_dump_json(by_alias=True)
        digest = hashlib.sha256(document.encode()).hexdigest()
        if self._db.get(PlanRow, digest) is None:
            version = run.plan.plan.version
            self._db.add(PlanRow(digest=digest, plan=run.plan.id, version=version, document=document))
            self._db.flush()
        self._plans[digest] = run.plan
        self._db.add(
            RunRow(
                id=run.id, digest=digest, area=run.area, origin=int(run.origin), state=int(run.state),
                open_key=_open_key(run.plan.id, run.area, run.origin), opened_at=run.opened_at, ended_at=0,
                ended_by="", ended_why="", number=0, rules="",
            )
        )  # fmt: skip
        self._db.flush()
        self._loaded[run.id] = _Rows({}, {})

    def exists(self, run: str) -> bool:
        """Whether a run of this id is stored."""
        return self._db.get(RunRow, run) is not None

    def load(self, run: str) -> RunRecord:
        """A run as it stands; nobody else changes it before the transaction ends. Raises `NoSuchRun`."""
        row = self._db.execute(select(*_columns(RunRow)).where(RunRow.id == run).with_for_update()).one_or_none()
        if row is None:
            raise NoSuchRun(f"no run {run!r}; see GET /api/v1/runs")
        plan = self._plan(row.digest)
        steps = {
            one.step: _step_of(one) for one in self._db.execute(select(*_columns(StepRow)).where(StepRow.run == run))
        }
        timers = self._db.execute(select(*_columns(TimerRow)).where(TimerRow.run == run)).all()
        record = RunRecord(
            row.id, plan, row.area, Origin(row.origin), row.opened_at, RunState(row.state), row.ended_at, row.ended_by,
            row.ended_why, row.number, set(row.rules.split()), {name: steps[name] for name in plan.steps},
            {(one.step, _part(one.part)): Timer(one.due_at, one.fired_at) for one in timers},
        )  # fmt: skip
        self._loaded[run] = _Rows.of(record)
        return record

    def save(self, run: RunRecord, events: Sequence[PlanEvent]) -> None:
        """Write what changed since it was loaded or added, with the events that tell of it."""
        before, after = self._loaded[run.id], _Rows.of(run)
        self._db.execute(update(RunRow).where(RunRow.id == run.id).values(_run_values(run)))
        self._write(StepRow, before.steps, after.steps)
        gone = [key for key in before.timers if key not in after.timers]
        for _, step, part in gone:
            own = (TimerRow.run == run.id, TimerRow.step == step, TimerRow.part == part)
            self._db.execute(delete(TimerRow).where(*own))
        self._write(TimerRow, before.timers, after.timers)
        if events:
            self._db.execute(insert(EventRow), [_event_values(event) for event in events])
        self._loaded[run.id] = after

    def _write(self, table: type[Base], before: Mapping[_Key, _Values], after: Mapping[_Key, _Values]) -> None:
        new = [values for key, values in after.items() if key not in before]
        changed = [values for key, values in after.items() if key in before and before[key] != values]
        if new:
            self._db.execute(insert(table), new)
        if changed:
            self._db.execute(update(table), changed)

    def open_run(self, plan: str, area: str, origin: Origin) -> str | None:
        """The id of the run of this plan that goes on there."""
        return self._db.scalars(select(RunRow.id).where(RunRow.open_key == _open_key(plan, area, origin))).one_or_none()

    def open_runs(self, area: str, origin: Origin) -> list[str]:
        """Every run that goes on in the area at this origin, whatever its plan."""
        here = (RunRow.area == area, RunRow.origin == int(origin), RunRow.open_key.is_not(None))
        return list(self._db.scalars(select(RunRow.id).where(*here).order_by(RunRow.id)))

    def run_ids(self, states: Sequence[RunState]) -> list[str]:
        """Runs in one of the states, the newest first."""
        codes = [int(state) for state in states]
        query = select(RunRow.id).where(RunRow.state.in_(codes)).order_by(RunRow.opened_at.desc(), RunRow.id.desc())
        return list(self._db.scalars(query))

    def events(self, run: str) -> list[PlanEvent]:
        """The audit of a run, oldest first."""
        query = select(EventRow.body).where(EventRow.run == run).order_by(EventRow.number)
        return [decode_event(body) for body in self._db.scalars(query)]

    def _plan(self, digest: str) -> Plan:
        if digest not in self._plans:
            self._plans[digest] = Plan.model_validate_json(self._db.get_one(PlanRow, digest).document)
        return self._plans[digest]

    # -- journal ---------------------------------------------------------------------------------------------

    def cursor(self) -> dict[int, int]:
        """How far the journal was consumed: partition -> position."""
        return {row.partition: row.position for row in self._db.scalars(select(CursorRow))}

    def move_cursor(self, before: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Remember positions in the transaction of what they led to. ``before``: as `cursor` gave it."""
        rows = {part: {"partition": part, "position": at} for part, at in after.items() if at != before.get(part)}
        new = [row for part, row in rows.items() if part not in before]
        moved = [row for part, row in rows.items() if part in before]
        if new:
            self._db.execute(insert(CursorRow), new)
        if moved:
            self._db.execute(update(CursorRow), moved)

    def clear_cursor(self) -> None:
        """Nothing was consumed yet."""
        self._db.execute(delete(CursorRow))

    def outbox(self, limit: int) -> list[Entry]:
        """Entries that the journal is not known to have, oldest first."""
        query = select(EventRow.body).where(EventRow.published.is_(False)).order_by(EventRow.sequence).limit(limit)
        return [entry_of(decode_event(body)) for body in self._db.scalars(query)]

    def published(self, entry: str) -> None:
        """The journal has the event of this entry id."""
        run, _, number = entry.rpartition("#")
        if number.isdecimal():
            own = (EventRow.run == run, EventRow.number == int(number))
            self._db.execute(update(EventRow).where(*own).values(published=True))

    # -- alarms ----------------------------------------------------------------------------------------------

    def note_alarm(self, area: str, one: AlarmTransition) -> None:
        """Follow an alarm of an area."""
        # One that is over stays, inactive: the window of two detectors looks back at it.
        before = self._db.get(AlarmRow, one.alarm)
        active = one.event is Event.RAISE or (before is not None and before.active)
        if one.event in (Event.RETURN, Event.RETURN_LATCHED) or one.after is AlarmState.NORMAL:
            active = False
        raised_at = one.at if one.event is Event.RAISE else one.raised_at
        self._db.merge(
            AlarmRow(
                alarm=one.alarm, device=one.device, point=one.point, area=area, rule=one.rule, origin=int(one.origin),
                life_safety=one.life_safety, state=int(one.after), active=active, raised_at=raised_at,
            )
        )  # fmt: skip

    def alarms(self, area: str, origin: Origin) -> list[KnownAlarm]:
        """What is known of the alarms of an area at one origin."""
        rows = self._db.scalars(select(AlarmRow).where(AlarmRow.area == area, AlarmRow.origin == int(origin)))
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


def _open_key(plan: str, area: str, origin: Origin) -> str:
    return f"{plan}~{area}~{origin:d}"


def _part(word: str) -> Part:
    return "start" if word == "start" else "done"


def _columns(table: type[Base]) -> Iterable[ColumnElement[Any]]:
    """Plain columns: rows of these are never older than the last statement, as mapped objects could be."""
    return table.__table__.columns


def _step_of(row: Row[Any]) -> StepRecord:
    return StepRecord(
        row.step, StepState(row.state), row.ready_at, row.released_at, row.started_at, row.ended_at, row.who, row.role,
        row.why, json.loads(row.evidence),
    )  # fmt: skip


def _run_values(run: RunRecord) -> _Values:
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
    return {
        "run": run,
        "step": step.id,
        "state": int(step.state),
        "ready_at": step.ready_at,
        "released_at": step.released_at,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "who": step.who,
        "role": step.role,
        "why": step.why,
        "evidence": json.dumps(step.evidence, ensure_ascii=False, sort_keys=True),
    }


def _event_values(event: PlanEvent) -> _Values:
    return {
        "run": event.run,
        "number": event.number,
        "at": event.at,
        "event": event.event,
        "step": event.step,
        "who": event.who,
        "role": event.role,
        "why": event.why,
        "evidence": json.dumps(dict(event.evidence), ensure_ascii=False),
        "published": False,
        "body": encode_event(event),
    }
