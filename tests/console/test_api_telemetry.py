"""Measured values over HTTP, from a real store."""

from typing import Any

import httpx
import pytest

from protocols.profile.model import Profile
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.duck import DuckStore
from telemetry.errors import StoreUnavailable
from tests.console.conftest import START, reading_of

SECOND = 10**9
MINUTE_START = START // (60 * SECOND) * 60 * SECOND
QUESTION = {"device": "t:gas:1", "point": "methane"}


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
        ({"after": "x"}, "query.after", "is not a `next` of this query"),
        ({"after": str(START + 1)}, "query.after", "is not a `next` of this query"),
        ({"after": "²"}, "query.after", "is not a `next` of this query"),
        ({"limit": "10001"}, "query.limit", "less than or equal to 10000"),
        ({"origin": "real"}, "query.origin", "'live', 'drill' or 'simulated'"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong_where(
    viewer: httpx.AsyncClient, more: dict[str, str], where: str, what: str
) -> None:
    answer = await viewer.get("/api/v1/telemetry", params={**QUESTION, **more})
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
