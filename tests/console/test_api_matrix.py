"""Every path of the contract: that it is there, and who may use it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from console.roles import Role
from tests.console.conftest import Connect

SENML = {"Content-Type": "application/senml+json"}
BYPASS: dict[str, object] = {
    "interlock": "x~y", "cause": "RK-1", "devices": ["t:gas:1"], "for_s": 60, "why": "w", "measure": "m",
}  # fmt: skip
PROOF: dict[str, object] = {"device": "t:gas:1", "appliances_off": True, "on_site": "wang", "why": "w"}


class Case(NamedTuple):
    """``allowed``: the least role, ``None`` for everybody. ``status``: the answer to those who may."""

    method: str
    path: str
    allowed: Role | None
    status: int
    json: dict[str, object] | None = None
    content: bytes | None = None


API = [
    Case("POST", "/api/v1/auth/login", None, 401, {"username": "x", "password": "y"}),
    Case("POST", "/api/v1/auth/logout", Role.VIEWER, 204),
    Case("GET", "/api/v1/me", Role.VIEWER, 200),
    Case("GET", "/api/v1/tokens", Role.VIEWER, 200),
    Case("POST", "/api/v1/tokens", Role.VIEWER, 201, {"name": "meter"}),
    Case("DELETE", "/api/v1/tokens/{id}", Role.VIEWER, 404),
    Case("GET", "/api/v1/site", None, 200),
    Case("GET", "/api/v1/devices", Role.VIEWER, 200),
    Case("GET", "/api/v1/devices/{id}", Role.VIEWER, 404),
    Case("GET", "/api/v1/devices/{id}/latest", Role.VIEWER, 404),
    Case("GET", "/api/v1/profiles", Role.VIEWER, 200),
    Case("GET", "/api/v1/profiles/{vendor}/{model}", Role.VIEWER, 404),
    Case("GET", "/api/v1/telemetry?device=t:gas:1&point=methane", Role.VIEWER, 200),
    Case("GET", "/api/v1/export", Role.VIEWER, 503),
    Case("POST", "/api/v1/readings", Role.OFFICER, 204, content=b"[]"),
    # This console is not connected to a gateway, nor to plans; it is no demo. Connected ones have tests of their own.
    Case("GET", "/api/v1/alarms", Role.VIEWER, 503),
    Case("GET", "/api/v1/alarms/history", Role.VIEWER, 503),
    Case("GET", "/api/v1/alarms/metrics", Role.VIEWER, 503),
    Case("GET", "/api/v1/alarms/{id}", Role.VIEWER, 503),
    Case("GET", "/api/v1/alarms/{id}/blind", Role.VIEWER, 503),
    Case("POST", "/api/v1/alarms/{id}/{action}", Role.OFFICER, 422),
    Case("GET", "/api/v1/alarms/without-verdict", Role.VIEWER, 503),
    Case("POST", "/api/v1/alarms/acknowledge", Role.OFFICER, 503, {"alarms": ["x"], "why": "w"}),
    Case("GET", "/api/v1/alarms/{id}/card", Role.OFFICER, 503),
    Case("GET", "/api/v1/alarms/{id}/owner", Role.VIEWER, 503),
    Case("POST", "/api/v1/alarms/{id}/take-over", Role.OFFICER, 503, {"level": "city", "why": "w"}),
    Case("GET", "/api/v1/alarms/{id}/verdict", Role.VIEWER, 503),
    Case("POST", "/api/v1/alarms/{id}/verdict", Role.OFFICER, 503, {"verdict": "test"}),
    Case("GET", "/api/v1/duty", Role.VIEWER, 503),
    Case("GET", "/api/v1/duty/figures", Role.VIEWER, 503),
    Case("GET", "/api/v1/duty/blind-list", Role.VIEWER, 503),
    Case("POST", "/api/v1/duty/presence", Role.OFFICER, 503),
    Case("POST", "/api/v1/duty/stand-down", Role.ADMIN, 503, {"why": "w"}),
    Case("GET", "/api/v1/duty/hand-overs", Role.VIEWER, 503),
    Case("GET", "/api/v1/duty/hand-overs/{number}", Role.VIEWER, 422),
    Case("POST", "/api/v1/duty/hand-overs", Role.OFFICER, 503),
    Case("POST", "/api/v1/duty/hand-overs/{number}/accept", Role.OFFICER, 422, {"digest": "x"}),
    Case("GET", "/api/v1/duty/logbook", Role.VIEWER, 503),
    Case("GET", "/api/v1/interlocks", Role.VIEWER, 503),
    Case("POST", "/api/v1/interlocks/{id}/reset", Role.OFFICER, 503, {"on_site": True}),
    Case("POST", "/api/v1/devices/{id}/commands", Role.OFFICER, 404, {"name": "self-test"}),
    Case("GET", "/api/v1/devices/{id}/commands", Role.VIEWER, 404),
    Case("GET", "/api/v1/commands/{id}", Role.VIEWER, 503),
    Case("DELETE", "/api/v1/commands/{id}", Role.OFFICER, 503),
    Case("GET", "/api/v1/bump-tests", Role.VIEWER, 503),
    Case("GET", "/api/v1/bump-tests/{id}", Role.VIEWER, 503),
    Case("POST", "/api/v1/bump-tests", Role.OFFICER, 503, {"device": "t:gas:1", "for_s": 60, "why": "monthly"}),
    Case("POST", "/api/v1/bump-tests/{id}/end", Role.OFFICER, 503),
    Case("GET", "/api/v1/maintenance", Role.VIEWER, 503),
    Case("POST", "/api/v1/maintenance", Role.OFFICER, 503, {"scope": "area", "target": "x", "for_s": 60, "why": "w"}),
    Case("POST", "/api/v1/maintenance/{id}/end", Role.OFFICER, 503),
    Case("GET", "/api/v1/bypasses", Role.VIEWER, 503),
    Case("POST", "/api/v1/bypasses", Role.OFFICER, 503, BYPASS),
    Case("POST", "/api/v1/bypasses/{id}/confirm", Role.OFFICER, 503, {"cause": "RK-1", "for_s": 60}),
    Case("POST", "/api/v1/bypasses/{id}/end", Role.OFFICER, 503),
    Case("GET", "/api/v1/proof-tests", Role.VIEWER, 503),
    Case("GET", "/api/v1/proof-tests/{id}", Role.VIEWER, 503),
    Case("POST", "/api/v1/proof-tests", Role.OFFICER, 503, PROOF),
    Case("GET", "/api/v1/areas", Role.VIEWER, 200),
    Case("GET", "/api/v1/reports", Role.VIEWER, 503),
    Case("POST", "/api/v1/reports", Role.OFFICER, 503, {"what": "odour", "area": "x", "text": "gas"}),
    Case("POST", "/api/v1/reports/{id}/withdraw", Role.OFFICER, 503, {"why": "looked into"}),
    Case("GET", "/api/v1/connections", Role.VIEWER, 503),
    Case("GET", "/api/v1/connections/{id}", Role.VIEWER, 503),
    Case("GET", "/api/v1/connections/{id}/wire", Role.OFFICER, 503),
    Case("POST", "/api/v1/site/reload", Role.ADMIN, 503, {}),
    Case("GET", "/api/v1/dead-letters", Role.VIEWER, 503),
    Case("POST", "/api/v1/dead-letters/replay", Role.OFFICER, 503, {"store": "influxdb", "all": True}),
    Case("DELETE", "/api/v1/dead-letters/{store}/{id}", Role.OFFICER, 422),
    Case("GET", "/api/v1/journal", Role.VIEWER, 503),
    Case("POST", "/api/v1/journal/consumers/{name}/forget", Role.ADMIN, 503),
    Case("POST", "/api/v1/journal/consumers/{name}/remember", Role.ADMIN, 503),
    Case("GET", "/api/v1/plans", Role.VIEWER, 503),
    Case("GET", "/api/v1/plans/{id}", Role.VIEWER, 503),
    Case("POST", "/api/v1/plans/{id}/runs", Role.OFFICER, 503, {"area": "x", "why": "x"}),
    Case("POST", "/api/v1/photos", Role.OFFICER, 503, {}),
    Case("GET", "/api/v1/photos/{id}", Role.VIEWER, 503),
    Case("GET", "/api/v1/runs", Role.VIEWER, 503),
    Case("GET", "/api/v1/runs/{id}", Role.VIEWER, 503),
    Case("POST", "/api/v1/runs/{id}/steps/{step}", Role.OFFICER, 503, {"action": "start"}),
    Case("POST", "/api/v1/runs/{id}/close", Role.OFFICER, 503, {"why": "over"}),
    Case("GET", "/api/v1/demo", Role.VIEWER, 404),
    Case("POST", "/api/v1/demo/leak", Role.OFFICER, 404),
    Case("POST", "/api/v1/demo/clear", Role.OFFICER, 404),
    Case("POST", "/api/v1/demo/reopen", Role.OFFICER, 404),
    Case("GET", "/api/v1/healthz", None, 200),
    Case("GET", "/api/v1/readyz", None, 200),
    Case("GET", "/api/v1/rules/differences", Role.VIEWER, 503),
    Case("GET", "/api/v1/metrics", None, 200),
    Case("GET", "/healthz", None, 200),
    Case("GET", "/readyz", None, 200),
    Case("GET", "/metrics", None, 200),
]
PAGES = [
    Case("GET", "/login", None, 200),
    Case("GET", "/enter", None, 303),
    Case("GET", "/docs", None, 200),
    Case("GET", "/openapi.json", None, 200),
]
STREAM = "/api/v1/events"


async def ask(client: httpx.AsyncClient, case: Case) -> httpx.Response:
    path = case.path.replace("{", "").replace("}", "")
    return await client.request(case.method, path, json=case.json, content=case.content, headers=SENML)


def named(case: Case) -> str:
    return f"{case.method} {case.path}"


def expected(case: Case, role: Role | None) -> int:
    if case.allowed is None or (role and role.includes(case.allowed)):
        return case.status
    return 401 if role is None else 403


@pytest.mark.parametrize("role", [None, *Role])
async def test_each_path_is_for_its_roles(
    role: Role | None, connect: Connect, bearer: Callable[[Role], dict[str, str]]
) -> None:
    answers = {named(case): await ask(connect(headers=bearer(role) if role else {}), case) for case in API + PAGES}
    assert {name: one.status_code for name, one in answers.items()} == {
        named(case): expected(case, role) for case in API + PAGES
    }
    refused = [one for one in answers.values() if one.status_code >= 400]
    assert {one.headers["content-type"] for one in refused} == {"application/problem+json"}


async def test_the_event_stream_is_for_those_who_signed_in(client: httpx.AsyncClient) -> None:
    assert (await client.get(STREAM)).status_code == 401


def test_the_matrix_has_every_path_of_the_api(app: FastAPI) -> None:
    described = {f"{method.upper()} {path}" for path, one in app.openapi()["paths"].items() for method in one}
    assert {named(case).partition("?")[0] for case in API} | {f"GET {STREAM}"} == described


def test_each_refusal_is_described_as_a_problem(app: FastAPI) -> None:
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    wrong = [
        f"{method} {path} {status}"
        for path, one in paths.items()
        for method, operation in one.items()
        for status, answer in operation["responses"].items()
        if status >= "400"
        and answer.get("content", {}).get("application/problem+json", {}).get("schema")
        != {"$ref": "#/components/schemas/ProblemDetails"}
    ]
    assert wrong == []


@pytest.mark.parametrize("case", [case for case in API if case.allowed], ids=named)
def test_who_needs_to_sign_in_is_described(case: Case, app: FastAPI) -> None:
    operation = app.openapi()["paths"][case.path.partition("?")[0]][case.method.lower()]
    assert "401" in operation["responses"]
    assert {name for one in operation["security"] for name in one} == {"HTTPBearer", "APIKeyCookie"}


def test_every_operation_and_field_is_explained(app: FastAPI) -> None:
    schema = app.openapi()
    operations = [operation for one in schema["paths"].values() for operation in one.values()]
    assert [one["operationId"] for one in operations if not (one.get("summary") and one.get("description"))] == []
    shapes = schema["components"]["schemas"]
    assert [name for name, one in shapes.items() if not (one.get("description") or "enum" in one)] == []
    assert "%{LEL}" in shapes["LatestValue"]["properties"]["unit"]["examples"]
