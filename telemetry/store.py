"""The contract of a telemetry store, and the records it speaks in."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from protocols.reading import Origin, Reading, Value

Aggregate = Literal["mean", "min", "max", "count", "first", "last", "sum"]

Fill = Literal["null", "none", "0", "previous", "linear"]
"""What stands in a bucket in which nothing was measured, in the words of InfluxQL and Grafana: no value, no bucket,
zero, the value of the bucket before, or the straight line between its neighbours. Before the first and after the
last measured bucket there is no line, and before the first no value to hold: no value there."""

Group = Literal["device", "profile", "site", "area", "origin"]
"""What one answer is made for each of."""


class Days(NamedTuple):
    """Buckets of ``days`` calendar days (1 to 366) of a time zone, counted from its 1970-01-01: 23 or 25 hours where
    its clocks are moved. ``zone``: a name of the tz database."""

    days: int
    zone: str


Every: TypeAlias = int | Days
"""The length of a bucket: ns, aligned to its multiples in UTC, or calendar days."""


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
    """An aggregate over [at, at + every). ``value`` is ``None`` where nothing was measured and nothing filled in;
    ``samples`` counts what was measured, so that it is 0 where a value was filled in."""

    at: int
    value: float | None
    samples: int


class Question(NamedTuple):
    """What `Reader.grouped` is asked: ``how`` over each bucket of [start, end), UTC ns, for each ``group``.

    ``device`` and ``profile`` restrict whose values go in; without both it is every device that has this point.
    ``origin``: ``None``, for all of them, only where the answer is grouped by origin: a drill is never mixed with
    what is live.
    """

    point: str
    start: int
    end: int
    every: Every
    how: Aggregate = "mean"
    device: str | None = None
    profile: str | None = None
    origin: Origin | None = Origin.LIVE
    group: Group | None = None
    fill: Fill = "null"


class Reader(Protocol):
    """Query telemetry. All calls block; any thread may call."""

    def latest(self) -> list[Sample]:
        """The newest value of each (device, origin, point)."""

    def samples(
        self, device: str, point: str, start: int, end: int, origin: Origin = Origin.LIVE, limit: int = 10_000
    ) -> list[Sample]:
        """Samples with start <= at < end, oldest first."""

    def aggregate(
        self,
        device: str,
        point: str,
        start: int,
        end: int,
        every: Every,
        how: Aggregate,
        origin: Origin = Origin.LIVE,
        fill: Fill = "null",
    ) -> list[Bucket]:
        """The buckets of one point of one device: `grouped` without a group."""

    def grouped(self, question: Question) -> dict[str, list[Bucket]]:
        """The buckets that [start, end) touches, oldest first, by the name of their group; ``""`` without a group.

        A group in which nothing was measured is not there. Texts, absent and BAD values are left out (a broken sensor
        must not bend a mean), UNCERTAIN ones are not. Raises `telemetry.errors.QueryRefused`, also where there would
        be more than `telemetry.buckets.BUCKETS_MAX` buckets.
        """


class Store(Reader, Protocol):
    """Write and query telemetry. One thread writes."""

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int]) -> int:
        """Store readings and the consumer's cursor (partition -> position) in one transaction.

        Rows that are there already by (device, origin, at) are dropped. Returns the number of new readings.
        """

    def cursor(self) -> dict[int, int]:
        """The cursor of the last `write`; empty for a new store."""

    def close(self) -> None:
        """Flush and release the files."""
