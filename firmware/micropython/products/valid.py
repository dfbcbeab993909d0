"""What a product takes from a sensor: a finite number within bounds, or nothing."""

# Far beyond what any sensor here measures: not a number and infinity are outside.
BEYOND = 1e9


def valid(sensor, now: int, lowest: float = -BEYOND, highest: float = BEYOND) -> float | None:
    """The value of a sensor that reports no fault; ``None`` outside of ``lowest`` to ``highest``."""
    value = sensor.read(now)
    if value is None or sensor.fault or not lowest <= value <= highest:
        return None
    return value
