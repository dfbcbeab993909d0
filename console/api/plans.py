"""Response plans and their runs: what is to be done, by whom, and what was done."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Path

from console.access import Anyone, Officer, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_plans import (
    CloseWish,
    PlanDetail,
    PlanItem,
    Plans,
    RunItem,
    Runs,
    RunStateWord,
    RunWish,
    StepWish,
)
from console.problem import Problem
from console.services import Item, PlanStart, StepAct
from operations.errors import ActionRefused, NoSuchRun, StoreError

_READ: dict[int | str, dict[str, Any]] = {401: PROBLEM, 422: PROBLEM, 503: PROBLEM}
_ONE = {**_READ, 404: PROBLEM}
_ACTED = {**_ONE, 403: PROBLEM, 409: PROBLEM}
RunId = Annotated[str, Path(alias="id", max_length=160)]

router = APIRouter(tags=["plans"])


@router.get("/plans", summary="List plans", responses={401: PROBLEM, 503: PROBLEM})
async def plans(_who: Anyone, services: Services) -> Plans:
    """The response plans that alarms open."""
    return Plans(items=[PlanItem.model_validate(one) for one in connected(services.runs).plans()])


@router.get("/plans/{id}", summary="One plan", responses=_ONE)
async def plan(
    id_: Annotated[str, Path(alias="id", max_length=64, examples=["restaurant-gas-leak"])],
    _who: Anyone,
    services: Services,
) -> PlanDetail:
    """A plan with its steps, in order."""
    found = connected(services.runs).plan(id_)
    if found is None:
        raise Problem("unknown-plan", f"There is no plan {id_!r}.", f"没有预案 {id_}。")
    return PlanDetail.model_validate(found)


@router.post("/plans/{id}/runs", summary="Start a run by hand", responses=_ACTED)
async def start(
    id_: Annotated[str, Path(alias="id", max_length=64, examples=["restaurant-gas-leak"])],
    body: RunWish,
    who: Officer,
    services: Services,
) -> RunItem:
    """Live, under your name, with the reason. Where this plan goes on in the area already, the answer is that run."""
    runs = connected(services.runs)
    if runs.plan(id_) is None:
        raise Problem("unknown-plan", f"There is no plan {id_!r}.", f"没有预案 {id_}。")
    return await _changed(runs.start(id_, PlanStart(body.area, body.stage, who.username, body.role, body.why)))


@router.get("/runs", summary="List runs", responses=_READ)
async def runs(_who: Anyone, services: Services, state: RunStateWord | None = None) -> Runs:
    """The newest first."""
    with _problems():
        found = await connected(services.runs).runs(state or "")
    return Runs(items=[RunItem.model_validate(one) for one in found])


@router.get("/runs/{id}", summary="One run", responses=_ONE)
async def run(id_: RunId, _who: Anyone, services: Services) -> RunItem:
    """A run with its steps and everything that happened."""
    with _problems():
        found = await connected(services.runs).run(id_)
    if found is None:
        raise _unknown(f"no run {id_!r}")
    return RunItem.model_validate(found)


@router.post("/runs/{id}/steps/{step}", summary="Act on a step", responses=_ACTED)
async def act(
    id_: RunId, step: Annotated[str, Path(max_length=16)], body: StepWish, who: Officer, services: Services
) -> RunItem:
    """Under your name. 409 says what is missing: the role, the reason, the evidence, the sensors, the steps before."""
    wish = StepAct(body.action, who.username, body.role, body.why, body.evidence)
    return await _changed(connected(services.runs).act(id_, step, wish))


@router.post("/runs/{id}/close", summary="End a run", responses=_ACTED)
async def close(id_: RunId, body: CloseWish, who: Officer, services: Services) -> RunItem:
    """Before its last step, by a role that may, with reason and evidence; refused while an alarm stands."""
    wish = StepAct("close", who.username, body.role, body.why, body.evidence)
    return await _changed(connected(services.runs).close(id_, wish))


async def _changed(change: Awaitable[Item]) -> RunItem:
    with _problems():
        return RunItem.model_validate(await change)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except NoSuchRun as error:
        raise _unknown(str(error)) from None
    except ActionRefused as error:
        raise Problem("refused", str(error), error.zh) from None
    except StoreError:
        raise Problem(
            "runs-unavailable",
            "The database of plans and runs does not answer; nothing of this request was stored. Use the printed plan.",
            "预案数据库无应答,本次请求未保存;请使用纸质预案。",
            {"Retry-After": "10"},
        ) from None


def _unknown(what: str) -> Problem:
    return Problem("unknown-run", f"{what[:1].upper()}{what[1:]}.", "没有这次响应或这个步骤。")
