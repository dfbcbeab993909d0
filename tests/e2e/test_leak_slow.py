"""A leak that grows: level 1 is verified, level 2 brings the full response. And what a payload cannot say."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.leak_desk import Api, Desk, at_api, in_browser, is_ready, open_desk, words
from tests.e2e.program_run import Demo, Program
from tests.fixtures.waiting import wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.board,
    pytest.mark.usefixtures("micropython"),
]

FAN_FREE = "demo:gas:0001"
"""Its fan has every permissive of rule S1. Of the other board's fan nothing is known, and in a mall none is started."""
FAN_UNKNOWN = "demo:gas:0002"
BOTH = (FAN_FREE, FAN_UNKNOWN)
AREA = {FAN_FREE: "street/hotpot", FAN_UNKNOWN: "mall/noodles"}
UNKNOWN = ["ex_rated", "dedicated", "discharge_outdoors", "starter_outside_zone", "no_external_ingress"]

VALVE_CLOSED, FAN_STOPPED, FAN_RUNNING = 2, 1, 2
ROWS = {FAN_FREE: ["RK-1", "RK-2"], FAN_UNKNOWN: ["ML-1", "ML-2"]}
FAN = ("RK-1", "start-fan")
FAN_AT_LEVEL_2 = {FAN_FREE: ("RK-2", "hold-fan"), FAN_UNKNOWN: ("ML-2", "inhibit-fan")}
ZH = words("zh")


def run_in(api: Api, device: str) -> dict[str, Any]:
    """The one response plan that runs in the area of a device."""
    (run,) = [one for one in api.open_runs() if one["area"]["id"] == AREA[device]]
    return run


def points(api: Api, device: str) -> tuple[float, float]:
    """What the board itself says of its valve and its fan."""
    newest = api.newest(device)
    return newest["valve"]["value"], newest["fan"]["value"]


def valve(device: str) -> tuple[str, str]:
    """The effect of level 1 on the valve."""
    return ROWS[device][0], "close-valve"


def statuses(api: Api, device: str) -> dict[tuple[str, str], str]:
    """How the effects of the interlock stand."""
    return {effect: one["status"] for effect, one in api.effects(device).items()}


def test_a_slow_leak_is_verified_first_and_a_running_fan_keeps_running(tmp_path: Path, chromium_path: Path) -> None:
    in_browser(chromium_path, lambda browser: _two_slow_leaks(browser, tmp_path / "demo"))


def _two_slow_leaks(browser: Browser, data: Path) -> None:
    with Demo(data) as demo:
        with open_desk(browser, demo) as desk, at_api(demo) as api:
            wait_for(lambda: all(is_ready(api, device) for device in BOTH), 15, "good values and armed interlocks")
            boards = demo.boards()
            for device in BOTH:
                with Program("demo", "leak", "--slow", "--device", device, "--data", data) as shell:
                    assert shell.ends() == 0
            for device in BOTH:
                _level_1(desk, api, device)
            _fans_at_level_1(desk, api)
            for device in BOTH:
                _level_2(desk, api, device)
            _fans_at_level_2(desk, api)
            assert desk.errors == []
            # More than the patience of the watchdog around them: who only says that it lives is left alone.
            assert demo.boards() == boards
        assert {path.name for path in (data / "boards").glob("*.log") if "alive" in path.read_text()} == set()
        assert demo.interrupt(timeout=3.0) == 0
    assert "Traceback" not in demo.text


def _level_1(desk: Desk, api: Api, device: str) -> None:
    expect(desk.alarm(f"{device}~CK-02")).to_contain_text("R2")
    run = wait_for(lambda: [one for one in api.open_runs() if one["area"]["id"] == AREA[device]], 10, "a run")[0]
    assert (run["stage"], run["trigger"]["rule"]) == ("verify", "CK-02")
    expect(desk.run(run["id"])).to_have_attribute("data-stage", "verify")
    expect(desk.run(run["id"]).locator(".stage")).to_have_text(ZH["run.stage.verify"])
    assert [step["id"] for step in run["steps"] if step["state"] == "open"] == [run["steps"][0]["id"]]
    wait_for(lambda: statuses(api, device).get(valve(device)) == "done", 10, "the valve's read-back")
    wait_for(lambda: points(api, device)[0] == VALVE_CLOSED, 10, "the closed valve")
    assert api.alarm(f"{device}~CK-04") is None
    assert [cause["id"] for cause in api.interlock(device)["causes"]] == ROWS[device][:1]


