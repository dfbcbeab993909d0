"""Plans and runs over HTTP: a leak opens a run in the real operations database, people work through it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.duty.run_board import RunBoard
from console.roles import Role
from journal.entry import Entry
from operations.errors import StoreUnusable
from operations.plan_files import shipped_plans
from tests.console.conftest import PASSWORDS
from tests.console.duty.conftest import LEAK, Response
from tests.console.test_console_serve import running, streaming
from tests.fixtures.waiting import wait_for_async

RUNS = "/api/v1/runs"
PLAN = "restaurant-gas-leak"


@pytest.fixture
def officer(response: Response) -> httpx.AsyncClient:
    return response.rig.client(Role.OFFICER)


async def act(client: httpx.AsyncClient, run: str, step: str, **body: object) -> httpx.Response:
    return await client.post(f"{RUNS}/{run}/steps/{step}", json=body)


def step_of(run: dict[str, Any], step: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in run["steps"] if one["id"] == step)
    return found


async def test_the_plans_are_listed_with_their_steps(officer: httpx.AsyncClient) -> None:
    items = {one["id"]: one for one in (await officer.get("/api/v1/plans")).json()["items"]}
    plan = shipped_plans()[PLAN]
    assert items[PLAN] == {
        "id": PLAN,
        "version": plan.plan.version,
        "title": {"zh": "餐饮厨房燃气泄漏", "en": "Gas leak in a restaurant kitchen"},
        "steps": len(plan.step),
        "verified": False,
    }
    detail = (await officer.get(f"/api/v1/plans/{PLAN}")).json()
    assert [one["id"] for one in detail["steps"]] == [one.id for one in plan.step]
    first = detail["steps"][0]
    assert (first["stage"], first["done_min"], first["mark"]) == ("verify", 3.0, "P")
    assert first["actor"]["en"] == "Verifier with an Ex instrument"


async def test_a_leak_opens_a_run_that_says_why_where_and_what(response: Response, officer: httpx.AsyncClient) -> None:
    run = await response.leak()
    (item,) = (await officer.get(f"{RUNS}?state=open")).json()["items"]
    assert (item["id"], item["state"], item["stage"], item["mode"]) == (run, "open", "full", "live")
    assert (item["plan"]["id"], item["trigger"]) == (PLAN, {"alarm": LEAK, "rule": "CK-04"})
    assert (item["area"]["id"], item["area"]["address"]) == ("street/hotpot", "8 Food Street")
    assert (item["opened_at"], item["closed_at"]) == ("2026-11-18T11:06:44.000Z", None)
    assert item["log"][0]["event"] == "opened"
    k02 = step_of(item, "K02")
    assert (k02["state"], k02["actions"]) == ("open", ["start", "done"])
    assert (k02["deadline"], k02["overdue"]) == ("2026-11-18T11:07:44.000Z", False)
    assert k02["evidence"] == {"zh": "清点人数", "en": "Head count"}
    assert [one["id"] for one in k02["evidence_items"]] == ["head_count"]
    assert {"control-room", "owner", "staff"} == {one["id"] for one in k02["roles"]["done"]}
    assert (await officer.get(f"{RUNS}/{run}")).json() == item


async def test_a_step_is_done_under_the_name_of_the_officer(response: Response, officer: httpx.AsyncClient) -> None:
    run = await response.leak()
    response.rig.clock.advance(30)
    answer = await act(officer, run, "K02", action="done", evidence={"head_count": "7"}, why="all out")
    step = step_of(answer.json(), "K02")
    assert (answer.status_code, step["state"], step["done_by"]) == (200, "done", "officer")
    assert (step["done_at"], step["why"]) == ("2026-11-18T11:07:14.000Z", "all out")
    assert step["evidence_items"][0]["given"] == "7"
    done = next(one for one in answer.json()["log"] if one["event"] == "step-done")
    assert (done["step"], done["who"], done["role"], done["why"]) == ("K02", "officer", "control-room", "all out")


async def test_what_is_not_complete_is_refused_in_both_languages(
    response: Response, officer: httpx.AsyncClient
) -> None:
    run = await response.leak()
    answer = await act(officer, run, "K02", action="done")
    problem = answer.json()
    assert (answer.status_code, problem["detail"]) == (409, "evidence is missing: Head count")
    assert problem["detail_zh"] == "缺少证据:清点人数"
    assert step_of((await officer.get(f"{RUNS}/{run}")).json(), "K02")["state"] == "open"


async def test_nobody_releases_a_step_by_writing_it_down(response: Response, officer: httpx.AsyncClient) -> None:
    run = await response.leak()
    held = next(one for one in shipped_plans()[PLAN].step if one.permissive)
    answer = await act(officer, run, held.id, action="release")
    assert (answer.status_code, "only: " in answer.json()["detail"]) == (409, True)
    step = step_of((await officer.get(f"{RUNS}/{run}")).json(), held.id)
    assert (step["state"], step["opened_at"], step["actions"]) == ("waiting", None, [])
    assert step["permissive"]["state"] == "unknown"


async def test_a_missed_deadline_is_shown_as_overdue(response: Response, officer: httpx.AsyncClient) -> None:
    run = await response.leak()
    response.rig.clock.advance(61)
    response.operations.tick(response.rig.now())
    step = step_of((await officer.get(f"{RUNS}/{run}")).json(), "K02")
    assert (step["overdue"], step["deadline"]) == (True, "2026-11-18T11:07:44.000Z")


async def test_a_run_is_closed_by_those_who_may_after_its_alarms(
    response: Response, officer: httpx.AsyncClient
) -> None:
    run = await response.leak()
    close = (await officer.get(f"{RUNS}/{run}")).json()["close"]
    body = {
        "why": "alcohol in the kitchen",
        "role": close["by"][0]["id"],
        "evidence": {one["id"]: "written down" for one in close["evidence"]},
    }
    refused = await officer.post(f"{RUNS}/{run}/close", json=body)
    assert (refused.status_code, LEAK in refused.json()["detail"]) == (409, True)
    await response.rig.clear(124)
    await response.carry()
    nobody = await officer.post(f"{RUNS}/{run}/close", json={**body, "role": ""})
    assert (nobody.status_code, "may not close this run" in nobody.json()["detail"]) == (409, True)
    closed = (await officer.post(f"{RUNS}/{run}/close", json=body)).json()
    assert (closed["state"], closed["stage"], closed["closed_at"]) == ("closed", "full", "2026-11-18T11:08:48.000Z")
    assert (await officer.get(f"{RUNS}?state=open")).json()["items"] == []
    assert [one["id"] for one in (await officer.get(f"{RUNS}?state=closed")).json()["items"]] == [run]
    assert response.board.open_items() == []


async def test_what_nobody_knows_is_404(response: Response, officer: httpx.AsyncClient) -> None:
    run = await response.leak()
    answers = [
        await officer.get("/api/v1/plans/nothing"),
        await officer.get(f"{RUNS}/nothing"),
        await act(officer, "nothing", "K02", action="done"),
        await act(officer, run, "K99", action="done"),
        await officer.post(f"{RUNS}/nothing/close", json={"why": "x"}),
    ]
    kinds = [one.json()["type"].rpartition(":")[2] for one in answers]
    assert [one.status_code for one in answers] == [404] * 5
    assert kinds == ["unknown-plan"] + ["unknown-run"] * 4


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("x/steps/K02", {"action": "open-valve"}, "body.action"),
        ("x/steps/K02", {"action": "done", "evidence": ["x"]}, "body.evidence"),
        ("x/steps/K02", {"action": "done", "evidence": {"a": "x" * 2001}}, "body.evidence.a"),
        ("x/steps/K02", {"action": "done", "who": "somebody else"}, "body.who"),
        ("x/close", {}, "body.why"),
    ],
)
async def test_a_wrong_wish_is_told_what_is_wrong(
    response: Response, officer: httpx.AsyncClient, path: str, body: dict[str, object], where: str
) -> None:
    answer = await officer.post(f"{RUNS}/{path}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, where)


async def test_a_database_that_fails_is_503_and_says_to_use_the_paper(
    response: Response, officer: httpx.AsyncClient, tmp_path: Path
) -> None:
    run = await response.leak()
    response.operations.close()
    (tmp_path / "operations.db").write_bytes(b"no database any more" * 1000)
    answer = await officer.get(f"{RUNS}/{run}")
    assert (answer.status_code, "printed plan" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OFFICER, 200), (Role.ADMIN, 200)])
async def test_who_may_act(response: Response, role: Role | None, status: int) -> None:
    run = await response.leak()
    client = response.rig.client(role)
    assert (await act(client, run, "K02", action="start")).status_code == status
    closing = await client.post(f"{RUNS}/{run}/close", json={"why": "x"})
    assert closing.status_code == (409 if status == 200 else status)
    read = [(await client.get(path)).status_code for path in (RUNS, f"{RUNS}/{run}", "/api/v1/plans")]
    assert set(read) == {401 if role is None else 200}


async def test_a_browser_sees_a_run_open_and_go_on(response: Response) -> None:
    rig = response.rig
    token = rig.services.accounts.login("viewer", PASSWORDS[Role.VIEWER], "test")
    async with running(rig.app, rig.services.stop) as address, streaming(address, token) as stream:
        assert (await stream.event())[1]["runs"] == []
        run = await response.leak()
        while (event := await stream.event())[0] != "run":
            pass
        assert (event[1]["id"], event[1]["state"]) == (run, "open")
        answer = await act(rig.client(Role.OFFICER), run, "K02", action="start")
        assert await stream.event() == ("run", answer.json())
    async with running(rig.app, asyncio.Event()) as address, streaming(address, token) as stream:
        assert [one["id"] for one in (await stream.event())[1]["runs"]] == [run]


async def test_a_board_that_starts_later_knows_the_open_runs(response: Response) -> None:
    run = await response.leak()
    rig = response.rig
    later = RunBoard(rig.services.site, response.operations, rig.now, rig.services.events)
    assert later.open_items() == []
    await later.warm()
    assert [one["id"] for one in later.open_items()] == [run]


async def test_a_run_that_could_not_be_read_is_read_when_it_is_followed_again(
    response: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await response.leak()
    rig = response.rig
    later = RunBoard(rig.services.site, response.operations, rig.now, rig.services.events)
    later.listen([one.entry for one in rig.up.tail(1000) if one.entry.kind == "plan"])
    with monkeypatch.context() as broken:
        broken.setattr(response.operations, "run", _unusable)
        with pytest.raises(StoreUnusable):
            await later.follow()
    following = asyncio.create_task(later.follow())
    await wait_for_async(later.open_items)
    following.cancel()
    assert [one["id"] for one in later.open_items()] == [run]


def _unusable(*_: object) -> None:
    raise StoreUnusable("the disk is gone")


async def test_a_plan_event_of_a_newer_release_is_left_out(
    response: Response, caplog: pytest.LogCaptureFixture
) -> None:
    response.board.listen([Entry("plan", "x#1", 0, 0, b"\x91\x07")])
    assert ["update this console" in one.getMessage() for one in caplog.records] == [True]
