"""Interlocks: what tripped, why, what was done, and the reset of a latch."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_duty import InterlockItem, InterlockReset, Interlocks
from console.problem import Problem

router = APIRouter(tags=["interlocks"])


@router.get("/interlocks", summary="List interlocks", responses={401: PROBLEM, 503: PROBLEM})
async def interlocks(_who: Anyone, services: Services) -> Interlocks:
    """Tripped ones first. `unknown`: the gateway has not yet read back its valves."""
    found = connected(services.interlocks).items()
    return Interlocks(items=[InterlockItem.model_validate(one) for one in found])


@router.post("/interlocks/{id:path}/reset", summary="Reset a latch", response_model=InterlockItem, responses=ASKED)
async def reset(
    id_: Annotated[str, Path(alias="id", max_length=160, examples=["street/hotpot~restaurant-kitchen"])],
    body: InterlockReset,
    who: Officer,
    services: Services,
) -> InterlockItem | Response:
    """Moves nothing: a closed valve stays closed until a person opens it at the board. 409 says what is missing."""
    board = connected(services.interlocks)
    if board.find(id_) is None:
        raise _unknown(id_)
    done = await ask(services, Request("reset-interlock", id_, who.username, body), _unknown(id_))
    return InterlockItem.model_validate(board.find(id_)) if done else pending()


def _unknown(interlock: str) -> Problem:
    return Problem("unknown-interlock", f"There is no interlock {interlock!r}.", f"没有联锁 {interlock}。")
