"""From a cause that tripped to the effects it asks for, on the final elements that the zone has."""

from collections.abc import Iterator
from typing import NamedTuple

from interlocks.matrix import Cause, Effect
from interlocks.record import EffectRecord, InterlockRecord, Status
from interlocks.zone import Member, Zone
from protocols.moment import SECOND

UNDER_WAY = ("waiting", "issued", "done")


class Plan(NamedTuple):
    """``acts``: whether commands may leave (live, and a matrix that acts); ``wall``: now, UTC ns. ``held_fans``:
    devices whose fan another cause that stands or tripped leaves to a person, of this interlock or of one beside it."""

    cause: Cause
    zone: Zone
    record: InterlockRecord
    acts: bool
    held_fans: frozenset[str]
    wall: int


def plan_effects(plan: Plan) -> list[EffectRecord]:
    """The effects in the listed order. One that is under way for an earlier cause is not started twice.

    One that waits for an earlier cause, for a later time or for another to fail, is hastened instead.
    """
    return [record for effect in plan.cause.effect for record in _expand(plan, effect)]


def _expand(plan: Plan, effect: Effect) -> Iterator[EffectRecord]:
    if effect.action in ("inhibit-fan", "ask-person", "ask-evacuation"):
        yield _asked(plan, effect)
    elif effect.action in ("start-fan", "hold-fan"):
        yield from _fans(plan, effect)
    elif effect.action == "stop-intake":
        yield from _intakes(plan, effect)
    else:
        yield from _valves(plan, effect)


def _asked(plan: Plan, effect: Effect) -> EffectRecord:
    """Nothing is sent: it stands there until the latch is reset."""
    if effect.if_failed or (plan.acts and effect.after_s):
        return _record(plan, effect, "", "waiting")
    return _record(plan, effect, "", "held", ("person-decides",))


def _intakes(plan: Plan, effect: Effect) -> Iterator[EffectRecord]:
    members = [one for one in plan.zone.members if one.is_looked_at and one.command_for("stop-intake")]
    if not members:
        yield _record(plan, effect, "", "absent")
    for member in members:
        missing = member.fan.missing_to_stop()
        if _under_way(plan, member, "intake"):
            continue
        if missing:
            yield _record(plan, effect, member.device, "held", missing)
        else:
            yield _record(plan, effect, member.device, "waiting" if plan.acts else "shadow")


def _valves(plan: Plan, effect: Effect) -> Iterator[EffectRecord]:
    upstream = effect.action == "close-upstream-valve"
    members = [one for one in plan.zone.members if one.upstream is upstream and one.command_for("close-valve")]
    if not members:
        yield _record(plan, effect, "", "absent")
    for member in members:
        known = _under_way(plan, member, "valve")
        if known is None:
            yield _valve(plan, effect, member)
        elif _hasten(plan, effect, known):
            yield known


def _valve(plan: Plan, effect: Effect, member: Member) -> EffectRecord:
    waits = plan.acts or effect.if_failed
    return _record(plan, effect, member.device, "waiting" if waits else "shadow")


def _fans(plan: Plan, effect: Effect) -> Iterator[EffectRecord]:
    for member in plan.zone.members:
        if member.upstream or member.command_for("start-fan") is None or _under_way(plan, member, "fan"):
            continue
        missing = member.fan.missing()
        if effect.action == "hold-fan" or member.device in plan.held_fans:
            yield _record(plan, effect, member.device, "held", ("person-decides",))
        elif missing:
            yield _record(plan, effect, member.device, "held", missing)
        else:
            yield _record(plan, effect, member.device, "waiting" if plan.acts else "shadow")


def _under_way(plan: Plan, member: Member, element: str) -> EffectRecord | None:
    """What moves the element for an earlier cause; what failed is tried anew, but for what was sent this moment."""
    return next(
        (
            effect
            for effect in plan.record.effects
            if effect.device == member.device
            and element in effect.action
            and (effect.status in (*UNDER_WAY, "shadow") or (effect.status == "failed" and effect.due_at == plan.wall))
        ),
        None,
    )


def _hasten(plan: Plan, effect: Effect, known: EffectRecord) -> bool:
    """Whether ``known`` only waits, and goes sooner now."""
    due_at = plan.wall + int(effect.after_s * SECOND)
    if effect.if_failed or known.status not in ("waiting", "shadow") or not (known.if_failed or known.due_at > due_at):
        return False
    known.if_failed, known.due_at = "", due_at
    if not plan.acts:
        known.status = "shadow"
    return True


def _record(plan: Plan, effect: Effect, device: str, status: Status, reason: tuple[str, ...] = ()) -> EffectRecord:
    due_at = plan.wall + int(effect.after_s * SECOND)
    return EffectRecord(
        plan.cause.id, effect.id, effect.action, device, status, due_at, if_failed=effect.if_failed or "", reason=reason
    )  # fmt: skip
