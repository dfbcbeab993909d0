"""Where the floors put what must be durable: SQLite as the journal sets it, and nothing else."""

import sqlite3
from pathlib import Path


def opened(folder: Path) -> sqlite3.Connection:
    """A new file with the table ``entry (body)``, each commit synced to the disk; for one thread at a time."""
    file = sqlite3.connect(folder / "floor.db", check_same_thread=False, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE entry (body BLOB)"):
        file.execute(statement)
    return file
