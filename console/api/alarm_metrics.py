"""Alarm metrics (ISA-18.2, EEMUA 191): how the alarm system itself does, beside what the standards want of it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from alarms.metrics.figures import Figures, Target
from alarms.metrics.measures import UNITS, Metrics, Often, Stood, share
from console.access import Anyone, Services
from console.alarm_metrics import AlarmMetrics, Measured, MetricsQuery
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_metrics import AlarmMetricsShape
from console.api.site import ORIGINS, OriginName
from console.duty.alarm_board import PRIORITIES
from console.duty.places import device_title, plain
from console.errors import BadParameter, MetricsBusy
from console.present import iso, parse_time
from console.problem import Problem
from console.services import ConsoleServices
from journal.errors import JournalError
from protocols.document import Source

LISTED = 100

router = APIRouter(tags=["alarms"])


@router.get(
    "/alarms/metrics",
    summary="How the alarm system does",
    responses={401: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def metrics(
    _who: Anyone,
    services: Services,
    from_: Annotated[
        str, Query(alias="from", max_length=40, description="RFC 3339 with a time zone, or relative: `-7d`.")
    ] = "-1d",
    to: Annotated[str, Query(max_length=40, description="As `from`, or `now`. Not included.")] = "now",
    origin: OriginName = "live",
) -> AlarmMetricsShape:
    """Of the journal. The windows of 10 minutes and of an hour are counted from `from` on. What stands, and what is
    stale, is as it was at `to`."""
    now = services.clock()
    start, end = parse_time("query.from", from_, now), min(parse_time("query.to", to, now), now)
    if start >= end:
        raise BadParameter("query.from", "must be before `to`, and before now", "必须早于 to,且早于现在")
    desk = connected(services.alarm_metrics)
    measured = await _measured(desk, MetricsQuery(start, end, ORIGINS[origin]))
    if measured is None:
        raise BadParameter("query.to", "is before all that the journal still has", "早于日志现存的全部内容")
    span = measured.everything.span
    return AlarmMetricsShape.model_validate(
        {
            "from": iso(start),
            "to": iso(end),
            "measured_from": iso(span.start),
            "complete": span.start <= start and not measured.unread,
            "unread": measured.unread,
            "origin": origin,
            **_sets(services, measured, desk.figures),
            "definitions": _definitions(desk.figures),
        }
    )


async def _measured(desk: AlarmMetrics, query: MetricsQuery) -> Measured | None:
    try:
        return await desk.measure(query)
    except MetricsBusy as error:
        raise Problem("busy", f"{error}.", "正在统计,排队的人过多,请稍后再试。", {"Retry-After": "10"}) from None
    except JournalError as error:
        raise Problem(
            "metrics-unavailable",
            f"The journal cannot be read: {error}.",
            "日志无法读取,暂无统计。",
            {"Retry-After": "10"},
        ) from None


def _sets(services: ConsoleServices, measured: Measured, figures: Figures) -> dict[str, Any]:
    return {
        "everything": _set(services, measured.everything, figures),
        "without_diagnostics": _set(services, measured.operational, figures),
    }


def _set(services: ConsoleServices, one: Metrics, figures: Figures) -> dict[str, Any]:
    total = sum(one.announced.values())
    return {
        "numbers": [_number(name, value, figures.target_of(name)) for name, value in one.numbers().items()],
        "priorities": [
            {
                "priority": priority,
                "announced": one.announced.get(priority, 0),
                "share": share(one.announced.get(priority, 0), total),
                "standing": one.standing.get(priority, 0),
            }
            for priority in PRIORITIES
        ],
        "top": _often(services, one.top, total),
        "chattering": _often(services, one.chattering[:LISTED], total),
        "stale": [
            {**_named(services, stood), "priority": stood.priority, "raised_at": iso(stood.raised_at)}
            for stood in one.stale[:LISTED]
        ],
    }


def _number(name: str, value: float | None, target: Target | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": UNITS.get(name, "1"),
        "met": None if target is None else target.is_met(value),
        "target": None
        if target is None
        else {
            "compare": target.compare,
            "limit": target.limit,
            "source": _sources(target.source),
            "verified": all(source.verified for source in target.source),
        },
    }


def _often(services: ConsoleServices, alarms: Sequence[Often], total: int) -> list[dict[str, Any]]:
    return [{**_named(services, one), "count": one.times, "share": share(one.times, total)} for one in alarms]


def _named(services: ConsoleServices, one: Often | Stood) -> dict[str, Any]:
    known = services.alarms.find(one.alarm) if services.alarms is not None else None
    return {
        "alarm": one.alarm,
        "rule": one.rule,
        "title": plain(one.rule) if known is None else known["title"],
        "device": one.device,
        "device_title": device_title(services.site, one.device),
    }


def _definitions(figures: Figures) -> dict[str, Any]:
    parts = (figures.flood, figures.chattering, figures.fleeting, figures.stale)
    return {
        "flood_begins_above": figures.flood.begins_above,
        "flood_ends_below": figures.flood.ends_below,
        "chattering_times": figures.chattering.times,
        "chattering_within_s": figures.chattering.within_s,
        "fleeting_within_s": figures.fleeting.within_s,
        "stale_after_s": figures.stale.after_s,
        "source": [one for part in parts for one in _sources(part.source)],
    }


def _sources(sources: Sequence[Source]) -> list[dict[str, Any]]:
    return [source.model_dump() for source in sources]
