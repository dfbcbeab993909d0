"""From readings to the columns of the embedded store: arrays, so that no SQL is run per row."""

from collections.abc import Mapping
from itertools import repeat
from typing import Any, TypeAlias

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


class Rows:
    """Rows of one value table, gathered column by column. An absent good value makes no row."""

    def __init__(self) -> None:
        self.devices: list[int] = []
        self.points: list[int] = []
        self.origins: list[int] = []
        self.taken: list[int] = []
        self.values: list[Value] = []
        self.quality: list[int] = []

    def extend(self, bound: Bound, reading: Reading) -> None:
        """All values of a reading that has a number for each of its points."""
        count = len(reading.values)
        self.devices.extend(repeat(bound.key, count))
        self.points.extend(bound.points[:count])
        self.origins.extend(repeat(reading.origin, count))
        self.taken.extend(repeat(reading.at, count))
        self.values.extend(reading.values)
        self.quality.extend(reading.quality)

    def append(self, bound: Bound, reading: Reading, index: int) -> None:
        """One value of a reading."""
        self.devices.append(bound.key)
        self.points.append(bound.points[index])
        self.origins.append(reading.origin)
        self.taken.append(reading.at)
        self.values.append(reading.values[index])
        self.quality.append(reading.quality[index])

    def columns(self, values: npt.NDArray[Any]) -> Columns:
        """The gathered rows beside their value column."""
        return {
            "device": np.array(self.devices, dtype=np.int32),
            "point": np.array(self.points, dtype=np.uint16),
            "origin": np.array(self.origins, dtype=np.uint8),
            "taken_at": times(self.taken),
            "value": values,
            "quality": np.array(self.quality, dtype=np.uint8),
        }


_NUMBERS = {float, int}


def value_columns(rows: list[tuple[Bound, Reading]]) -> tuple[Columns, Columns]:
    """The rows for the tables `number` and `text`.

    A value that is no finite number, and an absent one whose quality says why, become NULL in `number`.
    """
    numbers, texts = Rows(), Rows()
    for bound, reading in rows:
        if _NUMBERS.issuperset(map(type, reading.values)):
            numbers.extend(bound, reading)
            continue
        for index, value in enumerate(reading.values):
            if isinstance(value, str):
                texts.append(bound, reading, index)
            elif value is not None or reading.quality[index]:
                numbers.append(bound, reading, index)
    values = np.array(numbers.values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return numbers.columns(values), texts.columns(np.array(texts.values, dtype=object))


def reading_columns(rows: list[tuple[Bound, Reading]]) -> Columns:
    """The rows for the table `reading`: one for each reading, whatever it holds."""
    readings = [reading for _, reading in rows]
    return {
        "device": np.array([bound.key for bound, _ in rows], dtype=np.int32),
        "origin": np.array([reading.origin for reading in readings], dtype=np.uint8),
        "taken_at": times([reading.at for reading in readings]),
        "received_at": times([reading.received_at for reading in readings]),
        "claimed_at": times([NOT_A_TIME if one.claimed_at is None else one.claimed_at for one in readings]),
    }
