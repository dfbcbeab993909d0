"""Where buckets begin, and what stands in those in which nothing was measured. The same for every store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from telemetry.errors import QueryRefused
from telemetry.sink import TIME_MAX
from telemetry.store import Bucket, Days, Every, Fill, Question

BUCKETS_MAX = 100_000
"""Most buckets of one answer, over all groups: 69 days of minutes, 11 years of hours. Beyond it only memory is lost."""

SECOND = 10**9
DAY = 86_400 * SECOND
DAYS_MAX = 366
_EPOCH = date(1970, 1, 1).toordinal()


class Cell(NamedTuple):
    """A bucket of a group, as a store found it."""

    group: str
    bucket: Bucket


def starts(start: int, end: int, every: Every) -> Sequence[int]:
    """The starts of the buckets that [start, end) touches, ascending. Raises `QueryRefused`."""
    count, length = (every.days, every.days * DAY) if isinstance(every, Days) else (1, every)
    if isinstance(every, Days) and not 1 <= count <= DAYS_MAX:
        raise QueryRefused(f"every {count} days: must be 1 to {DAYS_MAX}")
    if length <= 0:
        raise QueryRefused(f"every {every} ns: must be above 0")
    if end <= start:
        return range(0)
    first = start if isinstance(every, Days) else start - start % length
    buckets = -((first - end) // length)
    if buckets > BUCKETS_MAX:
        raise QueryRefused(f"{buckets} buckets: at most {BUCKETS_MAX}. Ask for longer buckets or a shorter range")
    return list(_days(start, end, every)) if isinstance(every, Days) else range(first, end, length)


def check(question: Question) -> None:
    """Raises `QueryRefused` for a question that mixes origins."""
    if question.origin is None and question.group != "origin":
        raise QueryRefused("origin: name one, or group by origin; a drill is not mixed with what is live")


def answer(question: Question, at: Sequence[int], cells: Iterable[Cell]) -> dict[str, list[Bucket]]:
    """What was found as `telemetry.store.Reader.grouped` returns it. ``at``: of `starts`. Raises `QueryRefused`."""
    found: dict[str, dict[int, Bucket]] = {} if question.group else {"": {}}
    for number, (group, bucket) in enumerate(cells):
        if number >= BUCKETS_MAX:
            raise _too_many(question)
        found.setdefault(group, {})[bucket.at] = bucket
    if question.fill != "none" and len(found) * len(at) > BUCKETS_MAX:
        raise _too_many(question)
    return {group: _lay(found[group], at, question.fill) for group in sorted(found)}


def _too_many(question: Question) -> QueryRefused:
    return QueryRefused(
        f"more than {BUCKETS_MAX} buckets over all groups by {question.group}. "
        "Ask for longer buckets, a shorter range or fewer groups"
    )


def _days(start: int, end: int, every: Days) -> Iterator[int]:
    """Midnights. Where a zone has none that day, the day begins when its clocks are moved; a day that a zone has left
    out has no bucket."""
    try:
        zone = ZoneInfo(every.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise QueryRefused(f"zone {every.zone!r}: no time zone; name one such as 'Asia/Shanghai'") from error
    if not -TIME_MAX <= start <= end <= TIME_MAX:
        raise QueryRefused(f"start {start}, end {end} ns: calendar days are known for the years 1677 to 2262")
    day = datetime.fromtimestamp(start // SECOND, zone).toordinal() - _EPOCH
    day -= day % every.days
    at = _midnight(day, zone)
    while at < end:
        day += every.days
        following = _midnight(day, zone)
        if following > at:
            yield at
        at = following


def _midnight(day: int, zone: ZoneInfo) -> int:
    local = datetime.fromordinal(day + _EPOCH).replace(tzinfo=zone)
    apart = local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (apart.days * 86_400 + apart.seconds) * SECOND


def _lay(found: Mapping[int, Bucket], at: Sequence[int], fill: Fill) -> list[Bucket]:
    if fill == "none":
        return [found[one] for one in at if one in found]
    laid = [found.get(one) or Bucket(one, 0.0 if fill == "0" else None, 0) for one in at]
    if fill == "previous":
        _hold(laid)
    elif fill == "linear":
        _draw(laid)
    return laid


def _hold(laid: list[Bucket]) -> None:
    value: float | None = None
    for number, one in enumerate(laid):
        if one.samples:
            value = one.value
        else:
            laid[number] = one._replace(value=value)


def _draw(laid: list[Bucket]) -> None:
    measured = [number for number, one in enumerate(laid) if one.samples]
    for left, right in pairwise(measured):
        first, last = laid[left], laid[right]
        assert first.value is not None
        assert last.value is not None
        for number in range(left + 1, right):
            part = (laid[number].at - first.at) / (last.at - first.at)
            laid[number] = laid[number]._replace(value=first.value * (1 - part) + last.value * part)
