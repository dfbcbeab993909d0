"""Signing in and out, and API tokens."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.requests import Request

from console.access import COOKIE, Anyone, Services, cross_origin, is_cross_site, peer_of
from console.accounts import Accounts, TokenInfo
from console.api.shapes import PROBLEM, CreatedToken, Credentials, Me, NewToken, SessionToken, Tokens, TokenShape
from console.errors import AccountError, LoginBlocked, LoginRefused
from console.present import SECOND_NS, iso
from console.problem import Problem

LOGINS_AT_ONCE = 2
LOGINS_WAITING_MAX = 32

router = APIRouter(tags=["accounts"])


class LoginGate:
    """Two sign-ins at a time (each takes a core and 64 MB), and no more than 32 that wait."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(LOGINS_AT_ONCE)
        self._waiting = 0

    async def login(self, accounts: Accounts, given: Credentials, peer: str) -> str:
        """As `Accounts.login`, in a thread. Raises 503 when too many wait."""
        if self._waiting >= LOGINS_WAITING_MAX:
            raise Problem("busy", "Too many sign-ins at once.", "登录请求过多,请稍后再试。", {"Retry-After": "2"})
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(accounts.login, given.username, given.password, peer)
        finally:
            self._waiting -= 1


def set_session(response: Response, request: Request, token: str) -> None:
    """Put the session cookie on the answer; `Secure` where the browser came over https."""
    response.set_cookie(COOKIE, token, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https")


@router.post(
    "/auth/login",
    summary="Sign in",
    responses={401: PROBLEM, 403: PROBLEM, 422: PROBLEM, 429: PROBLEM, 503: PROBLEM},
)
async def login(given: Credentials, request: Request, response: Response, services: Services) -> SessionToken:
    """Start a session. After five failures of a name from one address it must wait (`Retry-After`)."""
    if is_cross_site(request):
        raise cross_origin()
    gate: LoginGate = request.app.state.logins
    try:
        token = await gate.login(services.accounts, given, peer_of(request))
    except LoginBlocked as error:
        wait_s = error.retry_after_s
        raise Problem(
            "login-blocked",
            f"Too many failed sign-ins; try again in {wait_s} s.",
            f"登录失败次数过多,请 {wait_s} 秒后再试。",
            {"Retry-After": str(wait_s)},
        ) from None
    except LoginRefused:
        raise Problem("login-refused", "Wrong name or password.", "用户名或密码错误。") from None
    set_session(response, request, token)
    return SessionToken(token=token)


@router.post("/auth/logout", summary="Sign out", status_code=204, responses={401: PROBLEM, 403: PROBLEM})
async def logout(who: Anyone, response: Response, services: Services) -> None:
    """End the session and take the cookie back."""
    await asyncio.to_thread(services.accounts.logout, who)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.get("/me", summary="Who is signed in", responses={401: PROBLEM})
async def me(who: Anyone) -> Me:
    """The name and the role of the session or token."""
    return Me(username=who.username, role=who.role)


@router.get("/tokens", summary="List API tokens", responses={401: PROBLEM})
async def tokens(who: Anyone, services: Services) -> Tokens:
    """Your API tokens; an administrator sees everybody's. Secrets are never shown again."""
    found = await asyncio.to_thread(services.accounts.tokens, who)
    return Tokens(items=[_shape(one) for one in found])


@router.post(
    "/tokens",
    summary="Make an API token",
    status_code=201,
    responses={401: PROBLEM, 403: PROBLEM, 422: PROBLEM},
)
async def create_token(wish: NewToken, who: Anyone, services: Services) -> CreatedToken:
    """An API token acts for you with its role, and does not expire. `token` is shown this once."""
    try:
        info, secret = await asyncio.to_thread(services.accounts.create_token, who, wish.name, wish.role)
    except AccountError:
        raise Problem(
            "forbidden",
            f"A token has at most your own role, {who.role.value}.",
            f"令牌的角色不能高于您自己的角色 {who.role.value}。",
        ) from None
    return CreatedToken(**_shape(info).model_dump(), token=secret)


@router.delete(
    "/tokens/{id}",
    summary="Take back an API token",
    status_code=HTTPStatus.NO_CONTENT,
    responses={401: PROBLEM, 403: PROBLEM, 404: PROBLEM, 422: PROBLEM},
)
async def delete_token(id_: Annotated[str, Path(alias="id", max_length=64)], who: Anyone, services: Services) -> None:
    """From now on the token opens nothing."""
    if not await asyncio.to_thread(services.accounts.delete_token, who, id_):
        raise Problem("unknown-token", "You have no API token of this id.", "没有这个编号的 API 令牌。")


def _shape(info: TokenInfo) -> TokenShape:
    return TokenShape(
        id=info.id,
        name=info.name,
        user=info.user,
        role=info.role,
        created=iso(int(info.created * SECOND_NS)),
        last_used=None if info.used is None else iso(int(info.used * SECOND_NS)),
    )
