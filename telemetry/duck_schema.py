"""The tables of the embedded store, and how a file of an older version becomes one of this."""

from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 3

# Times stand in columns of their own name because AT is a reserved word of DuckDB 2.
# `reading` has one row for each reading: `received_at` and `claimed_at` cost 16 B a reading there and would cost
# that for every value in `number`; and it is what duplicates are looked up in.
# `batch` counts the writes and takes no room (it is the same for thousands of rows). `latest` and `newest` follow
# from all rows up to batch `settled`, so that a start reads them and the few batches since, not years of rows.
_FIRST = """
CREATE TABLE schema_version (version INTEGER);
INSERT INTO schema_version VALUES (1);
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

# Roll-ups. A row is what the batches of one step brought to a minute (an hour): late data make further rows of the
# same one, and queries add them up. So nothing is looked up or changed, and a year of minutes costs a write nothing.
# `first` and `last` carry their times so that they can be told apart when rows are added up. `minute` and `hour` count
# from 1970. `batch` is the last one that a row knows of; all rows up to the batches in `mark` are rolled up.
# `raw_from`, `minute_from`, `hour_from` (UTC ns, NULL: everything is there): what is older was removed.
_ROLL_UPS = """
CREATE TABLE by_minute (device INTEGER, point USMALLINT, origin UTINYINT, minute INTEGER, samples INTEGER, total DOUBLE,
                        low DOUBLE, high DOUBLE, first DOUBLE, first_at TIMESTAMP_NS, last DOUBLE, last_at TIMESTAMP_NS,
                        batch BIGINT);
CREATE TABLE by_hour (device INTEGER, point USMALLINT, origin UTINYINT, hour INTEGER, samples INTEGER, total DOUBLE,
                      low DOUBLE, high DOUBLE, first DOUBLE, first_at TIMESTAMP_NS, last DOUBLE, last_at TIMESTAMP_NS);
CREATE TABLE mark (minute_batch BIGINT, hour_batch BIGINT, raw_from BIGINT, minute_from BIGINT, hour_from BIGINT);
CREATE TABLE received_day (day INTEGER);
INSERT INTO mark VALUES (0, 0, NULL, NULL, NULL);
INSERT INTO received_day SELECT DISTINCT epoch_ns(received_at) // 86400000000000 FROM reading;
UPDATE schema_version SET version = 2;
"""

# Dead letters that can be replayed and deleted: each has an id that is never given twice, `last_id` being the last one
# given, and says when it was set aside or refused again (UTC ns; NULL: version 2 did not write it down). All are bodies
# of readings. `dropped`: how many were refused while there was no room for them.
_LETTERS = """
ALTER TABLE dead_letter RENAME TO dead_letter_2;
CREATE TABLE dead_letter (id BIGINT, partition INTEGER, position BIGINT, reason VARCHAR, data BLOB,
                          set_aside_at BIGINT);
INSERT INTO dead_letter
    SELECT row_number() OVER (ORDER BY rowid), partition, position, reason, data, NULL FROM dead_letter_2;
DROP TABLE dead_letter_2;
CREATE TABLE letter_count (last_id BIGINT, dropped BIGINT);
INSERT INTO letter_count SELECT count(*), 0 FROM dead_letter;
UPDATE schema_version SET version = 3;
"""

_STEPS = (_FIRST, _ROLL_UPS, _LETTERS)
"""The step at index n leads from version n to n + 1; version 0 is an empty file."""


def upgrade(database: DuckDBPyConnection, version: int) -> None:
    """Bring a file of an older version to this one, in one transaction. What it holds is rolled up later, in the
    steps of `telemetry.duck_rollup`."""
    database.execute("BEGIN")
    for step in _STEPS[version:]:
        database.execute(step)
    database.execute("COMMIT")
