"""Dead letters: what the stores did not take, tried again or deleted by a person who decides."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from console.access import Anyone, Officer, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_letters import LetterCount, LetterItem, Letters, ReplayDone, ReplayWish
from console.errors import BadParameter
from console.letter_desk import Beyond, LetterDesk
from console.problem import Problem
from telemetry.errors import StoreError

router = APIRouter(tags=["dead letters"])

DECIDED: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 403, 404, 409, 422, 503), PROBLEM)


@router.get(
    "/dead-letters", summary="Data that the stores did not take", responses=dict.fromkeys((401, 404, 422, 503), PROBLEM)
)
async def dead_letters(
    _who: Anyone,
    services: Services,
    store: Annotated[str, Query(max_length=32, description="`duckdb` or `influxdb`; empty: all.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=60, description="`next` of the page before.")] = None,
) -> Letters:
    """With the reason of each, and how many each store has; oldest first."""
    desk = connected(services.letters)
    if store:
        _check_store(desk, store)
    try:
        page = await asyncio.to_thread(desk.page, store, limit, after)
        counts = await asyncio.to_thread(desk.stores)
    except StoreError as error:
        raise _unavailable(error) from None
    if page is None:
        raise BadParameter("query.after", "is no cursor of this list", "不是本列表的游标")
    return Letters(
        items=[LetterItem.model_validate(one) for one in page.items],
        next=page.next,
        stores=[LetterCount.model_validate(one) for one in counts],
    )


@router.post("/dead-letters/replay", summary="Try dead letters again", responses=DECIDED)
async def replay(wish: ReplayWish, who: Officer, services: Services) -> ReplayDone:
    """Each is read with the site as it is now, and sent again. What the store takes is no letter any more; what is
    refused again is kept with the new reason. Trying twice stores nothing twice."""
    desk = connected(services.letters)
    _check_store(desk, wish.store)
    try:
        which = Beyond(wish.after, wish.limit) if wish.ids is None else wish.ids
        done = await asyncio.to_thread(desk.replay, wish.store, which, who.username)
    except StoreError as error:
        raise _unavailable(error) from None
    return ReplayDone.model_validate(done)


@router.delete("/dead-letters/{store}/{id}", status_code=204, summary="Delete a dead letter", responses=DECIDED)
async def delete(
    store: Annotated[str, Path(max_length=32, examples=["influxdb"])],
    id_: Annotated[int, Path(alias="id", ge=1, le=2**63 - 1)],
    who: Officer,
    services: Services,
) -> None:
    """For good: the store never gets it. Who did it, and what it was, stands in the log."""
    desk = connected(services.letters)
    _check_store(desk, store)
    try:
        found = await asyncio.to_thread(desk.delete, store, id_, who.username)
    except StoreError as error:
        raise _unavailable(error) from None
    if not found:
        raise Problem("unknown-letter", f"There is no dead letter {id_}.", f"没有编号为 {id_} 的未入库数据。")


def _check_store(desk: LetterDesk, store: str) -> None:
    if not desk.has(store):
        raise Problem("unknown-store", f"There is no store {store!r}.", f"没有名为 {store} 的存储。")


def _unavailable(error: StoreError) -> Problem:
    return Problem(
        "letters-unavailable",
        f"The store does not answer, and what it has not taken is kept: {error}.",
        f"存储无应答,未入库的数据均保留:{error}。",
        {"Retry-After": "10"},
    )
