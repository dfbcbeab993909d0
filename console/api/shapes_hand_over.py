"""What the API answers with on the shift hand-over and the logbook of the desk."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Next, Text, Time
from console.api.shapes_duty import AlarmStateWord, PriorityWord

Digest = Annotated[str, Field(description="SHA-256, hex.", pattern=r"^[0-9a-f]{64}$")]


class SignatureItem(BaseModel):
    """Who signed."""

    who: str
    at: Time
    why: Annotated[str, Field(description="What they said with it.")]


class HandOverHead(BaseModel):
    """A shift hand-over, without what it says."""

    number: int
    state: Annotated[
        Literal["offered", "accepted", "lapsed"],
        Field(description="`lapsed`: nobody signed it in time, or a newer one was offered."),
    ]
    left_by: SignatureItem
    taken_by: SignatureItem | None
    digest: Digest
    intact: Annotated[bool, Field(description="It is what was signed; false: somebody changed the book.")]
    open_alarms: int
    blind_points: int


class HandOvers(BaseModel):
    """Hand-overs, the newest first."""

    items: list[HandOverHead]
    next: Next = None


class SaidAlarm(BaseModel):
    """An alarm that stood."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    title: Text
    state: AlarmStateWord
    priority: PriorityWord
    class_: Annotated[str, Field(alias="class")]
    raised_at: Time | None
    acknowledged_by: str


class SaidSilenced(BaseModel):
    """An alarm that was shelved, suppressed or out of service."""

    id: str
    state: AlarmStateWord
    silenced_by: str
    silenced_why: str
    silence_until: Time | None


class SaidBlind(BaseModel):
    """A point of the blind list."""

    device: str
    point: str
    reasons: list[str]
    by: str
    why: str
    until: Time | None


class SaidInterlock(BaseModel):
    """An interlock that was not armed, or had closed a valve."""

    id: str
    state: Literal["unknown", "armed", "tripped"]
    tripped_at: Time | None
    closed: list[str]


class SaidBypass(BaseModel):
    """A bypass that was active, or waited to be confirmed."""

    id: str
    interlock: str
    cause: str
    devices: list[str]
    state: Literal["requested", "active"]
    who: str
    confirmed_by: str
    why: str
    measure: str
    until: Time | None


class SaidMode(BaseModel):
    """A bump test or maintenance that went on."""

    id: str
    who: str
    why: str
    until: Time


class SaidRun(BaseModel):
    """A response plan that ran."""

    id: str
    plan: str
    mode: str
    stage: str


class HandOverSays(BaseModel):
    """What there was when it was offered."""

    alarms: list[SaidAlarm]
    silenced: list[SaidSilenced]
    blind: list[SaidBlind]
    interlocks: list[SaidInterlock]
    bypasses: list[SaidBypass]
    bump_tests: list[SaidMode]
    maintenance: list[SaidMode]
    runs: list[SaidRun]
    without_verdict: list[str]


class HandOverItem(HandOverHead):
    """A shift hand-over."""

    says: HandOverSays
    since: Annotated[list[str], Field(description="Alarms that had come by the time it was taken.")]


class Remarks(BaseModel):
    """What the next shift has to know besides."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(max_length=2000)] = ""


class AcceptWish(Remarks):
    """I read it, and take the desk."""

    digest: Annotated[str, Field(max_length=64, description="Of the hand-over that was read.")]


class BookLine(BaseModel):
    """One line of the desk's logbook."""

    number: int
    at: Time
    kind: Annotated[str, Field(examples=["presence", "take-over", "verdict", "hand-over"])]
    subject: Annotated[str, Field(description="What it is about: an alarm, a hand-over.")]
    who: str
    why: str
    details: dict[str, Any]
    digest: Digest
    intact: bool


class Book(BaseModel):
    """Lines of the logbook, the newest first."""

    items: list[BookLine]
    next: Next = None
