"""Problems: every error answer of the API, as `application/problem+json` (RFC 9457).

English in ``title`` and ``detail``, Chinese in ``detail_zh``. No answer repeats what was sent (it may be a password)
and none carries a traceback; an internal error has an ``id`` that is also in the log.
"""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console.errors import BadParameter
from console.headers import SECURITY_HEADERS

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:gengfu:problem:"

log = logging.getLogger("gengfu.console")


class _Kind(NamedTuple):
    status: int
    title: str


KINDS = {
    "unauthenticated": _Kind(401, "Sign in first"),
    "login-refused": _Kind(401, "Wrong name or password"),
    "forbidden": _Kind(403, "Not allowed for this role"),
    "not-a-person": _Kind(403, "Only a person may do this"),
    "not-yours": _Kind(403, "Readings of another device"),
    "cross-origin": _Kind(403, "Request from another site"),
    "login-blocked": _Kind(429, "Too many failed sign-ins"),
    "unknown-device": _Kind(404, "Unknown device"),
    "unknown-profile": _Kind(404, "Unknown profile"),
    "unknown-token": _Kind(404, "Unknown token"),
    "unknown-alarm": _Kind(404, "Unknown alarm"),
    "unknown-interlock": _Kind(404, "Unknown interlock"),
    "unknown-connection": _Kind(404, "Unknown connection"),
    "unknown-consumer": _Kind(404, "Unknown store"),
    "unknown-store": _Kind(404, "Unknown store"),
    "unknown-letter": _Kind(404, "Unknown dead letter"),
    "unknown-command": _Kind(404, "Unknown command"),
    "unknown-bump-test": _Kind(404, "Unknown bump test"),
    "unknown-maintenance": _Kind(404, "Unknown maintenance"),
    "unknown-bypass": _Kind(404, "Unknown bypass"),
    "unknown-proof-test": _Kind(404, "Unknown proof test"),
    "unknown-area": _Kind(404, "Unknown area"),
    "unknown-report": _Kind(404, "Unknown report"),
    "unknown-plan": _Kind(404, "Unknown plan"),
    "unknown-photo": _Kind(404, "Unknown photo"),
    "unknown-run": _Kind(404, "Unknown run or step"),
    "unknown-hand-over": _Kind(404, "Unknown hand-over"),
    "unknown-verdict": _Kind(404, "No verdict yet"),
    "no-demo": _Kind(404, "Not a demo"),
    "refused": _Kind(409, "Refused"),
    "not-forgotten": _Kind(409, "The store is still waited for"),
    "site-refused": _Kind(409, "The site's document is not taken"),
    "invalid": _Kind(422, "The request is not valid"),
    "undecodable": _Kind(400, "The readings cannot be decoded"),
    "too-large": _Kind(413, "The body is too large"),
    "media-type": _Kind(415, "The content type is not supported"),
    "not-stored": _Kind(503, "The readings are not stored"),
    "store-unavailable": _Kind(503, "The telemetry store does not answer"),
    "letters-unavailable": _Kind(503, "The store does not answer"),
    "not-connected": _Kind(503, "Not connected"),
    "metrics-unavailable": _Kind(503, "Alarm metrics do not answer"),
    "runs-unavailable": _Kind(503, "Plans and runs do not answer"),
    "photos-unavailable": _Kind(503, "Photos are not kept"),
    "logbook-unavailable": _Kind(503, "The logbook does not answer"),
    "not-asked": _Kind(503, "The request did not leave"),
    "busy": _Kind(503, "Busy"),
    "not-ready": _Kind(503, "Not ready"),
    "internal": _Kind(500, "Internal error"),
}

_GENERIC_ZH = {
    400: "请求有误。",
    404: "没有这个地址。",
    405: "这个地址不支持该方法。",
    413: "请求体过大。",
}


class Problem(HTTPException):
    """An answer that is a problem. ``slug`` is a key of `KINDS`; ``more`` are extension members."""

    def __init__(
        self, slug: str, detail: str, detail_zh: str, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        kind = KINDS[slug]
        super().__init__(kind.status, detail, dict(headers or {}))
        self.body: dict[str, object] = {
            "type": TYPE_PREFIX + slug,
            "title": kind.title,
            "status": kind.status,
            "detail": detail,
            "detail_zh": detail_zh,
            **more,
        }


def invalid(errors: list[tuple[str, str]], detail_zh: str) -> Problem:
    """A 422 that names each wrong place (``query.from``) and what is wrong there."""
    listed = [{"where": where, "what": what} for where, what in errors]
    return Problem("invalid", "; ".join(f"{where}: {what}" for where, what in errors), detail_zh, errors=listed)


def problem_response(problem: Problem) -> Response:
    """The answer as sent."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", **(problem.headers or {})}
    return Response(msgspec.json.encode(problem.body), problem.status_code, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        return problem_response(error if isinstance(error, Problem) else _generic(error))

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        places = [(".".join(str(part) for part in one["loc"]), str(one["msg"])) for one in error.errors()]
        fields = "、".join(where for where, _ in places)
        return problem_response(invalid(places, f"请求中有误:{fields}"))

    @app.exception_handler(BadParameter)
    async def _parameter(_request: Request, error: BadParameter) -> Response:
        return problem_response(invalid([(error.where, error.what)], f"{error.where}:{error.what_zh}"))

    @app.exception_handler(Exception)
    async def _crash(request: Request, error: Exception) -> Response:
        id_ = secrets.token_hex(6)
        # The server logs the traceback right after; the path has no query and so no entry key.
        log.error("internal error %s: %s %s: %s", id_, request.method, request.url.path, type(error).__name__)
        return problem_response(
            Problem("internal", f"Internal error {id_}; the log has more.", f"内部错误 {id_},详见日志。", id=id_)
        )


def _generic(error: HTTPException) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase
    problem = Problem("internal", error.detail, _GENERIC_ZH.get(error.status_code, phrase), error.headers)
    problem.status_code = error.status_code
    problem.body |= {"type": "about:blank", "title": phrase, "status": error.status_code}
    return problem
