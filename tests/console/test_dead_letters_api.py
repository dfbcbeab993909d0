"""The API's dead letters, over a real DuckDB and a real influxd: seen by all, tried again and deleted by officers."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from console.app import create_app
from console.roles import Role
from console.services import ConsoleServices
from gengfu.letter_board import SHOWN_BYTES, LetterBoard, LetterKeeper
from protocols.profile.model import Profile
from protocols.reading import encode_reading
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import Sink, StoredItem, duck_sink
from telemetry.store import Series
from tests.console.conftest import BASE, START, Clock, reading_of
from tests.fixtures.influx import Influxd

pytestmark = pytest.mark.server
NEW = "t:gas:new"
LETTERS = "/api/v1/dead-letters"
REPLAY = f"{LETTERS}/replay"


@pytest.fixture
def database(influxd: Influxd) -> str:
    return influxd.database()


@pytest.fixture
def series() -> dict[str, Series]:
    """What the stores know; nothing yet."""
    return {}


@pytest.fixture
def store(series: dict[str, Series], tmp_path: Path, clock: Clock) -> Iterator[DuckStore]:
    with closing(DuckStore.open(tmp_path / "telemetry.duckdb", series.get, now=clock.ns)) as opened:
        yield opened


@pytest.fixture
def sink(
    influxd: Influxd, database: str, series: dict[str, Series], tmp_path: Path, clock: Clock
) -> Iterator[InfluxSink]:
    chosen = InfluxSettings(url=influxd.url, database=database)
    with closing(InfluxSink(chosen, series.get, tmp_path / "influx.db", now=clock.ns)) as opened:
        yield opened


@pytest.fixture
def board(store: DuckStore, sink: InfluxSink) -> LetterBoard:
    return LetterBoard(store, sink)


@pytest.fixture
def services(services: ConsoleServices, board: LetterBoard) -> ConsoleServices:
    return replace(services, letters=board)


@pytest.fixture(params=["duckdb", "influxdb"])
def name(request: pytest.FixtureRequest) -> str:
    """The store whose letters they are."""
    return str(request.param)


@pytest.fixture
def consumer(name: str, store: DuckStore, sink: InfluxSink) -> Sink:
    return sink if name == "influxdb" else duck_sink(store)


@pytest.fixture
def keeper(name: str, store: DuckStore, sink: InfluxSink) -> LetterKeeper:
    return sink if name == "influxdb" else store


@pytest.fixture
def batch(gas: Profile) -> list[StoredItem]:
    """Three readings of a device that nobody registered, and one body that is none."""
    bodies = [encode_reading(reading_of(gas, NEW, START + n, {"methane": float(n)})) for n in range(3)]
    return [(n + 1, 5, "reading", body) for n, body in enumerate([*bodies, b"\xc1"])]


def series_of(gas: Profile) -> Series:
    return Series(gas.id, gas.kind, "demo", "street/hotpot", tuple(point.name for point in gas.points))


async def test_letters_of_both_stores_are_listed_page_by_page(
    viewer: httpx.AsyncClient, store: DuckStore, sink: InfluxSink, batch: list[StoredItem]
) -> None:
    sink.consume(batch)
    duck_sink(store).consume(batch)
    found, after = [], None
    for _ in range(4):
        asked = {"limit": "3", **({"after": after} if after else {})}
        answer = (await viewer.get(LETTERS, params=asked)).json()
        found.append([(one["store"], one["id"]) for one in answer["items"]])
        after = answer["next"]
        if after is None:
            break
    assert found == [
        [("duckdb", 1), ("duckdb", 2), ("duckdb", 3)],
        [("duckdb", 4), ("influxdb", 1), ("influxdb", 2)],
        [("influxdb", 3), ("influxdb", 4)],
    ]
    assert answer["stores"] == [
        {"store": "duckdb", "count": 4, "dropped": 0},
        {"store": "influxdb", "count": 4, "dropped": 0},
    ]


async def test_a_letter_says_whose_it_is_when_and_why(
    viewer: httpx.AsyncClient, sink: InfluxSink, batch: list[StoredItem]
) -> None:
    sink.consume(batch)
    first, *_, last = (await viewer.get(LETTERS, params={"store": "influxdb"})).json()["items"]
    assert first == {
        "id": 1,
        "store": "influxdb",
        "partition": 5,
        "position": 1,
        "reason": "the device is not registered",
        "kind": "reading",
        "at": "2026-11-18T11:06:40.000Z",
        "device": NEW,
        "sampled_at": "2026-11-18T11:06:40.000Z",
        "size": len(batch[0][3]),
        "text": None,
        "hex": batch[0][3].hex(),
    }
    assert (last["device"], last["sampled_at"], last["hex"], last["size"]) == (None, None, "c1", 1)
    assert last["reason"].startswith("not a reading: ")


async def test_a_long_line_is_shown_from_its_beginning(
    viewer: httpx.AsyncClient,
    influxd: Influxd,
    database: str,
    sink: InfluxSink,
    series: dict[str, Series],
    gas: Profile,
) -> None:
    series[NEW] = series_of(gas)
    influxd.write(f"gas_alarm,device=x methane=1.0 {START}", database)
    body = encode_reading(reading_of(gas, NEW, START, {"methane": "气" * 30_000}))
    sink.consume([(1, 5, "reading", body)])
    (one,) = (await viewer.get(LETTERS, params={"store": "influxdb"})).json()["items"]
    assert (one["kind"], one["device"], one["hex"]) == ("line", NEW, None)
    assert one["size"] > 90_000
    assert one["text"].startswith(f"gas_alarm,device={NEW},")
    assert SHOWN_BYTES - 3 < len(one["text"].encode()) <= SHOWN_BYTES


async def test_letters_are_stored_when_their_device_was_registered(
    officer: httpx.AsyncClient,
    influxd: Influxd,
    database: str,
    name: str,
    consumer: Sink,
    store: DuckStore,
    batch: list[StoredItem],
    series: dict[str, Series],
    gas: Profile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    consumer.consume(batch)
    series[NEW] = series_of(gas)
    ids = {one["reason"][:5]: one["id"] for one in (await officer.get(LETTERS)).json()["items"]}
    some = await officer.post(REPLAY, json={"store": name, "ids": [ids["the d"], ids["not a"], 99]})
    assert some.status_code == 200
    assert some.json()["refusals"][0]["id"] == ids["not a"]
    assert {key: some.json()[key] for key in ("store", "stored", "refused", "gone", "next")} == {
        "store": name, "stored": 1, "refused": 1, "gone": 1, "next": None,
    }  # fmt: skip
    with caplog.at_level(logging.INFO):
        rest = (await officer.post(REPLAY, json={"store": name, "all": True})).json()
    assert (rest["stored"], rest["refused"], rest["gone"]) == (2, 1, 0)
    assert f"dead letters of {name}, tried again by officer: 2 stored, 1 refused" in caplog.text
    rows = influxd.query("SELECT methane FROM gas_alarm", database)
    kept = [one.at for one in store.samples(NEW, "methane", START, START + 10)]
    assert (kept if name == "duckdb" else [row["time"] for row in rows]) == [START, START + 1, START + 2]
    assert [one["id"] for one in (await officer.get(LETTERS)).json()["items"]] == [ids["not a"]]


async def test_a_letter_is_deleted_by_a_person_and_the_log_says_by_whom(
    officer: httpx.AsyncClient,
    name: str,
    consumer: Sink,
    keeper: LetterKeeper,
    batch: list[StoredItem],
    caplog: pytest.LogCaptureFixture,
) -> None:
    consumer.consume(batch)
    with caplog.at_level(logging.WARNING):
        assert (await officer.delete(f"{LETTERS}/{name}/2")).status_code == 204
    assert f"dead letter 2 of {name} deleted by officer: reading of device {NEW}" in caplog.text
    again = await officer.delete(f"{LETTERS}/{name}/2")
    assert (again.status_code, again.json()["type"]) == (404, "urn:gengfu:problem:unknown-letter")
    assert (await officer.delete(f"{LETTERS}/nowhere/1")).status_code == 404
    assert keeper.dead_letter_count() == 3


async def test_who_only_looks_changes_nothing(
    viewer: httpx.AsyncClient,
    name: str,
    consumer: Sink,
    keeper: LetterKeeper,
    batch: list[StoredItem],
    series: dict[str, Series],
    gas: Profile,
) -> None:
    consumer.consume(batch)
    series[NEW] = series_of(gas)
    assert (await viewer.post(REPLAY, json={"store": name, "all": True})).status_code == 403
    assert (await viewer.delete(f"{LETTERS}/{name}/1")).status_code == 403
    assert keeper.dead_letter_count() == 4


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"store": "influxdb"}, 422),
        ({"store": "influxdb", "ids": [1], "all": True}, 422),
        ({"store": "influxdb", "ids": [0]}, 422),
        ({"store": "influxdb", "ids": [2**63]}, 422),
        ({"store": "influxdb", "all": True, "after": -1}, 422),
        ({"store": "duckdb", "all": True}, 200),
        ({"store": "nowhere", "all": True}, 404),
        ({"store": "influxdb", "ids": []}, 200),
        ({"store": "influxdb", "all": True, "after": 2**63 - 1}, 200),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    officer: httpx.AsyncClient, wish: dict[str, object], status: int
) -> None:
    assert (await officer.post(REPLAY, json=wish)).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("?store=nowhere", 404),
        ("?after=nowhere:1", 422),
        ("?after=duckdb:x", 422),
        ("?after=1", 422),
        ("?store=influxdb&after=duckdb:1", 422),
        (f"?after=duckdb:{2**63}", 422),
        (f"?after=duckdb:{2**63 - 1}", 200),
        (f"?after=influxdb:{2**63 - 1}", 200),
        ("?limit=0", 422),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(viewer: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await viewer.get(LETTERS + path)).status_code == status


async def test_letters_are_kept_while_the_server_is_down(
    bearer: Callable[[Role], dict[str, str]],
    influxd_own: Influxd,
    tmp_path: Path,
    services: ConsoleServices,
    store: DuckStore,
    root: Path,
    batch: list[StoredItem],
    gas: Profile,
) -> None:
    known: dict[str, Series] = {}
    chosen = InfluxSettings(url=influxd_own.url, database=influxd_own.database(), timeout_s=5)
    with closing(InfluxSink(chosen, known.get, tmp_path / "own.db")) as down:
        down.consume(batch)
        known[NEW] = series_of(gas)
        influxd_own.stop()
        app = create_app(replace(services, letters=LetterBoard(store, down)), root)
        transport, headers = httpx.ASGITransport(app), bearer(Role.OFFICER)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as officer:
            answer = await officer.post(REPLAY, json={"store": "influxdb", "all": True})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:gengfu:problem:letters-unavailable")
        assert down.dead_letter_count() == 4


def test_metrics_count_the_letters_of_each_store(
    board: LetterBoard, store: DuckStore, sink: InfluxSink, batch: list[StoredItem]
) -> None:
    sink.consume(batch)
    duck_sink(store).consume(batch[:1])
    registry = CollectorRegistry()
    registry.register(board)
    text = generate_latest(registry).decode()
    assert 'gengfu_dead_letters{store="influxdb"} 4.0' in text
    assert 'gengfu_dead_letters{store="duckdb"} 1.0' in text
    assert 'gengfu_dead_letters_dropped{store="influxdb"} 0.0' in text
    assert 'gengfu_dead_letters_dropped{store="duckdb"} 0.0' in text


async def test_a_console_without_influxdb_shows_the_letters_of_duckdb(
    services: ConsoleServices, store: DuckStore, batch: list[StoredItem]
) -> None:
    duck_sink(store).consume(batch[:2])
    alone = LetterBoard(store, None)
    page = alone.page("", 10, None)
    assert page is not None
    assert [one["store"] for one in page.items] == ["duckdb", "duckdb"]
    assert not alone.has("influxdb")
    assert [one["store"] for one in alone.stores()] == ["duckdb"]
