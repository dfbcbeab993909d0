"""Reports of people: works damage, odour, fire; entered by a named person, and withdrawn by one with a reason."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM, AreaShape
from console.api.shapes_reports import Areas, ReportItem, Reports, ReportState, ReportWish, ReportWithdrawal
from console.duty.places import area_item
from console.errors import BadParameter
from console.problem import Problem
from console.roles import Principal, Role
from console.services import ConsoleServices
from protocols.report import report_id, report_target

router = APIRouter(tags=["reports"])

ReportId = Annotated[str, Path(alias="id", max_length=200, examples=["street/hotpot~5f0c1a2b3c4d5e6f"])]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    id: str
    why: str
    for_s: float
    measure: str


@router.get("/areas", summary="List areas", responses={401: PROBLEM})
async def areas(_who: Anyone, services: Services) -> Areas:
    """Every area of the site, those without a device too: something can be reported at each."""
    return Areas(items=[AreaShape.model_validate(area_item(one)) for one in services.site.areas.values()])


@router.get("/reports", summary="List reports", responses=dict.fromkeys((401, 422, 503), PROBLEM))
async def reports(
    who: Anyone,
    services: Services,
    state: ReportState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=200, description="`next` of the page before.")] = None,
) -> Reports:
    """The newest first."""
    found = connected(services.reports).items(state or "")
    places = {one["id"]: place for place, one in enumerate(found)}
    if after is not None and after not in places:
        raise BadParameter("query.after", "is no cursor of this list", "不是本列表的游标")
    begin = 0 if after is None else places[after] + 1
    page = found[begin : begin + limit]
    following = page[-1]["id"] if page and begin + limit < len(found) else None
    return Reports(items=[_shown(one, who) for one in page], next=following)


@router.post("/reports", summary="Enter a report", response_model=ReportItem, responses=ASKED)
async def enter(wish: ReportWish, who: Officer, services: Services) -> ReportItem | Response:
    """It is an alarm of its area at once, and stands until it is withdrawn. Works damage in a mall or near by trips row
    ML-4: a person is asked to stop its fresh air, no fan is started. Nothing is opened."""
    connected(services.reports)
    name = secrets.token_hex(8)
    asked = _Asked(id=name, why=wish.text, for_s=wish.ago_s, measure=wish.phone)
    unknown = Problem("unknown-area", f"There is no area {wish.area!r}.", f"没有区域 {wish.area}。")
    request = Request("report", report_target(wish.area, wish.what), who.username, asked)
    done = await ask(services, request, unknown)
    return _item(services, report_id(wish.area, name), who) if done else pending()


@router.post("/reports/{id:path}/withdraw", summary="Withdraw a report", response_model=ReportItem, responses=ASKED)
async def withdraw(id_: ReportId, body: ReportWithdrawal, who: Officer, services: Services) -> ReportItem | Response:
    """With the reason. The alarm returns with the last report of its area; what had tripped stays latched."""
    _item(services, id_, who)
    done = await ask(services, Request("withdraw-report", id_, who.username, body), _unknown(id_))
    return _item(services, id_, who) if done else pending()


def _item(services: ConsoleServices, name: str, who: Principal) -> ReportItem:
    found = connected(services.reports).find(name)
    if found is None:
        raise _unknown(name)
    return _shown(found, who)


def _shown(item: dict[str, object], who: Principal) -> ReportItem:
    """The phone of a caller is for who may call back."""
    may_call = who.role.includes(Role.OFFICER)
    return ReportItem.model_validate(item if may_call else {**item, "phone": None})


def _unknown(name: str) -> Problem:
    return Problem("unknown-report", f"There is no report {name!r} that stands.", f"没有待撤销的报告 {name}。")
