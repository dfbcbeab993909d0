"""Bump tests: a detector under test gas, for a time, with what it saw as its evidence."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_modes import BumpTestItem, BumpTests, BumpTestWish, ModeEnd
from console.api.site import find_device
from console.problem import Problem
from console.services import ConsoleServices
from protocols.bump_test import bump_test_id

router = APIRouter(tags=["bump tests"])

TestId = Annotated[str, Path(alias="id", max_length=160, examples=["demo:gas:0001~methane"])]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    for_s: float
    why: str


@router.get("/bump-tests", summary="List bump tests", responses={401: PROBLEM, 503: PROBLEM})
async def bump_tests(_who: Anyone, services: Services) -> BumpTests:
    """The last of each detector, those that run first. A detector that runs one is blind to a leak: it is on the blind
    list too, as `uncertain:under-test`."""
    return BumpTests(items=[BumpTestItem.model_validate(one) for one in connected(services.modes).bump_tests()])


@router.get(
    "/bump-tests/{id}", summary="One bump test", responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM}
)
async def bump_test(id_: TestId, _who: Anyone, services: Services) -> BumpTestItem:
    """The last of a detector: whether it saw the gas, and the highest value."""
    return _item(services, id_)


@router.post("/bump-tests", summary="Begin a bump test", response_model=BumpTestItem, responses=ASKED)
async def begin(wish: BumpTestWish, who: Officer, services: Services) -> BumpTestItem | Response:
    """What the detector says is marked and does nothing, **above level 2 too**; everything else stays armed. It ends by
    itself. 409 says why not: while the detector or its area is in alarm, latched or tripped there is no test."""
    board = connected(services.modes)
    device = find_device(services, wish.device)
    before = {one["id"]: one["began_at"] for one in board.bump_tests() if one["device"] == device.id}
    target = bump_test_id(wish.device, wish.point) if wish.point else wish.device
    asked = _Asked(for_s=wish.for_s, why=wish.why)
    unknown = Problem("unknown-device", f"The gateway has no device {wish.device!r}.", f"网关没有设备 {wish.device}。")
    if not await ask(services, Request("bump-test", target, who.username, asked), unknown):
        return pending()
    begun = (one for one in board.bump_tests() if one["device"] == device.id and one["state"] == "running")
    return BumpTestItem.model_validate(next(one for one in begun if before.get(one["id"]) != one["began_at"]))


@router.post("/bump-tests/{id}/end", summary="End a bump test", response_model=BumpTestItem, responses=ASKED)
async def end(id_: TestId, who: Officer, services: Services, body: ModeEnd | None = None) -> BumpTestItem | Response:
    """Before its time. Let the test gas go first: from then on every value counts."""
    _item(services, id_)
    done = await ask(services, Request("end-bump-test", id_, who.username, body or ModeEnd()), _unknown(id_))
    return _item(services, id_) if done else pending()


def _item(services: ConsoleServices, test: str) -> BumpTestItem:
    found = connected(services.modes).bump_test(test)
    if found is None:
        raise _unknown(test)
    return BumpTestItem.model_validate(found)


def _unknown(test: str) -> Problem:
    return Problem("unknown-bump-test", f"There is no bump test {test!r}.", f"没有通气测试 {test}。")
