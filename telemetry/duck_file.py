"""The file of the embedded store: who owns it, its schema, and what its faults mean.

One process owns the file: DuckDB cannot share it, not even for reading.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from telemetry.errors import KEEP, StoreDamaged, StoreLocked, StoreNewer, StoreUnavailable

SCHEMA_VERSION = 1

# Times stand in columns of their own name because AT is a reserved word of DuckDB 2.
# `reading` has one row for each reading: `received_at` and `claimed_at` cost 16 B a reading there and would cost
# that for every value in `number`; and it is what duplicates are looked up in.
# `batch` counts the writes and takes no room (it is the same for thousands of rows). `latest` and `newest` follow
# from all rows up to batch `settled`, so that a start reads them and the few batches since, not years of rows.
_SCHEMA = """
CREATE TABLE schema_version (version INTEGER);
CREATE TABLE device (key INTEGER, id VARCHAR, profile VARCHAR, kind VARCHAR, site VARCHAR, area VARCHAR);
CREATE TABLE point (key USMALLINT, name VARCHAR);
CREATE TABLE reading (device INTEGER, origin UTINYINT, taken_at TIMESTAMP_NS, received_at TIMESTAMP_NS,
                      claimed_at TIMESTAMP_NS, batch BIGINT);
CREATE TABLE number (device INTEGER, point USMALLINT, origin UTINYINT, taken_at TIMESTAMP_NS, value DOUBLE,
                     quality UTINYINT, batch BIGINT);
CREATE TABLE text (device INTEGER, point USMALLINT, origin UTINYINT, taken_at TIMESTAMP_NS, value VARCHAR,
                   quality UTINYINT, batch BIGINT);
CREATE TABLE settled (batch BIGINT);
CREATE TABLE latest (device INTEGER, point USMALLINT, origin UTINYINT, taken_at TIMESTAMP_NS, number DOUBLE,
                     text VARCHAR, quality UTINYINT);
CREATE TABLE newest (device INTEGER, origin UTINYINT, taken_at TIMESTAMP_NS);
CREATE TABLE cursor (partition INTEGER, position BIGINT);
CREATE TABLE dead_letter (partition INTEGER, position BIGINT, reason VARCHAR, data BLOB);
INSERT INTO settled VALUES (0);
CREATE VIEW tail_value AS
    SELECT device, point, origin, taken_at, {'number': value, 'text': NULL::VARCHAR, 'quality': quality} AS top
    FROM number WHERE batch > (SELECT max(batch) FROM settled)
    UNION ALL
    SELECT device, point, origin, taken_at, {'number': NULL::DOUBLE, 'text': value, 'quality': quality}
    FROM text WHERE batch > (SELECT max(batch) FROM settled);
CREATE VIEW tail_latest AS
    SELECT device, point, origin, max(taken_at) AS taken_at, max_by(top, taken_at) AS top
    FROM tail_value GROUP BY device, point, origin;
CREATE VIEW tail_newest AS
    SELECT device, origin, max(taken_at) AS taken_at
    FROM reading WHERE batch > (SELECT max(batch) FROM settled) GROUP BY device, origin;
"""

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
    if not tables:
        database.execute("BEGIN")
        database.execute(_SCHEMA)
        database.execute("INSERT INTO schema_version VALUES (?)", [SCHEMA_VERSION])
        database.execute("COMMIT")
        return
    if "schema_version" not in tables:
        raise StoreDamaged(f"{path}: a DuckDB file of another program (tables {sorted(tables)}). Name another file")
    row = database.execute("SELECT max(version) FROM schema_version").fetchone()
    version = row[0] if row else None
    if version != SCHEMA_VERSION:
        raise StoreNewer(
            f"{path}: schema {version}, this version knows {SCHEMA_VERSION}. Install the version that wrote it"
        )
