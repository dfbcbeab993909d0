"""The API's alarm metrics over a real gateway and its journal."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.app import create_app
from console.present import iso
from console.roles import Role
from gengfu import alarm_metrics, rules
from gengfu.alarm_metrics import AlarmMeters
from tests.console.conftest import BASE, START
from tests.console.duty.conftest import GAS, OTHER, Rig

METRICS = "/api/v1/alarms/metrics"
LEAK = f"{GAS}~CK-04"
Bearer = Callable[[Role], dict[str, str]]


@pytest.fixture
async def viewer(rig: Rig, root: Path, bearer: Bearer) -> AsyncIterator[httpx.AsyncClient]:
    """Of a console that has alarm metrics."""
    meters = AlarmMeters(rig.up, rules.shipped())
    meters.warm([], is_all=True, now=START)
    rig.up.subscribe(meters.listen)
    app = create_app(replace(rig.services, alarm_metrics=meters), root)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=bearer(Role.VIEWER)) as client:
        yield client


def numbers(of: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in of["numbers"]}


async def ask(viewer: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await viewer.get(METRICS, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_leak_is_counted_and_its_acknowledgement_timed(viewer: httpx.AsyncClient, rig: Rig) -> None:
    await rig.leak()
    rig.clock.advance(30)
    officer = rig.client(Role.OFFICER)
    assert (await officer.post(f"/api/v1/alarms/{LEAK}/acknowledge", json={})).status_code == 200
    rig.clock.advance(1)
    found = await ask(viewer)
    alarms = (await officer.get("/api/v1/alarms?state=active")).json()["items"]
    known = numbers(found["everything"])
    assert (known["announced"], known["standing"]) == (len(alarms), len(alarms))
    assert (known["acknowledged"], known["unacknowledged"]) == (1, len(alarms) - 1)
    assert known["acknowledge-p50"] == known["acknowledge-p95"] == 32.0
    leak = next(one for one in found["everything"]["top"] if one["alarm"] == LEAK)
    shown = next(one for one in alarms if one["id"] == LEAK)
    assert (leak["title"], leak["device_title"]) == (shown["title"], shown["device_title"])
    assert (found["origin"], found["complete"], found["unread"]) == ("live", False, 0)
    assert (found["from"], found["measured_from"]) == (iso(START + 35 * 10**9 - 86_400 * 10**9), iso(START))
    assert found["to"] == iso(START + 35 * 10**9)


async def test_targets_stand_beside_the_numbers_with_their_source(viewer: httpx.AsyncClient, rig: Rig) -> None:
    await rig.leak()
    rig.clock.advance(1)
    found = (await ask(viewer))["everything"]["numbers"]
    by_name = {one["name"]: one for one in found}
    peak = by_name["per-hour-peak"]
    assert (peak["target"]["compare"], peak["target"]["limit"], peak["met"]) == ("at-most", 15.0, True)
    assert (peak["target"]["verified"], peak["target"]["source"][0]["source"]) == (False, "readbag tipsweb KPI grid")
    assert (by_name["share-low"]["unit"], by_name["share-low"]["met"]) == ("%", None)
    assert (by_name["top-share"]["value"], by_name["top-share"]["met"]) == (100.0, False)
    assert by_name["acknowledge-p50"] == {
        **{"name": "acknowledge-p50", "value": None, "unit": "s", "target": None, "met": None}
    }


async def test_diagnostics_are_in_one_set_and_not_in_the_other(viewer: httpx.AsyncClient, rig: Rig) -> None:
    await rig.leak()
    rig.gateway.watch.lost(OTHER, rig.now())
    await rig.tick(101)
    rig.clock.advance(1)
    found = await ask(viewer)
    rule_of = rules.shipped().alarms
    classes = {one["alarm"]: rule_of[one["rule"]].alarm_class for one in found["everything"]["top"]}
    operational = {alarm for alarm, one in classes.items() if one != "diagnostic"}
    assert {one["alarm"] for one in found["without_diagnostics"]["top"]} == operational
    assert len(operational) < len(classes)


async def test_a_time_that_is_over_is_measured_as_it_was(viewer: httpx.AsyncClient, rig: Rig) -> None:
    rig.clock.advance(600)
    await rig.leak()
    rig.clock.advance(1)
    found = await ask(viewer, **{"from": iso(START), "to": iso(START + 600 * 10**9)})
    assert found["complete"] is True
    assert {name: numbers(found["everything"])[name] for name in ("announced", "standing")} == {
        "announced": 0,
        "standing": 0,
    }


async def test_a_drill_is_asked_for_by_name(viewer: httpx.AsyncClient, rig: Rig) -> None:
    await rig.leak()
    rig.clock.advance(1)
    found = await ask(viewer, origin="drill")
    assert (found["origin"], numbers(found["everything"])["announced"]) == ("drill", 0)


async def test_a_journal_that_cannot_be_read_is_said(viewer: httpx.AsyncClient, rig: Rig) -> None:
    rig.clock.advance(1)
    await rig.up.close()
    answer = await viewer.get(METRICS)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:gengfu:problem:metrics-unavailable")


async def test_who_asks_while_many_wait_is_told_to_come_again(
    viewer: httpx.AsyncClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.clock.advance(1)
    monkeypatch.setattr(alarm_metrics, "WAITING", 0)
    answer = await viewer.get(METRICS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json()["type"] == "urn:gengfu:problem:busy"


@pytest.mark.parametrize(
    ("query", "where", "what"),
    [
        ({"from": "yesterday"}, "query.from", "is neither RFC 3339"),
        ({"from": "-1h", "to": "-2h"}, "query.from", "must be before `to`"),
        ({"from": "now"}, "query.from", "must be before `to`, and before now"),
        ({"from": "-9d", "to": "-8d"}, "query.to", "before all that the journal still has"),
    ],
)
async def test_a_time_that_cannot_be_measured_is_named(
    viewer: httpx.AsyncClient, query: dict[str, str], where: str, what: str
) -> None:
    answer = await viewer.get(METRICS, params=query)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["where"], what in error["what"]) == (where, True)