def _fans_at_level_1(desk: Desk, api: Api) -> None:
    wait_for(lambda: statuses(api, FAN_FREE)[FAN] == "done", 10, "the fan's read-back")
    wait_for(lambda: points(api, FAN_FREE)[1] == FAN_RUNNING, 10, "the running fan")
    expect(desk.fan(FAN_FREE)).to_contain_text(ZH["effect.fan.done"])
    assert {action for _, action in api.effects(FAN_UNKNOWN)} == {"close-valve", "close-upstream-valve"}
    refusal = api.refused(f"/devices/{FAN_UNKNOWN}/commands", name="start-fan", why="smells of gas")
    assert all(reason in refusal for reason in UNKNOWN)
    assert points(api, FAN_UNKNOWN)[1] == FAN_STOPPED


def _level_2(desk: Desk, api: Api, device: str) -> None:
    before = run_in(api, device)
    expect(desk.alarm(f"{device}~CK-04")).to_contain_text("R3", timeout=25_000)
    expect(desk.run(before["id"])).to_have_attribute("data-stage", "full")
    run = run_in(api, device)
    assert (run["id"], run["stage"]) == (before["id"], "full")
    assert [cause["id"] for cause in api.interlock(device)["causes"]] == ROWS[device]
    assert statuses(api, device)[valve(device)] == "done"


def _fans_at_level_2(desk: Desk, api: Api) -> None:
    """Nobody starts a fan any more, and nobody stops one."""
    assert statuses(api, FAN_FREE)[FAN] == "done"
    assert FAN_AT_LEVEL_2[FAN_FREE] not in statuses(api, FAN_FREE)
    expect(desk.fan(FAN_FREE)).to_contain_text(ZH["effect.fan.done"])
    seen = api.newest(FAN_FREE)["fan"]["at"]
    wait_for(lambda: api.newest(FAN_FREE)["fan"]["at"] > seen, 10, "a younger word of the fan")
    assert points(api, FAN_FREE) == (VALVE_CLOSED, FAN_RUNNING)
    assert points(api, FAN_UNKNOWN) == (VALVE_CLOSED, FAN_STOPPED)
    held = api.effects(FAN_UNKNOWN)[FAN_AT_LEVEL_2[FAN_UNKNOWN]]
    assert (held["status"], held["reason"]) == ("held", ["person-decides"])
    expect(desk.zone(FAN_UNKNOWN).locator("[data-action='inhibit-fan']")).to_contain_text(ZH["held.person-decides"])


def test_an_origin_in_a_payload_changes_nothing(tmp_path: Path) -> None:
    """The gateway gives the origin (S4). In a demo folder that is LIVE, whatever the payload claims to be."""
    with Demo(tmp_path / "demo") as demo:
        with at_api(demo) as api:
            wait_for(lambda: is_ready(api, FAN_UNKNOWN), 15, "a good value and an armed interlock")
            secret = api.token("meter")
            for claim in ("drill", "SIMULATED", 1, {"origin": "drill"}):
                assert send(demo, secret, {"n": "co", "u": "ppm", "v": 40.0, "origin": claim}).status_code == 204
            wait_for(lambda: api.stored(FAN_UNKNOWN, "co").count(40.0) == 4, 10, "the four in the store")
            assert send(demo, secret, {"n": "origin", "vs": "drill"}).json()["kind"] == "name"
            assert send(demo, secret, {"n": "methane", "u": "%{LEL}", "v": 62.0, "origin": "drill"}).status_code == 204
            wait_for(lambda: api.alarm(f"{FAN_UNKNOWN}~CK-04"), 5, "the alarm")
            wait_for(lambda: points(api, FAN_UNKNOWN)[0] == VALVE_CLOSED, 10, "the closed valve")
            assert {one["id"] for one in api.items("/alarms")} == {
                f"{FAN_UNKNOWN}~{rule}" for rule in ("CK-03", "CK-04")
            }
            assert [one["state"] for one in api.items("/interlocks")] == ["tripped", "armed", "armed"]
            assert {one["origin"] for path in ("/alarms", "/interlocks") for one in api.items(path)} == {"live"}
            wait_for(lambda: [run["mode"] for run in api.open_runs()] == ["live"], 5, "one live run")
            assert api.newest(FAN_UNKNOWN, "drill") == api.newest(FAN_UNKNOWN, "simulated") == {}
        assert demo.interrupt(timeout=3.0) == 0


def send(demo: Demo, secret: str, record: dict[str, Any]) -> httpx.Response:
    """What an integrator's program sends for the mall's board."""
    address, _ = demo.link()
    return httpx.post(
        f"{address}/api/v1/readings",
        content=json.dumps([{"bn": f"{FAN_UNKNOWN}/", "bt": time.time(), **record}]),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/senml+json"},
        trust_env=False,
    )
