"""Alarms over HTTP, acted on by a real gateway behind two real journals."""

from collections.abc import Callable
from typing import Any, get_args

import httpx
import pytest

from alarms.actions import Verb
from console.roles import Role
from tests.console.duty.conftest import CLOSED, GAS, KITCHEN, LEAK, OTHER, Open, Rig

ALARMS = "/api/v1/alarms"
BIN = "t:bin:1~SB-02"
FILLING = "t:bin:1~SB-01"


async def states(client: httpx.AsyncClient, query: str = "state=active") -> dict[str, str]:
    answer = await client.get(f"{ALARMS}?{query}")
    return {one["id"]: one["state"] for one in answer.json()["items"]}


async def raise_bin(rig: Rig) -> None:
    """A full bin, reported twice: an alarm that is not life-safety."""
    profile = rig.services.site.devices["t:bin:1"].profile
    for _ in range(2):
        rig.clock.advance(1)
        await rig.hear_of(profile, "t:bin:1", {"fill": 95.0})


async def test_a_leak_is_listed_with_what_to_do(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    (item,) = (await officer.get(f"{ALARMS}?state=active")).json()["items"]
    wanted = {
        "id": LEAK,
        "state": "unacknowledged",
        "active": True,
        "priority": "critical",
        "class": "life-safety",
        "level": 2,
        "value": 60.0,
        "unit": "%{LEL}",
        "unit_text": "%LEL",
        "raised_at": "2026-11-18T11:06:42.000Z",
        "verified": False,
        "orphan": False,
        "actions": ["acknowledge", "out-of-service"],
    }
    assert {name: item[name] for name in wanted} == wanted
    assert item["area"]["title"] == {"zh": "厨房", "en": "Kitchen"}
    assert [one["id"] for one in item["response"]] == ["R3"]
    assert (await officer.get(f"{ALARMS}/{LEAK}")).json() == item


async def test_acknowledging_answers_with_the_alarm_after_it(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    rig.clock.advance(3)
    answer = await officer.post(f"{ALARMS}/{LEAK}/acknowledge")
    item = answer.json()
    assert (answer.status_code, item["state"], item["acknowledged_by"]) == (200, "acknowledged", "officer")
    assert item["acknowledged_at"] == "2026-11-18T11:06:47.000Z"


async def test_a_latched_alarm_is_reset_after_its_gas_has_gone(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    await rig.clear(124)
    assert await states(officer, f"device={GAS}") == {LEAK: "latched-unacknowledged"}
    assert (await officer.post(f"{ALARMS}/{LEAK}/acknowledge", json={})).json()["state"] == "latched-acknowledged"
    answer = await officer.post(f"{ALARMS}/{LEAK}/reset", json={"why": "repaired"})
    assert (answer.status_code, answer.json()["state"], answer.json()["active"]) == (200, "normal", False)
    assert await states(officer, f"state=active&device={GAS}") == {}


async def test_what_the_gateway_refuses_is_a_409_with_its_words(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    answer = await officer.post(f"{ALARMS}/{LEAK}/reset")
    problem = answer.json()
    refusal = (
        "cannot reset an alarm that is unacknowledged: "
        "a reset needs an acknowledged, latched alarm whose condition has gone"
    )
    assert (answer.status_code, problem["type"], problem["detail"]) == (409, "urn:gengfu:problem:refused", refusal)
    assert refusal in problem["detail_zh"]
    assert await states(officer) == {LEAK: "unacknowledged"}


@pytest.mark.parametrize(("verb", "body"), [("shelve", {"why": "noise", "for_s": 60.0}), ("suppress", {})])
async def test_a_life_safety_alarm_is_never_shelved_or_suppressed(
    rig: Rig, officer: httpx.AsyncClient, verb: str, body: dict[str, object]
) -> None:
    await rig.leak()
    answer = await officer.post(f"{ALARMS}/{LEAK}/{verb}", json=body)
    assert answer.status_code == 409
    assert "it can never be shelved or suppressed" in answer.json()["detail"]


async def test_out_of_service_names_person_reason_end_and_measure(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    body = {"why": "being replaced", "for_s": 600.0, "measure": "guard with an instrument"}
    item = (await officer.post(f"{ALARMS}/{LEAK}/out-of-service", json=body)).json()
    assert (item["state"], item["silenced_by"]) == ("out-of-service", "officer")
    assert item["silence_until"] == "2026-11-18T11:16:44.000Z"
    await rig.tick(601)
    again = (await officer.get(f"{ALARMS}/{LEAK}")).json()
    assert (again["state"], again["silence_until"], again["silenced_by"]) == ("unacknowledged", None, "")


async def test_a_full_bin_is_shelved_and_comes_back(rig: Rig, officer: httpx.AsyncClient) -> None:
    await raise_bin(rig)
    assert (await officer.get(f"{ALARMS}/{BIN}")).json()["actions"] == [
        "acknowledge",
        "shelve",
        "suppress",
        "out-of-service",
    ]
    item = (await officer.post(f"{ALARMS}/{BIN}/shelve", json={"why": "lorry is coming", "for_s": 3600})).json()
    assert (item["state"], item["silenced_why"], item["actions"]) == (
        "shelved",
        "lorry is coming",
        ["unshelve", "suppress", "out-of-service"],
    )
    assert (await officer.post(f"{ALARMS}/{BIN}/unshelve")).json()["state"] == "unacknowledged"


async def test_alarms_are_filtered_and_the_most_pressing_come_first(rig: Rig, officer: httpx.AsyncClient) -> None:
    await raise_bin(rig)
    await rig.leak()
    await rig.hear(OTHER, methane=70.0, valve=CLOSED)
    assert list(await states(officer)) == [f"{OTHER}~CK-04", LEAK, BIN, FILLING]
    assert list(await states(officer, "priority=medium")) == [BIN]
    assert list(await states(officer, f"device={GAS}")) == [LEAK]
    assert list(await states(officer, "state=acknowledged")) == []
    assert await states(officer, "origin=drill") == {}


async def test_without_an_answer_it_is_202_and_pending(
    rig: Rig, officer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.leak()
    monkeypatch.setattr("gengfu.downlink.WAIT_S", 0.02)
    rig.gateway.hears = False
    answer = await officer.post(f"{ALARMS}/{LEAK}/acknowledge")
    assert (answer.status_code, answer.json()) == (202, {"status": "pending"})


async def test_what_cannot_be_stored_was_not_asked(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    await rig.down.close()
    answer = await officer.post(f"{ALARMS}/{LEAK}/acknowledge")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:gengfu:problem:not-asked")


@pytest.mark.parametrize("alarm", ["nobody:1~CK-04", f"{GAS}~XX-99", "x"])
async def test_an_alarm_that_nobody_knows_is_404(rig: Rig, officer: httpx.AsyncClient, alarm: str) -> None:
    await rig.leak()
    answers = [await officer.get(f"{ALARMS}/{alarm}"), await officer.post(f"{ALARMS}/{alarm}/acknowledge")]
    assert [(one.status_code, one.json()["type"]) for one in answers] == [(404, "urn:gengfu:problem:unknown-alarm")] * 2


async def test_a_point_that_never_alarmed_can_be_taken_out_of_service(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.hear()
    body = {"why": "works", "for_s": 60.0, "measure": "guard"}
    answer = await officer.post(f"{ALARMS}/{LEAK}/out-of-service", json=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "out-of-service")


@pytest.mark.parametrize(
    ("verb", "body", "where"),
    [
        ("shelve", {}, ["body.why", "body.for_s"]),
        ("shelve", {"why": "x", "for_s": 28801.0}, ["body.for_s"]),
        ("shelve", {"why": " ", "for_s": 60.0}, ["body.why"]),
        ("out-of-service", {"why": "x", "for_s": 604801.0}, ["body.for_s"]),
        ("out-of-service", {"why": "x", "for_s": 0.5}, ["body.for_s"]),
        ("out-of-service", {"why": "x", "for_s": "60"}, ["body.for_s"]),
        ("reset", {"on_site": "yes"}, ["body.on_site"]),
        ("suppress", {"for_s": 60.0}, ["body.for_s"]),
        ("acknowledge", {"on_site": True, "measure": "x"}, ["body.measure", "body.on_site"]),
        ("acknowledge", {"bulk": ["x"]}, ["body.bulk"]),
        ("open-valve", {}, ["path.action"]),
    ],
)
async def test_a_wrong_wish_is_told_what_is_wrong(
    rig: Rig, officer: httpx.AsyncClient, verb: str, body: dict[str, object], where: list[str]
) -> None:
    await rig.leak()
    answer = await officer.post(f"{ALARMS}/{LEAK}/{verb}", json=body)
    assert (answer.status_code, [one["where"] for one in answer.json()["errors"]]) == (422, where)
    assert await states(officer) == {LEAK: "unacknowledged"}


async def test_there_is_no_way_to_do_more_to_several_alarms_than_to_acknowledge_them(
    officer: httpx.AsyncClient,
) -> None:
    assert (await officer.post(ALARMS)).status_code == 405
    verbs = [verb for verb in get_args(Verb) if verb != "acknowledge"]
    assert {(await officer.post(f"{ALARMS}/{verb}")).status_code for verb in verbs} == {405}


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OFFICER, 200), (Role.ADMIN, 200)])
async def test_who_may_act(rig: Rig, role: Role | None, status: int) -> None:
    await rig.leak()
    client = rig.client(role)
    assert (await client.post(f"{ALARMS}/{LEAK}/acknowledge")).status_code == status
    read = [(await client.get(path)).status_code for path in (ALARMS, f"{ALARMS}/{LEAK}", f"{ALARMS}/history")]
    assert set(read) == {401 if role is None else 200}


async def test_a_page_of_another_site_cannot_act(rig: Rig, bearer: Callable[[Role], dict[str, str]]) -> None:
    await rig.leak()
    client = rig.client(None)
    client.cookies.set("gengfu_session", bearer(Role.OFFICER)["Authorization"].removeprefix("Bearer "))
    path = f"{ALARMS}/{LEAK}/acknowledge"
    crossed = await client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (crossed.status_code, crossed.json()["type"]) == (403, "urn:gengfu:problem:cross-origin")
    assert (await client.post(path, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 200


async def test_a_console_without_a_gateway_says_so(open_rig: Open) -> None:
    rig = await open_rig(alarms=None, history=None, interlocks=None, ask=None)
    officer = rig.client(Role.OFFICER)
    paths = [ALARMS, f"{ALARMS}/history", "/api/v1/interlocks"]
    answers = [await officer.get(path) for path in paths]
    answers.append(await officer.post(f"{ALARMS}/{LEAK}/acknowledge"))
    answers.append(await officer.post(f"/api/v1/interlocks/{KITCHEN}/reset", json={"on_site": True}))
    assert {(one.status_code, one.json()["type"]) for one in answers} == {(503, "urn:gengfu:problem:not-connected")}


async def history(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"{ALARMS}/history?{query}")).json()
    return answer


async def test_the_history_tells_who_did_what_the_newest_first(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    await officer.post(f"{ALARMS}/{LEAK}/acknowledge", json={"why": "on my way"})
    newest, oldest = (await history(officer))["items"]
    assert newest == {
        "alarm": LEAK,
        "event": "acknowledge",
        "before": "unacknowledged",
        "after": "acknowledged",
        "at": "2026-11-18T11:06:44.000Z",
        "value": 60.0,
        "unit": "%{LEL}",
        "unit_text": "%LEL",
        "quality": "good",
        "who": "officer",
        "why": "on my way",
        "late": False,
    }
    assert (oldest["event"], oldest["who"]) == ("raise", "")


async def test_the_history_is_cut_by_device_time_and_page(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    await rig.hear(OTHER, methane=70.0, valve=CLOSED)
    await officer.post(f"{ALARMS}/{LEAK}/acknowledge")
    assert [one["event"] for one in (await history(officer, f"device={GAS}"))["items"]] == ["acknowledge", "raise"]
    assert len((await history(officer, "to=2026-11-18T11:06:44Z"))["items"]) == 1
    assert len((await history(officer, "from=2026-11-18T11:06:44Z"))["items"]) == 2
    first = await history(officer, "limit=2")
    rest = await history(officer, f"limit=2&after={first['next']}")
    assert [one["alarm"] for one in first["items"] + rest["items"]] == [LEAK, f"{OTHER}~CK-04", LEAK]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["after=7.7", "from=yesterday", "from=now&to=-1h", "limit=0"])
async def test_a_wrong_question_of_the_history_is_422(rig: Rig, officer: httpx.AsyncClient, query: str) -> None:
    await rig.leak()
    assert (await officer.get(f"{ALARMS}/history?{query}")).status_code == 422


async def test_what_is_blind_is_listed_of_an_alarm_that_there_is(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    assert (await officer.get(f"{ALARMS}/{LEAK}/blind")).json() == {"items": [], "next": None}
    assert (await officer.get(f"{ALARMS}/{GAS}~CK-99/blind")).status_code == 404
