"""The bound on request bodies: refused before it is buffered, whether its length is announced or not."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.headers import content_length
from console.problem import Problem, problem_response

BODY_MAX = 64 * 1024


class BodyLimit:
    """Answers 413 to bodies over `BODY_MAX` bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if content_length(scope) > BODY_MAX:
            await problem_response(_too_large())(scope, receive, send)
            return
        got = 0

        async def bounded() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > BODY_MAX:
                raise _too_large()
            return message

        await self._app(scope, bounded, send)


def _too_large() -> Problem:
    limit = BODY_MAX // 1024
    return Problem(
        "too-large",
        f"A body has at most {limit} KiB; send fewer readings at a time.",
        f"请求体最多 {limit} KiB,请减少每次上传的读数。",
        {"Connection": "close"},
    )
