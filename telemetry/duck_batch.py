"""From readings to the columns of the embedded store: arrays, so that no SQL is run per row."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from protocols.reading import Reading, Value
from telemetry.duck_dimensions import Bound

Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]
"""Arrays of equal length by column name."""

NOT_A_TIME = -(2**63)
"""What numpy and DuckDB read as NULL in a time column."""


def times(values: list[int]) -> npt.NDArray[np.datetime64]:
    """UTC ns as a time column, without loss."""
    return np.array(values, dtype=np.int64).view("datetime64[ns]")


def reading_columns(rows: Sequence[tuple[Bound, Reading]]) -> Columns:
    """The rows for the table `reading`: one for each reading, whatever it holds."""
    readings = [reading for _, reading in rows]
    return {
        "device": np.array([bound.key for bound, _ in rows], dtype=np.int32),
        "origin": np.array([reading.origin for reading in readings], dtype=np.uint8),
        "taken_at": times([reading.at for reading in readings]),
        "received_at": times([reading.received_at for reading in readings]),
        "claimed_at": times([NOT_A_TIME if one.claimed_at is None else one.claimed_at for one in readings]),
    }


class _Part(NamedTuple):
    """The values of one reading that go into one table. ``row``: which reading; the others are of equal length."""

    row: int
    points: Sequence[int]
    values: Sequence[Value]
    quality: Sequence[int]


_NUMBERS = {float, int}


def value_columns(rows: Sequence[tuple[Bound, Reading]], readings: Columns) -> tuple[Columns, Columns]:
    """The rows for the tables `number` and `text`. ``readings``: of `reading_columns`, for the same rows.

    An absent good value makes no row. A value that is no finite number, and an absent one whose quality says why,
    become NULL in `number`.
    """
    numbers: list[_Part] = []
    texts: list[_Part] = []
    for row, (bound, reading) in enumerate(rows):
        if _NUMBERS.issuperset(map(type, reading.values)):
            numbers.append(_Part(row, bound.points[: len(reading.values)], reading.values, reading.quality))
        else:
            _split(row, bound, reading, numbers, texts)
    values = np.fromiter(chain.from_iterable(one.values for one in numbers), np.float64)
    values[~np.isfinite(values)] = np.nan
    words = np.array([value for one in texts for value in one.values], dtype=object)
    return _columns(numbers, readings, values), _columns(texts, readings, words)


def _split(row: int, bound: Bound, reading: Reading, numbers: list[_Part], texts: list[_Part]) -> None:
    for into, kept in ((numbers, _is_number), (texts, _is_text)):
        found = [
            (point, np.nan if value is None else value, quality)
            for point, value, quality in zip(bound.points, reading.values, reading.quality, strict=False)
            if kept(value, quality)
        ]
        if found:
            into.append(_Part(row, *zip(*found, strict=True)))


def _is_text(value: Value, _quality: int) -> bool:
    return isinstance(value, str)


def _is_number(value: Value, quality: int) -> bool:
    return not isinstance(value, str) and (value is not None or quality != 0)


def _columns(parts: Sequence[_Part], readings: Columns, values: npt.NDArray[Any]) -> Columns:
    """The parts one after the other, beside their value column."""
    rows = np.array([one.row for one in parts], dtype=np.int64)
    heads = np.repeat(rows, [len(one.points) for one in parts])
    return {
        "device": readings["device"][heads],
        "point": np.fromiter(chain.from_iterable(one.points for one in parts), np.uint16, len(heads)),
        "origin": readings["origin"][heads],
        "taken_at": readings["taken_at"][heads],
        "value": values,
        "quality": np.frombuffer(b"".join([bytes(one.quality) for one in parts]), dtype=np.uint8),
    }
