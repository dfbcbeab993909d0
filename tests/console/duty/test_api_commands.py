"""Commands over HTTP: what a person may have a device told, and what became of it."""

from typing import Any

import httpx
import pytest

from console.roles import Role
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.reading import Origin
from tests.console.conftest import START
from tests.console.duty.conftest import CLOSED, GAS, OTHER, Open, Rig, published

WISH = {"name": "self-test"}
CLOSE = {"name": "close-valve", "why": "smell of gas reported by phone"}


def path(device: str = GAS) -> str:
    return f"/api/v1/devices/{device}/commands"


async def tell(client: httpx.AsyncClient, wish: dict[str, Any], device: str = GAS) -> httpx.Response:
    return await client.post(path(device), json=wish)


async def status(client: httpx.AsyncClient, answer: httpx.Response) -> tuple[str, str]:
    item = (await client.get(f"/api/v1/commands/{answer.json()['id']}")).json()
    return item["status"], item["detail"]


async def test_a_command_is_taken_sent_and_kept_with_who_when_and_why(rig: Rig, officer: httpx.AsyncClient) -> None:
    answer = await tell(officer, {**WISH, "priority": "urgent", "why": "yearly test"})
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert answer.headers["location"] == f"/api/v1/commands/{answer.json()['id']}"
    assert rig.gateway.line.sent == []
    await rig.tick(0)
    await rig.tick(0)
    assert rig.gateway.line.sent == [(GAS, "self-test")]
    await rig.hear(self_test=1.0)
    (item,) = (await officer.get(path())).json()["items"]
    assert item == {
        "id": answer.json()["id"],
        "device": GAS,
        "device_title": {"zh": "报警器", "en": "Alarm"},
        "name": "self-test",
        "title": item["title"],
        "final_element": False,
        "status": "confirmed",
        "at": "2026-11-18T11:06:40.000Z",
        "is_over": True,
        "detail": "",
        "attempts": 1,
        "origin": "live",
        "cause": "person/officer",
        "who": "officer",
        "why": "yearly test",
        "priority": "urgent",
        "issued_at": "2026-11-18T11:06:40.000Z",
        "expires_at": "2026-11-18T11:07:40.000Z",
        "may_cancel": False,
    }


async def test_a_valve_is_closed_with_a_reason_and_proved_by_its_own_state(
    rig: Rig, officer: httpx.AsyncClient
) -> None:
    refused = await tell(officer, {"name": "close-valve"})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "close-valve moves a final element: say why, for the record",
    )
    answer = await tell(officer, CLOSE)
    await rig.tick(0)
    await rig.tick(0)
    assert await status(officer, answer) == ("sent", "")
    await rig.hear(valve=CLOSED)
    assert await status(officer, answer) == ("confirmed", "")
    assert rig.gateway.line.sent == [(GAS, "close-valve")]


@pytest.mark.parametrize("name", ["open-valve", "stop-fan", "reset", ""])
async def test_what_the_profile_does_not_declare_is_refused(rig: Rig, officer: httpx.AsyncClient, name: str) -> None:
    answer = await tell(officer, {"name": name, "why": "because"})
    await rig.tick(1)
    assert (answer.status_code, "has no command" in answer.json()["detail"]) == (409, True)
    assert rig.gateway.line.sent == []


async def test_a_fan_without_its_permissives_is_not_started(rig: Rig, officer: httpx.AsyncClient) -> None:
    early = await tell(officer, {"name": "start-fan", "why": "smell"})
    assert "was not read back" in early.json()["detail"] or "were not read back" in early.json()["detail"]
    await rig.hear()
    await rig.hear(OTHER)
    answer = await tell(officer, {"name": "start-fan", "why": "smell"})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "the fan's permissives are not given: ex_rated, dedicated, discharge_outdoors, starter_outside_zone, "
        "no_external_ingress (S1)",
    )
    assert rig.gateway.line.sent == []


