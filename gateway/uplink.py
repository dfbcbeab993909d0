"""The seam between transports and the pipeline: what a transport hands in, and what it is told."""

from collections.abc import Callable
from typing import Protocol

import msgspec

Done = Callable[[Exception | None], None]


class Uplink(msgspec.Struct, frozen=True, gc=False):
    """One payload from a device. ``source`` identifies the message at its transport (peer, message id, token)
    for devices that send neither time nor sequence; ``received_at`` is UTC ns. ``connection``: id of the
    connection it came over, whose own devices alone may speak there (S4); empty for an authenticated person's.
    ``device``: the one that proved itself by a credential and speaks for itself alone; empty where none did.
    ``over_rate``: its peer sends more than its connection allows; it is judged, and ``done`` gets `OverRate` (S9)."""

    transport: str
    payload: bytes
    content_format: int
    source: str
    received_at: int
    connection: str = ""
    device: str = ""
    over_rate: bool = False


class Ingest(Protocol):
    """The pipeline's door."""

    def __call__(self, uplink: Uplink, done: Done) -> tuple[str, ...]:
        """Judge and store. Returns the ids of the devices that spoke.

        ``done`` is called once everything in it is durable, or with the error that refused it. Raises
        `protocols.errors.DecodeError` (and then ``done`` is never called).
        """
