"""Readings over HTTP: what is handed on, and how each refusal is answered."""

from collections.abc import AsyncIterator

import httpx
import pytest

from journal.errors import JournalFull, JournalUnusable
from protocols.errors import DecodeError, UnknownDevice
from tests.console.conftest import Door

READINGS = "/api/v1/readings"
PACK = b'[{"bn":"t:gas:1/","n":"methane","v":1.2}]'


async def send(client: httpx.AsyncClient, content_type: str = "application/senml+json") -> httpx.Response:
    return await client.post(READINGS, content=PACK, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("content_type", "content_format"),
    [
        ("application/senml+json", 110),
        ("application/json", 110),
        ("Application/SenML+JSON; charset=utf-8", 110),
        ("application/senml+cbor", 112),
        ("application/cbor", 112),
    ],
)
async def test_a_pack_is_handed_on_and_answered_when_stored(
    officer: httpx.AsyncClient, door: Door, content_type: str, content_format: int
) -> None:
    answer = await send(officer, content_type)
    assert (answer.status_code, answer.content) == (204, b"")
    assert door.got == [(PACK, content_format, "127.0.0.1")]


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/xml", "application/senml"])
async def test_other_content_types_are_refused_with_those_taken(
    officer: httpx.AsyncClient, door: Door, content_type: str
) -> None:
    answer = await send(officer, content_type)
    assert (answer.status_code, door.got) == (415, [])
    assert "application/senml+cbor" in answer.headers["accept-post"]


@pytest.mark.parametrize(
    ("error", "status", "slug", "kind", "detail"),
    [
        (DecodeError("unit", "record 2: unit 'K' is not %"), 400, "undecodable", "unit", "record 2: unit 'K' is not %"),
        (UnknownDevice("t:x"), 404, "unknown-device", "unknown-device", "device 't:x' is not registered"),
    ],
)
async def test_what_cannot_be_read_is_told_to_the_sender(
    officer: httpx.AsyncClient, door: Door, error: Exception, status: int, slug: str, kind: str, detail: str
) -> None:
    door.error = error
    answer = await send(officer)
    problem = answer.json()
    assert answer.status_code == status
    assert (problem["type"], problem["kind"], problem["detail"]) == (f"urn:gengfu:problem:{slug}", kind, detail)


@pytest.mark.parametrize(("error", "retry"), [(JournalFull("no space"), "30"), (JournalUnusable("/disk/x: EIO"), "60")])
async def test_what_is_not_stored_is_never_acknowledged(
    officer: httpx.AsyncClient, door: Door, error: Exception, retry: str
) -> None:
    door.error = error
    answer = await send(officer)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, retry)
    assert "nothing of this request is stored" in answer.json()["detail"]
    assert "/disk" not in answer.text


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


async def test_64_kib_are_taken(officer: httpx.AsyncClient, door: Door) -> None:
    for content in (b" " * 65536, chunks(65536)):
        answer = await officer.post(READINGS, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 204
    assert [len(body) for body, _, _ in door.got] == [65536, 65536]


async def test_more_is_refused_whether_announced_or_not(officer: httpx.AsyncClient, door: Door) -> None:
    for content in (b" " * 65537, chunks(65536 + 1024)):
        answer = await officer.post(READINGS, content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:gengfu:problem:too-large")
    assert door.got == []


async def test_the_rest_of_a_body_without_end_is_not_read(officer: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1024

    answer = await officer.post(READINGS, content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, sent) == (413, 65)


async def test_other_paths_have_the_same_bound(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/v1/auth/login", content=chunks(70_000), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
