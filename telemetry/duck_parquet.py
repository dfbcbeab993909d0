"""Parquet from the CSV of an export, by DuckDB: typed columns, texts as they were measured.

Columns as in the CSV; `time` and `received_at` are TIMESTAMP_NS in UTC, `value` is a DOUBLE, the others are texts.
Needs no memory beyond `MEMORY`, however long the file is.
"""

from contextlib import closing
from pathlib import Path

import duckdb

from telemetry.errors import StoreUnavailable

MEMORY = "512MB"
_TEXTS = ("device", "profile", "kind", "area", "point", "origin", "text", "unit", "quality")
_COLUMNS = {
    **dict.fromkeys(
        ("time", "device", "profile", "kind", "area", "point", "origin", "value", "text", "unit", "quality"), "VARCHAR"
    ),
    "value": "DOUBLE",
    "received_at": "VARCHAR",
}
# The apostrophe that keeps a spreadsheet from taking a text for a formula has nothing to do here.
_PLAIN = {
    **{name: f"CASE WHEN starts_with({name}, '''') THEN substr({name}, 2) ELSE {name} END" for name in _TEXTS},
    **{name: f"{name}::TIMESTAMP_NS" for name in ("time", "received_at")},
}
_COPY = """
COPY (SELECT {columns} FROM read_csv({source}, header = true, auto_detect = false, columns = {types}, delim = ',',
                                     quote = '"', escape = '"', new_line = '\\r\\n', nullstr = '', parallel = false,
                                     max_line_size = 16777216))
TO {target} (FORMAT parquet, COMPRESSION zstd)
"""


def csv_to_parquet(source: Path, target: Path) -> None:
    """Write ``target`` anew from ``source``, a CSV of `console.extract_csv`. Raises `StoreUnavailable`: disk full."""
    columns = ", ".join(f"{_PLAIN.get(name, name)} AS {name}" for name in _COLUMNS)
    sql = _COPY.format(columns=columns, source=_text(source), types=_COLUMNS, target=_text(target))
    with closing(duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "temp_directory": ""})) as database:
        try:
            database.execute(sql)
        except duckdb.IOException as error:
            raise StoreUnavailable(f"{target}: {error}") from error


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
