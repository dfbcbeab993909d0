"""What an interlock keeps and what it tells: its record (survives a restart) and its events (journal, kind trip)."""

from typing import Literal

import msgspec

from interlocks.states import InterlockState
from protocols.reading import Origin

Status = Literal["waiting", "issued", "done", "failed", "held", "absent", "shadow"]
"""waiting: its time or its condition has not come · issued: on its way · done: read back · failed: not read back ·
held: a person decides · absent: no such final element here · shadow: would have been done (not live, or observe)."""

EXPECT = "expect"
"""The action of what an observed station must do by itself. ``effect``: the role that shows it; done: seen · failed:
not seen in time."""
FOUND_CLOSED = "found-closed"
"""The cause of a latch nobody tripped: the valve was found closed and the reason is unknown (S10)."""


class EffectRecord(msgspec.Struct, array_like=True, tag=1):
    """One effect on one final element. ``due_at``: wall ns. ``reason``: why it is held, as words."""

    cause: str
    effect: str
    action: str
    device: str
    status: Status
    due_at: int
    command: str = ""
    if_failed: str = ""
    reason: tuple[str, ...] = ()


class InterlockRecord(msgspec.Struct, array_like=True, tag=1):
    """One matrix in one zone at one origin. ``causes``: (cause, wall ns) in the order seen, the first is first-out.

    ``closed``: devices whose valve is known to be closed; a valve that is found closed and is not among them latches.
    ``mark``: of the matrix that tripped it last (`interlocks.orphans`); ``inherited``: how many of the causes tripped
    under another one.
    """

    id: str
    zone: str
    matrix: str
    origin: Origin
    state: InterlockState = InterlockState.UNKNOWN
    causes: list[tuple[str, int]] = []
    effects: list[EffectRecord] = []
    closed: list[str] = []
    tripped_at: int = 0
    mark: int = 0
    inherited: int = 0

    @property
    def first_out(self) -> str:
        """The cause that came first, or an empty string."""
        return self.causes[0][0] if self.causes else ""


class TripEvent(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """One thing that happened to an interlock. ``event``: ``tripped`` (a cause joined), ``effect`` (a status
    changed), ``armed``, ``reset``, ``opened`` (a valve was opened at the board), ``closed`` (a valve is closed, and
    was not known to be, while the latch stands), ``not-closed`` (it was, and its board says otherwise while a cause
    stands), ``removed`` (its zone or its matrix is no more).
    ``record``: the interlock as it was after this event."""

    interlock: str
    zone: str
    matrix: str
    origin: Origin
    event: str
    at: int
    cause: str = ""
    effect: str = ""
    action: str = ""
    device: str = ""
    status: str = ""
    command: str = ""
    stage: str = ""
    who: str = ""
    reason: tuple[str, ...] = ()
    record: InterlockRecord | None = None


def interlock_id(zone: str, matrix: str, origin: Origin) -> str:
    """The id the API addresses: ``zone~matrix``, with the origin where it is not live."""
    return f"{zone}~{matrix}" if origin is Origin.LIVE else f"{zone}~{matrix}~{origin.name.lower()}"


_encoder = msgspec.msgpack.Encoder()
_records = msgspec.msgpack.Decoder(InterlockRecord)
_events = msgspec.msgpack.Decoder(TripEvent)


def encode(item: InterlockRecord | TripEvent) -> bytes:
    """Body of a journal entry or of a state key."""
    return _encoder.encode(item)


def decode_record(body: bytes) -> InterlockRecord:
    """Reverse of `encode` for a record."""
    return _records.decode(body)


def decode_event(body: bytes) -> TripEvent:
    """Reverse of `encode` for an event."""
    return _events.decode(body)
