"""Readings of the town: every point of every profile moves over its whole range, with gaps, faults and absent values.

Everything depends on how long before now it is, and on nothing else: a test finds the same at any time of the day.
"""

import math
from collections.abc import Iterator, Sequence
from zlib import crc32

from protocols.profile.model import Point
from protocols.reading import Origin, Reading, Value
from tests.dashboards.town import Device

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
BACK = 3 * DAY
GAP = (20 * HOUR, 22 * HOUR)
"""So long before now every second device is silent."""


def stamps(now: int, origin: Origin) -> list[int]:
    """When a device measures: dense in the last hour, seldom before, and what is not live more seldom."""
    far, near = (20 * MINUTE, MINUTE) if origin is Origin.LIVE else (2 * HOUR, 5 * MINUTE)
    return [*range(now - BACK, now - HOUR, far), *range(now - HOUR + near, now + 1, near)]


def readings(device: Device, origin: Origin, now: int) -> Iterator[Reading]:
    """Everything that one device told under one origin. Of each profile the first device ends at the top of every
    range, the second at the bottom with every flag set, the others between."""
    points = device.profile.points
    for at in stamps(now, origin):
        if device.rank % 2 and GAP[0] < now - at < GAP[1]:
            continue
        minute = (at - now) // MINUTE
        values = tuple(_value(point, minute, device.rank, origin) for point in points)
        claimed = at - DAY if minute % 13 == 0 else None
        quality = device.profile.qualify(values)
        yield Reading(device.id, device.profile.id, at, at + SECOND, origin, values, quality, claimed_at=claimed)


def _value(point: Point, minute: int, rank: int, origin: Origin) -> Value:
    salt = crc32(point.name.encode())
    if (minute + salt + rank) % 23 == 0:
        return None
    match point.type:
        case "flag":
            return float((minute + salt + rank) % 9 == 0 or (rank == 1 and minute > -10))
        case "enum":
            return _one_of(sorted(point.codes), minute // 10 + salt + rank)
        case "counter":
            return float(2000 + 1000 * rank + minute // 4 - 10 * origin)
        case "text":
            return f'no. {minute % 3} "说"'
    low, high = _range(point)
    offset = (0.0, math.pi)[rank] if rank < 2 else rank + salt % 7
    wave = 0.5 + 0.49 * math.cos(minute / (7 + salt % 50) * 2 * math.pi + offset)
    return round(low + (high - low) * wave * (1 - 0.05 * origin), 3)


def _range(point: Point) -> tuple[float, float]:
    low = 0.0 if math.isinf(point.low) else max(point.low, 0.0)
    return low, 100.0 if math.isinf(point.high) else point.high


def _one_of(codes: Sequence[float], number: int) -> float:
    return codes[number % len(codes)]
