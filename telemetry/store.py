"""The contract of a telemetry store, and the records it speaks in."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from protocols.reading import Origin, Reading, Value

Aggregate = Literal["mean", "min", "max", "count", "first", "last", "sum"]


class Series(NamedTuple):
    """What a reading's device is, beside its id: the columns that queries group by.

    ``points`` are the point names in the order of `Reading.values`.
    """

    profile: str
    kind: str
    site: str
    area: str
    points: tuple[str, ...]


class Sample(NamedTuple):
    """One value of one point. ``at`` in UTC ns."""

    device: str
    origin: Origin
    point: str
    at: int
    value: Value
    quality: int


class Bucket(NamedTuple):
    """An aggregate over [at, at + every). ``value`` is ``None`` where nothing was measured;
    ``samples`` counts what went in."""

    at: int
    value: float | None
    samples: int


class Store(Protocol):
    """Write and query telemetry. All calls block; one thread writes, any thread reads."""

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int]) -> int:
        """Store readings and the consumer's cursor (partition -> position) in one transaction.

        Rows that are there already by (device, origin, at) are dropped. Returns the number of new readings.
        """

    def cursor(self) -> dict[int, int]:
        """The cursor of the last `write`; empty for a new store."""

    def latest(self) -> list[Sample]:
        """The newest value of each (device, origin, point)."""

    def samples(
        self, device: str, point: str, start: int, end: int, origin: Origin = Origin.LIVE, limit: int = 10_000
    ) -> list[Sample]:
        """Samples with start <= at < end, oldest first."""

    def aggregate(
        self, device: str, point: str, start: int, end: int, every: int, how: Aggregate, origin: Origin = Origin.LIVE
    ) -> list[Bucket]:
        """Buckets of ``every`` ns aligned to multiples of it; empty buckets between are included. BAD values are
        left out of the aggregate (a broken sensor must not bend a mean)."""

    def close(self) -> None:
        """Flush and release the files."""
