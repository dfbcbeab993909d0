"""The API's connections: states, figures, devices, and the wire log for officers."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from console.app import create_app
from console.errors import ReloadRefused
from console.roles import Role
from console.services import ConsoleServices
from device_registry.devices import Site
from gateway.diagnostics import Diagnosis
from gengfu.connection_board import ConnectionBoard
from tests.console.conftest import Clock, Connect
from tests.fixtures.diagnoses import door, line

GAS, OTHER, BIN = "t:gas:1", "t:gas:2", "t:bin:1"


@pytest.fixture
def known(clock: Clock) -> dict[str, Diagnosis]:
    return {"coap": door(clock.ns, [BIN]), "line-1": line(clock.ns, [GAS, OTHER], clock.advance)}


class Reload:
    """Notes what it was asked for; refuses with ``problems`` if there are any."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool, bool]] = []
        self.problems: list[str] = []

    async def __call__(self, who: str, *, dry_run: bool, accept_losses: bool) -> dict[str, object]:
        self.asked.append((who, dry_run, accept_losses))
        if self.problems:
            raise ReloadRefused(self.problems)
        nothing: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
        parts = dict.fromkeys(("connections", "devices", "areas"), nothing)
        return {"applied": True, **parts, "profiles": [], "reopened": [], "losses": []}


@pytest.fixture
def reload() -> Reload:
    return Reload()


@pytest.fixture
def services(
    services: ConsoleServices, site: Site, known: dict[str, Diagnosis], clock: Clock, reload: Reload
) -> ConsoleServices:
    return replace(services, connections=ConnectionBoard(site, lambda: known, clock.ns), reload=reload)


@pytest.fixture
def admin(connect: Connect, bearer: Callable[[Role], dict[str, str]]) -> httpx.AsyncClient:
    return connect(headers=bearer(Role.ADMIN))


async def test_connections_are_listed_those_that_are_down_first(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.get("/api/v1/connections")
    assert answer.status_code == 200
    down, up = answer.json()["items"]
    assert (down["id"], down["state"], down["reason"]) == (
        "line-1",
        "down",
        "the peer closed the connection: end of stream",
    )
    assert down["devices"] == {"total": 2, "lost": 1, "silent": 0, "unheard": 0}
    assert down["errors"] == {"refused": 1, "timeout": 1, "hang-up": 1}
    assert (down["requests"], down["skipped_polls"]) == (4, 2)
    assert (down["rtt_p50_s"], down["rtt_p95_s"]) == (0.2, 0.3)
    assert down["utilisation"] == 1.0
    assert down["next_try_at"] > down["since"]
    assert (up["id"], up["state"], up["place"], up["utilisation"]) == ("coap", "up", "127.0.0.1:5683", None)


async def test_one_connection_has_its_devices(viewer: httpx.AsyncClient) -> None:
    found = (await viewer.get("/api/v1/connections/line-1")).json()
    first, lost = found["device_items"]
    assert (first["device"], first["state"], first["device_title"]["zh"]) == (GAS, "well", "报警器")
    assert (first["answers"], first["errors"], first["clock_offset_s"]) == (3, {"refused": 1}, None)
    assert (lost["state"], lost["reason"]) == ("lost", "unit 6 did not answer within 0.5 s")
    assert lost["next_try_at"] is not None
    assert lost["last_seen_at"] is None
    clock_of = (await viewer.get("/api/v1/connections/coap")).json()["device_items"][0]
    assert clock_of["clock_offset_s"] == 2.5


async def test_a_device_that_does_not_report_in_time_is_silent(
    viewer: httpx.AsyncClient, clock: Clock, site: Site, known: dict[str, Diagnosis]
) -> None:
    known["coap"].heard(BIN)
    for periods, state in ((2.4, "well"), (0.2, "silent")):
        clock.advance(periods * site.devices[BIN].period_s)
        assert (await viewer.get("/api/v1/connections/coap")).json()["device_items"][0]["state"] == state


async def test_an_officer_reads_the_wire_log_in_hex_and_in_words(officer: httpx.AsyncClient) -> None:
    found = (await officer.get("/api/v1/connections/line-1/wire")).json()
    assert (found["transport"], found["missed"], found["last"]) == ("modbus-tcp", 0, 6)
    asked, answer = found["items"][:2]
    assert (asked["n"], asked["direction"], asked["hex"]) == (1, "out", "000100000006050400000002")
    assert asked["text"] == ["transaction 1 unit 5: read input registers 0 to 1"]
    assert answer["text"] == ["transaction 1 unit 5: answers «read input registers»: 10 11"]
    later = (await officer.get("/api/v1/connections/line-1/wire", params={"after": 4, "limit": 1})).json()
    assert [one["n"] for one in later["items"]] == [5]


async def test_a_viewer_does_not_see_the_wire(viewer: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    assert (await viewer.get("/api/v1/connections/line-1/wire")).status_code == 403
    assert (await client.get("/api/v1/connections/line-1/wire")).status_code == 401
    assert (await client.get("/api/v1/connections")).status_code == 401


@pytest.mark.parametrize("path", ["nowhere", "nowhere/wire", "line-1/other"])
async def test_a_connection_that_is_not_there_is_a_problem(officer: httpx.AsyncClient, path: str) -> None:
    answer = await officer.get(f"/api/v1/connections/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:gengfu:problem:unknown-connection"


async def test_an_id_may_have_slashes(officer: httpx.AsyncClient, known: dict[str, Diagnosis], clock: Clock) -> None:
    known["east/line"] = Diagnosis("east/line", "modbus-rtu", (), clock.ns)
    assert (await officer.get("/api/v1/connections/east/line")).json()["state"] == "starting"
    assert (await officer.get("/api/v1/connections/east/line/wire")).json()["items"] == []


async def test_without_a_gateway_nothing_is_known(
    services: ConsoleServices, root, connect: Connect, app: FastAPI, bearer: Callable[[Role], dict[str, str]]
) -> None:
    lonely = create_app(replace(services, connections=None, reload=None), root)
    transport = httpx.ASGITransport(lonely)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=bearer(Role.ADMIN)) as client:
        assert (await client.get("/api/v1/connections")).status_code == 503
        assert (await client.post("/api/v1/site/reload", json={})).status_code == 503


async def test_an_admin_reloads_the_site_by_name(admin: httpx.AsyncClient, reload: Reload) -> None:
    answer = await admin.post("/api/v1/site/reload", json={"accept_losses": True})
    assert (answer.status_code, answer.json()["applied"]) == (200, True)
    assert reload.asked == [("admin", False, True)]


async def test_a_refused_document_names_what_is_wrong(admin: httpx.AsyncClient, reload: Reload) -> None:
    reload.problems = ["site.toml: device[x].area: leads nowhere"]
    answer = await admin.post("/api/v1/site/reload", json={})
    assert answer.status_code == 409
    assert answer.json()["problems"] == reload.problems
    assert answer.json()["detail_zh"]


async def test_nobody_else_reloads_the_site(
    officer: httpx.AsyncClient, viewer: httpx.AsyncClient, admin: httpx.AsyncClient, reload: Reload
) -> None:
    assert (await officer.post("/api/v1/site/reload", json={})).status_code == 403
    assert (await viewer.post("/api/v1/site/reload", json={})).status_code == 403
    assert (await admin.post("/api/v1/site/reload", json={"force": True})).status_code == 422
    assert reload.asked == []
