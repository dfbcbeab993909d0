"""What was measured: raw samples by page, or aggregates over equal steps of time."""

import asyncio
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query

from console.access import Anyone, Services
from console.api.shapes import PROBLEM, BucketItem, Buckets, SampleItem, Samples
from console.api.site import ORIGINS, OriginName, find_device
from console.errors import BadParameter
from console.present import finite, iso, parse_step, parse_time, quality_text, unit_text
from console.problem import Problem
from console.services import ConsoleServices, DeviceView
from protocols.profile.model import Point
from protocols.reading import Origin
from telemetry.errors import StoreUnavailable
from telemetry.store import Aggregate, Bucket, Sample

BUCKETS_MAX = 10_000
router = APIRouter(tags=["telemetry"])


class _Asked(NamedTuple):
    """A checked question: ``start`` <= at < ``end``, UTC ns."""

    device: str
    point: Point
    start: int
    end: int
    origin: Origin


@router.get(
    "/telemetry",
    summary="Measured values",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def telemetry(
    _who: Anyone,
    services: Services,
    device: Annotated[str, Query(max_length=64, examples=["demo:gas:0001"])],
    point: Annotated[str, Query(max_length=32, examples=["methane"])],
    from_: Annotated[
        str, Query(alias="from", max_length=40, description="RFC 3339 with a time zone, or relative: `-1h`.")
    ] = "-1h",
    to: Annotated[str, Query(max_length=40, description="As `from`, or `now`. Not included.")] = "now",
    every: Annotated[
        str | None, Query(max_length=16, description="Length of a bucket: `10s`, `1m`, `1h`. Without: raw values.")
    ] = None,
    agg: Annotated[Aggregate, Query(description="How a bucket is made; only with `every`.")] = "mean",
    origin: OriginName = "live",
    limit: Annotated[int, Query(ge=1, le=10_000, description="Raw values in a page.")] = 1000,
    after: Annotated[str | None, Query(max_length=20, description="`next` of the page before.")] = None,
) -> Samples | Buckets:
    """With `every`: one item per step, empty steps included. Without: the values themselves, oldest first."""
    found = find_device(services, device)
    now = services.clock()
    start, end = parse_time("query.from", from_, now), parse_time("query.to", to, now)
    if start >= end:
        raise BadParameter("query.from", "must be before `to`", "必须早于 to")
    asked = _Asked(device, _point(found, point), start, end, ORIGINS[origin])
    try:
        if every is not None:
            return await _buckets(services, asked, parse_step("query.every", every), agg)
        return await _samples(services, asked, limit, after)
    except StoreUnavailable:
        raise Problem(
            "store-unavailable",
            "The telemetry store does not answer; live values are at /devices/{id}/latest.",
            "历史数据存储暂时无应答;实时值见 /devices/{id}/latest。",
            {"Retry-After": "10"},
        ) from None


async def _buckets(services: ConsoleServices, asked: _Asked, every: int, how: Aggregate) -> Buckets:
    if (asked.end - asked.start) // every > BUCKETS_MAX:
        raise BadParameter(
            "query.every",
            f"makes more than {BUCKETS_MAX} buckets; ask for a shorter range or a longer step",
            f"会产生超过 {BUCKETS_MAX} 个时间段,请缩短范围或加大步长",
        )
    if asked.point.type == "text" and how != "count":
        raise BadParameter("query.agg", "a text can only be counted (agg=count)", "文本只能计数(agg=count)")
    found: list[Bucket] = await asyncio.to_thread(
        services.store.aggregate,
        asked.device,
        asked.point.name,
        asked.start,
        asked.end,
        every,
        how,
        asked.origin,
    )
    unit = "1" if how == "count" else asked.point.unit
    return Buckets(
        device=asked.device,
        point=asked.point.name,
        unit=unit,
        unit_text=unit_text(unit),
        items=[BucketItem(at=iso(one.at), value=one.value, samples=one.samples) for one in found],
    )


async def _samples(services: ConsoleServices, asked: _Asked, limit: int, after: str | None) -> Samples:
    start = asked.start if after is None else _after(after, asked)
    found: list[Sample] = await asyncio.to_thread(
        services.store.samples, asked.device, asked.point.name, start, asked.end, asked.origin, limit + 1
    )
    page = found[:limit]
    return Samples(
        device=asked.device,
        point=asked.point.name,
        unit=asked.point.unit,
        unit_text=unit_text(asked.point.unit),
        items=[SampleItem(at=iso(one.at), value=finite(one.value), quality=quality_text(one.quality)) for one in page],
        next=str(page[-1].at) if len(found) > limit else None,
    )


def _after(cursor: str, asked: _Asked) -> int:
    # A cursor is the time of the last item of its page, in ns: two samples of a point never share a time.
    if not cursor.isascii() or not cursor.isdecimal() or not asked.start <= int(cursor) < asked.end:
        raise BadParameter("query.after", "is not a `next` of this query", "不是本次查询的 next 值")
    return int(cursor) + 1


def _point(device: DeviceView, name: str) -> Point:
    point = device.profile.by_name.get(name)
    if point is None:
        known = ", ".join(one.name for one in device.profile.points)
        raise BadParameter(
            "query.point", f"this device has no point {name!r}; it has {known}", f"该设备没有测点 {name!r},可选:{known}"
        )
    return point
