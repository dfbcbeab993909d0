"""What a control room does with alarms beside acting on them: card, owner, verdict, and acknowledging several."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path

from console.access import Anyone, Officer, Services
from console.api.asking import Request, ask, connected
from console.api.duties import WRITTEN, written
from console.api.shapes import PROBLEM
from console.api.shapes_duties import (
    AlarmIds,
    BulkOutcome,
    BulkOutcomes,
    BulkWish,
    OwnerItem,
    ResponseCard,
    TakeOverWish,
    VerdictItem,
    VerdictWish,
)
from console.api.shapes_duty import AlarmAct
from console.problem import Problem
from console.services import ConsoleServices, Item

AlarmId = Annotated[str, Path(alias="id", max_length=160, examples=["demo:gas:0001~CK-04"])]
FOUND: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 404, 422, 503), PROBLEM)

router = APIRouter(tags=["alarms"])


@router.get("/alarms/without-verdict", summary="Closed without a verdict", responses={401: PROBLEM, 503: PROBLEM})
async def without_verdict(_who: Anyone, services: Services) -> AlarmIds:
    """Live life-safety alarms that stood and are normal again, and nobody said what they were."""
    return AlarmIds(items=connected(services.duties).without_verdict())


@router.get("/alarms/{id}/card", summary="Response card", responses={**FOUND, 403: PROBLEM})
async def card(id_: AlarmId, _who: Officer, services: Services) -> ResponseCard:
    """Whom to call, the nearest valve, what is next door, what to do. For officers: it holds numbers of people."""
    return ResponseCard.model_validate(connected(services.duties).card(_find(services, id_)))


@router.get("/alarms/{id}/owner", summary="Who owns it", responses=FOUND)
async def owner(id_: AlarmId, _who: Anyone, services: Services) -> OwnerItem:
    """The lowest level that the site names, until another one takes it over."""
    return OwnerItem.model_validate(connected(services.duties).owner(_find(services, id_)))


@router.post("/alarms/{id}/take-over", summary="Take it over", responses=WRITTEN)
async def take_over(id_: AlarmId, body: TakeOverWish, who: Officer, services: Services) -> OwnerItem:
    """For another level, upwards or back. It holds until the alarm is normal; raised anew, it begins below again."""
    duties = connected(services.duties)
    done = duties.take_over(_find(services, id_), body.level, who.username, body.why)
    return OwnerItem.model_validate(await written(done))


@router.get("/alarms/{id}/verdict", summary="What it was", responses=FOUND)
async def verdict(id_: AlarmId, _who: Anyone, services: Services) -> VerdictItem:
    """The newest verdict on the last time that it stood; 404 while there is none."""
    given = connected(services.duties).verdict(_find(services, id_))
    if given is None:
        raise Problem("unknown-verdict", f"Nobody said yet what {id_!r} was.", f"报警 {id_} 尚无判定。")
    return VerdictItem.model_validate(given)


@router.post("/alarms/{id}/verdict", summary="Say what it was", responses=WRITTEN)
async def judge(id_: AlarmId, body: VerdictWish, who: Officer, services: Services) -> VerdictItem:
    """It changes nothing of the alarm. Said again, the newest counts; all stand in the logbook."""
    duties = connected(services.duties)
    done = duties.judge(_find(services, id_), body.verdict, who.username, body.why)
    return VerdictItem.model_validate(await written(done))


@router.post("/alarms/acknowledge", summary="Acknowledge several", responses=WRITTEN)
async def acknowledge(body: BulkWish, who: Officer, services: Services) -> BulkOutcomes:
    """Never life-safety or critical ones: those are acknowledged one by one (S8), and if one is among them, none of
    the others is either. Each one of the others is asked for by itself, and has its own outcome."""
    chosen = list(dict.fromkeys(body.alarms))
    _refuse_bulk(services, chosen)
    outcomes = await asyncio.gather(*(_acknowledge(services, alarm, who.username, body.why) for alarm in chosen))
    return BulkOutcomes(items=outcomes)


def _refuse_bulk(services: ConsoleServices, chosen: list[str]) -> None:
    """Raises 409 for what may not be acknowledged together, 404 for what is not there."""
    most = connected(services.duties).bulk_most
    if len(chosen) > most:
        raise Problem(
            "refused", f"At most {most} alarms at once; these are {len(chosen)}.", f"一次最多确认 {most} 条报警。"
        )
    single = [one["id"] for one in (_find(services, alarm) for alarm in chosen) if _is_single(one)]
    if single:
        named = ", ".join(single)
        raise Problem(
            "refused",
            f"Life-safety and critical alarms are acknowledged one by one: {named}.",
            f"生命安全及紧急报警须逐条确认:{named}。",
        )


def _is_single(alarm: Item) -> bool:
    return alarm["class"] == "life-safety" or alarm["priority"] not in ("high", "medium", "low")


async def _acknowledge(services: ConsoleServices, alarm: str, who: str, why: str) -> BulkOutcome:
    try:
        done = await ask(services, Request("acknowledge", alarm, who, AlarmAct(why=why)), _unknown(alarm))
    except Problem as problem:
        said, said_zh = str(problem.body["detail"]), str(problem.body["detail_zh"])
        return BulkOutcome(alarm=alarm, status="refused", detail=said, detail_zh=said_zh)
    return BulkOutcome(alarm=alarm, status="done" if done else "pending", detail="", detail_zh="")


def _find(services: ConsoleServices, alarm: str) -> Item:
    found = connected(services.alarms).find(alarm)
    if found is None:
        raise _unknown(alarm)
    return found


def _unknown(alarm: str) -> Problem:
    return Problem("unknown-alarm", f"There is no alarm {alarm!r}.", f"没有报警 {alarm}。")
