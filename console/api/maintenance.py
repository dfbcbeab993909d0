"""Maintenance: diagnostic alarms of a device or an area are silent for a time; life safety stays armed."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_modes import MaintenanceItem, MaintenanceList, MaintenanceWish, ModeEnd
from console.problem import Problem
from console.services import ConsoleServices
from protocols.maintenance import maintenance_id

router = APIRouter(tags=["maintenance"])

MaintenanceId = Annotated[str, Path(alias="id", max_length=160, examples=["street/hotpot~area"])]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    for_s: float
    why: str


@router.get("/maintenance", summary="List maintenance", responses={401: PROBLEM, 503: PROBLEM})
async def maintenance(_who: Anyone, services: Services) -> MaintenanceList:
    """The last of each device and area, those that go on first."""
    found = connected(services.modes).maintenance()
    return MaintenanceList(items=[MaintenanceItem.model_validate(one) for one in found])


@router.post("/maintenance", summary="Begin maintenance", response_model=MaintenanceItem, responses=ASKED)
async def begin(wish: MaintenanceWish, who: Officer, services: Services) -> MaintenanceItem | Response:
    """Suppresses the diagnostic alarms by design until the end, and nothing else. It ends by itself."""
    connected(services.modes)
    name = maintenance_id(wish.target, wish.scope)
    asked = _Asked(for_s=wish.for_s, why=wish.why)
    done = await ask(services, Request("maintenance", name, who.username, asked), _unknown(name))
    return _item(services, name) if done else pending()


@router.post("/maintenance/{id:path}/end", summary="End maintenance", response_model=MaintenanceItem, responses=ASKED)
async def end(
    id_: MaintenanceId, who: Officer, services: Services, body: ModeEnd | None = None
) -> MaintenanceItem | Response:
    """Before its time. What stands alarms again."""
    _item(services, id_)
    done = await ask(services, Request("end-maintenance", id_, who.username, body or ModeEnd()), _unknown(id_))
    return _item(services, id_) if done else pending()


def _item(services: ConsoleServices, name: str) -> MaintenanceItem:
    found = connected(services.modes).one_maintenance(name)
    if found is None:
        raise _unknown(name)
    return MaintenanceItem.model_validate(found)


def _unknown(name: str) -> Problem:
    return Problem("unknown-maintenance", f"There is no maintenance {name!r}.", f"没有维护记录 {name}。")
