"""Aggregates of the embedded store, each stretch of time from the coarsest class that gives the same answer.

A bucket of whole hours is made from hours, one of whole minutes from minutes, and what is left at either end of the
question from finer classes. Where a finer class was removed the coarser one answers: its row counts where its minute
(its hour) begins. What is not rolled up yet is added from the raw values, by their batch.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from duckdb import DuckDBPyConnection

from protocols.reading import Origin
from telemetry.buckets import BUCKETS_MAX, Cell
from telemetry.duck_keep import HOUR, MINUTE
from telemetry.duck_rollup import Mark
from telemetry.sink import TIME_MAX
from telemetry.store import Aggregate, Bucket, Days, Every, Group, Question

Level: TypeAlias = int
"""The length of a class's rows, ns: 1 for raw values, `MINUTE`, `HOUR`."""

RAW: Level = 1


class Stretch(NamedTuple):
    """start <= at < end, UTC ns, answered from one class."""

    level: Level
    start: int
    end: int


class Keys(NamedTuple):
    """Of the point, and of the device where the question names one."""

    point: int
    device: int | None


_ROWS = """SELECT device, origin, epoch_ns(taken_at) AS at, 1 AS samples, value AS total, value AS low, value AS high,
    value AS first, taken_at AS first_at, value AS last, taken_at AS last_at
FROM number WHERE value IS NOT NULL AND quality < 128 AND {whose}
    AND taken_at >= make_timestamp_ns({start}) AND taken_at < make_timestamp_ns({end})"""

_ROLLED = """SELECT device, origin, {name}::BIGINT * {unit} AS at, samples, total, low, high,
    first, first_at, last, last_at
FROM by_{name} WHERE {whose} AND {name} >= {start} AND {name} < {end}"""

_HOW: dict[Aggregate, str] = {
    "mean": "sum(total) / sum(samples)",
    "min": "min(low)",
    "max": "max(high)",
    "count": "sum(samples)",
    "sum": "sum(total)",
    "first": "min_by(first, first_at)",
    "last": "max_by(last, last_at)",
}

_GROUP: dict[Group | None, str] = {
    None: "''",
    "device": "d.id",
    "profile": "d.profile",
    "site": "d.site",
    "area": "d.area",
    "origin": "part.origin",
}

# The remainder of a time before 1970 is negative: adding `every` brings it into [0, every).
_STEADY = "part.at - (part.at % {every} + {every}) % {every}"

_ANSWER = """
SELECT {group} AS name, {bucket} AS bucket, {how}, sum(samples)
FROM ({parts}) AS part {joins}
GROUP BY name, bucket LIMIT {limit}
"""


def plan(start: int, end: int, level: Level, mark: Mark) -> list[Stretch]:
    """The stretches of [start, end), in order. ``level``: the coarsest class whose rows lie within one bucket each."""
    begins = (start if begin is None else begin for begin in (mark.minute_from, mark.raw_from))
    edges = [max(start, min(begin, end)) for begin in begins]
    parts: tuple[tuple[tuple[Level, ...], int, int], ...] = (
        ((HOUR,), start, edges[0]),
        ((MINUTE, HOUR), edges[0], edges[1]),
        ((RAW, MINUTE, HOUR), edges[1], end),
    )
    return [one for classes, begin, stop in parts for one in _cover(classes, begin, stop, level)]


def _cover(classes: Sequence[Level], start: int, end: int, level: Level) -> Iterator[Stretch]:
    if start >= end:
        return
    finest, *coarser = classes
    if coarser and coarser[0] <= level:
        unit = coarser[0]
        first, last = -(-start // unit) * unit, end // unit * unit
        if first < last:
            yield from _whole(finest, start, first)
            yield from _cover(coarser, first, last, level)
            yield from _whole(finest, last, end)
            return
    yield Stretch(finest, start, end)


def _whole(level: Level, start: int, end: int) -> Iterator[Stretch]:
    if start < end:
        yield Stretch(level, start, end)


def level_of(every: Every, at: Sequence[int]) -> Level:
    """The coarsest class that buckets beginning ``at`` can be made from."""
    for level in (HOUR, MINUTE):
        if every % level == 0 if not isinstance(every, Days) else all(one % level == 0 for one in at):
            return level
    return RAW


def cells(connection: DuckDBPyConnection, question: Question, keys: Keys, at: Sequence[int], mark: Mark) -> list[Cell]:
    """The buckets that hold something, at most one more than `BUCKETS_MAX` of them. ``at``: where they begin."""
    start, end = (max(-TIME_MAX, min(edge, TIME_MAX)) for edge in (question.start, question.end))
    whose, values = _whose(question, keys)
    stretches = plan(start, end, level_of(question.every, at), mark)
    if not stretches or not at:
        return []
    joins = "JOIN device AS d ON d.key = part.device" if question.group else ""
    bucket = _STEADY.format(every=question.every)
    if isinstance(question.every, Days):
        joins += " ASOF JOIN (SELECT unnest($edges) AS at) AS edge ON part.at >= edge.at"
        values["edges"] = list(at)
        bucket = "edge.at"
    sql = _ANSWER.format(
        group=_GROUP[question.group],
        bucket=bucket,
        how=_HOW[question.how],
        parts=" UNION ALL ".join(part for one in stretches for part in _parts(one, whose, mark)),
        joins=joins,
        limit=BUCKETS_MAX + 1,
    )
    rows = connection.execute(sql, values).fetchall()
    return [Cell(_name(name), Bucket(begin, float(value), count)) for name, begin, value, count in rows]


def _name(name: str | int) -> str:
    return Origin(name).name.lower() if isinstance(name, int) else name


def _parts(one: Stretch, whose: str, mark: Mark) -> Iterator[str]:
    """The class's own rows, and those of finer classes that are not in it yet."""
    rows = _ROWS.format(whose=whose, start=one.start, end=one.end)
    if one.level == RAW:
        yield rows
        return
    yield f"{rows} AND batch > {mark.minute_batch}"
    minutes = _rolled("minute", MINUTE, one, whose)
    if one.level == MINUTE:
        yield minutes
        return
    yield f"{minutes} AND batch > {mark.hour_batch}"
    yield _rolled("hour", HOUR, one, whose)


def _rolled(name: str, unit: int, one: Stretch, whose: str) -> str:
    start, end = -(-one.start // unit), -(-one.end // unit)
    return _ROLLED.format(name=name, unit=unit, whose=whose, start=start, end=end)


def _whose(question: Question, keys: Keys) -> tuple[str, dict[str, Any]]:
    found, values = [f"point = {keys.point}"], dict[str, Any]()
    if keys.device is not None:
        found.append(f"device = {keys.device}")
    if question.profile is not None:
        found.append("device IN (SELECT key FROM device WHERE profile = $profile)")
        values["profile"] = question.profile
    if question.origin is not None:
        found.append(f"origin = {int(question.origin)}")
    return " AND ".join(found), values
