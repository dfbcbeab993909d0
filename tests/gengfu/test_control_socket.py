"""The demo's control socket: one JSON line each way, for its owner only, and faults told as faults."""

import asyncio
import json
import socket
import stat
from contextlib import asynccontextmanager

import pytest

from gengfu.demo import control
from gengfu.errors import GengfuError, InputError, MissingError


async def handle(request):
    if request.get("verb") == "wrong":
        raise InputError("no board 'x'; one of a, b")
    if request.get("verb") == "gone":
        raise MissingError("the line is not there")
    return {"asked": request, "said": "漏气"}


@asynccontextmanager
async def serving(folder):
    server = await control.listen(folder, handle)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def send(folder, line):
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(folder / control.SOCKET))
        door.sendall(line)
        return json.loads(door.makefile("rb").readline())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder that is reached by a short relative path: socket paths have at most 107 bytes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_request_is_answered_and_only_its_owner_may_ask(folder):
    async with serving(folder):
        answer = await asyncio.to_thread(control.call, folder, {"verb": "status"})
        assert answer == {"asked": {"verb": "status"}, "said": "漏气"}
        assert stat.S_IMODE((folder / control.SOCKET).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("verb", "error", "code"), [("wrong", "no board 'x'; one of a, b", 1), ("gone", "the line is not there", 3)]
)
async def test_a_refusal_comes_back_with_its_exit_code(folder, verb, error, code):
    async with serving(folder):
        with pytest.raises(GengfuError, match=error) as refused:
            await asyncio.to_thread(control.call, folder, {"verb": verb})
    assert refused.value.exit_code == code


@pytest.mark.parametrize("line", [b"leak\n", b"[1]\n", b"\xff\xfe\n", b"\n", b"{" * 5000 + b"\n"])
async def test_what_is_no_request_is_refused_and_the_socket_lives_on(folder, line):
    async with serving(folder):
        answer = await asyncio.to_thread(send, folder, line)
        assert answer["exit_code"] == 1
        assert (await asyncio.to_thread(control.call, folder, {"verb": "status"}))["said"] == "漏气"


async def test_the_socket_of_a_killed_demo_is_replaced(folder):
    async with serving(folder):
        pass
    with socket.socket(socket.AF_UNIX) as left_behind:
        (folder / control.SOCKET).unlink(missing_ok=True)
        left_behind.bind(str(folder / control.SOCKET))
    with pytest.raises(MissingError, match=r"no demo answers at .*Connection refused"):
        await asyncio.to_thread(control.call, folder, {"verb": "status"})
    async with serving(folder):
        assert await asyncio.to_thread(control.call, folder, {"verb": "status"})


async def test_a_demo_that_ends_before_it_answers_is_told(folder):
    async def close(_reader, writer):
        writer.close()

    server = await asyncio.start_unix_server(close, folder / control.SOCKET)
    try:
        with pytest.raises(MissingError, match="no demo answers at"):
            await asyncio.to_thread(control.call, folder, {"verb": "leak"})
    finally:
        server.close()
        await server.wait_closed()
