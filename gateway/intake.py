"""What the pipeline is to a transport: everything that a connection may hand in."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from gateway.counters import Counters
from gateway.slots import SlotTimer
from gateway.uplink import Done, Ingest
from protocols.reading import Origin, Reading


class Offer(Protocol):
    """The door for a transport that makes the readings itself."""

    def __call__(self, readings: Sequence[Reading], transport: str, done: Done, source: str = "") -> None:
        """Judge and store. ``done`` is called once all are durable, or with the error that refused them. ``source``
        identifies the message where the device gives neither time nor sequence, as `gateway.uplink.Uplink.source`."""


class Intake(NamedTuple):
    """Given to each connection. ``lost(device, reason)``: the transport knows that the device does not answer; its next
    reading ends it. ``origin``: what everything that comes in is (S4). ``now``: UTC ns. ``judge``: judges readings that
    are stored another time (S9)."""

    ingest: Ingest
    offer: Offer
    lost: Callable[[str, str], None]
    counters: Counters
    origin: Origin
    now: Callable[[], int]
    timer: SlotTimer
    judge: Callable[[Sequence[Reading]], None]
