"""What interlocks with a device in common owe one another: a mall and its tenants, shops behind one upstream valve."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from interlocks.interlock import Interlock
from interlocks.outbox import element_of

Sharing: TypeAlias = Callable[[Interlock, str], Iterable[Interlock]]
"""The interlocks of the same origin, the given one among them, that a device is a member of."""
ACTED = ("issued", "done", "failed")


def is_fan_held(interlocks: Iterable[Interlock], device: str) -> bool:
    """Whether one of them leaves the fans of its zone to a person, and this device stands in that zone."""
    return any(device in one.own and one.holds_fans for one in interlocks)


def is_answered_for(interlock: Interlock, device: str, interlocks: Iterable[Interlock]) -> bool:
    """Whether another interlock knows why the valve of a device is closed, or is the one to ask: the tenant's before
    that of the whole mall. Then nobody has to be told that the reason is unknown."""
    return any(
        _is_nearer(other, interlock, device) or _has_closed(other, device)
        for other in interlocks
        if other is not interlock and device in other.valves
    )


def _is_nearer(other: Interlock, interlock: Interlock, device: str) -> bool:
    return other.zone.building == interlock.zone.id and not other.members[device].upstream


def _has_closed(other: Interlock, device: str) -> bool:
    return device in other.record.closed or any(
        effect.device == device and element_of(effect) == "valve" and effect.status in ACTED
        for effect in other.record.effects
    )
