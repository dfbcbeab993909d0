"""Devices on HTTP in the running process: what a token opens, and what it does not."""

import asyncio
import logging
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from console import serve
from console.roles import Role
from device_registry.credentials import digest, new_token
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import process
from gengfu.rules import shipped
from gengfu.settings import load_settings
from journal.entry import PARTITIONS
from protocols.errors import DecodeError
from protocols.profile.loader import shipped_profiles
from protocols.reading import Reading, decode_reading
from tests.contract.http_rig import DOCUMENT, sample, total
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for_async

MINE, OTHER = "east:gas:0001", "east:gas:0002"
TOKEN, OTHER_TOKEN = new_token(), new_token()


class Running:
    """The process, and a client of it without credentials."""

    def __init__(self, of: process.Process, client: httpx.AsyncClient) -> None:
        self.of = of
        self.client = client

    async def post(self, device: str, token: str, sequence: int = 1) -> httpx.Response:
        pack = f'[{{"bn":"{device}/","n":"boot","v":1}},{{"n":"seq","v":{sequence}}},{{"n":"methane","v":1.5}}]'
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/senml+json"}
        return await self.client.post("/api/v1/readings", content=pack, headers=headers)

    def stored(self) -> list[Reading]:
        read = self.of.gateway.journal.read(range(PARTITIONS), {}, 1000)
        return [decode_reading(one.entry.body) for one in read if one.entry.kind == "reading"]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    document = tomllib.loads(sample())
    (device,) = document["device"]
    document["device"] = [
        {**device, "id": name, "http": {"token_sha256": digest(token)}}
        for name, token in ((MINE, TOKEN), (OTHER, OTHER_TOKEN))
    ]
    site = compile_site(SiteConfig.model_validate(document, strict=False), shipped_profiles())
    async with process.running(load_settings(data=tmp_path, http={"port": 0}), site, tmp_path, shipped()) as of:
        base = f"http://127.0.0.1:{of.http_port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:
            yield Running(of, client)


async def test_device_with_its_token_speaks_for_itself_and_is_stored_once(running: Running) -> None:
    assert [(await running.post(MINE, TOKEN)).status_code for _ in range(2)] == [204, 204]
    assert [(one.device, one.sequence) for one in running.stored()] == [(MINE, 1)]
    assert running.of.gateway.sides["api"].diagnosis.devices[MINE].heard_at > 0


async def test_token_of_one_device_says_nothing_for_another(running: Running) -> None:
    refused = await running.post(OTHER, TOKEN)
    problem = refused.json()
    assert (refused.status_code, problem["type"], problem["kind"]) == (
        403,
        "urn:gengfu:problem:not-yours",
        "credential",
    )
    assert (await running.post(OTHER, OTHER_TOKEN)).status_code == 204
    assert [one.device for one in running.stored()] == [OTHER]


async def test_token_that_no_device_has_is_refused_and_counted(running: Running) -> None:
    assert (await running.post(MINE, new_token())).status_code == 401
    assert running.stored() == []
    assert running.of.gateway.sides["api"].diagnosis.errors == {"credential": 1}


async def test_connection_that_was_closed_lets_no_device_in(running: Running) -> None:
    side = running.of.gateway.sides["api"]
    await side.close()
    assert (await running.post(MINE, TOKEN)).status_code == 401
    assert (running.stored(), side.diagnosis.is_up) == ([], False)


async def test_device_that_nobody_registered_is_told_so(running: Running) -> None:
    assert (await running.post("east:gas:9999", TOKEN)).status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/devices", "/api/v1/tokens", "/api/v1/me", "/metrics?", "/api/v1/events"])
async def test_token_of_a_device_opens_nothing_else(running: Running, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    without, answer = [await running.client.get(path, headers=one) for one in ({}, headers)]
    assert answer.status_code == without.status_code
    assert answer.status_code == 401 or path == "/metrics?"


async def test_body_that_ends_after_its_connection_was_closed_is_not_taken(running: Running) -> None:
    door = running.of.gateway.device_door(TOKEN)
    assert door is not None
    await running.of.gateway.end(["api"])
    with pytest.raises(DecodeError, match="'api' was closed meanwhile"):
        await door(f'[{{"n":"{MINE}/methane","v":1.5}}]'.encode(), 110, "127.0.0.1")
    assert running.stored() == []


async def test_officer_may_speak_for_any_device_and_a_viewer_for_none(running: Running) -> None:
    accounts = running.of.console.accounts
    for role, status in ((Role.OFFICER, 204), (Role.VIEWER, 403)):
        accounts.add_user(role.value, "a long password", role)
        session = await asyncio.to_thread(accounts.login, role.value, "a long password", "test")
        assert (await running.post(MINE, session)).status_code == status


BROKEN: Mapping[str, bytes] = {
    "noise": bytes(range(128, 256)) + b"\r\n\r\n",
    "half a head": b"POST /api/v1/readings HTTP/1.1\r\nHost: x",
    "half a body": f"POST /api/v1/readings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    'Content-Type: application/json\r\nContent-Length: 99\r\n\r\n[{"bn'.encode(),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
async def test_what_is_no_request_is_counted_and_does_not_fill_the_log(
    running: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    _, writer = await asyncio.open_connection("127.0.0.1", running.of.http_port)
    writer.write(sent)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    malformed = running.of.console.malformed
    await wait_for_async(lambda: total(malformed) == 1, what="the count")
    assert (await running.post(MINE, TOKEN)).status_code == 204
    assert caplog.messages == []
    assert len(running.stored()) == 1


async def test_whoever_lets_us_wait_for_the_rest_of_a_request_is_cut_off(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "OWED_S", 0.05)
    for sent in (b"", BROKEN["half a head"], BROKEN["half a body"]):
        reader, writer = await asyncio.open_connection("127.0.0.1", running.of.http_port)
        writer.write(sent)
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
    assert (await running.post(MINE, TOKEN)).status_code == 204


async def test_documented_command_sends_a_reading(running: Running) -> None:
    (block,) = DOCUMENT.read_text(encoding="utf-8").split("```sh\n")[1:]
    where = {"GATEWAY": f"http://127.0.0.1:{running.of.http_port}", "TOKEN": TOKEN, "PATH": "/usr/bin:/bin"}
    script = block.partition("```")[0]
    done = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", script, env=where, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(done.communicate(), 20)
    if done.returncode == 127:
        missing("curl is missing")
    assert done.returncode == 0, said.decode()
    assert [(one.device, one.boot, one.sequence) for one in running.stored()] == [(MINE, 7, 1)]
