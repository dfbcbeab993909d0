"""Reading stored values in bulk: what is asked, the rows that answer it, and who reads them, a slice at a time."""

from typing import NamedTuple, Protocol

from protocols.reading import Origin


class Extract(NamedTuple):
    """What is asked: ``start`` <= at < ``end``, UTC ns. No ``devices``, ``points``: all of them."""

    start: int
    end: int
    devices: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = (Origin.LIVE,)


class ExtractRow(NamedTuple):
    """One stored value. ``number`` and ``text`` are both ``None`` where only the quality is known; ``profile``,
    ``kind`` and ``area`` are what the device has now. ``at``, ``received_at``: UTC ns."""

    at: int
    device: str
    profile: str
    kind: str
    area: str
    point: str
    origin: int
    number: float | None
    text: str | None
    quality: int
    received_at: int | None


class Slices(Protocol):
    """One extract on its way. Nothing is held open between two slices."""

    def next(self) -> list[ExtractRow]:
        """The next rows, in order of time; empty at the end. Blocks for the reading of one slice. Raises
        `telemetry.errors.StoreUnavailable`; the same call may be made again."""

    def close(self) -> None:
        """Let others begin. A second call does nothing."""


class Extracts(Protocol):
    """Reads stored values out of a store."""

    def unknown(self, extract: Extract) -> tuple[str, ...]:
        """The devices and points that are asked for and of which the store has never held anything. Blocks."""

    def begin(self, extract: Extract) -> Slices:
        """Begin to read. Raises `telemetry.errors.ExtractBusy` when as many as may are being read already."""
