"""A real server on a loopback port: event streams, stopping with streams open, addresses that are refused."""

import asyncio
import errno
import gc
import json
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h11
import httpx
import pytest
import uvloop
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.accounts import Accounts
from console.address import bind
from console.api.events import GRACE_S
from console.app import create_app
from console.errors import AddressRefused, PortInUse, StartRefused
from console.roles import Role
from console.serve import STOP_S, serve
from console.services import ConsoleServices
from protocols.profile.model import Profile
from tests.console.conftest import PASSWORDS, START, reading_of
from tests.fixtures.waiting import wait_for_async

EVENTS = "/api/v1/events"


@asynccontextmanager
async def running(app: FastAPI, stop: asyncio.Event) -> AsyncIterator[str]:
    """The address of a server, which is stopped at the end of the block."""
    sock = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    serving = asyncio.create_task(serve(app, sock, stop))
    try:
        yield address
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await serving


class Stream:
    """A reader of server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def line(self) -> str:
        async with asyncio.timeout(5):
            return await anext(self._lines)

    async def rest(self) -> list[str]:
        """Every line until the stream ends."""
        async with asyncio.timeout(5):
            return [line async for line in self._lines]

    async def event(self) -> tuple[str, Any]:
        """The next (kind, data), comments and retry hints left out."""
        while not (line := await self.line()).startswith("event: "):
            pass
        return line.removeprefix("event: "), json.loads((await self.line()).removeprefix("data: "))


@pytest.fixture
def token(accounts: Accounts) -> str:
    return accounts.login("viewer", PASSWORDS[Role.VIEWER], "test")


@asynccontextmanager
async def streaming(address: str, token: str) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=address, headers=headers) as client,
        client.stream("GET", EVENTS) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield Stream(response)


def observe(services: ConsoleServices, gas: Profile, n: int = 0) -> None:
    reading = reading_of(gas, "t:gas:1", START + n * 10**9, {"methane": float(n)})
    services.live.observe(reading, [point.name for point in gas.points])


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_readings(
    app: FastAPI, services: ConsoleServices, gas: Profile, token: str
) -> None:
    observe(services, gas, 1)
    async with running(app, services.stop) as address, streaming(address, token) as stream:
        methane = {"value": 1.0, "quality": "good", "at": "2026-11-18T11:06:41.000Z"}
        assert await stream.event() == ("snapshot", {"devices": {"t:gas:1": {"methane": methane}}})
        # What was announced before there was a reader comes once more; it must not be older than the snapshot.
        observe(services, gas, 2)
        kind, data = await stream.event()
        changed = {"value": 2.0, "quality": "good"}
        assert kind == "readings"
        assert data["items"][-1] == {
            "device": "t:gas:1",
            "at": "2026-11-18T11:06:42.000Z",
            "values": {"methane": changed},
        }


async def test_other_kinds_of_events_need_one_line(app: FastAPI, services: ConsoleServices, token: str) -> None:
    async with running(app, services.stop) as address, streaming(address, token) as stream:
        await stream.event()
        services.events.publish("alarms", {"id": "t:gas:1~CK-02"})
        assert await stream.event() == ("alarms", {"id": "t:gas:1~CK-02"})


async def test_a_browser_that_does_not_read_is_told_to_resync(
    app: FastAPI, services: ConsoleServices, token: str
) -> None:
    filling = {"text": "x" * 200_000}
    async with running(app, services.stop) as address, streaming(address, token) as stream:
        assert (await stream.event())[0] == "snapshot"
        for n in range(200):
            services.events.publish("filling", {"n": n, **filling})
            await asyncio.sleep(0)
        kinds: list[str] = []
        while not kinds or kinds[-1] != "resync":
            kinds.append((await stream.event())[0])
        assert 0 < len(kinds) < 200
        services.events.publish("alarms", {})
        while kinds[-1] != "alarms":
            kinds.append((await stream.event())[0])


async def test_a_quiet_stream_shows_that_it_lives(services: ConsoleServices, root: Path, token: str) -> None:
    app = create_app(replace(services, ping_s=0.01), root)
    async with running(app, services.stop) as address, streaming(address, token) as stream:
        await stream.event()
        while await stream.line() != ": ping":
            pass


async def test_a_stream_ends_with_its_session(
    services: ConsoleServices, root: Path, accounts: Accounts, token: str
) -> None:
    app = create_app(replace(services, ping_s=0.01), root)
    async with running(app, services.stop) as address, streaming(address, token) as stream:
        await stream.event()
        accounts.set_password("viewer", "another-password")
        assert "event: readings" not in await stream.rest()


async def test_a_browser_that_left_is_forgotten(app: FastAPI, services: ConsoleServices, token: str) -> None:
    async with running(app, services.stop) as address:
        async with streaming(address, token) as stream:
            await stream.event()
            assert services.events.readers == 1
        await wait_for_async(lambda: services.events.readers == 0)


async def stop_with_open_streams(app: FastAPI, services: ConsoleServices, token: str) -> None:
    """Stop while one browser reads a stream, one has a stream and reads nothing, and one waits for an answer.

    The one that reads nothing keeps its end open until the server is gone.
    """
    waiting = asyncio.Event()

    @app.get("/stuck")
    async def stuck() -> None:
        waiting.set()
        await asyncio.Event().wait()

    request = f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with socket.socket() as deaf:
        async with running(app, services.stop) as address, streaming(address, token) as stream:
            await stream.event()
            deaf.connect(("127.0.0.1", int(address.rpartition(":")[2])))
            deaf.sendall(request)
            await wait_for_async(lambda: services.events.readers == 2)
            asking = asyncio.create_task(ask_for(f"{address}/stuck"))
            await waiting.wait()
            for _ in range(100):
                services.events.publish("filling", {"text": "x" * 200_000})
                await asyncio.sleep(0)
            services.stop.set()
            await stream.rest()
        assert services.events.readers == 0
        assert await asking == 500


async def ask_for(address: str) -> int:
    async with httpx.AsyncClient(timeout=20) as client:
        return (await client.get(address)).status_code


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_stopping_takes_three_seconds_at_most_and_shows_no_traceback(
    app: FastAPI,
    services: ConsoleServices,
    token: str,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(stop_with_open_streams(app, services, token))
    assert [one.getMessage() for one in caplog.records if one.exc_info] == []
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err


def test_the_parts_of_a_stop_fit_into_three_seconds() -> None:
    # 0.1 s until the server looks at the stop, 0.1 s before it waits; a stream's grace runs while it waits.
    assert GRACE_S < STOP_S
    assert 0.2 + STOP_S < 3


async def test_serving_again_after_a_stop_takes_the_same_port(app: FastAPI, services: ConsoleServices) -> None:
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    serving = asyncio.create_task(serve(app, sock, services.stop))
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
    services.stop.set()
    await serving
    bind("127.0.0.1", port).close()


async def test_signals_are_left_to_the_program(app: FastAPI, services: ConsoleServices) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with running(app, services.stop) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"{address}/healthz")).status_code == 200
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_requests_are_not_logged_and_the_server_is_not_named(
    app: FastAPI, services: ConsoleServices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(app, services.stop) as address, httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/enter?key=hunter2")
    assert "server" not in answer.headers
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    assert [one for one in ours if "hunter2" in one] == []


async def test_what_is_no_http_leaves_nothing_for_the_garbage_collector(
    app: FastAPI, services: ConsoleServices
) -> None:
    def left() -> int:
        return sum(isinstance(one, (h11.RemoteProtocolError, H11Protocol)) for one in gc.get_objects())

    async with running(app, services.stop) as address:
        gc.disable()
        try:
            before = left()
            for _ in range(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
                writer.write(b"\x00 no request\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
                writer.close()
                await writer.wait_closed()
            await wait_for_async(lambda: left() == before, what="the end of the last connection")
        finally:
            gc.enable()


async def test_a_crash_is_logged_with_its_traceback_for_the_developer(
    app: FastAPI, services: ConsoleServices, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    async with running(app, services.stop) as address, httpx.AsyncClient() as client:
        problem = (await client.get(f"{address}/broken")).json()
    assert problem["id"] in caplog.text
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [ZeroDivisionError]


async def test_an_application_that_does_not_start_is_an_error(services: ConsoleServices) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    with pytest.raises(StartRefused, match="did not start"):
        await serve(FastAPI(lifespan=lifespan), bind("127.0.0.1", 0), services.stop)


def test_a_port_in_use_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port}: another program uses this port; .*--port"):
            bind("127.0.0.1", port)


def test_a_socket_of_ours_keeps_others_off_the_port() -> None:
    with bind("127.0.0.1", 0) as sock, pytest.raises(PortInUse):
        bind("127.0.0.1", sock.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "not an address"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="give an address of this machine"):
        bind(host, 0)


def test_a_port_that_needs_rights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1:80: not allowed; choose a port above 1023"):
        bind("127.0.0.1", 80)
