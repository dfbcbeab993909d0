"""Readings over HTTP: SenML in, 204 once the journal has them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import ClientDisconnect, Request

from console.access import Bearer, Cookie, Services, at_least, peer_of, secret_of, signed_in, visitor
from console.api.shapes import PROBLEM
from console.problem import Problem
from console.roles import Role
from console.services import Ingest
from device_registry.credentials import is_device_token
from journal.errors import JournalError, JournalFull
from protocols.errors import DecodeError, UnknownDevice

# Content-Format numbers of RFC 8428 section 12.3; plain JSON and CBOR are taken as SenML.
FORMATS = {
    "application/senml+json": 110,
    "application/json": 110,
    "application/senml+cbor": 112,
    "application/cbor": 112,
}
_NOT_YOURS = frozenset({"connection", "credential"})
_ACCEPTED = ", ".join(FORMATS)

router = APIRouter(tags=["telemetry"])
_officer = at_least(Role.OFFICER)


async def _door(request: Request, services: Services, bearer: Bearer, cookie: Cookie) -> Ingest:
    """The door of whoever sends: a device with its own token, else an officer. Raises 401, 403."""
    if bearer is not None and is_device_token(bearer.credentials):
        door = services.device_door(bearer.credentials) if services.device_door else None
        if door is None:
            raise Problem(
                "unauthenticated",
                "No device of this site has this token; make one with: gengfu device credential.",
                "本站点没有设备使用此令牌,请用 gengfu device credential 生成。",
                {"WWW-Authenticate": 'Bearer realm="gengfu"'},
            )
        return door
    await _officer(await signed_in(await visitor(services, await secret_of(request, bearer, cookie))))
    return services.ingest


Door = Annotated[Ingest, Depends(_door)]


async def _whole(request: Request) -> bytes:
    """The body. A sender that hangs up before its end gets no answer, and nothing of it is taken."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise Problem("undecodable", "The body ended early.", "请求体不完整。", kind="cut-off") from None


@router.post(
    "/readings",
    summary="Send readings",
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        400: PROBLEM,
        401: PROBLEM,
        403: PROBLEM,
        404: PROBLEM,
        413: PROBLEM,
        415: PROBLEM,
        503: PROBLEM,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A SenML pack (RFC 8428), at most 64 KiB. Names are `device/point`.",
            "content": {name: {"schema": {}} for name in FORMATS},
        }
    },
)
async def readings(request: Request, ingest: Door) -> None:
    """The answer comes after the readings are durable: what was answered with 204 is never lost."""
    content_type = request.headers.get("content-type", "")
    content_format = FORMATS.get(content_type.partition(";")[0].strip().lower())
    if content_format is None:
        raise Problem(
            "media-type",
            f"Send SenML as one of {_ACCEPTED}.",
            f"请以 {_ACCEPTED} 之一发送 SenML。",
            {"Accept-Post": _ACCEPTED},
        )
    body = await _whole(request)
    try:
        await ingest(body, content_format, peer_of(request))
    except UnknownDevice as error:
        raise Problem("unknown-device", str(error), f"设备 {error.device} 未登记。", kind=error.kind) from None
    except DecodeError as error:
        if error.kind in _NOT_YOURS:
            raise Problem("not-yours", str(error), "只能上报该令牌所属设备的读数。", kind=error.kind) from None
        raise Problem("undecodable", str(error), f"读数无法解析:{error}", kind=error.kind) from None
    except JournalFull:
        raise _not_stored("The journal is full", "日志空间已满", 30) from None
    except JournalError:
        raise _not_stored(
            "The journal does not take readings; its disk needs a person", "日志不可写,请检查磁盘", 60
        ) from None


def _not_stored(why: str, why_zh: str, retry_s: int) -> Problem:
    return Problem(
        "not-stored",
        f"{why}: nothing of this request is stored. Send it again after {retry_s} s.",
        f"{why_zh},本次读数未保存,请 {retry_s} 秒后重发。",
        {"Retry-After": str(retry_s)},
    )
