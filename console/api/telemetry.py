"""What was measured: raw samples by page, or aggregates over equal steps of time or calendar days."""

import asyncio
import math
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query

from console.access import Anyone, Services
from console.api.shapes import PROBLEM, BucketGroup, BucketGroups, BucketItem, Buckets, SampleItem, Samples
from console.api.site import ORIGINS, OriginName, find_device
from console.errors import BadParameter
from console.present import finite, iso, parse_step, parse_time, quality_text, unit_text
from console.problem import Problem
from console.services import ConsoleServices, DeviceView
from protocols.profile.model import Point
from protocols.reading import Origin
from telemetry.buckets import DAY, DAYS_MAX
from telemetry.errors import QueryRefused, StoreUnavailable
from telemetry.store import Aggregate, Bucket, Days, Every, Fill, Group, Question, Sample

BUCKETS_MAX = 10_000
"""Of one device or group; over all groups it is the store's `telemetry.buckets.BUCKETS_MAX`."""

router = APIRouter(tags=["telemetry"])


class _Asked(NamedTuple):
    """A checked question: ``start`` <= at < ``end``, UTC ns. ``device``: ``None`` for every one that has the point."""

    device: str | None
    profile: str | None
    point: Point
    start: int
    end: int
    origin: Origin


class _Steps(NamedTuple):
    """How buckets are made, as asked."""

    every: str | None
    agg: Aggregate
    fill: Fill
    group: Group | None


def _steps(
    every: Annotated[
        str | None,
        Query(
            max_length=16,
            description="Length of a bucket: `10s`, `1m`, `1h`, or `1d`: calendar days of the site's time zone, 23 or "
            "25 hours long where its clocks are moved (`24h` is always 24 hours, in UTC). Without: raw values.",
        ),
    ] = None,
    agg: Annotated[Aggregate, Query(description="How a bucket is made; only with `every`.")] = "mean",
    fill: Annotated[
        Fill,
        Query(
            description="What stands in a bucket in which nothing was measured: null, no bucket (`none`), 0, the value "
            "before, or the line between its neighbours. `samples` is 0 there all the same."
        ),
    ] = "null",
    group: Annotated[
        Group | None, Query(description="One answer for each of these; of the site's devices as they are now.")
    ] = None,
) -> _Steps:
    return _Steps(every, agg, fill, group)


