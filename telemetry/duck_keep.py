"""Retention of the embedded store: the oldest days of a class are removed as a whole, after they were rolled up."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from telemetry.buckets import DAY
from telemetry.duck_rollup import mark
from telemetry.keep import Keep

MINUTE, HOUR = 60 * 10**9, 3600 * 10**9


class _Class(NamedTuple):
    """A class of data. The statements speak of ``$end``: UTC ns over ``unit``."""

    unit: int
    oldest: str
    remove: tuple[str, ...]
    mark: str


_RAW = _Class(
    1,
    "SELECT epoch_ns(min(taken_at)) FROM reading WHERE taken_at < make_timestamp_ns($end)",
    (
        "DELETE FROM reading WHERE taken_at < make_timestamp_ns($end)",
        "DELETE FROM number WHERE taken_at < make_timestamp_ns($end)",
        "DELETE FROM text WHERE taken_at < make_timestamp_ns($end)",
    ),
    "UPDATE mark SET raw_from = ?",
)
_MINUTES = _Class(
    MINUTE,
    "SELECT min(minute) FROM by_minute WHERE minute < $end",
    ("DELETE FROM by_minute WHERE minute < $end",),
    "UPDATE mark SET minute_from = ?",
)
_HOURS = _Class(
    HOUR,
    "SELECT min(hour) FROM by_hour WHERE hour < $end",
    ("DELETE FROM by_hour WHERE hour < $end",),
    "UPDATE mark SET hour_from = ?",
)


class Retention:
    """Which days the file has seen, and what of them is to go. Belongs to the writing thread."""

    def __init__(self, connection: DuckDBPyConnection, keep: Keep) -> None:
        self._connection = connection
        self._keep = keep
        self._days = {day for (day,) in connection.execute("SELECT day FROM received_day").fetchall()}
        self._mark = mark(connection)
        self._due = self._look()

    @property
    def raw_from(self) -> int | None:
        """Readings taken before this (UTC ns) cannot be told from those that were removed."""
        return self._mark.raw_from

    def see(self, received_at: npt.NDArray[np.datetime64]) -> None:
        """Note the days of a batch, within its transaction."""
        new = {int(day) for day in np.unique(received_at.astype(np.int64) // DAY)} - self._days
        for day in sorted(new):
            self._connection.execute("INSERT INTO received_day VALUES (?)", [day])
        if new:
            self._days |= new
            self._due = self._look()

    @property
    def is_due(self) -> bool:
        """Whether some class holds more than it is to keep."""
        return bool(self._due)

    def remove_a_day(self) -> None:
        """Remove the oldest day of each class that holds too much, within the caller's transaction. All of the file is
        rolled up, to hours too."""
        for one, target in self._due:
            self._connection.execute(one.mark, [self._remove(one, target)])
        self._mark = mark(self._connection)
        self._due = self._look()

    def _remove(self, one: _Class, target: int) -> int:
        """Remove the oldest day before ``target``; returns from when on the class is there."""
        row = self._connection.execute(one.oldest, {"end": target // one.unit}).fetchone()
        if row is None or row[0] is None:
            return target
        end = min(target, (int(row[0]) * one.unit // DAY + 1) * DAY)
        for statement in one.remove:
            self._connection.execute(statement, {"end": end // one.unit})
        return end

    def _look(self) -> list[tuple[_Class, int]]:
        """Classes, and the end (UTC ns) of what is to go."""
        days = sorted(self._days)
        classes = (
            (_RAW, self._mark.raw_from, self._keep.raw_days),
            (_MINUTES, self._mark.minute_from, self._keep.minute_days),
            (_HOURS, self._mark.hour_from, self._keep.hour_days),
        )
        wanted = [(one, begun, days[-kept] * DAY) for one, begun, kept in classes if kept and kept < len(days)]
        return [(one, end) for one, begun, end in wanted if begun is None or begun < end]
