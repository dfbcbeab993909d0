"""Bypasses: a cause of an interlock does not trip at named detectors for a time; two people, one per area."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_modes import ModeEnd
from console.api.shapes_proofs import BypassConfirm, Bypasses, BypassItem, BypassWish
from console.problem import Problem
from console.services import ConsoleServices
from protocols.bypass import bypass_target

router = APIRouter(tags=["bypasses"])

BypassId = Annotated[str, Path(alias="id", max_length=160, examples=["street/hotpot"])]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    for_s: float
    why: str = ""
    measure: str = ""


@router.get("/bypasses", summary="List bypasses", responses={401: PROBLEM, 503: PROBLEM})
async def bypasses(_who: Anyone, services: Services) -> Bypasses:
    """The last of each area, those that are active or wait first. What is bypassed is on the blind list too."""
    return Bypasses(items=[BypassItem.model_validate(one) for one in connected(services.bypasses).items()])


@router.post("/bypasses", summary="Ask for a bypass", response_model=BypassItem, responses=ASKED)
async def begin(wish: BypassWish, who: Officer, services: Services) -> BypassItem | Response:
    """Nothing is bypassed before **another** person confirms it, within 15 minutes. Alarms go on, and over-range trips
    all the same. 409 says why not: while the area is in alarm, latched or tripped there is no bypass."""
    connected(services.bypasses)
    area = wish.interlock.partition("~")[0]
    target = bypass_target(wish.interlock, wish.cause, wish.devices)
    asked = _Asked(for_s=wish.for_s, why=wish.why, measure=wish.measure)
    unknown = Problem(
        "unknown-interlock", f"There is no interlock {wish.interlock!r}.", f"没有联锁 {wish.interlock}。"
    )  # fmt: skip
    done = await ask(services, Request("bypass", target, who.username, asked), unknown)
    return _item(services, area) if done else pending()


@router.post(
    "/bypasses/{id:path}/confirm", summary="Confirm a bypass", response_model=BypassItem, responses=ASKED
)  # fmt: skip
async def confirm(id_: BypassId, body: BypassConfirm, who: Officer, services: Services) -> BypassItem | Response:
    """By another person than the one who asked. It begins now, and ends by itself."""
    found = _item(services, id_)
    target = bypass_target(found.interlock, body.cause, [one.id for one in found.devices])
    asked = Request("confirm-bypass", target, who.username, _Asked(for_s=body.for_s))
    return _item(services, id_) if await ask(services, asked, _unknown(id_)) else pending()


@router.post("/bypasses/{id:path}/end", summary="End a bypass", response_model=BypassItem, responses=ASKED)
async def end(id_: BypassId, who: Officer, services: Services, body: ModeEnd | None = None) -> BypassItem | Response:
    """Before its time, or take the request back; one person may. What stands trips at once."""
    _item(services, id_)
    done = await ask(services, Request("end-bypass", id_, who.username, body or ModeEnd()), _unknown(id_))
    return _item(services, id_) if done else pending()


def _item(services: ConsoleServices, name: str) -> BypassItem:
    found = connected(services.bypasses).find(name)
    if found is None:
        raise _unknown(name)
    return BypassItem.model_validate(found)


def _unknown(name: str) -> Problem:
    return Problem("unknown-bypass", f"There is no bypass of {name!r}.", f"区域 {name} 没有旁路。")
