"""The duties of a control room: presence, the blind list, the signed hand-over, the logbook.

What only a person can do (sit at the desk, sign) is refused to API tokens: a program does neither.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query

from console.access import Admin, Anyone, Officer, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_duties import (
    BlindPoint,
    BlindPoints,
    DutyState,
    FigureItem,
    FigureItems,
    PresenceWish,
    ReasonWish,
)
from console.api.shapes_hand_over import AcceptWish, Book, BookLine, HandOverHead, HandOverItem, HandOvers, Remarks
from console.duties import Signature
from console.errors import DutyRefused, LogbookUnusable, NoSuchHandOver
from console.problem import Problem
from console.roles import Principal

T = TypeVar("T")

READ: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 422, 503), PROBLEM)
WRITTEN: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 403, 404, 409, 422, 503), PROBLEM)
"""The answers of every route that writes into the logbook."""

Number = Annotated[int, Path(ge=1, le=2**53)]

router = APIRouter(tags=["duties"])


@router.get("/duty", summary="The state of the desk", responses={401: PROBLEM, 503: PROBLEM})
async def state(_who: Anyone, services: Services) -> DutyState:
    """Who is there, whether the canary is heard, how many points are blind. `duty` of the event stream carries it."""
    return DutyState.model_validate(connected(services.duties).state())


@router.get("/duty/figures", summary="Times and limits of the desk", responses={401: PROBLEM, 503: PROBLEM})
async def figures(_who: Anyone, services: Services) -> FigureItems:
    """With their sources."""
    return FigureItems(items=[FigureItem.model_validate(one) for one in connected(services.duties).figures()])


@router.get("/duty/blind-list", summary="The blind list", responses={401: PROBLEM, 503: PROBLEM})
async def blind_list(_who: Anyone, services: Services) -> BlindPoints:
    """Every life-safety point that cannot be relied upon now, with all reasons, by area."""
    duties = connected(services.duties)
    return BlindPoints(items=[BlindPoint.model_validate(one) for one in duties.blind()], watched=duties.watched())


@router.post("/duty/presence", summary="I am at the desk", responses=WRITTEN)
async def presence(who: Officer, services: Services, body: PresenceWish | None = None) -> DutyState:
    """Whoever sits down confirms to hear the tone of an alarm; then presence is enough, every 30 min. The desk is
    attended from the first confirmation on, until an administrator stands it down."""
    wish = body or PresenceWish()
    person = _person(who)
    done = connected(services.duties).confirm(person.username, sound_heard=wish.sound_heard)
    return DutyState.model_validate(await written(done))


@router.post("/duty/stand-down", summary="Nobody has to be at the desk", responses=WRITTEN)
async def stand_down(body: ReasonWish, who: Admin, services: Services) -> DutyState:
    """Until somebody sits down again. An unattended desk is no alarm meanwhile."""
    done = connected(services.duties).stand_down(_person(who).username, body.why)
    return DutyState.model_validate(await written(done))


@router.get("/duty/hand-overs", summary="List hand-overs", responses=READ)
async def hand_overs(_who: Anyone, services: Services, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> HandOvers:
    """The last ones, the newest first."""
    found = await written(connected(services.duties).hand_overs(limit))
    return HandOvers(items=[HandOverHead.model_validate(one) for one in found])


@router.get("/duty/hand-overs/{number}", summary="One hand-over", responses={**READ, 404: PROBLEM})
async def hand_over(number: Number, _who: Anyone, services: Services) -> HandOverItem:
    """With what it says, who signed, and whether it is what was signed."""
    return HandOverItem.model_validate(await written(connected(services.duties).hand_over(number)))


@router.post("/duty/hand-overs", summary="Offer the desk", status_code=201, responses=WRITTEN)
async def offer(who: Officer, services: Services, body: Remarks | None = None) -> HandOverItem:
    """Whoever leaves signs what there is now: open alarms, what is out of service, the blind list, latches."""
    done = connected(services.duties).offer(_person(who).username, (body or Remarks()).why)
    return HandOverItem.model_validate(await written(done))


@router.post("/duty/hand-overs/{number}/accept", summary="Take the desk", responses=WRITTEN)
async def accept(number: Number, body: AcceptWish, who: Officer, services: Services) -> HandOverItem:
    """Another person signs the same, by its digest. 409: it is old, was signed, or is not what was read."""
    signature = Signature(_person(who).username, body.digest, body.why)
    return HandOverItem.model_validate(await written(connected(services.duties).accept(number, signature)))


@router.get("/duty/logbook", summary="The logbook", responses=READ)
async def logbook(
    _who: Anyone,
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int | None, Query(ge=1, le=2**53, description="`next` of the page before.")] = None,
) -> Book:
    """What people did at the desk, the newest first. No line is ever changed; `intact` says whether one was."""
    page = await written(connected(services.duties).book(limit, after))
    following = None if page.next is None else str(page.next)
    return Book(items=[BookLine.model_validate(one) for one in page.items], next=following)


def _person(who: Principal) -> Principal:
    """Raises 403 for a program."""
    if who.kind == "token":
        raise Problem(
            "not-a-person",
            "An API token is a program's: only a person who signed in sits at the desk, and signs.",
            "API 令牌属于程序:只有登录的人员可以值守和签字。",
        )
    return who


async def written(act: Awaitable[T]) -> T:
    """What it gives, or the problem that it ended with."""
    try:
        return await act
    except DutyRefused as refusal:
        raise Problem("refused", f"{refusal}.", f"{refusal.zh}。") from None
    except NoSuchHandOver as error:
        raise Problem("unknown-hand-over", f"There is no hand-over {error}.", f"没有交接班 {error}。") from None
    except LogbookUnusable as error:
        raise Problem(
            "logbook-unavailable",
            f"Nothing was done: {error}.",
            "未执行:值班日志无法读写,请检查数据目录所在磁盘。",
            {"Retry-After": "5"},
        ) from None
