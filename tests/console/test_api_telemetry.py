"""Measured values over HTTP, from a real store."""

from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest

from device_registry.devices import Site
from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.duck import DuckStore
from telemetry.errors import QueryRefused, StoreUnavailable
from tests.console.conftest import START, reading_of

SECOND = 10**9
MINUTE_START = START // (60 * SECOND) * 60 * SECOND
QUESTION = {"device": "t:gas:1", "point": "methane"}


@pytest.fixture
def site(site: Site) -> Site:
    """With two points that no shipped profile has: a text, and a voltage in V here and in mV there."""
    devices = dict(site.devices)
    for device, unit in (("t:gas:1", "V"), ("t:bin:1", "mV")):
        profile = devices[device].profile
        point = replace(profile.points[0], name="supply", unit=unit)
        points = {**profile.by_name, "supply": point, "words": replace(point, name="words", type="text")}
        devices[device] = msgspec.structs.replace(devices[device], profile=replace(profile, by_name=points))
    return msgspec.structs.replace(site, devices=devices)


@pytest.fixture
def filled(store: DuckStore, gas: Profile) -> DuckStore:
    """One value every 20 s for the two minutes before the test's now; the last one is of bad quality."""
    rows = [
        reading_of(gas, "t:gas:1", MINUTE_START - (120 - 20 * n) * SECOND, {"methane": float(n), "co": 1.0}, quality)
        for n, quality in enumerate([{}] * 5 + [{"methane": Quality.BAD_OVER_RANGE}])
    ]
    drill = reading_of(gas, "t:gas:1", MINUTE_START - 60 * SECOND, {"methane": 60.0}, origin=Origin.DRILL)
    store.write([*rows, drill], {0: 1})
    return store


async def ask(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await client.get("/api/v1/telemetry", params={**QUESTION, **{k.rstrip("_"): v for k, v in more.items()}})


@pytest.mark.usefixtures("filled")
async def test_raw_values_come_oldest_first_with_time_and_quality(viewer: httpx.AsyncClient) -> None:
    answer = (await ask(viewer, from_="-5m")).json()
    assert [(one["value"], one["quality"]) for one in answer["items"]] == [
        *((float(n), "good") for n in range(5)),
        (5.0, "bad:over-range"),
    ]
    assert answer["items"][0]["at"] == "2026-11-18T11:04:00.000Z"
    assert (answer["device"], answer["point"], answer["unit"], answer["unit_text"], answer["next"]) == (
        "t:gas:1",
        "methane",
        "%{LEL}",
        "%LEL",
        None,
    )


@pytest.mark.usefixtures("filled")
async def test_pages_join_without_gap_or_overlap(viewer: httpx.AsyncClient) -> None:
    values, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        more = {"after": cursor} if cursor else {}
        page = (await ask(viewer, from_="2026-11-18T11:04:00Z", to="2026-11-18T11:06:40Z", limit=2, **more)).json()
        values += [one["value"] for one in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert (values, pages) == ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 3)


@pytest.mark.usefixtures("filled")
async def test_buckets_leave_bad_values_out_and_show_gaps(viewer: httpx.AsyncClient) -> None:
    answer = (await ask(viewer, from_="2026-11-18T11:03:00Z", to="2026-11-18T11:06:00Z", every="1m")).json()
    assert answer["items"] == [
        {"at": "2026-11-18T11:03:00.000Z", "value": None, "samples": 0},
        {"at": "2026-11-18T11:04:00.000Z", "value": 1.0, "samples": 3},
        {"at": "2026-11-18T11:05:00.000Z", "value": 3.5, "samples": 2},
    ]
    assert (answer["unit"], answer["next"]) == ("%{LEL}", None)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("agg", "value", "unit"), [("max", 4.0, "%{LEL}"), ("count", 5.0, "1"), ("last", 4.0, "%{LEL}")]
)
async def test_buckets_are_made_as_asked(viewer: httpx.AsyncClient, agg: str, value: float, unit: str) -> None:
    answer = (await ask(viewer, from_="2026-11-18T11:00:00Z", to="2026-11-18T12:00:00Z", every="1h", agg=agg)).json()
    assert ([one["value"] for one in answer["items"]], answer["unit"]) == ([value], unit)


@pytest.mark.usefixtures("filled")
async def test_values_are_live_unless_asked(viewer: httpx.AsyncClient) -> None:
    answer = (await ask(viewer, from_="-5m", origin="drill")).json()
    assert [one["value"] for one in answer["items"]] == [60.0]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("fill", "values"),
    [
        ("null", [None, 1.0, 3.5, None]),
        ("none", [1.0, 3.5]),
        ("0", [0.0, 1.0, 3.5, 0.0]),
        ("previous", [None, 1.0, 3.5, 3.5]),
    ],
)
async def test_gaps_are_filled_as_asked(viewer: httpx.AsyncClient, fill: str, values: list[float | None]) -> None:
    answer = await ask(viewer, from_="2026-11-18T11:03:00Z", to="2026-11-18T11:07:00Z", every="1m", fill=fill)
    assert [one["value"] for one in answer.json()["items"]] == values


@pytest.mark.usefixtures("filled")
async def test_a_day_is_one_of_the_sites_time_zone_and_24h_are_not(viewer: httpx.AsyncClient) -> None:
    span = {"from_": "2026-11-18T11:00:00Z", "to": "2026-11-18T12:00:00Z", "agg": "count"}
    days, hours = [(await ask(viewer, every=every, **span)).json()["items"] for every in ("1d", "24h")]
    assert days == [{"at": "2026-11-17T16:00:00.000Z", "value": 5.0, "samples": 5}]
    assert hours == [{"at": "2026-11-18T00:00:00.000Z", "value": 5.0, "samples": 5}]


