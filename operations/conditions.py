"""The verdict on a sensor permissive (safety rule S16): is it so, for the whole time, at every detector?

It is never a release: a person releases. No detector at all is not «all detectors».
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from operations.plan import Sensor
from protocols.moment import Moment
from protocols.quality import Quality
from protocols.reading import Origin


class Fact(NamedTuple):
    """What one detector point says now. ``value`` in the point's own ``unit``, ``None`` where it never spoke.

    ``at``: source clock, wall ns. ``fresh``: heard within its reporting time. ``below``: under the condition's limit.
    ``held_s``: how long it has been GOOD, fresh and below without a break, in seconds of a clock that never steps.
    """

    device: str
    point: str
    value: float | None
    unit: str
    quality: Quality
    at: int
    fresh: bool
    below: bool
    held_s: float


class Sensors(Protocol):
    """Where facts come from; `operations.sensors.SensorWatch` keeps them from readings."""

    def facts(self, area: str, sensor: Sensor, origin: Origin, now: Moment) -> Sequence[Fact]:
        """Every detector point of the area the condition speaks of, those that never spoke included."""

    def watching_s(self, now: Moment) -> float:
        """How long readings have been watched, in seconds: nothing can have held for longer."""


class Reason(NamedTuple):
    """Why a condition is not fulfilled, at one detector (empty: in the whole area)."""

    device: str
    en: str
    zh: str


class Verdict(NamedTuple):
    """``reasons`` is empty exactly when the condition is fulfilled. ``left_s``: how long it still has to hold, where
    time alone is missing."""

    fulfilled: bool
    reasons: tuple[Reason, ...]
    left_s: float = 0.0


Point = tuple[str, str]
"""Device and point name."""


def judge(
    facts: Sequence[Fact], for_s: float, latched: Collection[str] = (), out_of_service: Collection[Point] = ()
) -> Verdict:
    """Fulfilled where each in-service detector is GOOD, fresh, not ``latched`` over range (device ids) and below, and
    was so for the last ``for_s`` seconds; and there is at least one."""
    in_service = [fact for fact in facts if (fact.device, fact.point) not in out_of_service]
    if not in_service:
        return Verdict(False, (Reason("", "no detector in service says so", "没有在用探测器可供判断"),))
    reasons = tuple(reason for fact in in_service if (reason := _against(fact, latched)) is not None)
    if reasons:
        return Verdict(False, reasons)
    left_s = for_s - min(fact.held_s for fact in in_service)
    if left_s > 0:
        return Verdict(False, (Reason("", f"has to hold {left_s:.0f} s more", f"还须保持 {left_s:.0f} 秒"),), left_s)
    return Verdict(True, ())


def _against(fact: Fact, latched: Collection[str]) -> Reason | None:
    """What speaks against this detector; the order is what a person has to know first."""
    if fact.device in latched or fact.quality is Quality.BAD_OVER_RANGE:
        return Reason(fact.device, "over range until calibrated on site", "超量程,须现场校准后解除")
    if not fact.fresh:
        return Reason(fact.device, "silent: no fresh reading", "失联:无新读数")
    if not fact.quality.is_good or fact.value is None:
        return Reason(fact.device, f"value is {fact.quality.severity} ({fact.quality.reason})", "读数不可信")
    if not fact.below:
        return Reason(fact.device, f"reads {fact.value:g} {fact.unit}", f"读数 {fact.value:g} {fact.unit}")
    return None
