"""The file of the embedded store: who owns it, and what its faults mean.

One process owns the file: DuckDB cannot share it, not even for reading.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from telemetry.duck_schema import SCHEMA_VERSION, upgrade
from telemetry.errors import KEEP, StoreDamaged, StoreLocked, StoreNewer, StoreUnavailable

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,  # a second thread would take the core that alarms run on
    "autoinstall_known_extensions": False,  # no fetching from the internet
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
}

_PASSING = (
    duckdb.IOException,
    duckdb.TransactionException,
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.ConnectionException,
)


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn DuckDB's faults of disk and file into ours; mistakes in our own SQL pass through unchanged."""
    try:
        yield
    except _PASSING as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    except duckdb.Error as error:
        # A failed block checksum is raised as the bare base class.
        if type(error) is duckdb.Error:
            raise StoreDamaged(f"{path}: {error}. {KEEP}") from error
        raise


def connect(path: Path, memory_limit: str) -> DuckDBPyConnection:
    """Open or create the file, which this process must own. Raises the errors of `telemetry.errors`."""
    try:
        database = duckdb.connect(str(path), config={**SETTINGS, "memory_limit": memory_limit})
    except duckdb.Error as error:
        if _held_by_another(path):
            raise StoreLocked(f"{path}: another program (a DuckDB shell?) has this file open. Close it") from error
        raise StoreDamaged(f"{path}: {error}. {KEEP}") from error
    try:
        with faults_of(path):
            _check_schema(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _held_by_another(path: Path) -> bool:
    """Whether some program holds DuckDB's own lock (a DuckDB shell does not know our lock file)."""
    if not path.is_file():
        return False
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _check_schema(database: DuckDBPyConnection, path: Path) -> None:
    tables = {name for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and "schema_version" not in tables:
        raise StoreDamaged(f"{path}: a DuckDB file of another program (tables {sorted(tables)}). Name another file")
    version: int | None = 0
    if tables:
        (version,) = database.execute("SELECT max(version) FROM schema_version").fetchone() or (None,)
    if version is None or version > SCHEMA_VERSION:
        raise StoreNewer(
            f"{path}: schema {version}, this version knows {SCHEMA_VERSION}. Install the version that wrote it"
        )
    if version < SCHEMA_VERSION:
        upgrade(database, version)
