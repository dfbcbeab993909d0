"""What the interlocks want done, told and stored, until somebody takes it."""

from typing import Literal, NamedTuple

from interlocks.interlock import Interlock
from interlocks.record import EffectRecord, TripEvent, decode_record, encode
from protocols.command import Command
from protocols.moment import Moment

Element = Literal["valve", "fan", "intake", "person"]
_ELEMENTS: dict[str, Element] = {
    "close-valve": "valve",
    "close-upstream-valve": "valve",
    "start-fan": "fan",
    "hold-fan": "fan",
    "inhibit-fan": "fan",
    "stop-intake": "intake",
    "ask-person": "person",
    "ask-evacuation": "person",
}


class Failure(NamedTuple):
    """Whether a final element of a device has failed to act; ``element`` is the role of its point. ``rule``: of the
    alarm that tells it, where it is not that of final elements: what a station has not shown."""

    device: str
    element: str
    failed: bool
    rule: str = ""


class Outcome(NamedTuple):
    """What the caller stores (one commit) and does. ``cancels``: ids of commands that must not be sent again.
    ``state``: ``None`` for a record that is to be forgotten."""

    events: list[TripEvent]
    commands: list[Command]
    cancels: list[str]
    failures: list[Failure]
    state: dict[str, bytes | None]


def element_of(effect: EffectRecord) -> Element:
    """Which kind of final element an effect moves; ``person``: none, somebody is asked."""
    return _ELEMENTS[effect.action]


class Outbox:
    """Collects an `Outcome`. A final element has failed while any interlock says so."""

    def __init__(self) -> None:
        self._out = Outcome([], [], [], [], {})
        self._failing: dict[tuple[str, Element], set[str]] = {}

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        return any(self._out)

    def take(self) -> Outcome:
        """Everything since the last call."""
        out, self._out = self._out, Outcome([], [], [], [], {})
        return out

    def command(self, command: Command) -> None:
        """Send this."""
        self._out.commands.append(command)

    def cancel(self, command: str) -> None:
        """Do not send this again."""
        self._out.cancels.append(command)

    def stood_failed(self, interlock: Interlock, effect: EffectRecord) -> None:
        """It failed before a restart, and was told then."""
        self._failing.setdefault((effect.device, element_of(effect)), set()).add(interlock.name)

    def failed(self, interlock: Interlock, device: str, element: Element) -> None:
        """The final element is not where it must be. Of a live one only: a drill says nothing of it (S4)."""
        if not interlock.is_live:
            return
        self._failing.setdefault((device, element), set()).add(interlock.name)
        self._out.failures.append(Failure(device, element, failed=True))

    def has_failed(self, interlock: Interlock, device: str, element: Element) -> bool:
        """Whether this interlock says that it is not."""
        return interlock.name in self._failing.get((device, element), ())

    def works(self, interlock: Interlock, device: str, element: Element) -> None:
        """It is where it must be, or nothing is asked of it any more. Of a live one only, as `failed`."""
        if not interlock.is_live:
            return
        failing = self._failing.get((device, element), set())
        failing.discard(interlock.name)
        if not failing:
            self._out.failures.append(Failure(device, element, failed=False))

    def unproven(self, effect: EffectRecord, role: str, *, missing: bool) -> None:
        """Whether the proof of an observed station is missing, at its points of a role."""
        self._out.failures.append(Failure(effect.device, role, missing, effect.cause))

    def tell_effect(self, interlock: Interlock, effect: EffectRecord, now: Moment) -> None:
        """An effect has a new status."""
        self.tell(
            interlock, "effect", now, cause=effect.cause, effect=effect.effect, action=effect.action,
            device=effect.device, status=effect.status, command=effect.command, reason=effect.reason,
        )  # fmt: skip

    def tell(
        self, interlock: Interlock, event: str, now: Moment, *, reason: tuple[str, ...] = (), **details: str
    ) -> None:
        """Something happened: an event, and the record as it is now."""
        record = interlock.record
        body = self.keep(interlock)
        self._out.events.append(
            TripEvent(
                record.id, record.zone, record.matrix, record.origin, event, now.wall, reason=reason,
                record=decode_record(body), **details,
            )
        )  # fmt: skip

    def remove(self, interlock: Interlock, now: Moment) -> None:
        """Its zone is no more of the site."""
        self.tell(interlock, "removed", now)
        self._out.state[f"interlock/{interlock.name}"] = None

    def keep(self, interlock: Interlock) -> bytes:
        """The record changed: store it."""
        body = self._out.state[f"interlock/{interlock.name}"] = encode(interlock.record)
        return body
