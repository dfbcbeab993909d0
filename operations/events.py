"""PlanEvent: one change of one run, as the audit keeps it and as the journal gets it (kind ``plan``)."""

from typing import Literal

import msgspec

from journal.entry import Entry, partition_of
from protocols.reading import Origin

KIND = "plan"

EventName = Literal[
    "opened",
    "alarm",
    "escalated",
    "completed",
    "closed",
    "step-open",
    "step-held",
    "step-releasable",
    "step-released",
    "step-started",
    "step-done",
    "step-skipped",
    "step-reopened",
    "step-rewound",
    "step-overdue",
    "withdraw",
]
"""``withdraw``: people may be at work where it is no longer allowed; tell them loudly."""


class PlanEvent(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Encoded as a msgpack array, schema number first. ``number``: counts the events of a run from 1.

    ``run_state`` and ``step_state``: words, after the event. ``at``: wall ns. ``part``: ``start`` or ``done``, of a
    missed deadline. ``who``, ``role``, ``why``, ``evidence`` (id, text): what a person did; empty where the engine did
    it. ``alarm``, ``rule``: behind ``opened``, ``alarm``, ``escalated``; ``late``: its reading was too old to act on
    (S9). ``zh``, ``en``: what people have to be told now.
    """

    run: str
    number: int
    plan: str
    version: int
    area: str
    origin: Origin
    event: EventName
    at: int
    run_state: str
    step: str = ""
    step_state: str = ""
    part: str = ""
    who: str = ""
    role: str = ""
    why: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    alarm: str = ""
    rule: str = ""
    late: bool = False
    zh: str = ""
    en: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PlanEvent)


def encode_event(event: PlanEvent) -> bytes:
    """Body of a journal entry of kind ``plan``."""
    return _encoder.encode(event)


def decode_event(body: bytes) -> PlanEvent:
    """Reverse of `encode_event`; raises `msgspec.DecodeError` for any other bytes."""
    return _decoder.decode(body)


def entry_id(run: str, number: int) -> str:
    """The journal id of an event; the same event always has the same."""
    return f"{run}#{number}"


def entry_of(event: PlanEvent) -> Entry:
    """The journal entry of an event. All events of an area stand in one partition, in order."""
    return Entry(KIND, entry_id(event.run, event.number), partition_of(event.area), event.at, encode_event(event))
