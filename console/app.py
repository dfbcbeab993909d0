"""The application: routes, errors, headers and limits put together around what the console is given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from console import problem, web
from console.api import (
    alarm_duties,
    alarm_metrics,
    alarms,
    auth,
    bump_tests,
    bypasses,
    commands,
    connections,
    dead_letters,
    demo,
    duties,
    events,
    export,
    health,
    interlocks,
    journal,
    maintenance,
    photos,
    plans,
    proof_tests,
    readings,
    reports,
    rule_differences,
    site,
    telemetry,
)
from console.events import pump
from console.headers import AnswerHeaders
from console.limits import BodyLimit
from console.services import ConsoleServices

API = "/api/v1"
_HERE = Path(__file__).parent

_DESCRIPTION = (
    "Times are RFC 3339 UTC with milliseconds; numbers carry their unit (UCUM) beside them. Collections are "
    "`{items, next}`. Errors are RFC 9457 problems with `detail` (English) and `detail_zh`. Sign in for a cookie, "
    "or send `Authorization: Bearer` with a session token or an API token."
)


_ROUTERS = (
    site.public,
    auth.router,
    site.router,
    telemetry.router,
    export.router,
    readings.router,
    alarm_metrics.router,  # before the routes of one alarm, whose id could be «metrics»
    alarm_duties.router,  # the same, and verbs of its own
    alarms.router,
    interlocks.router,
    rule_differences.router,
    plans.router,
    photos.router,
    commands.router,
    bump_tests.router,
    maintenance.router,
    bypasses.router,
    proof_tests.router,
    reports.router,
    connections.router,
    journal.router,
    dead_letters.router,
    duties.router,
    demo.router,
    events.router,
)


def create_app(services: ConsoleServices, root: Path = _HERE) -> FastAPI:
    """The console as an ASGI application. ``root`` has the folders ``pages`` and ``static``.

    Raises `console.errors.PageMissing` if a file of the pages is not there.
    """
    web.check_files(root)
    app = FastAPI(
        title="Gengfu",
        description=_DESCRIPTION,
        version=services.version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.services = services
    app.state.root = root
    app.state.logins = auth.LoginGate()
    app.state.photos = photos.Gate()
    problem.install(app)
    for module_router in _ROUTERS:
        app.include_router(module_router, prefix=API)
    for prefix in ("", API):
        app.include_router(health.router, prefix=prefix)
    app.include_router(web.router)
    app.mount("/static", web.Static(directory=root / "static"))
    app.add_middleware(BodyLimit)
    app.add_middleware(AnswerHeaders)
    _name_problems(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: ConsoleServices = app.state.services
    pumping = asyncio.create_task(pump(services.live, services.events, services.stop, asyncio.get_running_loop().time))
    try:
        yield
    finally:
        pumping.cancel()
        with suppress(asyncio.CancelledError):
            await pumping


def _name_problems(app: FastAPI) -> None:
    """Let the OpenAPI document say that errors are `application/problem+json`."""
    plain: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        schema = plain()
        for operation in _operations(schema) if fresh else ():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if status >= "400" and "application/json" in content:
                    content[problem.MEDIA_TYPE] = content.pop("application/json")
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # the documented way to extend the schema


def _operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in schema["paths"].values() for operation in path.values()]
