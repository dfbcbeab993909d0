"""The pages and their files: the desk, the sign-in page, entry links, and the API's own documentation."""

import asyncio
import base64
import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from console.access import Services, Visitor, peer_of
from console.api.auth import set_session
from console.errors import PageMissing
from console.matrix_page import matrices_page

REQUIRED = (
    "pages/alarm-metrics.html",
    "pages/connections.html",
    "pages/dead-letters.html",
    "pages/desk.html",
    "pages/login.html",
    "pages/reports.html",
    "pages/rule-differences.html",
    "static/vendor/swagger-ui/swagger-ui-bundle.js",
    "static/vendor/swagger-ui/swagger-ui.css",
)
# Files are named without a version: a browser asks again each time and gets 304 while nothing changed.
_REVALIDATE = {"Cache-Control": "no-cache"}

_DOCS_SCRIPT = "SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true});"
_DOCS = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Gengfu API</title>
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script>{_DOCS_SCRIPT}</script></body>
</html>
"""
_DOCS_HASH = base64.b64encode(hashlib.sha256(_DOCS_SCRIPT.encode()).digest()).decode()
# Swagger UI writes style attributes and has its icons as data: images.
_DOCS_POLICY = (
    f"default-src 'self'; script-src 'self' 'sha256-{_DOCS_HASH}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


def check_files(root: Path) -> None:
    """Raise `PageMissing` naming every required file that is not under ``root``."""
    missing = [name for name in REQUIRED if not (root / name).is_file()]
    if missing:
        raise PageMissing(
            f"the console's pages are incomplete: {', '.join(missing)} not found in {root}; install the program again"
        )


class Static(StaticFiles):
    """Files with etag, and told to be asked for again."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_REVALIDATE)
        return response


@router.get("/")
async def desk(request: Request, who: Visitor) -> Response:
    """The duty desk, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "desk.html")


@router.get("/alarm-metrics")
async def alarm_metrics(request: Request, who: Visitor) -> Response:
    """How the alarm system does, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "alarm-metrics.html")


@router.get("/connections")
async def connections(request: Request, who: Visitor) -> Response:
    """The state of the connections, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "connections.html")


@router.get("/dead-letters")
async def dead_letters(request: Request, who: Visitor) -> Response:
    """What the stores did not take, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "dead-letters.html")


@router.get("/reports")
async def reports(request: Request, who: Visitor) -> Response:
    """The form for what people report, and what was reported, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "reports.html")


@router.get("/rule-differences")
async def rule_differences(request: Request, who: Visitor) -> Response:
    """What runs otherwise than it is shipped, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    return _page(request, "rule-differences.html")


@router.get("/matrices")
async def matrices(
    request: Request, who: Visitor, services: Services, lang: Annotated[Literal["zh", "en"] | None, Query()] = None
) -> Response:
    """The cause-and-effect matrices of the site, to be read and printed, or the way to the sign-in page."""
    if who is None:
        return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
    asked = request.headers.get("accept-language", "").lower()
    language = lang or ("zh" if asked.startswith("zh") or not asked else "en")
    found = () if services.interlocks is None else services.interlocks.matrices
    return HTMLResponse(matrices_page(found, services.site.areas, language), headers={"Cache-Control": "no-store"})


@router.get("/login")
async def login_page(request: Request) -> Response:
    """The sign-in page."""
    return _page(request, "login.html")


@router.get("/enter")
async def enter(request: Request, services: Services, key: Annotated[str, Query(max_length=256)] = "") -> Response:
    """Sign in with an entry link; the key leaves the address line at once."""
    token = await asyncio.to_thread(services.accounts.enter, key, peer_of(request))
    if token is None:
        return RedirectResponse("/login?reason=link", 303, {"Cache-Control": "no-store"})
    response = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
    set_session(response, request, token)
    return response


@router.get("/docs")
async def docs() -> Response:
    """The API's documentation, from our own files."""
    return HTMLResponse(_DOCS, headers={"Content-Security-Policy": _DOCS_POLICY, **_REVALIDATE})


def _page(request: Request, name: str) -> Response:
    root: Path = request.app.state.root
    return FileResponse(root / "pages" / name, headers=_REVALIDATE)
