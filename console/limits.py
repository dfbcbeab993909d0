"""The bound on request bodies: refused before it is buffered, whether its length is announced or not."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.headers import content_length
from console.problem import Problem, problem_response
from operations.photos import MAX_BYTES as PHOTO_MAX

BODY_MAX = 64 * 1024
LARGER = {"/api/v1/photos": PHOTO_MAX}
"""Paths that take more."""


class BodyLimit:
    """Answers 413 to bodies over `BODY_MAX` bytes, or what `LARGER` says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGER.get(scope["path"], BODY_MAX)
        if content_length(scope) > most:
            await problem_response(_too_large(most))(scope, receive, send)
            return
        got = 0

        async def bounded() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise _too_large(most)
            return message

        await self._app(scope, bounded, send)


def _too_large(most: int) -> Problem:
    close = {"Connection": "close"}
    if most == PHOTO_MAX:
        limit = most // 1_000_000
        return Problem("too-large", f"A photo has at most {limit} MB.", f"照片最大 {limit} MB。", close)
    limit = most // 1024
    return Problem(
        "too-large",
        f"A body has at most {limit} KiB; send fewer readings at a time.",
        f"请求体最多 {limit} KiB,请减少每次上传的读数。",
        close,
    )
