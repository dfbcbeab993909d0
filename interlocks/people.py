"""What a person may have the gateway do in an area, besides what its interlocks do by themselves.

Closing is the safe side and needs nothing. A fan needs every permissive, a state that is known, and no cause that
leaves the fans to somebody on site (S1, S10); what is unknown counts as false. A sounder or detector is not touched
while a cause stands (S8). A station that is only observed is told nothing (S15).
"""

from collections.abc import Sequence

from interlocks.interlock import Interlock
from interlocks.states import InterlockState


def refusal(interlocks: Sequence[Interlock], device: str, effect: str) -> str:
    """Why ``device`` is not told a command with this effect now; empty: it may be. ``interlocks``: the live ones that
    it is a member of."""
    observed = next((one.name for one in interlocks if one.matrix.mode == "observe"), None)
    if observed is not None and effect in ("close-valve", "start-fan"):
        return f"{observed} only observes: no command to a final element leaves for its area (S15)"
    if effect == "start-fan":
        return _fan_refusal(interlocks, device)
    tripped = next((one.name for one in interlocks if one.since or one.record.causes), None)
    if tripped is not None and effect in ("mute", "self-test"):
        return f"{tripped} has a cause that stands or a latch: no {effect} until it is reset (S8)"
    return ""


def _fan_refusal(interlocks: Sequence[Interlock], device: str) -> str:
    if not interlocks:
        return "no interlock watches its area, so that nobody knows whether a fan may start (S1)"
    for one in interlocks:
        if one.record.state is InterlockState.UNKNOWN:
            return f"{one.name} is unknown: its final elements were not read back yet (S10)"
        missing = one.members[device].fan.missing()
        if missing:
            return f"the fan's permissives are not given: {', '.join(missing)} (S1)"
        if one.holds_fans:
            return f"{one.name} leaves the fans to the people on site: nothing is started from here (S1)"
    return ""
