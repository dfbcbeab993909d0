"""Tables of the console's database: accounts, and the logbook of the desk. Secrets are stored as hashes only: passwords
argon2id, tokens SHA-256."""

from sqlalchemy import BigInteger, Connection, ForeignKey, Table, Text, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA_VERSION = 1


class Base(DeclarativeBase):
    """Base of the tables."""


class SchemaVersion(Base):
    """One row: which release's schema the database has."""

    __tablename__ = "schema_version"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class User(Base):
    """A person or a program. Without ``password_hash`` there is no sign-in by password."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    created: Mapped[float]


class Session(Base):
    """A sign-in. ``digest``: SHA-256 of its token, hex; ``role``: at most the user's; times in UTC s."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    created: Mapped[float]
    used: Mapped[float] = mapped_column(index=True)
    user: Mapped[User] = relationship(lazy="joined")


class Token(Base):
    """An API token: a session that does not expire and has a name."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    created: Mapped[float]
    used: Mapped[float | None]
    user: Mapped[User] = relationship(lazy="joined")


class LogbookLine(Base):
    """One line of the desk's logbook, written once. ``at``: UTC ns; ``body``: a JSON object; ``digest``: SHA-256 of the
    line with ``previous``, the digest of the line before, hex."""

    __tablename__ = "desk_logbook"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    who: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    previous: Mapped[str]
    digest: Mapped[str]


def _forbid_change(table: Table, connection: Connection, **_how: object) -> None:
    """What reads the book finds a change in any database; SQLite does not even make one."""
    if connection.dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            said = "BEGIN SELECT RAISE(ABORT, 'the logbook is only ever written on'); END"
            connection.execute(text(f"CREATE TRIGGER {table.name}_{change} BEFORE {change} ON {table.name} {said}"))


event.listen(LogbookLine.__table__, "after_create", _forbid_change)