@router.get(
    "/telemetry",
    summary="Measured values",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def telemetry(
    _who: Anyone,
    services: Services,
    steps: Annotated[_Steps, Depends(_steps)],
    point: Annotated[str, Query(max_length=32, examples=["methane"])],
    device: Annotated[
        str | None,
        Query(max_length=64, examples=["demo:gas:0001"], description="Needed, unless `group` is given."),
    ] = None,
    profile: Annotated[
        str | None, Query(max_length=130, description="With `group`: devices of this profile alone.")
    ] = None,
    from_: Annotated[
        str, Query(alias="from", max_length=40, description="RFC 3339 with a time zone, or relative: `-1h`.")
    ] = "-1h",
    to: Annotated[str, Query(max_length=40, description="As `from`, or `now`. Not included.")] = "now",
    origin: Annotated[OriginName, Query(description="With `group=origin` it is all of them.")] = "live",
    limit: Annotated[int, Query(ge=1, le=10_000, description="Raw values in a page.")] = 1000,
    after: Annotated[str | None, Query(max_length=20, description="`next` of the page before.")] = None,
) -> Samples | Buckets | BucketGroups:
    """With `every`: one item per step, empty steps included unless `fill=none`; with `group` such a list for each
    group. Without: the values themselves, oldest first."""
    now = services.clock()
    points = _points(services, device, profile, point)
    start, end = parse_time("query.from", from_, now), parse_time("query.to", to, now)
    if start >= end:
        raise BadParameter("query.from", "must be before `to`", "必须早于 to")
    asked = _Asked(device, profile, points[0], start, end, ORIGINS[origin])
    _check(steps, asked, points)
    try:
        if steps.every is None:
            return await _samples(services, asked, limit, after)
        question = _question(services, asked, steps, steps.every)
        found = await asyncio.to_thread(services.store.grouped, question)
    except QueryRefused:
        raise BadParameter(
            "query.group",
            "makes more buckets over all groups than one answer holds; ask for a longer step, a shorter range or "
            "a profile",
            "所有分组合计的时间段过多,请加大步长、缩短范围或指定 profile",
        ) from None
    except StoreUnavailable:
        raise Problem(
            "store-unavailable",
            "The telemetry store does not answer; live values are at /devices/{id}/latest.",
            "历史数据存储暂时无应答;实时值见 /devices/{id}/latest。",
            {"Retry-After": "10"},
        ) from None
    return _answer(asked, steps, found)


def _check(steps: _Steps, asked: _Asked, points: list[Point]) -> None:
    for name, is_given in (("group", steps.group is not None), ("fill", steps.fill != "null")):
        if is_given and steps.every is None:
            raise BadParameter(f"query.{name}", "only with `every`", "只能与 every 一起使用")
    if asked.profile is not None and steps.group is None:
        raise BadParameter("query.profile", "only with `group`", "只能与 group 一起使用")
    if asked.device is None and steps.group is None:
        raise BadParameter("query.device", "name a device, or a `group`", "请指定设备(device)或分组(group)")
    if steps.every is None:
        return
    if any(one.type == "text" for one in points):
        raise BadParameter(
            "query.every",
            "a text has no buckets; ask for its values (without every)",
            "文本无法汇总,请不带 every 查询原值",
        )
    units = sorted({one.unit for one in points})
    if len(units) > 1 and steps.agg != "count":
        raise BadParameter(
            "query.point",
            f"this point has several units ({', '.join(units)}); name a profile",
            f"该测点有多个单位({', '.join(units)}),请指定 profile",
        )


def _question(services: ConsoleServices, asked: _Asked, steps: _Steps, text: str) -> Question:
    length = parse_step("query.every", text)
    every: Every = Days(length // DAY, services.site.time_zone) if text.endswith("d") else length
    if isinstance(every, Days) and every.days > DAYS_MAX:
        raise BadParameter("query.every", f"at most {DAYS_MAX}d", f"最多 {DAYS_MAX}d")
    if (asked.end - asked.start) // length > BUCKETS_MAX:
        raise BadParameter(
            "query.every",
            f"makes more than {BUCKETS_MAX} buckets; ask for a shorter range or a longer step",
            f"会产生超过 {BUCKETS_MAX} 个时间段,请缩短范围或加大步长",
        )
    return Question(
        asked.point.name,
        asked.start,
        asked.end,
        every,
        steps.agg,
        asked.device,
        asked.profile,
        None if steps.group == "origin" else asked.origin,
        steps.group,
        steps.fill,
    )


def _answer(asked: _Asked, steps: _Steps, found: Mapping[str, list[Bucket]]) -> Buckets | BucketGroups:
    unit = "1" if steps.agg == "count" else asked.point.unit
    if steps.group is None:
        return Buckets(
            device=asked.device or "",
            point=asked.point.name,
            unit=unit,
            unit_text=unit_text(unit),
            items=_items(found[""]),
        )
    return BucketGroups(
        group=steps.group,
        point=asked.point.name,
        unit=unit,
        unit_text=unit_text(unit),
        items=[BucketGroup(name=name, items=_items(some)) for name, some in found.items()],
    )


def _items(found: list[Bucket]) -> list[BucketItem]:
    return [BucketItem(at=iso(one.at), value=_shown(one.value), samples=one.samples) for one in found]


def _shown(value: float | None) -> float | None:
    """A sum may have left the numbers that JSON can carry."""
    return value if value is not None and math.isfinite(value) else None


async def _samples(services: ConsoleServices, asked: _Asked, limit: int, after: str | None) -> Samples:
    start = asked.start if after is None else _after(after, asked)
    device = asked.device or ""
    found: list[Sample] = await asyncio.to_thread(
        services.store.samples, device, asked.point.name, start, asked.end, asked.origin, limit + 1
    )
    page = found[:limit]
    return Samples(
        device=device,
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


def _points(services: ConsoleServices, device: str | None, profile: str | None, name: str) -> list[Point]:
    """The point as each profile asked for has it, at least one."""
    if device is not None:
        return [_point(find_device(services, device), name)]
    profiles = {one.profile.id: one.profile for one in services.site.devices.values()}
    if profile is not None and profile not in profiles:
        known = ", ".join(sorted(profiles))
        raise BadParameter(
            "query.profile",
            f"no device has profile {profile!r}; there is {known}",
            f"没有 {profile!r} 类设备,可选:{known}",
        )
    asked = [one for id_, one in profiles.items() if profile in (None, id_)]
    found = [one.by_name[name] for one in asked if name in one.by_name]
    if not found:
        known = ", ".join(sorted({point.name for one in asked for point in one.points}))
        raise BadParameter(
            "query.point", f"no device has a point {name!r}; there is {known}", f"没有设备有测点 {name!r},可选:{known}"
        )
    return found


def _point(device: DeviceView, name: str) -> Point:
    point = device.profile.by_name.get(name)
    if point is None:
        known = ", ".join(one.name for one in device.profile.points)
        raise BadParameter(
            "query.point", f"this device has no point {name!r}; it has {known}", f"该设备没有测点 {name!r},可选:{known}"
        )
    return point
