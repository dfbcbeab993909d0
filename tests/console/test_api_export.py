"""Measured values in bulk over HTTP: whole, bounded, and over when whoever asked is gone."""

import asyncio
import csv
import dataclasses
import io
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from msgspec import structs

from console import serve
from console.address import bind
from console.app import create_app
from console.roles import Role
from console.services import ConsoleServices
from device_registry.devices import Site
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry import duck_extract
from telemetry.duck import DuckStore
from telemetry.duck_extract import of_store
from telemetry.errors import ExtractBusy, StoreUnavailable
from telemetry.extract import Extract, ExtractRow
from tests.console.conftest import START, reading_of
from tests.fixtures.waiting import wait_for_async

SECOND = 10**9
URL = "/api/v1/export"


class Counted:
    """Extracts out of a real store that counts what is read; ``fail_at``: the slice that the store does not answer."""

    def __init__(self, store: DuckStore) -> None:
        self._within = of_store(store)
        self.slices = 0
        self.open = 0
        self.fail_at: int | None = None

    def unknown(self, extract: Extract) -> tuple[str, ...]:
        return self._within.unknown(extract)

    def begin(self, extract: Extract) -> "CountedSlices":
        slices = self._within.begin(extract)
        self.open += 1
        return CountedSlices(self, slices.next, slices.close)


class CountedSlices:
    def __init__(self, count: Counted, forward: Callable[[], list[ExtractRow]], close: Callable[[], None]) -> None:
        self._count = count
        self._forward = forward
        self._close = close

    def next(self) -> list[ExtractRow]:
        self._count.slices += 1
        if self._count.slices == self._count.fail_at:
            raise StoreUnavailable("disk full at /secret/path")
        return self._forward()

    def close(self) -> None:
        self._count.open -= 1
        self._close()


@pytest.fixture
def extracts(store: DuckStore) -> Counted:
    return Counted(store)


@pytest.fixture
def services(services: ConsoleServices, extracts: Counted) -> ConsoleServices:
    return dataclasses.replace(services, extracts=extracts)


@pytest.fixture
def filled(store: DuckStore, gas: Profile, monkeypatch: pytest.MonkeyPatch) -> DuckStore:
    """400 values in slices of 20; one of them bad, and one of a drill."""
    monkeypatch.setattr(duck_extract, "ROWS_MAX", 20)
    rows = [
        reading_of(gas, "t:gas:1", START - (400 - n) * SECOND, {"methane": float(n)}, {"methane": bad})
        for n, bad in enumerate([Quality.BAD_OVER_RANGE] + [Quality.GOOD] * 399)
    ]
    store.write([*rows, reading_of(gas, "t:gas:2", START - 9 * SECOND, {"co": 3.0}, origin=Origin.DRILL)], {0: 1})
    return store


