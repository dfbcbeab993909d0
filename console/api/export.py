"""Stored values in bulk, as one CSV that is sent while it is read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from console import extract_csv
from console.access import Anyone, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.site import ORIGINS
from console.errors import BadParameter
from console.extract_csv import UnitOf
from console.present import parse_time
from console.problem import Problem
from console.services import ConsoleServices
from protocols.reading import Origin
from telemetry.errors import ExtractBusy, StoreUnavailable
from telemetry.extract import Extract, ExtractRow, Extracts, Slices

router = APIRouter(tags=["telemetry"])


class CsvStream(StreamingResponse):
    """Sends what is left of an extract. Whoever hangs up ends the reading too."""

    def __init__(self, slices: Slices, first: list[ExtractRow], unit_of: UnitOf) -> None:
        name = f"gengfu-{extract_csv.stamp(first[0].at)[:10] if first else 'empty'}.csv"
        super().__init__(
            self._body(slices, first, unit_of),
            media_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
        self._slices = slices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slices.close()

    async def _body(self, slices: Slices, rows: list[ExtractRow], unit_of: UnitOf) -> AsyncIterator[bytes]:
        """A store that fails on the way breaks the answer off: what has no end is seen to be no whole file."""
        yield extract_csv.head()
        while rows:
            yield await asyncio.to_thread(extract_csv.body, rows, unit_of)
            rows = await asyncio.to_thread(slices.next)


@router.get(
    "/export",
    summary="Measured values in bulk",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": f"Columns: {', '.join(extract_csv.COLUMNS)}. A row for each value, in order of time. "
            "One apostrophe in front of a text is to be taken off.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
        401: PROBLEM,
        404: PROBLEM,
        422: PROBLEM,
        503: PROBLEM,
    },
)
async def export(
    _who: Anyone,
    services: Services,
    from_: Annotated[
        str, Query(alias="from", max_length=40, description="RFC 3339 with a time zone, or relative: `-1h`.")
    ] = "-1h",
    to: Annotated[str, Query(max_length=40, description="As `from`, or `now`. Not included.")] = "now",
    device: Annotated[list[str] | None, Query(max_length=1000, description="These only; may be repeated.")] = None,
    point: Annotated[list[str] | None, Query(max_length=1000, description="These only; may be repeated.")] = None,
    origin: Literal["live", "drill", "simulated", "all"] = "live",
) -> CsvStream:
    """Two at a time. An answer that breaks off is not whole: ask again. What is stored late, into a time that has been
    sent, is not in it."""
    now = services.clock()
    start, end = parse_time("query.from", from_, now), parse_time("query.to", to, now)
    if start >= end:
        raise BadParameter("query.from", "must be before `to`", "必须早于 to")
    origins = tuple(Origin) if origin == "all" else (ORIGINS[origin],)
    asked = Extract(start, end, tuple(device or ()), tuple(point or ()), origins)
    extracts = connected(services.extracts)
    try:
        await _check_names(services, extracts, asked)
        slices = extracts.begin(asked)
        first = await _first(slices)
    except ExtractBusy as error:
        raise Problem("busy", str(error), "正在进行的导出过多,请稍后再试。", {"Retry-After": "10"}) from None
    except StoreUnavailable:
        raise Problem(
            "store-unavailable",
            "The telemetry store does not answer.",
            "历史数据存储暂时无应答。",
            {"Retry-After": "10"},
        ) from None
    profiles = {one.profile.id: one.profile for one in services.site.devices.values()}
    return CsvStream(slices, first, extract_csv.units_of({**services.profiles, **profiles}))


async def _first(slices: Slices) -> list[ExtractRow]:
    """Read before the answer begins, so that a store that does not answer is told with a status."""
    try:
        return await asyncio.to_thread(slices.next)
    except BaseException:
        slices.close()
        raise


async def _check_names(services: ConsoleServices, extracts: Extracts, asked: Extract) -> None:
    """A slip in a name must not look like «nothing was measured». Raises 404, `BadParameter`."""
    if not (asked.devices or asked.points):
        return
    known = services.site.devices
    has_no_values = set(await asyncio.to_thread(extracts.unknown, asked))
    for id_ in asked.devices:
        if id_ in has_no_values and id_ not in known:
            raise Problem("unknown-device", f"No device {id_!r} is registered.", f"设备 {id_} 未登记。", device=id_)
    points = {name for one in known.values() for name in one.profile.by_name}
    for name in asked.points:
        if name in has_no_values and name not in points:
            raise BadParameter("query.point", f"no device has a point {name!r}", f"没有设备有测点 {name!r}")
