"""Asking the gateway for what a person wants done, and turning its answer into an answer over HTTP."""

from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from starlette.responses import JSONResponse

from console.api.shapes import PROBLEM
from console.api.shapes_duty import Pending
from console.problem import Problem
from console.services import ConsoleServices
from journal.errors import JournalError

Part = TypeVar("Part")

ASKED: dict[int | str, dict[str, Any]] = {
    202: {"model": Pending},
    401: PROBLEM,
    403: PROBLEM,
    404: PROBLEM,
    409: PROBLEM,
    422: PROBLEM,
    503: PROBLEM,
}
"""The answers of every route that asks the gateway."""


def connected(part: Part | None) -> Part:
    """A part that this console may have been given. Raises 503."""
    if part is None:
        raise Problem(
            "not-connected",
            "This console is not connected to where this comes from: the state is not known.",
            "本控制台未连接到数据来源,状态未知。",
        )
    return part


class Request(NamedTuple):
    """What the gateway is asked; only what ``body`` was given goes along. ``who``: the name of the person."""

    verb: str
    target: str
    who: str
    body: BaseModel


async def ask(services: ConsoleServices, request: Request, unknown: Problem) -> bool:
    """Whether the gateway did it; ``False``: it did not answer in time.

    Raises ``unknown`` when it knows no such target, 409 with its refusal, 503 where nothing could be asked.
    """
    details = request.body.model_dump(exclude_unset=True, exclude_none=True)
    try:
        answer = await connected(services.ask)(request.verb, request.target, request.who, details)
    except JournalError:
        raise Problem(
            "not-asked",
            "The request could not be stored and was not carried out; ask again, or act on site.",
            "请求未能写入,未执行;请重试或到现场处置。",
            {"Retry-After": "5"},
        ) from None
    if answer is None:
        return False
    if not answer.found:
        raise unknown
    if answer.refusal:
        raise Problem("refused", answer.refusal, f"网关未执行:{answer.refusal}")
    return True


def pending() -> JSONResponse:
    """The 202 for a request that is on its way."""
    return JSONResponse(Pending().model_dump(), 202)
