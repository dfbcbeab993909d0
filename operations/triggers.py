"""Which stage of a plan an alarm asks for (S14)."""

from collections.abc import Iterable
from typing import NamedTuple

from alarms.alarm import AlarmTransition
from operations.course import Cause
from operations.plan import Plan, Stage, Trigger
from protocols.moment import SECOND


class Raised(NamedTuple):
    """An alarm of the area that was raised; ``active``: its condition is still there."""

    device: str
    rule: str
    raised_at: int
    active: bool


def stage_for(plan: Plan, area_kind: str, raised: Raised, others: Iterable[Raised] = ()) -> Stage | None:
    """The stage that ``raised`` asks for; ``None`` where the plan has nothing to do with it.

    ``others``: what else was raised in the area at the same origin, whenever that was.
    """
    known = (raised, *others)
    asked = {
        trigger.stage
        for trigger in plan.trigger
        if raised.rule in trigger.rules
        and area_kind in (trigger.areas or plan.plan.areas)
        and _devices(trigger, raised, known) >= trigger.count
    }
    return "full" if "full" in asked else "verify" if asked else None


def stage_of(plan: Plan, area_kind: str, one: AlarmTransition, others: Iterable[Raised]) -> Stage | None:
    """The stage an alarm asks for. A late one (S9) sends somebody to look, and goes no further by itself."""
    if area_kind not in plan.plan.areas:
        return None
    stage = stage_for(plan, area_kind, Raised(one.device, one.rule, one.at, True), others)
    return "verify" if stage == "full" and one.late else stage


def cause_of(one: AlarmTransition) -> Cause:
    """The alarm as a cause of what a run does."""
    return Cause(alarm=one.alarm, rule=one.rule, late=one.late)


def _devices(trigger: Trigger, raised: Raised, known: Iterable[Raised]) -> int:
    """Devices, not alarms: two alarms of one detector are one detector (S7)."""
    window = int((trigger.within_s or 0.0) * SECOND)
    return len(
        {
            one.device
            for one in known
            if one.rule in trigger.rules and (one.active or abs(raised.raised_at - one.raised_at) <= window)
        }
    )
