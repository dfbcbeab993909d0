"""The API's journal: its room, the stores it feeds, and who may say that one of them is not waited for."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from console.roles import Role
from console.services import ConsoleServices
from gengfu.consumers import Consumers
from gengfu.stores import StoreFeed
from journal.entry import Entry
from journal.errors import JournalUnusable
from journal.sqlite import SqliteJournal
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import duck_sink
from tests.console.conftest import START, Clock, Connect
from tests.console.test_api_problems import is_problem

MAX_BYTES = 1 << 20
STORED = 3
FORGET = "/api/v1/journal/consumers/influxdb/forget"
REMEMBER = "/api/v1/journal/consumers/influxdb/remember"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = SqliteJournal.open(tmp_path / "journal", now=START, max_bytes=MAX_BYTES)
    await opened.append([Entry("reading", str(number), 0, START, b"x") for number in range(STORED)])
    yield opened
    await opened.close()


@pytest.fixture
def services(
    services: ConsoleServices, journal: SqliteJournal, store: DuckStore, tmp_path: Path, clock: Clock
) -> ConsoleServices:
    """Two stores that are not being fed."""
    influx = InfluxSink(InfluxSettings(url="http://127.0.0.1:9"), lambda _: None, tmp_path / "influx.db")
    influx.close()
    feeds = [StoreFeed("duckdb", journal, duck_sink(store), 1.0), StoreFeed("influxdb", journal, influx, 1.0)]
    return replace(services, journal=Consumers(journal, MAX_BYTES, feeds, clock.ns))


@pytest.fixture
def admin(connect: Connect, bearer: Callable[[Role], dict[str, str]]) -> httpx.AsyncClient:
    return connect(headers=bearer(Role.ADMIN))


async def test_everybody_sees_how_full_the_journal_is_and_what_the_stores_have_not_taken(
    viewer: httpx.AsyncClient, journal: SqliteJournal
) -> None:
    answer = await viewer.get("/api/v1/journal")
    one = {"lag": STORED, "problem": "is not being fed", "forgotten": None, "missing": None}
    assert answer.json() == {
        "used_bytes": journal.used_bytes,
        "max_bytes": MAX_BYTES,
        "segments": {"count": 1, "oldest_begun_at": "2026-11-18T11:06:40.000Z"},
        "consumers": [{"name": "duckdb", **one}, {"name": "influxdb", **one}],
    }


async def test_an_admin_forgets_a_store_by_name_and_remembers_it(
    admin: httpx.AsyncClient, viewer: httpx.AsyncClient, clock: Clock
) -> None:
    clock.advance(1)
    answer = await admin.post(FORGET)
    assert (answer.status_code, answer.json()["forgotten"]) == (
        200,
        {"since": "2026-11-18T11:06:41.000Z", "by": "admin", "untaken": STORED},
    )
    clock.advance(1)
    assert (await admin.post(FORGET)).json() == answer.json()
    assert (await viewer.get("/api/v1/journal")).json()["consumers"][1] == answer.json()
    assert (await admin.post(REMEMBER)).json()["forgotten"] is None
    again = await admin.post(REMEMBER)
    assert (again.status_code, again.json()["forgotten"]) == (200, None)


async def test_a_store_that_is_not_there_is_a_problem_that_names_those_that_are(admin: httpx.AsyncClient) -> None:
    for path in (FORGET, REMEMBER):
        problem = is_problem(await admin.post(path.replace("influxdb", "nobody")))
        assert (problem["status"], problem["type"]) == (404, "urn:gengfu:problem:unknown-consumer")
        assert problem["names"] == ["duckdb", "influxdb"]
        assert "duckdb, influxdb" in problem["detail"]


async def test_the_last_store_that_is_waited_for_is_not_forgotten(admin: httpx.AsyncClient) -> None:
    assert (await admin.post(FORGET)).status_code == 200
    problem = is_problem(await admin.post(FORGET.replace("influxdb", "duckdb")))
    assert (problem["status"], problem["type"]) == (409, "urn:gengfu:problem:not-forgotten")
    assert "the only store" in problem["detail"]
    assert "唯一" in problem["detail_zh"]


async def test_a_decision_that_cannot_be_stored_is_not_taken(
    admin: httpx.AsyncClient, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        async def append(*_: object) -> int:
            raise JournalUnusable("the disk is read-only")

        broken.setattr(journal, "append", append)
        assert is_problem(await admin.post(FORGET))["status"] == 503
    assert (await admin.get("/api/v1/journal")).json()["consumers"][1]["forgotten"] is None


@pytest.mark.parametrize("path", [FORGET, REMEMBER])
async def test_nobody_else_decides(
    path: str, officer: httpx.AsyncClient, viewer: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    answers = [await one.post(path) for one in (officer, viewer, client)]
    assert [one.status_code for one in answers] == [403, 403, 401]
    assert (await viewer.get("/api/v1/journal")).json()["consumers"][1]["forgotten"] is None
