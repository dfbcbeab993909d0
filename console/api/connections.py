"""Connections: how each of them is, how its devices are, its wire log; and the site's document taken anew."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from console.access import Admin, Anyone, Officer, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_connections import (
    ConnectionDetail,
    ConnectionItem,
    Connections,
    ReloadWish,
    SiteChanges,
    Wire,
)
from console.errors import ReloadRefused
from console.problem import Problem

router = APIRouter(tags=["connections"])

Id = Annotated[str, Path(alias="id", max_length=64, examples=["east-line"])]


@router.get("/connections", summary="List connections", responses={401: PROBLEM, 503: PROBLEM})
async def connections(_who: Anyone, services: Services) -> Connections:
    """Those that are down first."""
    found = connected(services.connections).items()
    return Connections(items=[ConnectionItem.model_validate(one) for one in found])


@router.get(
    "/connections/{id:path}/wire",
    summary="The last bytes of a connection",
    responses={401: PROBLEM, 403: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def wire(
    id_: Id,
    _who: Officer,
    services: Services,
    after: Annotated[int, Query(ge=0, description="`n` of the last piece that is known.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Wire:
    """The oldest that are kept beyond `after`. While somebody asks, more are kept. Passwords and keys are not in it."""
    found = connected(services.connections).wire(id_, after, limit)
    if found is None:
        raise _unknown(id_)
    return Wire.model_validate(found)


@router.get(
    "/connections/{id:path}",
    summary="One connection with its devices",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def connection(id_: Id, _who: Anyone, services: Services) -> ConnectionDetail:
    """Its state, and that of each of its devices."""
    found = connected(services.connections).find(id_)
    if found is None:
        raise _unknown(id_)
    return ConnectionDetail.model_validate(found)


@router.post(
    "/site/reload",
    summary="Take the site's document anew",
    responses={401: PROBLEM, 403: PROBLEM, 409: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def reload(wish: ReloadWish, who: Admin, services: Services) -> SiteChanges:
    """Reads the document and the profiles again. Refused as a whole, with every wrong key in `problems`, while the
    old one goes on. What stays the same keeps its connection; alarms and latches keep their state."""
    try:
        done = await connected(services.reload)(who.username, dry_run=wish.dry_run, accept_losses=wish.accept_losses)
    except ReloadRefused as error:
        raise Problem(
            "site-refused",
            "The site's document is not taken; what ran goes on.",
            "站点文件未被采用,原配置继续运行。",
            problems=list(error.problems),
        ) from None
    return SiteChanges.model_validate(done)


def _unknown(id_: str) -> Problem:
    return Problem("unknown-connection", f"There is no connection {id_!r}.", f"没有连接 {id_}。")