async def test_a_detector_is_not_tested_while_gas_stands(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    answer = await tell(officer, WISH)
    assert (answer.status_code, "(S8)" in answer.json()["detail"]) == (409, True)


async def test_what_waits_can_be_taken_back_and_what_left_cannot(rig: Rig, officer: httpx.AsyncClient) -> None:
    first, second = await tell(officer, WISH), await tell(officer, WISH)
    waiting = f"/api/v1/commands/{second.json()['id']}"
    item = (await officer.request("DELETE", waiting, json={"why": "not needed"})).json()
    assert (item["status"], item["detail"], item["may_cancel"]) == ("cancelled", "by officer: not needed", False)
    await rig.tick(0)
    await rig.tick(0)
    again = await officer.delete(f"/api/v1/commands/{first.json()['id']}")
    assert (again.status_code, "only what waits" in again.json()["detail"]) == (409, True)
    assert rig.gateway.line.sent == [(GAS, "self-test")]


async def test_a_trips_commands_are_listed_and_nobody_takes_them_back(rig: Rig, officer: httpx.AsyncClient) -> None:
    await rig.leak()
    (item,) = (await officer.get(path())).json()["items"]
    assert (item["name"], item["status"], item["priority"], item["who"]) == ("close-valve", "confirmed", "trip", "")
    answer = await officer.delete(f"/api/v1/commands/{item['id']}")
    assert (answer.status_code, "nobody takes it back" in answer.json()["detail"]) == (409, True)


async def test_a_viewer_sees_commands_and_gives_none(rig: Rig) -> None:
    viewer = rig.client(Role.VIEWER)
    assert (await tell(viewer, WISH)).status_code == 403
    assert (await viewer.delete("/api/v1/commands/x")).status_code == 403
    assert (await viewer.get(path())).json()["items"] == []


async def test_unknown_devices_and_commands_are_404_and_wrong_wishes_422(officer: httpx.AsyncClient) -> None:
    answers = [
        await tell(officer, WISH, "t:none"),
        await officer.get(path("t:none")),
        await officer.get("/api/v1/commands/none"),
        await officer.delete("/api/v1/commands/none"),
        await tell(officer, {**WISH, "expires_s": 301}),
        await tell(officer, {**WISH, "priority": "trip"}),
        await tell(officer, {**WISH, "value": 1}),
    ]
    assert [one.status_code for one in answers] == [404] * 4 + [422] * 3


async def test_a_gateway_that_does_not_answer_is_said_so(rig: Rig, officer: httpx.AsyncClient) -> None:
    rig.gateway.hears = False
    answer = await tell(officer, WISH)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")


async def test_pages_are_told_of_each_change(rig: Rig, officer: httpx.AsyncClient) -> None:
    told = await published(rig, "command", lambda: tell(officer, WISH))
    assert [(one["name"], one["status"]) for one in told] == [("self-test", "waiting")]


async def test_the_last_states_are_there_after_a_restart(open_rig: Open) -> None:
    rig = await open_rig()
    await rig.leak()
    answer = await tell(rig.client(Role.OFFICER), {**WISH, "expires_s": 5}, OTHER)
    assert answer.status_code == 409
    later = await open_rig()
    items = (await later.client(Role.VIEWER).get(path())).json()["items"]
    assert [(one["name"], one["status"]) for one in items] == [("close-valve", "confirmed")]


async def test_an_event_of_a_newer_gateway_hides_nothing_else(rig: Rig, officer: httpx.AsyncClient) -> None:
    event = CommandEvent(Command("c1", "gone:1", "blink", Origin.LIVE, "person/x", START, START), "waiting", START)
    rig.desk.commands.observe(event)
    assert encode_command_event(event)
    item = (await officer.get("/api/v1/commands/c1")).json()
    assert (item["title"], item["final_element"]) == ({"zh": "blink", "en": "blink"}, False)
