"""Pages, static files, the API's documentation, health, and the headers of every answer."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from console.app import create_app
from console.errors import PageMissing
from console.roles import Role
from console.services import ConsoleServices
from console.web import REQUIRED
from tests.console.conftest import BASE, PASSWORDS, Connect

VIEWER = {"username": "viewer", "password": PASSWORDS[Role.VIEWER]}


async def test_the_desk_is_for_those_who_signed_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    await client.post("/api/v1/auth/login", json=VIEWER)
    answer = await client.get("/")
    assert (answer.status_code, answer.text) == (200, "<!-- pages/desk.html -->")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_an_ended_session_leads_back_to_the_sign_in_page(client: httpx.AsyncClient) -> None:
    client.cookies.set("gengfu_session", "gfs_old")
    assert (await client.get("/")).headers["location"] == "/login"


async def test_the_sign_in_page_is_public(client: httpx.AsyncClient) -> None:
    assert (await client.get("/login")).text == "<!-- pages/login.html -->"


async def test_static_files_are_kept_by_browsers_until_they_change(client: httpx.AsyncClient) -> None:
    path = "/static/vendor/swagger-ui/swagger-ui.css"
    first = await client.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_named_at_the_start(services: ConsoleServices, root: Path, name: str) -> None:
    (root / name).unlink()
    with pytest.raises(PageMissing, match=rf"{re.escape(name)} not found in .*install the program again"):
        create_app(services, root)


async def test_the_shipped_files_are_complete(services: ConsoleServices) -> None:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        page = (await client.get("/login")).text
        assert page.lstrip().lower().startswith("<!doctype html>")
        linked = re.findall(r'(?:src|href)="(/[^"]+)"', page)
        assert [path for path in linked if (await client.get(path)).status_code != 200] == []


async def test_the_documentation_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert "http:" not in answer.text
    assert "https:" not in answer.text
    for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/openapi.json")).json()["info"] | {"description": ""} == {
        "title": "Gengfu",
        "version": "9.8.7",
        "description": "",
    }


async def test_only_the_documentations_own_script_may_run(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{hashed}';" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/login", "/static/x", "/api/v1/site", "/api/v1/me", "/healthz", "/enter"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_api_answers_are_not_kept(viewer: httpx.AsyncClient) -> None:
    assert (await viewer.get("/api/v1/me")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_readiness_names_what_fails(
    client: httpx.AsyncClient, checks: dict[str, str | None], prefix: str
) -> None:
    answer = await client.get(f"{prefix}/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "checks": {"journal": None, "store": None}})
    checks["journal"] = "disk full"
    answer = await client.get(f"{prefix}/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"journal": "disk full"})
    assert (await client.get(f"{prefix}/healthz")).json() == {"status": "alive"}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_metrics_are_prometheus_text(client: httpx.AsyncClient, prefix: str) -> None:
    answer = await client.get(f"{prefix}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "gengfu_readings_total 7.0" in answer.text


async def test_metrics_can_be_kept_from_the_public(
    services: ConsoleServices, root: Path, viewer: httpx.AsyncClient, connect: Connect
) -> None:
    transport = httpx.ASGITransport(create_app(replace(services, metrics_public=False), root))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers=viewer.headers)).status_code == 200


async def test_many_sign_ins_at_once_are_bounded(
    client: httpx.AsyncClient, services: ConsoleServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.api.auth.LOGINS_WAITING_MAX", 0)
    answer = await client.post("/api/v1/auth/login", json=VIEWER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
