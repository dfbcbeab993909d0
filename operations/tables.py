"""Tables of the operations database. Times are UTC ns; 0 where it did not happen. Nothing here is SQLite's alone."""

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 1

_COUNTER = BigInteger().with_variant(Integer, "sqlite")
"""A number the database gives; only an ``INTEGER`` does so in SQLite."""


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {int: BigInteger, str: String(255)}  # noqa: RUF012 - the name and form SQLAlchemy asks for


class SchemaVersion(Base):
    """One row: which release's schema the database has."""

    __tablename__ = "operations_schema"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class CursorRow(Base):
    """How far the journal was consumed, by partition; written in the transaction of the effect."""

    __tablename__ = "operations_cursor"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]


class PlanRow(Base):
    """A plan as it was when a run began. ``digest``: SHA-256 of the document, hex."""

    __tablename__ = "plans"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[str]
    version: Mapped[int]
    document: Mapped[str] = mapped_column(Text)


class RunRow(Base):
    """A run. ``open_key`` is (plan, area, origin) while it goes on and NULL afterwards: at most one at a time.

    ``rules``: ids of the alarm rules that belong to it, separated by spaces.
    """

    __tablename__ = "plan_runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("plans.digest"))
    area: Mapped[str]
    origin: Mapped[int]
    state: Mapped[int] = mapped_column(index=True)
    open_key: Mapped[str | None] = mapped_column(unique=True)
    opened_at: Mapped[int]
    ended_at: Mapped[int]
    ended_by: Mapped[str]
    ended_why: Mapped[str] = mapped_column(Text)
    number: Mapped[int]
    rules: Mapped[str] = mapped_column(Text)


class StepRow(Base):
    """A step of a run. ``evidence``: JSON object of texts by evidence id."""

    __tablename__ = "plan_steps"

    run: Mapped[str] = mapped_column(ForeignKey("plan_runs.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[int]
    ready_at: Mapped[int]
    released_at: Mapped[int]
    started_at: Mapped[int]
    ended_at: Mapped[int]
    who: Mapped[str]
    role: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)


class TimerRow(Base):
    """A deadline of a step; ``fired_at`` is written in the transaction of what it led to."""

    __tablename__ = "plan_timers"

    run: Mapped[str] = mapped_column(ForeignKey("plan_runs.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[int] = mapped_column(index=True)
    fired_at: Mapped[int]


class EventRow(Base):
    """The audit: who, what, when, why, on which evidence. Also the outbox: ``published`` says whether the journal has
    it. ``body``: the whole event as the journal gets it."""

    __tablename__ = "plan_events"
    __table_args__ = (UniqueConstraint("run", "number"),)

    sequence: Mapped[int] = mapped_column(_COUNTER, primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("plan_runs.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[int]
    event: Mapped[str]
    step: Mapped[str]
    who: Mapped[str]
    role: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    published: Mapped[bool] = mapped_column(index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class AlarmRow(Base):
    """What is known of an alarm of an area: enough for votes, over-range latches and «still there».

    ``state``: code of `alarms.states.AlarmState`. ``active``: its condition stands.
    """

    __tablename__ = "plan_alarms"

    alarm: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]
    point: Mapped[str]
    area: Mapped[str] = mapped_column(index=True)
    rule: Mapped[str]
    origin: Mapped[int]
    life_safety: Mapped[bool]
    state: Mapped[int]
    active: Mapped[bool]
    raised_at: Mapped[int]
