"""What a reading says of one point."""

import math
from collections.abc import Iterable

from protocols.quality import Quality
from protocols.reading import Reading, Value


def tells_of(reading: Reading, indexes: Iterable[int]) -> bool:
    """Whether the reading says anything of one of the points: a value, or that there is none (bad)."""
    return any(
        reading.values[index] is not None or Quality(reading.quality[index]).is_bad
        for index in indexes
        if index < len(reading.values)
    )


def is_under_test(reading: Reading, index: int) -> bool:
    """Whether the point's value is of a bump test."""
    return reading.quality[index] == Quality.UNCERTAIN_UNDER_TEST


def value_of(reading: Reading, index: int) -> Value:
    """The value, ``None`` also where the reading is older than the point."""
    return reading.values[index] if index < len(reading.values) else None


def number_of(value: Value) -> float:
    """The value as a number: NaN for a text and for an absent one."""
    return value if isinstance(value, float | int) else math.nan
