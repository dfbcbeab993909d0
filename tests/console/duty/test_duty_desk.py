"""The desk: what it publishes, what a browser sees on a real event stream, and what it knows after a restart."""

import logging
from typing import Any

import httpx
import pytest

from alarms.alarm import decode_record, decode_transition
from console.duty.history import AlarmHistory
from console.roles import Role
from console.services import HistoryQuery
from journal.entry import Entry
from tests.console.conftest import PASSWORDS, START
from tests.console.duty.conftest import CLOSED, GAS, KITCHEN, LEAK, OTHER, Open, Rig, published
from tests.console.test_console_serve import running, streaming


async def test_a_browser_sees_a_leak_and_its_acknowledgement_come(rig: Rig) -> None:
    await rig.hear()
    await rig.hear(OTHER)
    token = rig.services.accounts.login("viewer", PASSWORDS[Role.VIEWER], "test")
    async with running(rig.app, rig.services.stop) as address, streaming(address, token) as stream:
        kind, snapshot = await stream.event()
        assert (kind, snapshot["alarms"], [one["state"] for one in snapshot["interlocks"]]) == (
            "snapshot",
            [],
            ["armed"],
        )
        await rig.hear(methane=60.0)
        tripped = await stream.event()
        assert (tripped[0], tripped[1]["id"], tripped[1]["state"]) == ("interlock", KITCHEN, "tripped")
        raised = await stream.event()
        assert (raised[0], raised[1]["id"], raised[1]["state"]) == ("alarm", LEAK, "unacknowledged")
        told = [await stream.event() for _ in range(2)]
        assert [(kind, one["device"], one["name"]) for kind, one in told] == [
            ("command", GAS, "close-valve"),
            ("command", OTHER, "close-valve"),
        ]
        async with httpx.AsyncClient(base_url=address) as client:
            secret = rig.services.accounts.login("officer", PASSWORDS[Role.OFFICER], "test")
            client.headers["Authorization"] = f"Bearer {secret}"
            answer = await client.post(f"/api/v1/alarms/{LEAK}/acknowledge")
        assert await stream.event() == ("alarm", answer.json())
        assert answer.json()["acknowledged_by"] == "officer"


async def test_a_snapshot_has_what_is_not_normal_and_every_interlock(rig: Rig) -> None:
    await rig.leak()
    bin_ = rig.services.site.devices["t:bin:1"].profile
    for percent in (95.0, 95.0, 10.0):
        rig.clock.advance(1)
        await rig.hear_of(bin_, "t:bin:1", {"fill": percent})
    await rig.client(Role.OFFICER).post("/api/v1/alarms/t:bin:1~SB-02/acknowledge")
    assert rig.desk.alarms.item("t:bin:1~SB-02")["state"] == "normal"
    token = rig.services.accounts.login("viewer", PASSWORDS[Role.VIEWER], "test")
    async with running(rig.app, rig.services.stop) as address, streaming(address, token) as stream:
        _, snapshot = await stream.event()
    viewer = rig.client(Role.VIEWER)
    assert snapshot["alarms"] == (await viewer.get("/api/v1/alarms?state=active")).json()["items"] != []
    assert snapshot["interlocks"] == (await viewer.get("/api/v1/interlocks")).json()["items"] != []
    assert "runs" not in snapshot


async def test_an_item_is_published_once_for_a_commit_and_whole(rig: Rig) -> None:
    await rig.hear()
    await rig.hear(OTHER)
    items = await published(rig, "interlock", lambda: rig.hear(methane=60.0))
    assert items == [rig.desk.interlocks.item(KITCHEN)]
    assert len(items[0]["effects"]) > 3


async def test_what_changed_nothing_is_not_published(rig: Rig) -> None:
    await rig.leak()
    again = lambda: rig.hear(methane=60.0, valve=CLOSED)  # noqa: E731
    assert (await published(rig, "alarm", again), await published(rig, "interlock", again)) == ([], [])


async def test_after_a_restart_the_desk_knows_what_stood(open_rig: Open) -> None:
    rig = await open_rig()
    await rig.leak()
    await rig.client(Role.OFFICER).post(f"/api/v1/alarms/{LEAK}/acknowledge", json={"why": "seen"})
    before = _shown(rig)
    again = await open_rig()
    assert _shown(again) == before
    assert before["alarms"][0]["acknowledged_by"] == "officer"
    assert before["interlocks"][0]["state"] == "tripped"


async def test_after_a_restart_the_history_goes_on_where_it_was(open_rig: Open) -> None:
    rig = await open_rig()
    await rig.leak()
    officer = rig.client(Role.OFFICER)
    await officer.post(f"/api/v1/alarms/{LEAK}/acknowledge")
    first = (await officer.get("/api/v1/alarms/history?limit=1")).json()
    again = (await open_rig()).client(Role.OFFICER)
    rest = (await again.get(f"/api/v1/alarms/history?after={first['next']}")).json()
    assert [one["event"] for one in rest["items"]] == ["raise"]


async def test_after_a_restart_what_was_armed_is_unknown_until_it_is_read_back(open_rig: Open) -> None:
    rig = await open_rig()
    await rig.hear()
    await rig.hear(OTHER)
    assert rig.desk.interlocks.item(KITCHEN)["state"] == "armed"
    again = await open_rig()
    assert again.desk.interlocks.item(KITCHEN)["state"] == "unknown"
    again.clock.advance(2)
    await again.hear()
    await again.hear(OTHER)
    assert again.desk.interlocks.item(KITCHEN)["state"] == "armed"


async def test_a_late_alarm_is_still_marked_after_a_restart(open_rig: Open) -> None:
    rig = await open_rig()
    await rig.hear()
    await rig.hear_of(rig.gas, GAS, {"methane": 60.0}, ago_s=600)
    assert rig.desk.alarms.item(LEAK)["late"]
    assert (await open_rig()).desk.alarms.item(LEAK)["late"]


async def test_an_entry_of_a_newer_release_does_not_hide_the_rest(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.hear()
    await rig.hear(OTHER)
    rig.up.submit([Entry(kind, "x", 0, START, b"\x91\x07") for kind in ("alarm", "trip")])
    await rig.hear(methane=60.0)
    assert (rig.desk.alarms.item(LEAK)["state"], rig.desk.undecoded) == ("unacknowledged", 2)
    assert [one.levelno for one in caplog.records if "update this console" in one.getMessage()] == [logging.ERROR] * 2


async def test_warming_skips_state_that_is_not_the_boards(rig: Rig) -> None:
    await rig.leak()
    state = rig.up.load_state("") | {"downlink/cursor": b"\x80", "alarm/broken": b"\xc1"}
    rig.desk.warm(state)
    assert rig.desk.alarms.item(LEAK)["raised_at"] == "2026-11-18T11:06:42.000Z"
    assert rig.desk.undecoded == 1
    assert decode_record(state[f"alarm/{LEAK}"]).alarm == LEAK


async def test_the_history_keeps_the_newest_transitions_only(rig: Rig) -> None:
    await rig.leak()
    (entry,) = [one.entry for one in rig.up.tail(1000) if one.entry.kind == "alarm"]
    kept = AlarmHistory(rig.services.site, kept=2)
    for n in range(3):
        kept.add(f"0.{n}", decode_transition(entry.body))
    page = kept.page(HistoryQuery(limit=1))
    assert page is not None
    assert (len(page.items), page.next) == (1, "0.2")
    assert kept.page(HistoryQuery(after="0.0")) is None


def _shown(rig: Rig) -> dict[str, Any]:
    return {"alarms": rig.desk.alarms.items(), "interlocks": rig.desk.interlocks.items()}
