"""The site, devices, newest values and profiles over HTTP."""

import httpx
import pytest

from console.services import ConsoleServices
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin
from tests.console.conftest import START, reading_of

DEVICES = "/api/v1/devices"


def observe(services: ConsoleServices, gas: Profile, origin: Origin = Origin.LIVE, **values: float) -> None:
    quality = {"methane": Quality.BAD_OVER_RANGE} if values.get("methane", 0) > 100 else {}
    reading = reading_of(gas, "t:gas:1", START, values, quality, origin, START + 10**9)
    services.live.observe(reading, [point.name for point in gas.points])


async def test_the_site_is_told_without_signing_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/site")).json() == {
        "id": "demo",
        "title": {"zh": "演示", "en": "Demo"},
        "time_zone": "Asia/Shanghai",
        "banner": {"zh": "演示", "en": "DEMO"},
        "demo": False,
        "version": "9.8.7",
    }


async def test_devices_come_by_id_and_by_page(viewer: httpx.AsyncClient) -> None:
    first = (await viewer.get(DEVICES, params={"limit": 2})).json()
    second = (await viewer.get(DEVICES, params={"limit": 2, "after": first["next"]})).json()
    assert [[one["id"] for one in page["items"]] for page in (first, second)] == [["t:bin:1", "t:gas:1"], ["t:gas:2"]]
    assert (first["next"], second["next"]) == ("t:gas:1", None)


async def test_a_device_in_the_list_is_the_same_as_alone(
    viewer: httpx.AsyncClient, services: ConsoleServices, gas: Profile
) -> None:
    observe(services, gas, methane=12.0)
    answer = await viewer.get(DEVICES)
    assert answer.headers["content-type"] == "application/json"
    items = answer.json()["items"]
    assert [one["last_seen"] is None for one in items] == [True, False, True]
    for one in items:
        assert one["points"]
        assert one == (await viewer.get(f"{DEVICES}/{one['id']}")).json()


async def test_a_page_that_is_just_full_is_the_last(viewer: httpx.AsyncClient) -> None:
    assert (await viewer.get(DEVICES, params={"limit": 3})).json()["next"] is None


async def test_a_device_has_its_place_and_its_points(
    viewer: httpx.AsyncClient, services: ConsoleServices, gas: Profile
) -> None:
    observe(services, gas, methane=1.2)
    device = (await viewer.get(f"{DEVICES}/t:gas:1")).json()
    points = {one["name"]: one for one in device.pop("points")}
    assert device == {
        "id": "t:gas:1",
        "profile": "gengfu/gas-alarm",
        "title": {"zh": "报警器", "en": "Alarm"},
        "area": {
            "id": "street/hotpot",
            "title": {"zh": "厨房", "en": "Kitchen"},
            "kind": "commercial-kitchen",
            "address": "8 Food Street",
        },
        "connection": "coap",
        "last_seen": "2026-11-18T11:06:41.000Z",
    }
    assert points["methane"] == {
        "name": "methane",
        "title": {"zh": "甲烷浓度", "en": "Methane"},
        "type": "number",
        "unit": "%{LEL}",
        "unit_text": "%LEL",
        "decimals": 1,
        "role": "gas",
        "life_safety": True,
        "final_element": False,
        "states": [],
    }
    assert points["valve"]["states"][2] == {"code": 2, "name": "closed", "title": {"zh": "关", "en": "closed"}}


async def test_a_device_never_heard_has_no_last_seen(viewer: httpx.AsyncClient) -> None:
    assert (await viewer.get(f"{DEVICES}/t:gas:2")).json()["last_seen"] is None


async def test_latest_values_come_in_profile_order_with_unit_and_quality(
    viewer: httpx.AsyncClient, services: ConsoleServices, gas: Profile
) -> None:
    observe(services, gas, valve=2.0, methane=103.0)
    at = "2026-11-18T11:06:40.000Z"
    assert (await viewer.get(f"{DEVICES}/t:gas:1/latest")).json() == {
        "device": "t:gas:1",
        "items": [
            {
                "point": "methane",
                "value": 103.0,
                "unit": "%{LEL}",
                "unit_text": "%LEL",
                "quality": "bad:over-range",
                "at": at,
            },
            {"point": "valve", "value": 2.0, "unit": "1", "unit_text": "", "quality": "good", "at": at},
        ],
        "next": None,
    }


async def test_latest_is_live_unless_asked(viewer: httpx.AsyncClient, services: ConsoleServices, gas: Profile) -> None:
    observe(services, gas, Origin.DRILL, methane=60.0)
    answers = [await viewer.get(f"{DEVICES}/t:gas:1/latest{query}") for query in ("", "?origin=live", "?origin=drill")]
    assert [[one["value"] for one in answer.json()["items"]] for answer in answers] == [[], [], [60.0]]


async def test_a_value_that_is_no_number_is_null(
    viewer: httpx.AsyncClient, services: ConsoleServices, gas: Profile
) -> None:
    observe(services, gas, methane=float("nan"))
    assert (await viewer.get(f"{DEVICES}/t:gas:1/latest")).json()["items"][0]["value"] is None


@pytest.mark.parametrize("path", [f"{DEVICES}/t:gas:9", f"{DEVICES}/t:gas:9/latest"])
async def test_an_unknown_device_is_named(viewer: httpx.AsyncClient, path: str) -> None:
    answer = await viewer.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (404, "No device 't:gas:9' is registered.")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x"])
async def test_a_wrong_limit_is_named(viewer: httpx.AsyncClient, query: str) -> None:
    answer = await viewer.get(f"{DEVICES}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.limit")


async def test_profiles_are_those_of_the_site_and_the_given_ones(viewer: httpx.AsyncClient) -> None:
    listed = (await viewer.get("/api/v1/profiles")).json()
    assert ([one["id"] for one in listed["items"]], listed["next"]) == (["gengfu/gas-alarm", "gengfu/smart-bin"], None)


async def test_a_profile_tells_commands_and_unverified_figures(viewer: httpx.AsyncClient) -> None:
    profile = (await viewer.get("/api/v1/profiles/gengfu/gas-alarm")).json()
    commands = {one["name"]: (one["effect"], one["final_element"]) for one in profile["commands"]}
    assert commands["close-valve"] == ("close-valve", True)
    assert {one["verified"] for one in profile["sources"]} == {True, False}
    assert (profile["vendor"], profile["model"], profile["period_s"]) == ("gengfu", "gas-alarm", 2.0)
