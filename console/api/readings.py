"""Readings over HTTP: SenML in, 204 once the journal has them."""

from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request

from console.access import Officer, Services, peer_of
from console.api.shapes import PROBLEM
from console.problem import Problem
from journal.errors import JournalError, JournalFull
from protocols.errors import DecodeError, UnknownDevice

# Content-Format numbers of RFC 8428 section 12.3; plain JSON and CBOR are taken as SenML.
FORMATS = {
    "application/senml+json": 110,
    "application/json": 110,
    "application/senml+cbor": 112,
    "application/cbor": 112,
}
_ACCEPTED = ", ".join(FORMATS)

router = APIRouter(tags=["telemetry"])


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
async def readings(request: Request, _who: Officer, services: Services) -> None:
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
    body = await request.body()
    try:
        await services.ingest(body, content_format, peer_of(request))
    except UnknownDevice as error:
        raise Problem("unknown-device", str(error), f"设备 {error.device} 未登记。", kind=error.kind) from None
    except DecodeError as error:
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
