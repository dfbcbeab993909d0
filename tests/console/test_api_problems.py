"""Every error is a problem, in both languages, without what was sent and without a traceback."""

import logging
from typing import Any

import httpx
import pytest

from console.services import ConsoleServices

SECRET = "hunter2-hunter2"


def is_problem(answer: httpx.Response) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "detail_zh"} <= problem.keys()
    assert (problem["status"], answer.headers["cache-control"]) == (answer.status_code, "no-store")
    return problem


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/nowhere", "/static/nowhere.js", "/api/v1/devices/", "/static/%2e%2e/x"]
)
async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    problem = is_problem(await client.get(path))
    assert problem == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
        "detail_zh": "没有这个地址。",
    }


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/me")
    assert (is_problem(answer)["status"], answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"username": "x"}', ["body.password"]),
        (b'{"username": "", "password": 1}', ["body.username", "body.password"]),
        (b'{"username": "x", "password": "' + SECRET.encode(), ["body.30"]),
        (b'"' + SECRET.encode() + b'"', ["body"]),
    ],
)
async def test_an_invalid_body_is_told_where_but_not_repeated(
    client: httpx.AsyncClient, body: bytes, where: list[str]
) -> None:
    answer = await client.post("/api/v1/auth/login", content=body, headers={"Content-Type": "application/json"})
    problem = is_problem(answer)
    assert (answer.status_code, [one["where"] for one in problem["errors"]]) == (422, where)
    assert SECRET not in answer.text


async def test_a_password_that_is_too_long_is_not_repeated(client: httpx.AsyncClient) -> None:
    given = {"username": "x", "password": SECRET * 100}
    answer = await client.post("/api/v1/auth/login", json=given)
    assert (is_problem(answer)["errors"][0]["where"], SECRET in answer.text) == ("body.password", False)


async def test_a_crash_has_an_id_that_is_in_the_log(
    viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("console.api.site._head", lambda *_: 1 / 0)
    answer = await viewer.get("/api/v1/devices?key=" + SECRET)
    problem = is_problem(answer)
    assert problem["status"] == 500
    assert [word for word in ("ZeroDivision", "Traceback", "console/") if word in answer.text] == []
    assert answer.headers["x-content-type-options"] == "nosniff"
    logged = [one.getMessage() for one in caplog.records if one.name == "gengfu.console"]
    assert logged == [f"internal error {problem['id']}: GET /api/v1/devices: ZeroDivisionError"]


async def test_no_secret_is_logged(
    client: httpx.AsyncClient, services: ConsoleServices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await client.post("/api/v1/auth/login", json={"username": "viewer", "password": SECRET})
    await client.get("/enter", params={"key": SECRET}, headers={"Authorization": f"Bearer {SECRET}"})
    await client.get("/api/v1/me", headers={"Authorization": f"Bearer {SECRET}"})
    # The test's own HTTP client logs the addresses it asks for.
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    assert [one for one in ours if SECRET in one] == []
