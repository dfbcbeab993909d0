"""Proof tests: a valve is closed on purpose, to see that it closes; which are due, and what the last one proved."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_proofs import ProofTestItem, ProofTests, ProofTestWish
from console.api.site import find_device
from console.problem import Problem

router = APIRouter(tags=["proof tests"])

ProofTestId = Annotated[str, Path(alias="id", max_length=160, examples=["demo:gas:0001~valve"])]
Days = Annotated[float | None, Query(ge=0, le=3660, description="Only what is due within so many days, or overdue.")]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    why: str
    measure: str
    on_site: bool


@router.get("/proof-tests", summary="List proof tests", responses={401: PROBLEM, 422: PROBLEM, 503: PROBLEM})
async def proof_tests(_who: Anyone, services: Services, due_within_days: Days = None) -> ProofTests:
    """Every valve that has to be proved, those that are due first, with its last test."""
    found = connected(services.proof_tests).items(due_within_days)
    return ProofTests(items=[ProofTestItem.model_validate(one) for one in found])


@router.get(
    "/proof-tests/{id}", summary="One proof test", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM}
)
async def proof_test(id_: ProofTestId, _who: Anyone, services: Services) -> ProofTestItem:
    """When a valve is due, and its last test."""
    item = connected(services.proof_tests).find(id_)
    if item is None:
        raise Problem("unknown-proof-test", f"No valve {id_!r} has to be proved.", f"没有需要试验的阀门 {id_}。")
    return ProofTestItem.model_validate(item)


@router.post("/proof-tests", summary="Begin a proof test", response_model=ProofTestItem, responses=ASKED)
async def begin(wish: ProofTestWish, who: Officer, services: Services) -> ProofTestItem | Response:
    """**Closes the valve.** It is opened again by hand, on site. 409 says why not: while the area is in alarm, latched
    or tripped, while the valve is not known to be open, and where a station is only observed. The answer comes before
    the valve has moved: ask for it again until `last.ended_at` is there."""
    board = connected(services.proof_tests)
    device = find_device(services, wish.device)
    asked = _Asked(why=wish.why, measure=wish.on_site, on_site=wish.appliances_off)
    unknown = Problem("unknown-device", f"The gateway has no device {wish.device!r}.", f"网关没有设备 {wish.device}。")
    if not await ask(services, Request("proof-test", device.id, who.username, asked), unknown):
        return pending()
    return ProofTestItem.model_validate(next(one for one in board.items() if one["device"] == device.id))
