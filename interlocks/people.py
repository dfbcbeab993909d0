"""What a person may have the gateway do in an area, besides what its interlocks do by themselves.

Closing is the safe side and needs nothing. A fan needs every permissive, a state that is known, and no cause that
leaves the fans to somebody on site (S1, S10); what is unknown counts as false. What draws air in is stopped only by a
starter outside the zone. A sounder or detector is not touched while a cause stands (S8), and no valve is proved then. A
station that is only observed is told nothing (S15).
"""

from collections.abc import Collection, Sequence

from interlocks.bypass import may_be_bypassed
from interlocks.interlock import Interlock
from interlocks.states import InterlockState

PROOF_TEST = "proof-test"
"""To close a valve for no other reason than to see that it closes."""


def refusal(interlocks: Sequence[Interlock], device: str, effect: str) -> str:
    """Why ``device`` is not told a command with this effect now; empty: it may be. ``interlocks``: the live ones that
    it is a member of."""
    observed = next((one.name for one in interlocks if one.matrix.mode == "observe"), None)
    if observed is not None and effect in ("close-valve", "start-fan", "stop-intake", PROOF_TEST):
        return f"{observed} only observes: no command to a final element leaves for its area (S15)"
    if effect == "start-fan":
        return _fan_refusal(interlocks, device)
    if effect == "stop-intake":
        return _intake_refusal(interlocks, device)
    tripped = next((one.name for one in interlocks if one.since or one.record.causes), None)
    if tripped is not None and effect in ("mute", "self-test", PROOF_TEST):
        return f"{tripped} has a cause that stands or a latch: no {effect} until it is reset (S8)"
    unknown = next((one.name for one in interlocks if one.record.state is InterlockState.UNKNOWN), None)
    if unknown is not None and effect == PROOF_TEST:
        return f"{unknown} is unknown: its final elements were not read back yet (S10)"
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


def _intake_refusal(interlocks: Sequence[Interlock], device: str) -> str:
    """To switch a motor within gas ignites it. To stop it moves no gas, so that no state forbids it."""
    if not interlocks:
        return "no interlock watches its area, so that nobody knows where its starter stands (S1)"
    missing = interlocks[0].members[device].fan.missing_to_stop()
    return f"the intake's permissives are not given: {', '.join(missing)} (S1)" if missing else ""


def unfit_for_bypass(interlock: Interlock, cause: str, devices: Collection[str]) -> str:
    """Why a cause of an interlock can never be bypassed at these devices; empty: it can."""
    if interlock.matrix.mode == "observe":
        return f"{interlock.name} only observes: it trips nothing, so there is nothing to bypass (S15)"
    known = {one.id: one for one in interlock.matrix.cause}
    if cause not in known:
        return f"{interlock.name} has no cause {cause!r}; it has {', '.join(known)}"
    if not may_be_bypassed(known[cause]):
        return f"{cause} is of over-range, which is never bypassed"
    looked_at = interlock.looked_at_by(cause)
    strangers = [device for device in devices if device not in looked_at]
    if strangers or not devices:
        listed = ", ".join(sorted(looked_at)) or "no device"
        return f"{cause} does not look at {', '.join(strangers) or 'nothing'}; name some of {listed}"
    return ""


def unready_for_bypass(interlock: Interlock) -> str:
    """Why nothing of an interlock is bypassed now; empty: it may be."""
    if interlock.record.state is not InterlockState.ARMED or interlock.since:
        standing = ", ".join(interlock.since) or interlock.record.state.word
        return f"{interlock.name} is not at rest ({standing}): settle that before a bypass"
    if interlock.bypassed is not None:
        return f"{interlock.name} has a bypass already: one per area; end that first"
    return ""
