"""The driver: sends the effects of tripped interlocks to their final elements, and follows what became of them.

It never sends for an interlock that is not live, and starts a fan only while every permissive is true and no
cause leaves it to a person, looked at again at the moment of sending (S1, S5).
"""

from collections.abc import Callable, Collection, Iterable

from interlocks.effects import UNDER_WAY
from interlocks.interlock import Interlock, place_of
from interlocks.outbox import Element, Outbox, element_of
from interlocks.record import EXPECT, EffectRecord, Status
from interlocks.sharing import Sharing, is_fan_held
from interlocks.zone import Member
from protocols.command import Command
from protocols.moment import SECOND, Moment

COMMAND_LIFE_NS = 300 * SECOND
"""A command that could not be sent for so long is given up; the interlock has failed by then and said so."""
PERSON_DECIDES = ("person-decides",)
_COMMANDS: dict[Element, str] = {"valve": "close-valve", "fan": "start-fan", "intake": "stop-intake"}


class Driver:
    """All effects under way. ``wake(interlock, mono)``: look at it again at that time."""

    def __init__(self, out: Outbox, wake: Callable[[Interlock, int], None], sharing: Sharing) -> None:
        self._out = out
        self._sharing = sharing
        self._wake = wake
        self._commands: dict[str, tuple[Interlock, EffectRecord]] = {}
        self._serial = 0

    def begin(self, interlock: Interlock, effects: Iterable[EffectRecord], now: Moment) -> None:
        """Take on the effects a trip asks for, and send those whose time has come."""
        planned = list(effects)
        for effect in planned:
            if not any(effect is known for known in interlock.record.effects):
                interlock.record.effects.append(effect)
            interlock.ready[place_of(effect)] = now.mono + effect.due_at - now.wall
            self._out.tell_effect(interlock, effect, now)
        for effect in planned:
            if effect.status in ("absent", "held"):
                self._release(interlock, effect, now)
        self.send_due(interlock, now)

    def send_due(self, interlock: Interlock, now: Moment) -> None:
        """Send what waits for its time, where that has come."""
        if not interlock.acts:
            return
        for effect in interlock.record.effects:
            if effect.status != "waiting" or effect.if_failed:
                continue
            ready_at = interlock.ready.get(place_of(effect), now.mono)
            if now.mono < ready_at:
                self._wake(interlock, ready_at)
            else:
                self._send(interlock, effect, now)

    def _send(self, interlock: Interlock, effect: EffectRecord, now: Moment) -> None:
        element = element_of(effect)
        if element == "person":
            self._hold(interlock, effect, PERSON_DECIDES, now)
            return
        member = interlock.members.get(effect.device)
        name = member.command_for(_COMMANDS[element]) if member else None
        if member is None or name is None:
            self._set(interlock, effect, "absent", now)
            self._release(interlock, effect, now)
            return
        reason = self._why_not(interlock, member, element)
        if reason:
            self._hold(interlock, effect, reason, now)
            self._release(interlock, effect, now)
            return
        self._command(interlock, effect, name, now)
        if interlock.pictures[effect.device].lost:
            # S13: its path is the one that failed; said at once, tried all the same
            self._fail(interlock, effect, now)

    def _why_not(self, interlock: Interlock, member: Member, element: Element) -> tuple[str, ...]:
        """Why the element is left to a person at the moment of sending; empty: it is not."""
        if element == "intake":
            return member.fan.missing_to_stop()
        if element != "fan":
            return ()
        is_held = is_fan_held(self._sharing(interlock, member.device), member.device)
        return PERSON_DECIDES if is_held else member.fan.missing()

    def _command(self, interlock: Interlock, effect: EffectRecord, name: str, now: Moment) -> None:
        record = interlock.record
        self._serial += 1
        self._forget(effect)
        effect.command = f"{record.id}/{effect.cause}/{effect.effect}/{now.wall}.{self._serial}"
        self._commands[effect.command] = (interlock, effect)
        self._out.command(
            Command(
                effect.command, effect.device, name, record.origin, f"trip/{record.id}",
                now.wall, now.wall + COMMAND_LIFE_NS,
            )
        )  # fmt: skip
        self._set(interlock, effect, "issued", now)

    def settled(self, command: str, ok: bool, now: Moment) -> None:
        """The actuator says that a command was read back (``ok``) or was not in time."""
        known = self._commands.get(command)
        if known is None:
            return
        interlock, effect = known
        if ok:
            if element_of(effect) == "valve":
                interlock.proved.add(effect.device)
            self.done(interlock, effect, now)
        elif effect.status == "issued":
            self._fail(interlock, effect, now)

    def done(self, interlock: Interlock, effect: EffectRecord, now: Moment) -> None:
        """The final element was read back where it must be."""
        self._commands.pop(effect.command, None)
        self._set(interlock, effect, "done", now)
        self._out.works(interlock, effect.device, element_of(effect))

    def _fail(self, interlock: Interlock, effect: EffectRecord, now: Moment) -> None:
        self._set(interlock, effect, "failed", now)
        self._out.failed(interlock, effect.device, element_of(effect))
        self._release(interlock, effect, now)

    def _release(self, interlock: Interlock, failed: EffectRecord, now: Moment) -> None:
        """Effects that wait for this one start now, as it failed, is not there or is left to a person (S13); not where
        their element is moved already."""
        effects = interlock.record.effects
        for effect in effects:
            if effect.status != "waiting" or not effect.if_failed or not _awaits(interlock, effect, failed):
                continue
            if not any(_moves_the_same(other, effect) and other.status in UNDER_WAY for other in effects):
                effect.if_failed, effect.due_at = "", now.wall
                interlock.ready.pop(place_of(effect), None)
                if not interlock.acts:
                    self._set(interlock, effect, "shadow", now)
        self.send_due(interlock, now)

    def hold_starting_fans(self, interlock: Interlock, devices: Collection[str], now: Moment) -> None:
        """Level 2 came before the fan ran: it must not start any more (dilution passes the flammable range)."""
        for effect in interlock.record.effects:
            is_starting = effect.action == "start-fan" and effect.status in ("waiting", "issued", "failed")
            if is_starting and effect.device in devices:
                self._hold(interlock, effect, PERSON_DECIDES, now)

    def _hold(self, interlock: Interlock, effect: EffectRecord, reason: tuple[str, ...], now: Moment) -> None:
        self._forget(effect)
        if effect.status == "failed":
            self._out.works(interlock, effect.device, element_of(effect))
        effect.reason = reason
        self._set(interlock, effect, "held", now)

    def again(self, interlock: Interlock, device: str, now: Moment, status: Status = "done") -> bool:
        """Close the valve again: it is not closed any more while a cause stands (S2), or it failed to close.

        Returns whether it had to be asked: not where no effect has this status, or another is on its way to it.
        """
        effects = [one for one in interlock.record.effects if one.device == device and element_of(one) == "valve"]
        effect = next((one for one in effects if one.status == status), None)
        if effect is None or any(one.status == "issued" for one in effects):
            return False
        effect.status, effect.due_at = "waiting", now.wall
        interlock.ready.pop(place_of(effect), None)
        self.send_due(interlock, now)
        return True

    def resume(self, interlock: Interlock, now: Moment) -> None:
        """After a restart: what was not completed is driven again (S10)."""
        for effect in interlock.record.effects:
            if effect.action == EXPECT:
                continue
            if effect.status == "failed":
                self._out.stood_failed(interlock, effect)
            if effect.status in ("issued", "failed"):
                effect.status = "waiting"
        if any(effect.status == "waiting" for effect in interlock.record.effects):
            self._wake(interlock, now.mono)

    def forget(self, interlock: Interlock) -> None:
        """The latch was reset: nothing is asked of its final elements any more."""
        for effect in interlock.record.effects:
            self._forget(effect)
        for device in interlock.members:
            self._out.works(interlock, device, "valve")
            self._out.works(interlock, device, "fan")
            if interlock.members[device].command_for("stop-intake"):
                self._out.works(interlock, device, "intake")

    def _forget(self, effect: EffectRecord) -> None:
        if self._commands.pop(effect.command, None) is not None:
            self._out.cancel(effect.command)

    def _set(self, interlock: Interlock, effect: EffectRecord, status: Status, now: Moment) -> None:
        effect.status = status
        interlock.stirred.add(effect.device)
        self._out.tell_effect(interlock, effect, now)


def _moves_the_same(other: EffectRecord, effect: EffectRecord) -> bool:
    return other is not effect and other.device == effect.device and element_of(other) == element_of(effect)


def _awaits(interlock: Interlock, waiting: EffectRecord, failed: EffectRecord) -> bool:
    """Whether ``failed`` is the effect that ``waiting`` stands in for; another cause may have begun it."""
    if waiting.cause == failed.cause:
        return waiting.if_failed == failed.effect
    cause = next((one for one in interlock.matrix.cause if one.id == waiting.cause), None)
    return cause is not None and any(
        effect.id == waiting.if_failed and effect.action == failed.action for effect in cause.effect
    )
