"""Stored values as CSV (RFC 4180, UTF-8): one row for each value, safe to open in a spreadsheet.

A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that begins with an
apostrophe; an empty text is a lone apostrophe, so that an empty cell always means «no value». Whoever reads the file
takes one apostrophe from the front of a text: nothing else is changed. Numbers are left alone: `-5.0` is a number.
"""

import csv
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from console.present import SECOND_NS, quality_text
from protocols.profile.model import Profile
from protocols.reading import Origin
from telemetry.extract import ExtractRow

COLUMNS = (
    *("time", "device", "profile", "kind", "area", "point", "origin"),
    *("value", "text", "unit", "quality", "received_at"),
)
APOSTROPHE = "'"
# OWASP «CSV Injection»: what begins a formula, in its full-width forms too, and what a spreadsheet skips before one.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", APOSTROPHE)
_ORIGINS = {int(one): one.name.lower() for one in Origin}
_LINES = 500

UnitOf: TypeAlias = Callable[[str, str], str]
"""From a profile's id and a point's name to its unit (UCUM); empty where it is not known."""


def units_of(profiles: Mapping[str, Profile]) -> UnitOf:
    """The units of these profiles, by id."""
    known = {(id_, point.name): point.unit for id_, one in profiles.items() for point in one.points}
    return lambda profile, point: known.get((profile, point), "")


def head() -> bytes:
    """The first line."""
    return (",".join(COLUMNS) + "\r\n").encode()


def body(rows: Sequence[ExtractRow], unit_of: UnitOf) -> bytes:
    """The rows. In pieces: one call into the writer keeps every other thread waiting."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for begin in range(0, len(rows), _LINES):
        writer.writerows([_cells(row, unit_of) for row in rows[begin : begin + _LINES]])
    return out.getvalue().encode()


def stamp(at: int) -> str:
    """UTC ns as RFC 3339 with all nine digits."""
    seconds, rest = divmod(at, SECOND_NS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def guarded(text: str | None) -> str:
    """A text as a cell that is no formula; empty for none."""
    if text is None:
        return ""
    return APOSTROPHE + text if not text or text.startswith(_RISKY) else text


def unguarded(cell: str) -> str | None:
    """Reverse of `guarded`."""
    return (cell.removeprefix(APOSTROPHE)) if cell else None


def _cells(row: ExtractRow, unit_of: UnitOf) -> tuple[str, ...]:
    number = row.number
    return (
        stamp(row.at),
        guarded(row.device),
        guarded(row.profile),
        guarded(row.kind),
        guarded(row.area),
        guarded(row.point),
        _ORIGINS.get(row.origin, str(row.origin)),
        "" if number is None or not math.isfinite(number) else repr(number),
        guarded(row.text),
        guarded(unit_of(row.profile, row.point) or None),
        quality_text(row.quality),
        "" if row.received_at is None else stamp(row.received_at),
    )