async def ask(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await client.get(URL, params={"from": "-1h", **{k.rstrip("_"): v for k, v in more.items()}})


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.usefixtures("filled")
async def test_every_value_comes_once_in_order(viewer: httpx.AsyncClient, extracts: Counted) -> None:
    answer = await ask(viewer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="gengfu-2026-11-18.csv"'
    rows = rows_of(answer)
    assert [float(row["value"]) for row in rows] == [float(n) for n in range(400)]
    assert rows[0] == {
        "time": "2026-11-18T11:00:00.000000000Z",
        "device": "t:gas:1",
        "profile": "gengfu/gas-alarm",
        "kind": "gas_alarm",
        "area": "street/hotpot",
        "point": "methane",
        "origin": "live",
        "value": "0.0",
        "text": "",
        "unit": "%{LEL}",
        "quality": "bad:over-range",
        "received_at": "2026-11-18T11:00:00.000000000Z",
    }
    assert extracts.slices > 20
    assert extracts.open == 0


@pytest.mark.usefixtures("filled")
async def test_only_what_is_asked_for(viewer: httpx.AsyncClient) -> None:
    asked = (
        {"device": "t:bin:1"},
        {"point": ["co", "fan"]},
        {"origin": "drill"},
        {"origin": "all", "device": "t:gas:2"},
    )
    assert [len(rows_of(await ask(viewer, **one))) for one in asked] == [0, 0, 1, 1]
    assert len(rows_of(await ask(viewer, from_="2026-11-18T11:06:30Z", to="2026-11-18T11:06:39Z"))) == 9


@pytest.mark.parametrize(
    ("more", "status", "where"),
    [
        ({"from": "yesterday"}, 422, "query.from"),
        ({"from": "-1h", "to": "-2h"}, 422, "query.from"),
        ({"origin": "real"}, 422, "query.origin"),
        ({"point": ["methane", "smell"]}, 422, "query.point"),
        ({"device": ["t:gas:1", "t:gas:9"]}, 404, "t:gas:9"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    viewer: httpx.AsyncClient, more: dict[str, Any], status: int, where: str
) -> None:
    answer = await viewer.get(URL, params=more)
    assert (answer.status_code, where in answer.json()["detail"]) == (status, True)


@pytest.mark.usefixtures("filled")
async def test_a_device_that_was_removed_is_still_exported(
    site: Site, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]]
) -> None:
    smaller = structs.replace(site, devices={"t:gas:2": site.devices["t:gas:2"]})
    app = create_app(dataclasses.replace(services, site=smaller), root)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=bearer(Role.VIEWER)) as client:
        rows = rows_of(await ask(client, device="t:gas:1"))
    assert (len(rows), rows[0]["unit"]) == (400, "%{LEL}")


@pytest.mark.usefixtures("filled")
async def test_a_store_that_does_not_answer_is_503(viewer: httpx.AsyncClient, extracts: Counted) -> None:
    extracts.fail_at = 1
    answer = await ask(viewer)
    assert (answer.status_code, answer.headers["retry-after"], "/secret" in answer.text) == (503, "10", False)
    assert extracts.open == 0


@pytest.mark.usefixtures("filled")
async def test_a_third_at_the_same_time_is_busy(viewer: httpx.AsyncClient, extracts: Counted) -> None:
    whole = Extract(0, 2**62)
    begun = [extracts.begin(whole) for _ in range(duck_extract.AT_ONCE)]
    with pytest.raises(ExtractBusy):
        extracts.begin(whole)
    assert (await ask(viewer)).status_code == 503
    begun[0].close()
    assert (await ask(viewer)).status_code == 200


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[str, int]]:
    """The application on a port of its own."""
    stop = asyncio.Event()
    sock = bind("127.0.0.1", 0)
    address: tuple[str, int] = sock.getsockname()
    serving = asyncio.create_task(serve.serve(app, sock, stop))
    try:
        yield address
    finally:
        stop.set()
        await serving


async def test_who_hangs_up_in_the_middle_ends_the_reading(
    filled: DuckStore, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]], gas: Profile
) -> None:
    """The rest is too much for the buffers on the way, so that the answer must wait for its reader."""
    note = "x" * 20_000
    filled.write([reading_of(gas, "t:gas:2", START - 3000 * SECOND + n, {"methane": note}) for n in range(2000)], {})
    counted = services.extracts
    assert isinstance(counted, Counted)
    token = bearer(Role.VIEWER)["Authorization"]
    async with served(create_app(services, root)) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(f"GET {URL}?from=-1h HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n")
        await wait_for_async(lambda: counted.slices > 1, 20, "the second slice")
        assert counted.open == 1
        writer.transport.abort()
        await wait_for_async(lambda: counted.open == 0, 20, "the end of the reading")
        assert counted.slices < 100


async def test_an_answer_that_breaks_off_has_no_end(
    filled: DuckStore, services: ConsoleServices, root: Path, bearer: Callable[[Role], dict[str, str]]
) -> None:
    counted = services.extracts
    assert isinstance(counted, Counted)
    counted.fail_at = 5
    async with (
        served(create_app(services, root)) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False, headers=bearer(Role.VIEWER)) as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await ask(client)
    assert counted.open == 0


async def test_the_loop_goes_on_while_the_store_reads(
    viewer: httpx.AsyncClient, filled: DuckStore, extracts: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    original = CountedSlices.next

    def slow(self: CountedSlices) -> list[ExtractRow]:
        assert held.wait(20)
        return original(self)

    monkeypatch.setattr(CountedSlices, "next", slow)
    asking = asyncio.create_task(ask(viewer))
    await wait_for_async(lambda: extracts.open == 1, 20, "the extract")
    assert (await viewer.get("/api/v1/me")).status_code == 200
    held.set()
    assert len(rows_of(await asking)) == 400
