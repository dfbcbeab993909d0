"""A whole process keeps its desk: the canary goes through it, and GH-04 is raised when nobody is there."""

import time
import tomllib
from pathlib import Path

import httpx
import pytest

from console.roles import Role
from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import process
from gengfu.own_devices.devices import gateway_id
from gengfu.rules import shipped
from gengfu.settings import load_settings
from protocols.moment import SECOND, Moment
from protocols.profile.loader import shipped_profiles
from tests.fixtures.waiting import wait_for_async

PASSWORD = "process-secret-1"
SITE = """
site = { id = "east", title = { zh = "东", en = "East" } }
area = [{ id = "kitchen", title = { zh = "厨", en = "Kitchen" }, kind = "commercial-kitchen" }]
connection = [{ id = "coap", transport = "coap", listen = "127.0.0.1:0" }]
"""


async def test_canary_is_heard_and_a_desk_that_nobody_attends_is_a_critical_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = compile_site(SiteConfig.model_validate(tomllib.loads(SITE), strict=False), shipped_profiles())
    settings = load_settings(data=tmp_path, http={"port": 0})
    later = 0
    monkeypatch.setattr("gengfu.clock.now", lambda: Moment(time.time_ns(), time.monotonic_ns() + later))
    async with process.running(settings, site, tmp_path, shipped()) as running:
        side = running.console._duties
        assert side is not None
        assert await side.canary.sing()
        running.console.accounts.add_user("li", PASSWORD, Role.OFFICER)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}/api/v1") as client:
            signed = await client.post("/auth/login", json={"username": "li", "password": PASSWORD})
            client.headers["Authorization"] = f"Bearer {signed.json()['token']}"
            state = (await client.post("/duty/presence", json={"sound_heard": True})).json()
            assert (state["canary"]["state"], state["attendance"]["state"]) == ("heard", "attended")
            standing = (await client.get("/alarms?state=active")).json()["items"]
            assert [one["id"] for one in standing if "GH-04" in one["id"] or "CANARY" in one["id"]] == []
            later = 1920 * SECOND
            await running.gateway.own.look()
            alarm = f"{gateway_id('east')}~GH-04b"
            await wait_for_async(lambda: running.console._desk.alarms.find(alarm), what="the alarm of the desk")
            item = (await client.get(f"/alarms/{alarm}")).json()
            assert (item["state"], item["priority"], item["class"]) == ("unacknowledged", "critical", "life-safety")
