"""Opening the operations database: a SQLite file, or PostgreSQL by its URL; refuses a newer schema.

A transaction that was committed is on the disk, whatever the server's own default. Several processes may work on one
database. On SQLite every transaction takes the write lock at its beginning: one that reads first and writes then would
fail when another process wrote between. On PostgreSQL whoever changes a run locks its row, and each statement sees
what was committed before it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, insert, literal, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from operations.errors import StoreCollided, StoreNewer, StoreUnusable
from operations.tables import SCHEMA_VERSION, Base, SchemaVersion

EXAMPLES = "sqlite:///data/operations.db or postgresql://user@host/gengfu"
SERVER_SETTINGS = {
    "synchronous_commit": "on",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Of each connection to PostgreSQL. A worker that hangs or is cut off lets go of the run that it holds."""
CONNECT_WITHIN_S = 5
COLLISIONS = ("23505", "40P01", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
"""Codes of errors: another transaction made the same row first; two waited for each other and this one was given up."""
FOLLOWING = 0x67656E68
"""PostgreSQL's advisory lock of the worker that follows the journal."""
CREATING = 0x67656E67
"""PostgreSQL's advisory lock for making the tables: two workers that start at once would both make them."""


class Database:
    """Transactions on one database. ``password``: of a server, where the URL holds none. Raises `StoreUnusable`, and on
    opening `StoreNewer`."""

    def __init__(self, url: str, password: str | None = None) -> None:
        target = _target(url)
        target = target if password is None else target.set(password=password)
        # A password never shows.
        self.where = target.render_as_string(hide_password=True)
        if target.get_backend_name() == "sqlite":
            _create_private(target)
        self._engine = _engine(target)
        self._following: Connection | None = None
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        try:
            with self.transaction() as db:
                _check_schema(db, self.where)
        except (StoreNewer, StoreUnusable):
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside is stored together, or nothing of it when it raises."""
        try:
            with self._engine.begin() as db:
                yield db
        except DBAPIError as error:
            if _code(error) in COLLISIONS:
                raise StoreCollided(
                    f"operations database {self.where}: another worker was first ({_told(error)})"
                ) from error
            raise StoreUnusable(
                f"operations database {self.where}: {_told(error)}; nothing of this was stored; check disk and server"
            ) from error

    def follow(self) -> None:
        """Be the one worker that follows the journal and the sensors, until `close`; asked again, make sure of it.
        Raises `StoreUnusable` where there is another. A SQLite file has one owner anyway: its data folder is locked."""
        if self._engine.dialect.name != "postgresql":
            return
        try:
            self._follow()
        except DBAPIError as error:
            # the session is gone, and the lock with it; the next time a new one is taken
            self._unfollow()
            raise StoreUnusable(f"operations database {self.where}: {_told(error)}; check the server") from error

    def _follow(self) -> None:
        if self._following is None:
            self._following = self._engine.connect()
            is_first = self._following.scalar(select(func.pg_try_advisory_lock(FOLLOWING)))
        else:
            is_first = self._following.scalar(select(literal(True)))  # the lock lives as long as its session
        self._following.rollback()  # a transaction that stays open would be ended by the server
        if not is_first:
            self._unfollow()
            raise StoreUnusable(
                f"operations database {self.where}: another gateway keeps its plans there; end it, or give each site "
                "a database of its own"
            )

    def _unfollow(self) -> None:
        if self._following is not None:
            self._following.invalidate()  # back in the pool it would keep the lock
            self._following.close()
            self._following = None

    def close(self) -> None:
        """Release files and connections."""
        self._unfollow()
        self._engine.dispose()


def _code(error: DBAPIError) -> object:
    """The code of the server's error, or of SQLite's."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)


def _told(error: DBAPIError) -> str:
    """What the server said, in one line."""
    return " ".join(str(error.orig).split())


def _target(url: str) -> URL:
    try:
        target = make_url(url)
    except ArgumentError:
        # the library's own words repeat what was given, a password in it too
        raise StoreUnusable(f"operations database: not a URL; give one such as {EXAMPLES}") from None
    if target.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreUnusable(f"operations database: {target.drivername!r} is not supported; give {EXAMPLES}")
    return target


def _engine(target: URL) -> Engine:
    # Error messages of a statement must not carry its parameters: they hold names of people.
    if target.get_backend_name() == "sqlite":
        return create_engine(target, hide_parameters=True)
    options = " ".join(f"-c {name}={value}" for name, value in SERVER_SETTINGS.items())
    connect: dict[str, Any] = {"connect_timeout": CONNECT_WITHIN_S, "options": options}
    try:
        return create_engine(
            target.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            connect_args=connect,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,  # a server that was started again costs nobody an act
        )
    except ImportError:
        raise StoreUnusable(
            "operations database: the driver for PostgreSQL is missing; pip install 'gengfu[postgresql]'"
        ) from None


def _create_private(target: URL) -> None:
    if target.database in (None, "", ":memory:"):
        raise StoreUnusable(f"operations database: it has to be a file; give a URL such as {EXAMPLES}")
    file = Path(str(target.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{file}: {error.strerror}; choose a folder this user can write to") from None


def _prepare_sqlite(engine: Engine) -> None:
    def connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver would begin only at the first write
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


def _check_schema(db: Connection, where: str) -> None:
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(CREATING)))
    Base.metadata.create_all(db)
    found = db.scalars(select(SchemaVersion.version)).first()
    if found is None:
        db.execute(insert(SchemaVersion), {"version": SCHEMA_VERSION})
    elif found > SCHEMA_VERSION:
        raise StoreNewer(
            f"operations database {where}: its schema {found} is newer than this release knows ({SCHEMA_VERSION}); "
            "start the newer release or restore a backup"
        )
