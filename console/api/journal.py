"""The journal: its room, the stores that it feeds, and a person's word that one of them is not waited for."""

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Path

from console.access import Admin, Anyone, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_journal import JournalConsumer, JournalStatus
from console.errors import ForgetRefused, NoSuchConsumer
from console.problem import Problem
from console.services import Item
from journal.errors import JournalError

router = APIRouter(tags=["journal"])

Name = Annotated[str, Path(max_length=64, examples=["influxdb"])]
DECIDED: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 403, 404, 409, 422, 503), PROBLEM)


@router.get("/journal", summary="The journal and its stores", responses={401: PROBLEM, 503: PROBLEM})
async def journal(_who: Anyone, services: Services) -> JournalStatus:
    """How full it is, and how far each store has taken it."""
    return JournalStatus.model_validate(await connected(services.journal).status())


@router.post("/journal/consumers/{name}/forget", summary="Do not wait for a store", responses=DECIDED)
async def forget(name: Name, who: Admin, services: Services) -> JournalConsumer:
    """What the store has not taken may be removed from now on, when it is old enough or the journal is crowded. The
    store is fed on with what is still there. Asked again, it changes nothing."""
    return await _decided(name, connected(services.journal).forget(name, who.username))


@router.post("/journal/consumers/{name}/remember", summary="Wait for a store again", responses=DECIDED)
async def remember(name: Name, who: Admin, services: Services) -> JournalConsumer:
    """Nothing that the store has not taken is removed from now on. Asked again, it changes nothing."""
    return await _decided(name, connected(services.journal).remember(name, who.username))


async def _decided(name: str, decision: Awaitable[Item]) -> JournalConsumer:
    try:
        return JournalConsumer.model_validate(await decision)
    except NoSuchConsumer as error:
        raise Problem(
            "unknown-consumer",
            f"The journal feeds no store {name!r}; {error}.",
            f"日志没有名为 {name} 的存储;现有:{'、'.join(error.names)}。",
            names=list(error.names),
        ) from None
    except ForgetRefused as refusal:
        raise Problem("not-forgotten", f"{refusal}.", refusal.zh) from None
    except JournalError:
        raise Problem(
            "not-asked",
            "The decision could not be stored and was not taken; look at the disk of the data folder.",
            "决定未能写入,未生效;请检查数据目录所在磁盘。",
            {"Retry-After": "5"},
        ) from None
