"""The demo's buttons: a leak, its end, and a person who opens the valve at the board. Nowhere else than in the demo."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from console.access import Anyone, Officer, Services
from console.api.shapes import PROBLEM, Text
from console.api.shapes_duty import BoardItem, Boards, DemoWish, LeakWish
from console.errors import DemoRefused
from console.problem import Problem
from console.services import ConsoleServices, Demo

_ACTED: dict[int | str, dict[str, Any]] = {401: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM, 422: PROBLEM}

router = APIRouter(prefix="/demo", tags=["demo"])


@router.get("", summary="The demo's boards", responses={401: PROBLEM, 404: PROBLEM})
async def boards(_who: Anyone, services: Services) -> Boards:
    """The boards that run on this machine; 404 where this is no demo."""
    found = [services.site.devices[device] for device in _demo(services).boards()]
    return Boards(
        boards=[
            BoardItem(
                device=one.id,
                title=Text(zh=one.title.zh, en=one.title.en),
                gas=any(point.role == "gas" for point in one.profile.points),
                valve=any(point.role == "valve" and point.final_element for point in one.profile.points),
            )
            for one in found
        ]
    )


@router.post("/leak", summary="Let gas leak", status_code=HTTPStatus.NO_CONTENT, responses=_ACTED)
async def leak(_who: Officer, services: Services, body: LeakWish | None = None) -> None:
    """The air at a board's sensor fills with gas; everything after that is the real chain."""
    wish = body or LeakWish()
    await _act(services, "leak", wish.device, slow=wish.slow)


@router.post("/clear", summary="Air the place", status_code=HTTPStatus.NO_CONTENT, responses=_ACTED)
async def clear(_who: Officer, services: Services, body: DemoWish | None = None) -> None:
    """The gas at a board's sensor is gone."""
    await _act(services, "clear", (body or DemoWish()).device)


@router.post("/reopen", summary="Open the valve by hand", status_code=HTTPStatus.NO_CONTENT, responses=_ACTED)
async def reopen(_who: Officer, services: Services, body: DemoWish | None = None) -> None:
    """A person at the board opens its valve; no command does so."""
    await _act(services, "reopen", (body or DemoWish()).device)


async def _act(services: ConsoleServices, verb: str, device: str | None, *, slow: bool = False) -> None:
    demo = _demo(services)
    if device is not None and device not in demo.boards():
        raise Problem(
            "unknown-device", f"No board {device!r} runs here.", f"本演示没有电路板 {device}。", device=device
        )
    try:
        await demo.act(verb, device, slow)
    except DemoRefused as error:
        raise Problem("refused", str(error), f"未执行:{error}") from None


def _demo(services: ConsoleServices) -> Demo:
    if services.demo is None:
        raise Problem("no-demo", "This is no demo: nothing can be made to leak here.", "这里不是演示,无法模拟泄漏。")
    return services.demo