async def grouped(viewer: httpx.AsyncClient, **more: str) -> dict[str, list[float | None]]:
    """The values of an hour by group."""
    span = {"from": "2026-11-18T11:00:00Z", "to": "2026-11-18T12:00:00Z", "every": "1h"}
    answer = await viewer.get("/api/v1/telemetry", params={"point": "methane", **span, **more})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["group"], body["point"]) == (more["group"], "methane")
    return {one["name"]: [item["value"] for item in one["items"]] for one in body["items"]}


async def test_groups_of_devices_answer_side_by_side(
    viewer: httpx.AsyncClient, filled: DuckStore, gas: Profile
) -> None:
    filled.write([reading_of(gas, "t:gas:2", MINUTE_START, {"methane": 12.0})], {})
    assert await grouped(viewer, group="device") == {"t:gas:1": [2.0], "t:gas:2": [12.0]}
    assert await grouped(viewer, group="device", device="t:gas:2") == {"t:gas:2": [12.0]}
    assert await grouped(viewer, group="area", agg="max") == {"street/hotpot": [12.0]}
    assert await grouped(viewer, group="profile", agg="count", profile="gengfu/gas-alarm") == {
        "gengfu/gas-alarm": [6.0]
    }
    assert await grouped(viewer, group="origin", agg="max") == {"drill": [60.0], "live": [12.0]}
    assert await grouped(viewer, group="device", origin="drill") == {"t:gas:1": [60.0]}
    assert await grouped(viewer, group="device", origin="simulated") == {}


async def test_more_than_one_answer_holds_is_told(
    viewer: httpx.AsyncClient, store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise QueryRefused("more than 100000 buckets over all groups")

    monkeypatch.setattr(store, "grouped", refused)
    answer = await ask(viewer, every="1m", group="device")
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.group")


@pytest.mark.parametrize("agg", ["count", "last"])
async def test_a_text_has_no_buckets(viewer: httpx.AsyncClient, agg: str) -> None:
    answer = await ask(viewer, point="words", every="1m", agg=agg)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.every")


async def test_what_is_measured_in_several_units_is_counted_or_asked_of_one_profile(viewer: httpx.AsyncClient) -> None:
    asked = {"point": "supply", "every": "1m", "group": "area"}
    answer = await viewer.get("/api/v1/telemetry", params=asked)
    assert "this point has several units (V, mV); name a profile" in answer.json()["detail"]
    for more, unit in (({"agg": "count"}, "1"), ({"profile": "gengfu/smart-bin"}, "mV")):
        answer = await viewer.get("/api/v1/telemetry", params={**asked, **more})
        assert (answer.status_code, answer.json()["unit"]) == (200, unit)


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        ({"point": "smell"}, "query.point", "this device has no point 'smell'; it has methane, co, "),
        ({"from": "yesterday"}, "query.from", "'yesterday' is neither RFC 3339"),
        ({"to": "2026-11-18T11:00:00"}, "query.to", "with a time zone"),
        ({"from": "-1h", "to": "-2h"}, "query.from", "must be before `to`"),
        ({"every": "1 fortnight"}, "query.every", "is not a duration such as 10s"),
        ({"every": "1s", "from": "-1d"}, "query.every", "more than 10000 buckets"),
        ({"every": "1m", "agg": "median"}, "query.agg", "'mean'"),
        ({"every": "1m", "fill": "guess"}, "query.fill", "'previous'"),
        ({"fill": "previous"}, "query.fill", "only with `every`"),
        ({"every": "1m", "group": "color"}, "query.group", "'device'"),
        ({"group": "device"}, "query.group", "only with `every`"),
        ({"profile": "gengfu/gas-alarm"}, "query.profile", "only with `group`"),
        ({"device": None, "every": "1m"}, "query.device", "name a device, or a `group`"),
        ({"device": None, "every": "1m", "group": "area", "point": "smell"}, "query.point", "no device has a point"),
        (
            {"device": None, "every": "1m", "group": "area", "profile": "gengfu/drone"},
            "query.profile",
            "there is gengfu/gas-alarm, gengfu/smart-bin",
        ),
        ({"every": "400d", "from": "-9d"}, "query.every", "at most 366d"),
        ({"after": "x"}, "query.after", "is not a `next` of this query"),
        ({"after": str(START + 1)}, "query.after", "is not a `next` of this query"),
        ({"after": "²"}, "query.after", "is not a `next` of this query"),
        ({"limit": "10001"}, "query.limit", "less than or equal to 10000"),
        ({"origin": "real"}, "query.origin", "'live', 'drill' or 'simulated'"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong_where(
    viewer: httpx.AsyncClient, more: dict[str, str | None], where: str, what: str
) -> None:
    asked = {key: value for key, value in {**QUESTION, **more}.items() if value is not None}
    answer = await viewer.get("/api/v1/telemetry", params=asked)
    problem = answer.json()
    assert (answer.status_code, [one["where"] for one in problem["errors"]]) == (422, [where])
    assert what in problem["errors"][0]["what"]
    assert where in problem["detail"]
    assert where in problem["detail_zh"]


async def test_an_unknown_device_is_404(viewer: httpx.AsyncClient) -> None:
    assert (await ask(viewer, device="t:gas:9")).status_code == 404


async def test_a_store_that_does_not_answer_is_503(
    viewer: httpx.AsyncClient, store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise StoreUnavailable("disk full at /secret/path")

    monkeypatch.setattr(store, "samples", unavailable)
    answer = await ask(viewer)
    assert (answer.status_code, answer.headers["retry-after"], "/secret" in answer.text) == (503, "10", False)
