"""Questions about what is in InfluxDB, answered as the embedded store answers them. It does not write."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import gcd
from typing import NamedTuple

from protocols.reading import Origin, Value
from telemetry import buckets, influxql
from telemetry.errors import QueryRefused
from telemetry.influx_query import InfluxQuery, Row
from telemetry.influx_settings import InfluxSettings
from telemetry.influxql import ORIGINS, TAGS, Place
from telemetry.line_protocol import field_names
from telemetry.store import Aggregate, Bucket, Days, Every, Fill, Question, Sample, Series

_TOGETHER = 20
"""Statements of one request: some 3 kB of address, which every server and proxy takes."""


class _Part(NamedTuple):
    """A step of a group as the server answered it: ``samples`` values, and what they make."""

    group: str
    at: int
    samples: int
    value: float


class InfluxStore:
    """`telemetry.store.Reader` over one InfluxDB.

    A tag is what the device was when it measured, not what it is now. ``series``: the registered devices; a point is
    looked for where these have it.
    """

    def __init__(self, settings: InfluxSettings, series: Mapping[str, Series]) -> None:
        """Raises `StoreRefused` if a file of a secret is unreadable."""
        self._series = series
        self._query = InfluxQuery(settings)

    def latest(self) -> list[Sample]:
        """As `telemetry.store.Reader.latest`. Costs a scan of every series: 0.4 s for 5,000 of them."""
        places = [(point, place) for point, found in _places(self._series.values()).items() for place in found]
        newest: dict[tuple[str, Origin, str], Sample] = {}
        for first in range(0, len(places), _TOGETHER):
            some = places[first : first + _TOGETHER]
            answers = self._query.ask([influxql.latest(place) for _, place in some])
            for (point, place), rows in zip(some, answers, strict=True):
                for one in self._newest(point, place, rows):
                    key = one.device, one.origin, one.point
                    if key not in newest or newest[key].at < one.at:
                        newest[key] = one
        return list(newest.values())

    def samples(
        self, device: str, point: str, start: int, end: int, origin: Origin = Origin.LIVE, limit: int = 10_000
    ) -> list[Sample]:
        """As `telemetry.store.Reader.samples`."""
        if limit < 0:
            raise QueryRefused(f"limit {limit}: must not be negative")
        place = self._place(device, point)
        if place is None or not limit:
            return []
        (rows,) = self._query.ask([influxql.samples(place, device, origin, start, end, limit)])
        return [_sample(device, origin, point, row) for row in rows]

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
        """As `telemetry.store.Reader.aggregate`."""
        return self.grouped(Question(point, start, end, every, how, device, origin=origin, fill=fill))[""]

    def grouped(self, question: Question) -> dict[str, list[Bucket]]:
        """As `telemetry.store.Reader.grouped`. Refuses the first and last value over several kinds of devices."""
        buckets.check(question)
        at = buckets.starts(question.start, question.end, question.every)
        places = self._asked(question) if at else []
        if len(places) > 1 and question.how in ("first", "last"):
            raise QueryRefused(f"{question.how} over several kinds of devices: name a device or a profile")
        step = _step(question.every, at)
        parts = [part for place in places for part in self._parts(place, question, step)]
        return buckets.answer(question, at, _merge(question.how, parts, at))

    def close(self) -> None:
        """Close the connections."""
        self._query.close()

    def _parts(self, place: Place, question: Question, step: int) -> list[_Part]:
        (rows,) = self._query.ask([influxql.aggregate(place, question, step)])
        return [_part(question, row) for row in rows]

    def _place(self, device: str, point: str) -> Place | None:
        series = self._series.get(device)
        found = _places([series] if series else []).get(point)
        return found[0] if found else None

    def _asked(self, question: Question) -> list[Place]:
        if question.device is not None:
            place = self._place(question.device, question.point)
            return [place] if place else []
        asked = (one for one in self._series.values() if question.profile in (None, one.profile))
        return _places(asked).get(question.point, [])

    def _newest(self, point: str, place: Place, rows: Iterable[Row]) -> Iterator[Sample]:
        for row in rows:
            device, origin = row.tags["device"], ORIGINS.get(row.tags["origin"])
            if origin is not None and self._place(device, point) == place:
                yield _sample(device, origin, point, row)


def _places(series: Iterable[Series]) -> dict[str, list[Place]]:
    """Where the points of these devices stand, by the point's name."""
    found: dict[str, dict[Place, None]] = {}
    for one in dict.fromkeys(series):
        for point, field in zip(one.points, field_names(one.points), strict=True):
            found.setdefault(point, {})[Place(one.kind, field)] = None
    return {point: list(places) for point, places in found.items()}


def _sample(device: str, origin: Origin, point: str, row: Row) -> Sample:
    at, found, quality = (row.columns[name] for name in ("time", "value", "quality"))
    # The server writes a float without a fraction as an integer.
    value: Value = float(found) if isinstance(found, int) else found
    return Sample(device, origin, point, at, value, quality or 0)


def _part(question: Question, row: Row) -> _Part:
    samples = row.columns["count_"]
    value = next((one for key, one in row.columns.items() if key not in ("time", "count_")), samples)
    return _Part(row.tags[TAGS[question.group]] if question.group else "", row.columns["time"], samples, float(value))


def _step(every: Every, at: Sequence[int]) -> int:
    """The longest step, ns, that is aligned to its multiples and of which every bucket is made."""
    return gcd(*at) or buckets.DAY if isinstance(every, Days) else every


def _merge(how: Aggregate, parts: Iterable[_Part], at: Sequence[int]) -> Iterator[buckets.Cell]:
    """One cell for each group and bucket. Parts of a bucket are in the order of time, within a place."""
    found: dict[tuple[str, int], list[_Part]] = {}
    for part in parts:
        begin = at[bisect_right(at, part.at) - 1]
        found.setdefault((part.group, begin), []).append(part)
    for (group, begin), some in found.items():
        value, samples = _fold(how, some), sum(part.samples for part in some)
        yield buckets.Cell(group, Bucket(begin, value, samples))


def _fold(how: Aggregate, parts: Sequence[_Part]) -> float:
    values = [part.value for part in parts]
    if how == "mean":
        return sum(values) / sum(part.samples for part in parts)
    if how in ("sum", "count"):
        return sum(values)
    if how in ("min", "max"):
        return min(values) if how == "min" else max(values)
    return values[0] if how == "first" else values[-1]
