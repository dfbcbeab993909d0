"""Starting a plan by hand, over HTTP and by `gengfu plan run`, and photos as evidence of its steps."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from console.roles import Role
from gengfu.cli import main
from operations.photos import MAX_BYTES
from tests.console.conftest import PASSWORDS
from tests.console.duty.conftest import Response
from tests.console.test_console_serve import running
from tests.fixtures.pictures import JPEG, PNG

RUNS = "/api/v1/runs"
PLAN = "restaurant-gas-leak"


@pytest.fixture
def officer(response: Response) -> httpx.AsyncClient:
    return response.rig.client(Role.OFFICER)


async def act(client: httpx.AsyncClient, run: str, step: str, **body: object) -> httpx.Response:
    return await client.post(f"{RUNS}/{run}/steps/{step}", json=body)


async def test_a_person_starts_a_plan_by_hand_and_finds_it_going_on(
    response: Response, officer: httpx.AsyncClient
) -> None:
    path = f"/api/v1/plans/{PLAN}/runs"
    wish = {"mode": "live", "area": "street/hotpot", "stage": "verify", "why": "smell of gas, by phone"}
    first = await officer.post(path, json=wish)
    assert (first.status_code, first.json()["stage"], first.json()["mode"]) == (200, "verify", "live")
    opened = first.json()["log"][0]
    assert (opened["event"], opened["who"], opened["role"]) == ("opened", "officer", "control-room")
    assert opened["why"] == "smell of gas, by phone"
    again = (await officer.post(path, json={**wish, "stage": "full"})).json()
    assert (again["id"], again["stage"]) == (first.json()["id"], "full")
    assert [one["id"] for one in response.board.open_items()] == [again["id"]]


async def test_the_verb_starts_it_with_a_token(
    response: Response, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = response.rig
    token = rig.services.accounts.login("officer", PASSWORDS[Role.OFFICER], "test")
    wish = ("--area", "street/hotpot", "--stage", "verify", "--why", "smell of gas")
    async with running(rig.app, rig.services.stop) as address:

        async def plan_run(plan: str, *more: str, signed: str = token) -> tuple[int, str, str]:
            monkeypatch.setenv("GENGFU_TOKEN", signed)
            words = ["plan", "run", plan, *wish, "--url", address, *more]
            code = await asyncio.to_thread(main, words)
            return (code, *capsys.readouterr())

        code, out, _ = await plan_run(PLAN)
        (run,) = response.operations.runs(rig.now())
        assert (code, out.splitlines()[0]) == (0, f"{run.id}: live, stage verify, street/hotpot")
        assert "  K01   3分钟内派人持防爆检测仪核实" in out
        code, out, _ = await plan_run(PLAN, "--json")
        assert (code, json.loads(out)["id"]) == (0, run.id)
        assert await plan_run("mall-gas-leak-dongkeng") == (
            1, "", "gengfu plan: plan 'mall-gas-leak-dongkeng' is not for an area of this kind\n"
        )  # fmt: skip
        assert await plan_run("nothing") == (1, "", "gengfu plan: There is no plan 'nothing'.\n")
        assert (await plan_run(PLAN, signed="wrong"))[0] == 1
    assert (await plan_run(PLAN))[0] == 3
    assert len(response.operations.runs(rig.now())) == 1


NO_START = [
    ("nothing", {}, 404, "There is no plan 'nothing'."),
    (PLAN, {"area": "nowhere"}, 404, "no area 'nowhere'"),
    ("hydrogen-leak", {}, 409, "is not for an area of this kind"),
    (PLAN, {"role": "tenants"}, 409, "'tenants' is no actor of plan restaurant-gas-leak"),
    (PLAN, {"mode": "nothing"}, 422, ""),
    (PLAN, {"why": ""}, 422, ""),
    (PLAN, {"who": "somebody else"}, 422, ""),
]


async def test_a_start_that_cannot_be_opens_nothing(officer: httpx.AsyncClient) -> None:
    wish = {"area": "street/hotpot", "why": "smell of gas"}
    for plan, body, status, says in NO_START:
        answer = await officer.post(f"/api/v1/plans/{plan}/runs", json={**wish, **body})
        assert (answer.status_code, says in answer.json()["detail"]) == (status, True), body
    assert (await officer.get(RUNS)).json()["items"] == []


async def test_a_photo_is_sent_first_and_then_named_as_evidence(
    response: Response, officer: httpx.AsyncClient, tmp_path: Path
) -> None:
    run = await response.leak()
    sent = await officer.post("/api/v1/photos", content=PNG, headers={"Content-Type": "text/html"})
    photo = sent.json()
    assert (sent.status_code, photo["media_type"], photo["bytes"]) == (201, "image/png", len(PNG))
    given = {"head_count": "7"}
    missing = await act(officer, run, "K02", action="done", evidence=given | {"head_count": f"photo:{'0' * 64}"})
    assert (missing.status_code, "send it first" in missing.json()["detail"]) == (409, True)
    got = await response.rig.client(Role.VIEWER).get(f"/api/v1/photos/{photo['id']}")
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["content-disposition"] == f'inline; filename="{photo["id"]}.png"'
    assert [one.name for one in (tmp_path / "photos").iterdir()] == [f"{photo['id']}.png"]
    large = await officer.post("/api/v1/photos", content=JPEG + bytes(200_000))
    assert (large.status_code, large.json()["media_type"]) == (201, "image/jpeg")


async def test_what_is_no_photo_or_too_large_is_refused_before_it_is_kept(
    response: Response, officer: httpx.AsyncClient, tmp_path: Path
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 1_000_000 + 1):
            yield PNG[:8].ljust(1_000_000)

    refused = [
        (409, await officer.post("/api/v1/photos", content=b"<script>alert(1)</script>")),
        (413, await officer.post("/api/v1/photos", content=bytes(MAX_BYTES + 1))),
        (413, await officer.post("/api/v1/photos", content=endless())),
        (403, await response.rig.client(Role.VIEWER).post("/api/v1/photos", content=PNG)),
        (401, await response.rig.client(None).post("/api/v1/photos", content=PNG)),
        (404, await officer.get("/api/v1/photos/nothing")),
        (401, await response.rig.client(None).get("/api/v1/photos/nothing")),
        (413, await officer.post("/api/v1/plans/x/runs", content=bytes(70_000))),
    ]
    assert [one.status_code for _, one in refused] == [status for status, _ in refused]
    assert "at most 20 MB" in refused[1][1].json()["detail"]
    assert not (tmp_path / "photos").exists()
