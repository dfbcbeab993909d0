"""What the API answers with on connections: their state, their devices, and the bytes that went over them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.api.shapes import Next, Text, Time

ConnectionState = Literal["starting", "up", "down"]
LinkState = Literal["well", "silent", "lost", "unheard"]
RoundTrip = Annotated[float | None, Field(description="Seconds, of the last round trips; null where there were none.")]
Errors = Annotated[dict[str, int], Field(description="Since the start, by kind.", examples=[{"timeout": 3, "crc": 1}])]


class DeviceCount(BaseModel):
    """How many devices a connection has, and how many of them are not heard."""

    total: int
    lost: int
    silent: int
    unheard: int


class ConnectionItem(BaseModel):
    """One connection. Rates are those of the last minute."""

    id: Annotated[str, Field(examples=["east-line"])]
    transport: Annotated[str, Field(examples=["modbus-rtu"])]
    place: Annotated[
        str, Field(description="Where it leads, or where it listens.", examples=["/dev/ttyUSB0, 9600 baud"])
    ]
    state: ConnectionState
    since: Time
    reason: Annotated[str, Field(description="Why it is down, and what to do; empty while it is up.")]
    next_try_at: Annotated[Time | None, Field(description="When it is tried again; null: it is up, or nobody knows.")]
    last_seen_at: Annotated[Time | None, Field(description="When one of its devices was heard last.")]
    devices: DeviceCount
    requests: Annotated[int, Field(description="Requests to its devices since the start.")]
    requests_per_s: float
    utilisation: Annotated[
        float | None, Field(description="Share of the time with a request under way, 0 to 1; null: it asks nothing.")
    ]
    rtt_p50_s: RoundTrip
    rtt_p95_s: RoundTrip
    errors: Errors
    skipped_polls: Annotated[int, Field(description="Polls left out because the line was too slow for the periods.")]


class LinkedDevice(BaseModel):
    """One device of a connection. `silent`: not heard for 2.5 of its periods; `lost`: its transport says so."""

    device: str
    device_title: Text
    state: LinkState
    since: Annotated[Time | None, Field(description="Since when it is lost.")]
    reason: str
    last_seen_at: Time | None
    requests: int
    answers: int
    rtt_p50_s: RoundTrip
    rtt_p95_s: RoundTrip
    errors: Errors
    next_try_at: Annotated[Time | None, Field(description="When it is asked again after a failure.")]
    skipped_polls: int
    clock_offset_s: Annotated[
        float | None, Field(description="Its clock against ours, seconds, positive: ahead; null: it sends no times.")
    ]


class ConnectionDetail(ConnectionItem):
    """One connection with its devices."""

    device_items: list[LinkedDevice]


class Connections(BaseModel):
    """Every connection of the site."""

    items: list[ConnectionItem]
    next: Next = None


class WirePiece(BaseModel):
    """Bytes as they went over the wire."""

    n: Annotated[int, Field(description="Counts up from 1; pass the last one as `after`.")]
    at: Time
    direction: Literal["out", "in"]
    peer: str
    size: Annotated[int, Field(description="Bytes; `hex` holds at most the first 2048.")]
    hex: str
    text: Annotated[list[str], Field(description="In words, a line a frame.")]


class Wire(BaseModel):
    """What a connection's wire log holds. `missed`: pieces after `after` that were not kept."""

    connection: str
    transport: str
    items: list[WirePiece]
    missed: int
    last: Annotated[int, Field(description="Number of the newest piece.")]


class ReloadWish(BaseModel):
    """How the site's document is to be taken."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(description="Say what is different, and do nothing.")] = False
    accept_losses: Annotated[
        bool, Field(description="Do it though `losses` is not empty; your name goes into the record.")
    ] = False


class Differing(BaseModel):
    """Ids."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class SiteChanges(BaseModel):
    """What is different in the site's document. `reopened`: connections that are closed and opened again."""

    applied: bool
    connections: Differing
    devices: Differing
    areas: Differing
    profiles: list[str]
    reopened: list[str]
    losses: Annotated[list[str], Field(description="What is not watched any more, or not as well.")]
