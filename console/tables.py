"""Tables of the accounts database. Secrets are stored as hashes only: passwords argon2id, tokens SHA-256."""

from sqlalchemy import ForeignKey
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
