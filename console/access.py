"""Who is asking, and whether they may: session cookie or bearer token, cross-site requests, roles."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from console.problem import Problem
from console.roles import Principal, Role
from console.services import ConsoleServices

COOKIE = "gengfu_session"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="A session token or an API token.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Set by signing in.")

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
Cookie = Annotated[str | None, Depends(_cookie)]


async def services_of(request: Request) -> ConsoleServices:
    """What the console was given."""
    services: ConsoleServices = request.app.state.services
    return services


Services = Annotated[ConsoleServices, Depends(services_of)]


def peer_of(request: Request) -> str:
    """The address of the other end of the connection; no header can change it."""
    return request.client.host if request.client else "unknown"


def is_cross_site(request: Request) -> bool | None:
    """Whether a browser sent this for a page of another origin; ``None`` if the request does not tell.

    `Sec-Fetch-Site` (Fetch Metadata) is set by the browser alone and wins; browsers leave it out over plain
    HTTP to other machines, where `Origin` (RFC 6454) is compared with `Host`.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site != "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return None
    return urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


def cross_origin() -> Problem:
    """The 403 for requests that a page of another origin may have caused."""
    return Problem(
        "cross-origin",
        "With the session cookie this method is for pages of this server only; scripts use Authorization: Bearer.",
        "使用会话 Cookie 时,该方法只接受本站页面的请求;脚本请使用 Authorization: Bearer。",
    )


async def secret_of(request: Request, bearer: Bearer, cookie: Cookie) -> str | None:
    """The session or API token that the request carries. Raises 403 for a cookie on a cross-site write."""
    if bearer is not None:
        return bearer.credentials
    if cookie is not None and request.method not in _SAFE and is_cross_site(request) is not False:
        raise cross_origin()
    return cookie


Secret = Annotated[str | None, Depends(secret_of)]


async def visitor(services: Services, secret: Secret) -> Principal | None:
    """Who is asking, if signed in."""
    return await asyncio.to_thread(services.accounts.resolve, secret) if secret else None


Visitor = Annotated[Principal | None, Depends(visitor)]


async def signed_in(who: Visitor) -> Principal:
    """Who is asking. Raises 401 for nobody."""
    if who is None:
        raise Problem(
            "unauthenticated",
            "Sign in at /login, or send Authorization: Bearer with a token.",
            "请先在 /login 登录,或使用 Authorization: Bearer 携带令牌。",
            {"WWW-Authenticate": 'Bearer realm="gengfu"'},
        )
    return who


def at_least(role: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency: who is asking, with at least this role. Raises 401, 403."""

    async def check(who: Annotated[Principal, Depends(signed_in)]) -> Principal:
        if not who.role.includes(role):
            raise Problem(
                "forbidden",
                f"This needs the role {role.value}; you are {who.role.value}.",
                f"此操作需要 {role.value} 角色,当前为 {who.role.value}。",
            )
        return who

    return check


Anyone = Annotated[Principal, Depends(signed_in)]
Officer = Annotated[Principal, Depends(at_least(Role.OFFICER))]
Admin = Annotated[Principal, Depends(at_least(Role.ADMIN))]
