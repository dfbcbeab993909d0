"""The report strategy: which readings go to the journal. It never holds back judging: interlocks and alarms have seen a
reading before it is asked about here (S9).

A reading is stored whole, or not at all: when any of its values is a reason to, when a quality
changed, when it caused anything, or when it is older than what is stored. After a start, and after the journal
refused one, the next is stored. What is not stored was judged and is rightly not kept: its device is acknowledged.

A profile without report parts costs nothing. What is remembered is bounded by the devices of the site.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from device_registry.devices import Device
from journal.entry import partition_of
from protocols.moment import SECOND
from protocols.profile.parts_report import ReportPart
from protocols.profile.schema import PointPart
from protocols.reading import Origin, Reading, Value, key_of

THINNED = frozenset({"modbus", "opcua"})
"""Transports that ask or subscribe. What a device pushes is thinned only where its profile says so."""


class Strategy(NamedTuple):
    """Of one point; times in ns, ``deadband`` in its unit. ``quiet_below``: infinite where there is none."""

    deadband: float
    min_ns: int
    max_ns: int
    quiet_below: float


class _Stored(NamedTuple):
    value: Value
    at: int


class Plan(NamedTuple):
    """What is the same for all readings of one device as it is registered. ``keys``: `Reading.key` by origin;
    ``partition``: of the journal; ``strategies``: by point, ``None`` is every value; ``is_plain``: every reading is
    stored. ``device``: ``None`` for one that is not registered."""

    device: Device | None
    keys: tuple[str, ...]
    partition: int
    thins_pushed: bool = False
    strategies: tuple[Strategy | None, ...] = ()
    is_plain: bool = True


class _Kept(NamedTuple):
    """What was stored last of a device and origin, by point, with the qualities of the last reading."""

    plan: Plan
    points: list[_Stored | None]
    quality: list[int]


class Reporter:
    """One per gateway. ``find``: a device as it is registered now."""

    def __init__(self, find: Callable[[str], Device | None]) -> None:
        self._find = find
        self._plans: dict[str, Plan] = {}
        self._kept: dict[str, _Kept] = {}

    def plan(self, device_id: str) -> Plan:
        """Of a device as it is registered now."""
        plan = self._plans.get(device_id)
        device = self._find(device_id)
        if plan is None or plan.device is not device:
            plan = _plan(device_id, device)
            if device is not None:
                self._plans[device_id] = plan
        return plan

    def keeps(self, reading: Reading, plan: Plan, transport: str, is_quiet: bool) -> bool:
        """Whether a judged reading goes to the journal. ``plan``: of its device; ``is_quiet``: it caused nothing."""
        if plan.is_plain:
            return True
        kept = self._kept.get(reading.key)
        if kept is None or kept.plan is not plan:
            size = len(plan.strategies)
            kept = self._kept[reading.key] = _Kept(plan, [None] * size, [0] * size)
            is_quiet = False
        may_thin = is_quiet and (transport in THINNED or plan.thins_pushed)
        if may_thin and not _has_reason(reading, kept):
            return False
        _remember(reading, kept)
        return True

    def forget(self, reading: Reading) -> None:
        """The journal refused it: the next of its device is stored."""
        self._kept.pop(reading.key, None)


def _remember(reading: Reading, kept: _Kept) -> None:
    for index, (value, quality) in enumerate(zip(reading.values, reading.quality, strict=True)):
        if value is not None:
            kept.points[index] = _Stored(value, reading.at)
            kept.quality[index] = quality


def _has_reason(reading: Reading, kept: _Kept) -> bool:
    return any(
        value is not None and _is_reason(strategy, known, value, reading.at, quality != before)
        for strategy, known, value, quality, before in zip(
            kept.plan.strategies, kept.points, reading.values, reading.quality, kept.quality, strict=True
        )
    )


def _plan(device_id: str, device: Device | None) -> Plan:
    plan = Plan(device, tuple(key_of(device_id, origin) for origin in Origin), partition_of(device_id))
    if device is None:
        return plan
    file = device.profile.file
    strategies = tuple(_strategy(point, device.part.report.get(point.name, point.report)) for point in file.point)
    return plan._replace(
        thins_pushed=file.profile.thin_pushed, strategies=strategies, is_plain=all(one is None for one in strategies)
    )


def _strategy(point: PointPart, part: ReportPart | None) -> Strategy | None:
    if part is None or part.every:
        return None
    low, high = point.range or (0.0, 0.0)
    deadband = max(part.deadband, (high - low) * part.deadband_percent / 100)
    quiet = math.inf if part.quiet_below is None else part.quiet_below
    return Strategy(deadband, int(part.min_interval_s * SECOND), int(part.max_interval_s * SECOND), quiet)


def _is_reason(strategy: Strategy | None, known: _Stored | None, value: Value, at: int, is_marked: bool) -> bool:
    """Whether a value has to be stored. ``is_marked``: its quality is another."""
    if strategy is None or known is None or is_marked or at < known.at:
        return True
    if _is_loud(value, strategy) or _is_loud(known.value, strategy):
        return True
    elapsed = at - known.at
    return elapsed >= strategy.max_ns or (elapsed >= strategy.min_ns and _differs(known.value, value, strategy))


def _is_loud(value: Value, strategy: Strategy) -> bool:
    return isinstance(value, float | int) and value >= strategy.quiet_below


def _differs(before: Value, value: Value, strategy: Strategy) -> bool:
    if isinstance(before, float | int) and isinstance(value, float | int):
        return not abs(value - before) <= strategy.deadband  # not-a-number differs from everything
    return before != value
