"""Alarms: what stands, what happened, and what people do about it.

The console decides nothing: an action goes to the gateway, and the answer shows what became of the alarm. The one route
for several alarms at once is in `console.api.alarm_duties`, and takes none of life safety (S8).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from alarms.actions import LONGEST_SHELF_S
from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.pieces import joined
from console.api.shapes import PROBLEM
from console.api.shapes_duty import (
    AlarmAct,
    AlarmItem,
    Alarms,
    AlarmStateWord,
    BlindDeviceItem,
    BlindDevices,
    PriorityWord,
    TransitionItem,
    Transitions,
    Verb,
)
from console.api.site import ORIGINS, OriginName
from console.errors import BadParameter
from console.present import parse_time
from console.problem import Problem, invalid
from console.services import Alarms as AlarmDesk
from console.services import ConsoleServices, HistoryQuery

AlarmId = Annotated[str, Path(alias="id", max_length=160, examples=["demo:gas:0001~CK-04"])]
DeviceFilter = Annotated[str, Query(max_length=64)]
JSON = "application/json"
_UNNEEDED = {"for_s": ("shelve", "out-of-service"), "measure": ("out-of-service",), "on_site": ("reset",)}

router = APIRouter(tags=["alarms"])


@router.get(
    "/alarms", summary="List alarms", response_model=Alarms, responses={401: PROBLEM, 422: PROBLEM, 503: PROBLEM}
)
async def alarms(
    _who: Anyone,
    services: Services,
    state: Annotated[
        AlarmStateWord | Literal["active"] | None, Query(description="`active`: all that are not normal.")
    ] = None,
    priority: PriorityWord | None = None,
    device: DeviceFilter = "",
    origin: OriginName | None = None,
) -> Response:
    """Critical ones first, then the newest. An alarm that was never raised is not listed. Of thousands, each is shown
    as it is when its turn comes."""
    desk = connected(services.alarms)
    found = desk.ids(
        state=state or "", priority=priority or "", device=device, origin=ORIGINS[origin] if origin else None
    )
    return StreamingResponse(_json(desk, found), media_type=JSON)


async def _json(desk: AlarmDesk, alarms: Iterable[str]) -> AsyncIterator[bytes]:
    """A list of alarms; without those that are gone by now."""
    known = (item for alarm in alarms if (item := desk.find(alarm)) is not None)
    yield b'{"items":['
    for piece in joined(AlarmItem.model_validate(item).model_dump_json(by_alias=True).encode() for item in known):
        yield piece
        await asyncio.sleep(0)
    yield b'],"next":null}'


@router.get("/alarms/history", summary="What happened", responses={401: PROBLEM, 422: PROBLEM, 503: PROBLEM})
async def history(
    _who: Anyone,
    services: Services,
    device: DeviceFilter = "",
    from_: Annotated[
        str | None,
        Query(alias="from", max_length=40, description="RFC 3339 with a time zone, or relative: `-1h`."),
    ] = None,
    to: Annotated[str | None, Query(max_length=40, description="As `from`, or `now`. Not included.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=40, description="`next` of the page before.")] = None,
) -> Transitions:
    """The newest first. The last 1000 changes of the site are at hand; older ones stand in the journal alone."""
    now = services.clock()
    start = None if from_ is None else parse_time("query.from", from_, now)
    end = None if to is None else parse_time("query.to", to, now)
    if start is not None and end is not None and start >= end:
        raise BadParameter("query.from", "must be before `to`", "必须早于 to")
    page = connected(services.history).page(HistoryQuery(device, start, end, limit, after))
    if page is None:
        raise BadParameter("query.after", "is not a `next` that is still kept", "不是仍保留的 next 值")
    return Transitions(items=[TransitionItem.model_validate(one) for one in page.items], next=page.next)


@router.get("/alarms/{id}", summary="One alarm", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM})
async def alarm(id_: AlarmId, _who: Anyone, services: Services) -> AlarmItem:
    """An alarm with its cause, its consequence and what to do."""
    return _item(services, id_)


@router.get(
    "/alarms/{id}/blind", summary="What is blind", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM}
)
async def blind(id_: AlarmId, _who: Anyone, services: Services) -> BlindDevices:
    """Of the alarm of a connection that is down: its devices with life-safety points. Empty for any other alarm."""
    found = connected(services.alarms).blind(id_)
    if found is None:
        raise _unknown(id_)
    return BlindDevices(items=[BlindDeviceItem.model_validate(one) for one in found])


@router.post("/alarms/{id}/{action}", summary="Act on an alarm", response_model=AlarmItem, responses=ASKED)
async def act(
    id_: AlarmId, action: Verb, who: Officer, services: Services, body: AlarmAct | None = None
) -> AlarmItem | Response:
    """Answers with the alarm after the change, 202 when the gateway does not answer within 2 s, 409 when it refuses."""
    asked = body or AlarmAct()
    _check(action, asked)
    device = id_.partition("~")[0]
    if device not in services.site.devices and connected(services.alarms).find(id_) is None:
        raise _unknown(id_)
    done = await ask(services, Request(action, id_, who.username, asked), _unknown(id_))
    return _item(services, id_) if done else pending()


def _check(action: Verb, asked: AlarmAct) -> None:
    """What the action needs and what means nothing to it: a person must not believe in an end that there is not."""
    errors = [
        (f"body.{name}", f"means nothing to {action}; leave it out")
        for name, actions in _UNNEEDED.items()
        if getattr(asked, name) and action not in actions
    ]
    if action in ("shelve", "out-of-service"):
        if not asked.why.strip():
            errors.append(("body.why", f"{action} needs a reason"))
        if asked.for_s is None:
            errors.append(("body.for_s", f"{action} needs an end, in seconds from now"))
    if action == "shelve" and asked.for_s is not None and asked.for_s > LONGEST_SHELF_S:
        errors.append(("body.for_s", f"shelving lasts at most {LONGEST_SHELF_S:g} s"))
    if errors:
        raise invalid(errors, f"请求中有误:{'、'.join(where for where, _ in errors)}")


def _item(services: ConsoleServices, alarm: str) -> AlarmItem:
    found = connected(services.alarms).find(alarm)
    if found is None:
        raise _unknown(alarm)
    return AlarmItem.model_validate(found)


def _unknown(alarm: str) -> Problem:
    return Problem("unknown-alarm", f"There is no alarm {alarm!r}.", f"没有报警 {alarm}。")
