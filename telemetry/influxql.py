"""InfluxQL statements about what `telemetry.line_protocol` wrote, in the dialect that 1.x, 2.x and 3 have in common.

No SLIMIT, no tz(), no subqueries: calendar days are put together from equal steps by whoever asks. It sends nothing.
"""

from typing import NamedTuple

from protocols.reading import Origin
from telemetry.sink import TIME_MAX
from telemetry.store import Aggregate, Group, Question

TAGS: dict[Group, str] = {
    "device": "device",
    "profile": "profile",
    "site": "site",
    "area": "district",
    "origin": "origin",
}
ORIGINS = {origin.name.lower(): origin for origin in Origin}

_STRING = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n"})
_NAME = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
# A cast, so that a text field is left out where it would be an error.
_COLUMNS: dict[Aggregate, tuple[str, ...]] = {
    "mean": ("sum",),
    "sum": ("sum",),
    "min": ("min",),
    "max": ("max",),
    "count": (),
    "first": ("first",),
    "last": ("last",),
}


class Place(NamedTuple):
    """Where values of a point stand: measurement and field."""

    kind: str
    field: str


def aggregate(place: Place, question: Question, step: int) -> str:
    """Steps of ``step`` ns that hold something: time, count, then what `_COLUMNS` names."""
    field = name(place.field)
    columns = ", ".join(f"{one}({field}::float) AS {one}_" for one in ("count", *_COLUMNS[question.how]))
    where = [f"{name(f'{place.field}_q')} < 128", *_times(question.start, question.end)]
    if question.device is not None:
        where.append(f"device = {text(question.device)}")
    if question.profile is not None:
        where.append(f"profile = {text(question.profile)}")
    if question.origin is not None:
        where.append(f"origin = {text(question.origin.name.lower())}")
    by = f", {TAGS[question.group]}" if question.group else ""
    return (
        f"SELECT {columns} FROM {name(place.kind)} WHERE {' AND '.join(where)}"  # noqa: S608 - all of it is quoted here
        f" GROUP BY time({step}ns){by} fill(none)"
    )


def samples(place: Place, device: str, origin: Origin, start: int, end: int, limit: int) -> str:
    """Rows of (time, value, quality), oldest first; either may be absent."""
    where = [
        f"device = {text(device)}",
        f"origin = {text(origin.name.lower())}",
        *_times(start, end),
    ]
    return (
        f"SELECT {name(place.field)} AS value, {name(f'{place.field}_q')} AS quality"  # noqa: S608 - quoted here
        f" FROM {name(place.kind)} WHERE {' AND '.join(where)} ORDER BY time LIMIT {limit}"
    )


def latest(place: Place) -> str:
    """The newest (time, quality, value) of each device and origin. Its quality stands beside every value."""
    return (
        f"SELECT last({name(f'{place.field}_q')}) AS quality, {name(place.field)} AS value"  # noqa: S608 - quoted here
        f" FROM {name(place.kind)} GROUP BY device, origin"
    )


def name(word: str) -> str:
    """A measurement or a field, quoted."""
    return f'"{word.translate(_NAME)}"'


def text(word: str) -> str:
    """The value of a tag, quoted."""
    return f"'{word.translate(_STRING)}'"


def _times(start: int, end: int) -> tuple[str, str]:
    first, last = (max(-TIME_MAX, min(edge, TIME_MAX)) for edge in (start, end))
    return f"time >= {first}", f"time < {last}"
