"""The schema of the file beside an InfluxDB (`telemetry.influx_state`), and the way to it from what a release wrote.

A version is `PRAGMA user_version`; each row of `_STEPS` leads from one to the next, all in one transaction.
"""

# 1: cursor, and letters without the time, the kind and an id that is never given twice.
_V1 = (
    "CREATE TABLE cursor (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL)",
    """CREATE TABLE dead_letter (
        id INTEGER PRIMARY KEY, partition INTEGER, position INTEGER, reason TEXT NOT NULL, data BLOB NOT NULL)""",
)
# 2: a letter that is tried again must say what it is, and one that a person deletes must not lend its id to another.
# Version 1 kept lines with the server's answer as their reason, which begins with the status; all else were bodies.
_V2 = (
    "ALTER TABLE dead_letter RENAME TO dead_letter_1",
    """CREATE TABLE dead_letter (
        id INTEGER PRIMARY KEY AUTOINCREMENT, partition INTEGER, position INTEGER, reason TEXT NOT NULL,
        kind TEXT NOT NULL, data BLOB NOT NULL, set_aside_at INTEGER)""",
    """INSERT INTO dead_letter
        SELECT id, partition, position, reason,
               CASE WHEN reason GLOB '4[0-9][0-9]: *' THEN 'line' ELSE 'reading' END, data, NULL
        FROM dead_letter_1""",
    "DROP TABLE dead_letter_1",
    "CREATE TABLE dropped (letters INTEGER NOT NULL)",
    "INSERT INTO dropped VALUES (0)",
)
# 3: minutes and hours that wait to be rolled up.
_V3 = (
    """CREATE TABLE roll_up (
        step INTEGER, kind TEXT, start INTEGER, device TEXT, due INTEGER NOT NULL,
        PRIMARY KEY (step, kind, start, device)) WITHOUT ROWID""",
    "CREATE INDEX roll_up_due ON roll_up (due)",
)
_STEPS = (_V1, _V2, _V3)

SCHEMA_VERSION = len(_STEPS)


def migration(version: int) -> list[str]:
    """The statements that bring a file of ``version`` (0: empty) to `SCHEMA_VERSION`, for one transaction."""
    statements = [statement for step in _STEPS[version:] for statement in step]
    return [*statements, f"PRAGMA user_version = {SCHEMA_VERSION}"]
