"""The alarm record, its transition, and how both are stored."""

from dataclasses import dataclass

import msgspec

from alarms.states import AlarmState, Event
from protocols.reading import Origin


def alarm_id(device: str, rule: str, origin: Origin, point: str | None = None) -> str:
    """The id the API addresses: ``device~rule``, with the point where a device has several of the kind, and the
    origin where it is not live (``~`` is not allowed in device ids)."""
    named = f"{device}~{rule}" if point is None else f"{device}~{rule}:{point}"
    return named if origin is Origin.LIVE else f"{named}~{origin.name.lower()}"


class AlarmTransition(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One change of one alarm, as the journal keeps it. Encoded as a msgpack array, schema number first.

    ``at``: when the gateway decided, wall ns; ``sampled_at``: the source time of the reading behind it.
    ``late``: the reading was too old to act on (S9). ``who`` and ``why`` are set for what people did. ``mark``,
    ``outlived``: as in `AlarmRecord`, after the event.
    """

    alarm: str
    device: str
    point: str
    rule: str
    origin: Origin
    priority: str
    life_safety: bool
    event: Event
    before: AlarmState
    after: AlarmState
    at: int
    sampled_at: int
    value: float | None
    quality: int
    raised_at: int
    late: bool = False
    who: str = ""
    why: str = ""
    silence_until: int = 0
    mark: int = 0
    outlived: bool = False


class AlarmRecord(msgspec.Struct, array_like=True, tag=1, gc=False):
    """What survives a restart. ``active``: the process condition; ``unfinished``: an alarm that was silenced
    (shelved, out of service) before it was over, and comes back when the silence ends. ``mark``: of the rule that
    raised it (`alarms.orphans`); ``outlived``: that is not the one behind it any more, and a person settles it."""

    alarm: str
    device: str
    point: str
    rule: str
    origin: Origin
    priority: str
    life_safety: bool
    state: AlarmState = AlarmState.NORMAL
    active: bool = False
    unfinished: bool = False
    raised_at: int = 0
    changed_at: int = 0
    sampled_at: int = 0
    value: float | None = None
    quality: int = 0
    acknowledged_by: str = ""
    acknowledged_at: int = 0
    silence_until: int = 0
    silenced_by: str = ""
    silenced_why: str = ""
    first_value: float | None = None
    first_sampled_at: int = 0
    mark: int = 0
    outlived: bool = False


_encoder = msgspec.msgpack.Encoder()
_records = msgspec.msgpack.Decoder(AlarmRecord)
_transitions = msgspec.msgpack.Decoder(AlarmTransition)


def encode(item: AlarmRecord | AlarmTransition) -> bytes:
    """Body of a journal entry or of a state key."""
    return _encoder.encode(item)


def decode_record(body: bytes) -> AlarmRecord:
    """Reverse of `encode` for a record."""
    return _records.decode(body)


def decode_transition(body: bytes) -> AlarmTransition:
    """Reverse of `encode` for a transition."""
    return _transitions.decode(body)


@dataclass(slots=True)
class Timers:
    """Delays that run now, mono ns; they start anew after a restart (S10).

    ``counted``: ns that an accumulating delay had counted at ``counted_at``; ``pace``: 1 while it counts up, -1 while
    it counts down, 0 while it stands.
    """

    on_since: int | None = None
    off_since: int | None = None
    reports: int = 0
    counted: int = 0
    counted_at: int = 0
    pace: int = 0

    def count(self, mono: int, most: int, pace: int) -> int:
        """Count until now, within 0 and ``most``, and from now on at ``pace``; returns what is counted."""
        self.counted = min(most, max(0, self.counted + self.pace * (mono - self.counted_at)))
        self.counted_at, self.pace = mono, pace if pace > 0 or self.counted else 0
        return self.counted
