"""Opening the operations database: SQLite by default, any SQLAlchemy URL; refuses a newer schema.

A transaction that was committed is on the disk. On SQLite every transaction takes the write lock at its beginning:
one that reads first and writes then would fail when another process wrote between.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from operations.errors import StoreNewer, StoreUnusable
from operations.tables import SCHEMA_VERSION, Base, SchemaVersion


class Database:
    """Transactions on one database. Raises `StoreUnusable`, and on opening `StoreNewer`."""

    def __init__(self, url: str) -> None:
        try:
            target = make_url(url)
            if target.get_backend_name() == "sqlite":
                _create_private(target)
            # Error messages of a statement must not carry its parameters: they hold names of people.
            self._engine = create_engine(target, hide_parameters=True)
        except ArgumentError as error:
            raise StoreUnusable(
                f"operations database: {error}; give a URL such as sqlite:///data/operations.db"
            ) from None
        except OSError as error:
            raise StoreUnusable(
                f"{target.database}: {error.strerror}; choose a folder this user can write to"
            ) from None
        self.where = target.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        try:
            with self.transaction() as db:
                _check_schema(db, self.where)
        except (StoreNewer, StoreUnusable):
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Everything inside is stored together, or nothing of it when it raises."""
        try:
            with self._sessions.begin() as db:
                yield db
        except DBAPIError as error:
            raise StoreUnusable(
                f"operations database {self.where}: {error.orig}; nothing of this was stored; check disk and server"
            ) from error

    def close(self) -> None:
        """Release files and connections."""
        self._engine.dispose()


def _create_private(target: URL) -> None:
    if target.database in (None, "", ":memory:"):
        raise StoreUnusable("operations database: it has to be a file; give a URL such as sqlite:///data/operations.db")
    file = Path(str(target.database))
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


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


def _check_schema(db: Session, where: str) -> None:
    Base.metadata.create_all(db.connection())
    found = db.scalars(select(SchemaVersion.version)).first()
    if found is None:
        db.add(SchemaVersion(version=SCHEMA_VERSION))
    elif found > SCHEMA_VERSION:
        raise StoreNewer(
            f"operations database {where}: its schema {found} is newer than this release knows ({SCHEMA_VERSION}); "
            "start the newer release or restore a backup"
        )
