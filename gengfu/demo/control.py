"""The demo's control socket: ``DATA/demo.sock``, mode 0600, one JSON line each way.

``gengfu demo leak`` in a second shell speaks it; the buttons on the page call the same verbs.
"""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gengfu.errors import GengfuError, MissingError

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

SOCKET = "demo.sock"
LONGEST_LINE = 4096
ANSWER_TIMEOUT_S = 10.0


async def listen(folder: Path, handle: Handler) -> asyncio.AbstractServer:
    """Serve ``handle`` on the socket of the data folder (relative, for the length limit of socket paths)."""
    path = folder / SOCKET
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await _reply(reader, handle)
            writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        door.bind(os.path.relpath(path))  # noqa: ASYNC240 - reads the current folder, once
    finally:
        os.umask(before)
    return await asyncio.start_unix_server(answer, sock=door, limit=LONGEST_LINE)


async def _reply(reader: asyncio.StreamReader, handle: Handler) -> dict[str, Any]:
    try:
        # A line longer than the limit is a ValueError too.
        request = json.loads(await reader.readline())
        if not isinstance(request, dict):
            return {"error": "a request is a JSON object", "exit_code": 1}
        return await handle(request)
    except GengfuError as error:
        return {"error": str(error), "exit_code": error.exit_code}
    except ValueError as error:
        return {"error": f"not a JSON line: {error}", "exit_code": 1}


def call(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to the running demo. Raises `MissingError` where none runs."""
    path = os.path.relpath(folder / SOCKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(ANSWER_TIMEOUT_S)
        try:
            door.connect(path)
            door.sendall(json.dumps(request).encode() + b"\n")
            answer = door.makefile("rb").readline()
        except OSError as error:
            raise MissingError(
                f"no demo answers at {folder / SOCKET} ({error.strerror or error}); start one with gengfu demo"
            ) from None
    reply: dict[str, Any] = json.loads(answer)
    if "error" in reply:
        failure = MissingError if reply.get("exit_code") == MissingError.exit_code else GengfuError
        raise failure(reply["error"])
    return reply
