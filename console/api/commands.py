"""Commands to devices: asked by a person, queued in the gateway, with what became of them."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from console.access import Anyone, Officer, Services
from console.api.asking import ASKED, Request, ask, connected, pending
from console.api.shapes import PROBLEM
from console.api.shapes_commands import CommandCancel, CommandItem, Commands, CommandTaken, CommandWish
from console.api.site import DeviceId, find_device
from console.duty.command_board import PRIORITIES
from console.problem import Problem

router = APIRouter(tags=["commands"])

CommandId = Annotated[str, Path(alias="id", max_length=160, examples=["9f86d081884c7d65"])]


class _Asked(BaseModel):
    """The keys of `protocols.request.OperatorRequest`."""

    id: str
    command: str
    priority: int
    expires_s: float
    why: str


@router.post(
    "/devices/{id}/commands",
    summary="Tell a device something",
    status_code=202,
    responses={status: one for status, one in ASKED.items() if status != 202},
)
async def tell(id_: DeviceId, wish: CommandWish, who: Officer, services: Services, response: Response) -> CommandTaken:
    """Only what the profile declares; nothing opens a valve. A valve is closed by the gateway's actuator, with proof;
    a fan only starts while its permissives hold. 409 says why not."""
    find_device(services, id_)
    asked = _Asked(
        id=secrets.token_hex(8),
        command=wish.name,
        priority=PRIORITIES.index(wish.priority),
        expires_s=wish.expires_s,
        why=wish.why,
    )
    unknown = Problem("unknown-device", f"The gateway has no device {id_!r}.", f"网关没有设备 {id_}。", device=id_)
    taken = await ask(services, Request("command", id_, who.username, asked), unknown)
    response.headers["Location"] = f"/api/v1/commands/{asked.id}"
    return CommandTaken(id=asked.id, status="waiting" if taken else "pending")


@router.get(
    "/devices/{id}/commands",
    summary="The last commands of a device",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def commands(id_: DeviceId, _who: Anyone, services: Services) -> Commands:
    """People's and trips', the newest first."""
    find_device(services, id_)
    found = connected(services.commands).items(id_)
    return Commands(items=[CommandItem.model_validate(one) for one in found])


@router.get(
    "/commands/{id:path}",
    summary="One command",
    responses={401: PROBLEM, 404: PROBLEM, 422: PROBLEM, 503: PROBLEM},
)
async def command(id_: CommandId, _who: Anyone, services: Services) -> CommandItem:
    """What became of it."""
    found = connected(services.commands).find(id_)
    if found is None:
        raise _unknown(id_)
    return CommandItem.model_validate(found)


@router.delete("/commands/{id:path}", summary="Take a command back", response_model=CommandItem, responses=ASKED)
async def cancel(
    id_: CommandId, who: Officer, services: Services, body: CommandCancel | None = None
) -> CommandItem | Response:
    """Only while it waits. What a trip gave is never taken back."""
    board = connected(services.commands)
    found = board.find(id_)
    if found is None:
        raise _unknown(id_)
    target = f"{found['device']}~{id_}"
    done = await ask(services, Request("cancel-command", target, who.username, body or CommandCancel()), _unknown(id_))
    return CommandItem.model_validate(board.find(id_)) if done else pending()


def _unknown(command_id: str) -> Problem:
    return Problem(
        "unknown-command",
        f"There is no command {command_id!r}, or it is too long ago.",
        f"没有命令 {command_id},或时间已久。",
    )
