"""Statements that ask an InfluxDB for the mean, minimum, maximum and number of a point's values in each minute or hour,
and the lines of these that go back to it. Pure.

Layout of a line::

    <kind>,device=..,district=..,.. <point>_mean=..,<point>_min=..,<point>_max=..,<point>_count=60i <ns>

* Measurement and all tags are those of the readings; the time is the beginning of the minute or hour.
* BAD values are left out, UNCERTAIN ones are not (quality below 128).
* Asked in the InfluxQL that 1.x, 2.x and 3 share.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from telemetry.influx_query import Row
from telemetry.influxql import TAGS, name, text
from telemetry.line_protocol import Unwritable, key_text

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE

_BY = ", ".join(sorted(TAGS.values()))
_WORD = r"([^\\, ]*(?:\\.[^\\, ]*)*)"
_SERIES = re.compile(rf"{_WORD},device={_WORD}[, ]", re.DOTALL)
_KIND = str.maketrans({",": r"\,", " ": r"\ "})
_ESCAPE = re.compile(r"\\([, =])")


def touched(lines: Iterable[str]) -> dict[tuple[str, int], set[str]]:
    """The devices of readings among the lines, by kind and minute (its beginning, UTC ns).

    A line whose first tag is not the device is of no reading.
    """
    found: dict[tuple[str, int], set[str]] = {}
    match = _SERIES.match
    for line in lines:
        parts = match(line)
        if parts:
            kind, device = parts.groups()
            minute = int(line[line.rindex(" ") :]) // MINUTE * MINUTE
            found.setdefault((kind, minute), set()).add(device)
    return {(_plain(kind), minute): set(map(_plain, devices)) for (kind, minute), devices in found.items()}


def ask_fields(kind: str) -> str:
    """The fields of a measurement, for `points`."""
    return f"SHOW FIELD KEYS FROM {name(kind)}"


def points(rows: Iterable[Row]) -> list[str]:
    """Which fields are numbers of a point: those with a quality beside them."""
    types: dict[str, set[str]] = {}
    for row in rows:
        types.setdefault(row.columns["fieldKey"], set()).add(row.columns["fieldType"])
    return [field for field, kinds in types.items() if "float" in kinds and "integer" in types.get(f"{field}_q", ())]


def ask_summary(kind: str, field: str, step: int, span: tuple[int, int], devices: Sequence[str]) -> str:
    """What a field did in each step (ns) of a span (UTC ns, the end is not in it). No ``devices``: all of them."""
    # A cast, so that a text that once was in the field is left out where it would be an error.
    columns = ", ".join(f"{how}({name(field)}::float) AS {how}_" for how in ("mean", "min", "max", "count"))
    where = f"{name(f'{field}_q')} < 128 AND time >= {span[0]} AND time < {span[1]}"
    if devices:
        where += f" AND ({' OR '.join(f'device = {text(device)}' for device in devices)})"
    return (
        f"SELECT {columns} FROM {name(kind)} WHERE {where}"  # noqa: S608 - all of it is quoted here
        f" GROUP BY time({step}ns), {_BY} fill(none)"
    )


def summary_lines(kind: str, field: str, rows: Iterable[Row]) -> Iterator[str]:
    """One line without its end for each row. What line protocol cannot carry was not written by us, and is left out."""
    try:
        kind, field = key_text(kind, "kind", _KIND), key_text(field, "point")
    except Unwritable:
        return
    for row in rows:
        low, mean, high, samples = (row.columns[f"{how}_"] for how in ("min", "mean", "max", "count"))
        try:
            head = "".join(f",{key}={key_text(value, key)}" for key, value in sorted(row.tags.items()) if value)
        except Unwritable:
            continue
        yield (
            f"{kind}{head} {field}_mean={float(mean)!r},{field}_min={float(low)!r},{field}_max={float(high)!r},"
            f"{field}_count={samples}i {row.columns['time']}"
        )


def _plain(word: str) -> str:
    """Without its escapes."""
    return _ESCAPE.sub(r"\1", word) if "\\" in word else word
