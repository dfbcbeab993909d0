"""Opening the accounts database: SQLite by default, any SQLAlchemy URL; refuses a newer schema."""

import os
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from console.errors import AccountsDamaged, SchemaTooNew
from console.tables import SCHEMA_VERSION, Base, SchemaVersion


def open_database(url: str) -> tuple[Engine, sessionmaker[Db]]:
    """Create or check the tables. A SQLite file is made readable by its owner only. Raises `SchemaTooNew`,
    `AccountsDamaged`."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite" and target.database not in (None, "", ":memory:"):
        _create_private(Path(target.database))
    # Error messages of a statement must not carry its parameters: they hold names and hashes.
    engine = create_engine(target, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    sessions = sessionmaker(engine, expire_on_commit=False)
    try:
        _check_schema(engine, sessions)
    except SchemaTooNew:
        engine.dispose()
        raise
    except DatabaseError as error:
        engine.dispose()
        raise AccountsDamaged(
            f"accounts database {target.render_as_string(hide_password=True)}: {error.orig}"
        ) from None
    return engine, sessions


def _create_private(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _check_schema(engine: Engine, sessions: sessionmaker[Db]) -> None:
    Base.metadata.create_all(engine)
    with sessions.begin() as db:
        found = db.scalars(select(SchemaVersion.version)).first()
        if found is None:
            db.add(SchemaVersion(version=SCHEMA_VERSION))
        elif found > SCHEMA_VERSION:
            raise SchemaTooNew(
                f"accounts database {engine.url.render_as_string(hide_password=True)}: its schema {found} is newer "
                f"than this release knows ({SCHEMA_VERSION}); start the newer release or restore a backup"
            )
