"""Interlocks over HTTP: what tripped, and the reset that moves nothing."""

from typing import Any

import httpx
import pytest

from console.roles import Role
from tests.console.duty.conftest import CLOSED, GAS, KITCHEN, OTHER, Rig

INTERLOCKS = "/api/v1/interlocks"
RESET = f"{INTERLOCKS}/{KITCHEN}/reset"
ON_SITE = {"on_site": True}


async def only(client: httpx.AsyncClient) -> dict[str, Any]:
    (item,) = (await client.get(INTERLOCKS)).json()["items"]
    found: dict[str, Any] = item
    return found


async def test_before_anything_was_heard_an_interlock_is_unknown(officer: httpx.AsyncClient) -> None:
    item = await only(officer)
    assert (item["id"], item["state"], item["causes"], item["mode"]) == (KITCHEN, "unknown", [], "act")
    assert item["area"] == {
        "id": "street/hotpot",
        "title": {"zh": "厨房", "en": "Kitchen"},
        "kind": "commercial-kitchen",
        "address": "8 Food Street",
    }


async def test_boards_that_were_read_back_arm_it(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.hear()
    assert (await only(officer))["state"] == "unknown"
    await rig.hear(OTHER)
    assert (await only(officer))["state"] == "armed"


async def test_a_leak_shows_first_out_effects_and_the_valve_that_is_closed(
    rig: Rig, officer: httpx.AsyncClient
) -> None:
    await rig.leak()
    item = await only(officer)
    assert (item["state"], item["first_out"]["id"], item["tripped_at"]) == (
        "tripped",
        "RK-1",
        "2026-11-18T11:06:42.000Z",
    )
    assert [one["id"] for one in item["causes"]] == ["RK-1", "RK-2"]
    assert {(one["action"], one["device"]): one["status"] for one in item["effects"]} == {
        ("close-valve", GAS): "done",
        ("close-valve", OTHER): "done",
        ("close-upstream-valve", None): "absent",
        ("start-fan", GAS): "held",
        ("start-fan", OTHER): "held",
        ("hold-fan", GAS): "held",
        ("hold-fan", OTHER): "held",
    }
    assert item["closed"] == [GAS, OTHER]
    assert rig.gateway.line.sent == [(GAS, "close-valve"), (OTHER, "close-valve")]


async def test_a_valve_found_closed_says_that_nobody_knows_why(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.hear(OTHER)
    await rig.hear(valve=CLOSED)
    assert (await only(officer))["first_out"] == {
        "id": "found-closed",
        "title": {"zh": "阀门已关,原因不明", "en": "valve found closed, reason unknown"},
    }


async def test_a_reset_is_refused_while_gas_stands_and_until_it_was_gone_long_enough(
    rig: Rig, officer: httpx.AsyncClient
) -> None:
    await rig.leak()
    refused = await officer.post(RESET, json=ON_SITE)
    assert (refused.status_code, "a cause still stands" in refused.json()["detail"]) == (409, True)
    await rig.clear(104)
    early = (await officer.post(RESET, json=ON_SITE)).json()["detail"]
    assert early == "every cause must have been gone for 600 s; 500 s are left"
    assert (await only(officer))["state"] == "tripped"


async def test_a_reset_needs_somebody_on_site(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    refused = await officer.post(RESET, json={"on_site": False})
    assert refused.json()["detail"] == "a reset needs a named person who confirms to be on site"


async def test_a_reset_arms_it_again_and_moves_nothing(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    await rig.clear(608)
    sent = list(rig.gateway.line.sent)
    answer = await officer.post(RESET, json={**ON_SITE, "why": "repaired and tested"})
    item = answer.json()
    assert (answer.status_code, item["state"], item["tripped_at"], item["causes"]) == (200, "armed", None, [])
    assert (item["closed"], rig.gateway.line.sent) == ([GAS, OTHER], sent)


async def test_an_armed_interlock_has_nothing_to_reset(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.hear()
    await rig.hear(OTHER)
    answer = await officer.post(RESET, json=ON_SITE)
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"{KITCHEN} is armed: there is no latch to reset",
    )


async def test_without_an_answer_it_is_202_and_pending(
    rig: Rig, officer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gengfu.downlink.WAIT_S", 0.02)
    rig.gateway.hears = False
    answer = await officer.post(RESET, json=ON_SITE)
    assert (answer.status_code, answer.json()) == (202, {"status": "pending"})


async def test_the_slash_of_an_id_may_be_escaped(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    answer = await officer.post(f"{INTERLOCKS}/street%2Fhotpot~restaurant-kitchen/reset", json=ON_SITE)
    assert answer.status_code == 409


async def test_an_interlock_that_nobody_knows_is_404(officer: httpx.AsyncClient) -> None:
    answer = await officer.post(f"{INTERLOCKS}/street/nowhere~restaurant-kitchen/reset", json=ON_SITE)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:gengfu:problem:unknown-interlock")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["body.on_site"]),
        ({"on_site": "yes"}, ["body.on_site"]),
        ({"on_site": True, "force": True}, ["body.force"]),
    ],
)
async def test_a_wrong_wish_is_told_what_is_wrong(
    officer: httpx.AsyncClient, body: dict[str, object], where: list[str]
) -> None:
    answer = await officer.post(RESET, json=body)
    assert (answer.status_code, [one["where"] for one in answer.json()["errors"]]) == (422, where)


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OFFICER, 409), (Role.ADMIN, 409)])
async def test_who_may_reset(rig: Rig, role: Role | None, status: int) -> None:
    await rig.leak()
    client = rig.client(role)
    assert (await client.post(RESET, json=ON_SITE)).status_code == status
    assert (await client.get(INTERLOCKS)).status_code == (401 if role is None else 200)
